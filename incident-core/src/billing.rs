//! Rows of the credit ledger.

use serde::{Deserialize, Serialize};

use crate::{
    CreditId, IncidentId, Money, Month, Name, Percent, PersonName, Statement, TenantId, Timestamp,
};

/// Where a credit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CreditState {
    /// Computed, not yet decided.
    Estimated,
    /// To be issued.
    Approved,
    /// Not to be issued.
    Waived,
    /// Sent to billing.
    Issued,
    /// A newer revision took its place before it was decided.
    Superseded,
}

impl CreditState {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Estimated,
        Self::Approved,
        Self::Waived,
        Self::Issued,
        Self::Superseded,
    ];

    /// Its name on the wire and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Estimated => "estimated",
            Self::Approved => "approved",
            Self::Waived => "waived",
            Self::Issued => "issued",
            Self::Superseded => "superseded",
        }
    }
}

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
    /// Who ended or corrected the incident does not approve its credits.
    pub four_eyes: bool,
    /// Credits up to this are approved without a person, once the incident is over.
    #[serde(rename = "approve_up_to_percent")]
    pub approve_up_to: Option<Percent>,
}

/// What was granted when a credit was approved. It changes no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// The credit under the cap of its tenant and month, in percent of the fee.
    pub percent: Percent,
    /// The same of the month's fee, where that was known.
    pub amount: Option<Money>,
    /// Who approved it.
    pub by: PersonName,
    /// When.
    pub at: Timestamp,
}

/// A credit that changes its state, if it is still in the one that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditMove {
    /// The credit.
    pub id: CreditId,
    /// The state it must be in.
    pub from: CreditState,
    /// The state it gets.
    pub to: CreditState,
    /// What is granted, where it is approved; nothing otherwise.
    pub granted: Option<Granted>,
}

/// What one tenant is owed for one incident. The key is (tenant, incident,
/// revision); there is one row per key, ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRow {
    /// The id.
    pub id: CreditId,
    /// The incident.
    pub incident_id: IncidentId,
    /// The tenant.
    pub tenant_id: TenantId,
    /// Which computation of the incident's credits; 1 for the first.
    pub revision: u32,
    /// The month of the outage's end.
    pub period: Month,
    /// The outage that hit the tenant, in microseconds.
    pub outage_us: u64,
    /// The incident's own tier, before the cap of the month.
    pub credit: Percent,
    /// The terms it was computed with.
    pub terms_version: Name,
    /// Where it stands.
    pub state: CreditState,
    /// Whose command led to it: who ended the incident, or corrected it.
    pub author: PersonName,
    /// What was granted, once it was approved.
    pub granted: Option<Granted>,
}

/// A row with what is left of its credit under the cap of tenant and month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CappedRow {
    /// The row.
    pub row: LedgerRow,
    /// The credit after the cap.
    pub capped: Percent,
}

/// Applies the cap of each tenant and month: all credits of one tenant in one
/// month together are at most what `cap` says of it. Earlier rows take first.
///
/// Rows that were superseded or waived take nothing.
#[must_use]
pub fn cap_months(rows: Vec<LedgerRow>, cap: impl Fn(&LedgerRow) -> Percent) -> Vec<CappedRow> {
    let mut taken: std::collections::BTreeMap<(TenantId, Month), Percent> =
        std::collections::BTreeMap::new();
    rows.into_iter()
        .map(|row| {
            if matches!(row.state, CreditState::Superseded | CreditState::Waived) {
                return CappedRow {
                    capped: Percent::ZERO,
                    row,
                };
            }
            let used = taken
                .entry((row.tenant_id.clone(), row.period))
                .or_default();
            // What was granted stays granted, whatever became of the terms.
            let capped = match &row.granted {
                Some(granted) => granted.percent,
                None => row.credit.min(cap(&row).saturating_sub(*used)),
            };
            *used = used.saturating_add(capped);
            CappedRow { row, capped }
        })
        .collect()
}
