//! The rows of the ledger about a month.

use std::collections::BTreeMap;

use incident_core::billing::{CappedCredit, CreditState};
use incident_core::port::CreditQuery;
use incident_core::{CreditId, Money, Month, Percent, Period, PeriodKind, TenantId};

use crate::http::problem::Problem;
use crate::state::AppState;

/// The rows of the ledger about a month, and about the quarter and the year that it lies in, by
/// tenant.
pub(super) struct MonthLedger(BTreeMap<TenantId, Vec<CappedCredit>>);

impl MonthLedger {
    /// Loads the rows of one tenant, or of all.
    ///
    /// # Errors
    /// Returns the problem of the store.
    pub(super) async fn load(
        state: &AppState,
        month: Month,
        tenant: Option<&TenantId>,
    ) -> Result<Self, Problem> {
        let mut rows: BTreeMap<TenantId, Vec<CappedCredit>> = BTreeMap::new();
        for kind in [PeriodKind::Month, PeriodKind::Quarter, PeriodKind::Year] {
            let wanted = CreditQuery {
                period: Some(Period::of_month(month, kind)),
                tenant: tenant.cloned(),
                ..CreditQuery::default()
            };
            for credit in state.incidents().credits().list(&wanted).await? {
                let of_tenant = rows.entry(credit.row.tenant_id.clone()).or_default();
                of_tenant.push(credit);
            }
        }
        Ok(Self(rows))
    }

    /// Returns the rows of a tenant for a period, in the order of the ledger.
    pub(super) fn of<'l>(
        &'l self,
        tenant: &TenantId,
        period: Period,
    ) -> impl Iterator<Item = &'l CappedCredit> {
        let rows = self.0.get(tenant).into_iter().flatten();
        rows.filter(move |credit| credit.row.period == period)
    }

    /// Returns all rows.
    pub(super) fn all(&self) -> impl Iterator<Item = &CappedCredit> {
        self.0.values().flatten()
    }

    /// Returns the row of an id.
    pub(super) fn find(&self, id: CreditId) -> Option<&CappedCredit> {
        self.all().find(|credit| credit.row.id == id)
    }
}

/// Returns `true` if a person has to decide about a credit.
pub(super) fn is_open(credit: &CappedCredit) -> bool {
    credit.row.state == CreditState::Estimated && credit.capped > Percent::ZERO
}

/// Returns the amount of a credit; that of a reversal is negative.
pub(super) fn signed_amount(credit: &CappedCredit) -> Option<Money> {
    let amount = credit.amount?;
    Some(match credit.row.reverses {
        Some(_) => Money {
            minor: amount.minor.saturating_neg(),
            ..amount
        },
        None => amount,
    })
}
