//! The standing check that statements and the ledger agree for every tenant and period.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::billing::{CappedCredit, CreditState, LedgerRow, cap_periods, newest};
use crate::engine::{Error, Incidents, ReportsHandle};
use crate::port::CreditQuery;
use crate::sla::{Basis, Downtime, IncidentShare, Outages, SlaStatement};
use crate::{Money, Month, Percent, Period, PeriodKind, TenantId};

/// A figure that differs between the statement of a tenant and period and the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FigureMismatch {
    /// The tenant.
    pub tenant: TenantId,
    /// The month, quarter or year.
    pub period: Period,
    /// The figure: `credit`, `amount` or `outage`.
    pub figure: &'static str,
    /// The figure of the statement.
    pub statement: String,
    /// The figure of the newest rows of the ledger.
    pub ledger: String,
}

impl fmt::Display for FigureMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} in {}: the statement says {}, the ledger {}",
            self.figure, self.tenant, self.period, self.statement, self.ledger
        )
    }
}

impl ReportsHandle<'_> {
    /// Returns the outages of each tenant about a month, by tenant; its statements are computed
    /// from them.
    ///
    /// # Errors
    /// Fails as [`statements`](crate::engine::ReportsHandle::statements) does.
    pub async fn outages(
        self,
        month: Month,
        tenant: Option<&TenantId>,
    ) -> Result<BTreeMap<TenantId, Vec<IncidentShare>>, Error> {
        let this = self.0;
        let only = tenant.map(|tenant| BTreeSet::from([tenant.clone()]));
        this.outages_about(month, only.as_ref(), super::statements::MAX_OUTAGES)
            .await
            .map(Outages::into_shares)
    }

    /// Compares the statement of every tenant about a month with the ledger, and returns the
    /// differences. Reading writes nothing.
    ///
    /// Periods and incidents that go on are left out, and so are tenants with a credit about the
    /// month that was waived. Credits that a message of the outbox still has to compute differ
    /// until it is handled; those of terms or fees that have changed differ until
    /// [`recompute`](crate::engine::CreditsHandle::recompute).
    ///
    /// # Errors
    /// Fails as [`statements`](crate::engine::ReportsHandle::statements) does.
    pub async fn check_figures(self, month: Month) -> Result<Vec<FigureMismatch>, Error> {
        let this = self.0;
        if !this.has_sla() {
            return Ok(Vec::new());
        }
        let mut rows: BTreeMap<TenantId, Vec<CappedCredit>> = BTreeMap::new();
        for kind in [PeriodKind::Month, PeriodKind::Quarter, PeriodKind::Year] {
            let wanted = CreditQuery {
                period: Some(Period::of_month(month, kind)),
                ..CreditQuery::default()
            };
            for row in this.credits().list(&wanted).await? {
                let tenant = row.row.tenant_id.clone();
                rows.entry(tenant).or_default().push(row);
            }
        }
        let made = this.reports().statements(month, None).await?.into_iter();
        let mut statements: BTreeMap<TenantId, SlaStatement> =
            made.map(|one| (one.tenant.clone(), one)).collect();
        for tenant in rows.keys() {
            if !statements.contains_key(tenant) {
                let made = this.reports().statements(month, Some(tenant)).await?;
                statements.extend(made.into_iter().map(|one| (tenant.clone(), one)));
            }
        }
        let mut found = Vec::new();
        for (tenant, statement) in statements {
            if !statement.provisional {
                let rows = rows.remove(&tenant).unwrap_or_default();
                found.extend(this.mismatches(&statement, &rows));
            }
        }
        Ok(found)
    }
}

impl Incidents {
    /// Returns the figures in which a statement and all rows of its tenant about the month differ.
    fn mismatches(&self, statement: &SlaStatement, rows: &[CappedCredit]) -> Vec<FigureMismatch> {
        let (mut standing, waived) = standing(rows);
        if waived {
            return Vec::new();
        }
        let waits = |one: &CappedCredit| {
            one.row.reverses.is_some() && one.row.state == CreditState::Estimated
        };
        if rows.iter().any(waits) {
            // A credit with an estimated reversal still takes up room until the reversal is
            // approved: the ledger is compared as it will be then.
            let undecided = |one: CappedCredit| LedgerRow {
                state: CreditState::Estimated,
                granted: None,
                ..one.row
            };
            let bare = standing.into_iter().map(undecided).collect();
            standing = cap_periods(bare, |tenant, period| self.credit_account(tenant, period));
        }
        let (here, elsewhere): (Vec<CappedCredit>, Vec<CappedCredit>) = standing
            .into_iter()
            .partition(|one| one.row.period == statement.period);
        let found = |figure, period, statement_says: String, ledger: String| FigureMismatch {
            tenant: statement.tenant.clone(),
            period,
            figure,
            statement: statement_says,
            ledger,
        };
        let of_other_terms = elsewhere.iter().filter(|one| one.capped != Percent::ZERO);
        let mut all: Vec<FigureMismatch> = of_other_terms
            .map(|one| {
                let ledger = format!("{} %", one.capped);
                found("credit", one.row.period, "nothing".to_owned(), ledger)
            })
            .collect();
        let here_says = |figure, statement_says, ledger| {
            found(figure, statement.period, statement_says, ledger)
        };
        let ppm: u64 = here.iter().map(|one| u64::from(one.capped.ppm())).sum();
        if ppm != u64::from(statement.credit_percent.ppm()) {
            let ledger: Vec<String> = here.iter().map(|one| format!("{} %", one.capped)).collect();
            let ledger = if ledger.is_empty() {
                "nothing".to_owned()
            } else {
                ledger.join(" + ")
            };
            all.push(here_says(
                "credit",
                format!("{} %", statement.credit_percent),
                ledger,
            ));
        }
        if let Some(amount) = statement.amount {
            let minor: i64 = here.iter().filter_map(|one| Some(one.amount?.minor)).sum();
            let ledger = Money { minor, ..amount };
            if ledger != amount {
                all.push(here_says("amount", amount.to_string(), ledger.to_string()));
            }
        }
        if statement.basis != Basis::PerIncident {
            let of_period = here.iter().find(|one| one.row.incident_id.is_none());
            let outage = of_period.map_or(0, |one| one.row.outage_us);
            if outage != statement.outage_us {
                let text = |us| Downtime::of(us).to_string();
                all.push(here_says("outage", text(statement.outage_us), text(outage)));
            }
        }
        all
    }
}

/// Returns the newest row of each incident and period, without those that were reversed and not
/// replaced, and whether any row was waived.
fn standing(rows: &[CappedCredit]) -> (Vec<CappedCredit>, bool) {
    let bare: Vec<LedgerRow> = rows.iter().map(|one| one.row.clone()).collect();
    let mut by_subject = BTreeMap::new();
    for row in bare
        .iter()
        .filter(|row| row.state != CreditState::Superseded)
    {
        let kept: &mut Vec<LedgerRow> = by_subject.entry(row.subject()).or_default();
        kept.push(row.clone());
    }
    let waived = bare.iter().any(|row| row.state == CreditState::Waived);
    let mut ids = BTreeSet::new();
    for rows in by_subject.values() {
        for row in newest(rows) {
            let taken_back = rows.iter().any(|one| one.reverses == Some(row.id));
            if !taken_back {
                ids.insert(row.id);
            }
        }
    }
    let standing = rows.iter().filter(|one| ids.contains(&one.row.id));
    (standing.cloned().collect(), waived)
}
