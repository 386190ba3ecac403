//! What is decided on credits, and by whom.

use serde::Deserialize;

use super::{Approval, CreditState, Issued};
use crate::{CreditId, Percent, Statement};

/// What is decided on a credit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreditDecision {
    /// It is to be issued.
    Approve,
    /// It is not.
    Waive {
        /// Why.
        reason: Statement,
    },
}

impl CreditDecision {
    /// The state it leads to.
    #[must_use]
    pub const fn state(&self) -> CreditState {
        match self {
            Self::Approve => CreditState::Approved,
            Self::Waive { .. } => CreditState::Waived,
        }
    }

    /// Its name in the audit trail.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Approve => "approve_credit",
            Self::Waive { .. } => "waive_credit",
        }
    }
}

/// Who may approve what. By default a person approves every credit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CreditPolicy {
    /// Who made, ended or corrected what a credit is computed from does not approve it.
    pub four_eyes: bool,
    /// Credits up to this are approved without a person, once the incident is over.
    #[serde(rename = "approve_up_to_percent")]
    pub approve_up_to: Option<Percent>,
}

/// A credit that changes its state, if it is still in the one that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditTransition {
    /// The credit.
    pub id: CreditId,
    /// The state it must be in.
    pub from: CreditState,
    /// The state it gets.
    pub to: CreditState,
    /// What is granted, from when it is approved on; nothing otherwise.
    pub granted: Option<Approval>,
    /// When it was issued, from then on.
    pub issued: Option<Issued>,
}
