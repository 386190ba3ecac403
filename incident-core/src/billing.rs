//! Rows of the credit ledger.

use serde::{Deserialize, Serialize};

use crate::{CreditId, IncidentId, Month, Name, Percent, TenantId};

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
}

/// A row with what is left of its credit under the cap of tenant and month.
#[derive(Clone, Debug, PartialEq, Eq)]
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
            let capped = row.credit.min(cap(&row).saturating_sub(*used));
            *used = used.saturating_add(capped);
            CappedRow { row, capped }
        })
        .collect()
}
