//! Decisions on credits, and the rules for approval.

use serde::Deserialize;

use super::{Approval, CreditState, Issued};
use crate::{CreditId, Percent, Statement};

/// A decision on a credit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreditDecision {
    /// The credit is to be issued.
    Approve,
    /// The credit is not to be issued.
    Waive {
        /// The reason.
        reason: Statement,
    },
}

impl CreditDecision {
    /// Returns the state that the decision leads to.
    #[must_use]
    pub const fn state(&self) -> CreditState {
        match self {
            Self::Approve => CreditState::Approved,
            Self::Waive { .. } => CreditState::Waived,
        }
    }

    /// Returns the name in the audit trail.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Approve => "approve_credit",
            Self::Waive { .. } => "waive_credit",
        }
    }
}

/// The rules for approval. By default a person approves every credit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CreditPolicy {
    /// If `true`, a person who made, ended or corrected an input of a credit cannot approve it.
    pub four_eyes: bool,
    /// The maximum credit that is approved without a person, once the incident is over.
    #[serde(rename = "approve_up_to_percent")]
    pub approve_up_to: Option<Percent>,
}

/// A change of a credit's state, applied only if the credit is still in the expected one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditTransition {
    /// The credit.
    pub id: CreditId,
    /// The expected state.
    pub from: CreditState,
    /// The new state.
    pub to: CreditState,
    /// The approval, in every state from approved on; `None` otherwise.
    pub granted: Option<Approval>,
    /// The issue to billing, in the issued state; `None` otherwise.
    pub issued: Option<Issued>,
}
