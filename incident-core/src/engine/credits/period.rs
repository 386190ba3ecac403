//! Credits of whole periods, for contracts per month, quarter or year.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::incident::{RecomputeContext, still_granted};
use crate::billing::{
    ComputedCredit, CreditInput, CreditSubject, LedgerRow, LedgerWrite, cap_periods, is_up_to_date,
    revise, stale_grants,
};
use crate::commit::Commit;
use crate::engine::conflict::MAX_CONFLICT_RETRIES;
use crate::engine::{Error, Incidents};
use crate::port::{CreditQuery, StoreError};
use crate::sla::{Basis, IncidentShare};
use crate::{
    CreditId, IncidentId, Month, Period, PeriodKind, PersonName, TenantId, Window, Windows,
};

/// Maximum number of tenants whose credits are written in one commit. A commit is one statement
/// with one deadline, and holds the locks of all its rows; 200 rows take milliseconds.
const CREDITS_PER_COMMIT: usize = 200;

/// Upper bound of the distance of any zone from UTC.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Incidents {
    /// Recomputes the credits of every period that an outage in `span` may lie in, of `only` these
    /// tenants or of all, and returns how many changed.
    pub(in crate::engine) async fn recompute_period_credits(
        &self,
        author: &PersonName,
        only: Option<&BTreeSet<TenantId>>,
        span: Window,
    ) -> Result<usize, Error> {
        let span = self.reach_of(span, only).await?;
        let last = Month::of(span.end().saturating_add(DAY));
        let mut month = Month::of(span.start().saturating_sub(DAY));
        let (mut done, mut changed) = (BTreeSet::new(), 0);
        while month <= last
            && self
                .inner
                .settings
                .contracts
                .has_begun(month, self.inner.now())
        {
            for kind in [PeriodKind::Month, PeriodKind::Quarter, PeriodKind::Year] {
                let period = Period::of_month(month, kind);
                if done.insert(period) {
                    changed += self.recompute_period(author, only, period).await?;
                }
            }
            let Some(next) = month.next() else { break };
            month = next;
        }
        Ok(changed)
    }

    /// Returns a span widened by the outages that touch those in it. If terms leave out short
    /// outages, the joint length of touching ones counts in every period that they lie in.
    async fn reach_of(
        &self,
        span: Window,
        only: Option<&BTreeSet<TenantId>>,
    ) -> Result<Window, Error> {
        if !self.inner.settings.contracts.measures_runs() {
            return Ok(span);
        }
        let mut reach = span;
        for month in [Month::of(span.start()), Month::of_end(span.end())] {
            for shares in self
                .outages_about(month, only, usize::MAX)
                .await?
                .into_shares()
                .into_values()
            {
                for run in reached(&shares, span).as_slice() {
                    let (start, end) = (reach.start().min(run.start()), reach.end().max(run.end()));
                    reach = Window::spanning(start, end);
                }
            }
        }
        Ok(reach)
    }

    /// Recomputes the credits of a period as a whole, and those that a cap had cut and that have
    /// room again.
    async fn recompute_period(
        &self,
        author: &PersonName,
        only: Option<&BTreeSet<TenantId>>,
        period: Period,
    ) -> Result<usize, Error> {
        let timeout = self.inner.settings.store_deadline;
        'again: for _ in 0..MAX_CONFLICT_RETRIES {
            // Rows are read first: a concurrent writer of newer rows has read outages at least as
            // new.
            let rows = self.rows_of_period(only, period).await?;
            let outgrown = self.outgrown(&rows);
            // Periods of an older contract are recomputed even if no contract credits them now.
            let by_period = rows.iter().any(|row| row.incident_id.is_none());
            let mut changed = 0;
            if by_period || self.inner.settings.contracts.credits_by(period.kind()) {
                let outages = self
                    .outages_about(period.first_month(), only, usize::MAX)
                    .await?;
                let writes =
                    self.periods_revised(author, &rows, outages.into_shares(), &outgrown, period);
                changed = writes.len();
                let mut writes = writes.into_iter().peekable();
                while writes.peek().is_some() {
                    let commit = Commit {
                        ledger: writes.by_ref().take(CREDITS_PER_COMMIT).collect(),
                        ..Commit::default()
                    };
                    match self.store.commit(commit, timeout).await {
                        Err(StoreError::CreditMoved(_)) => continue 'again,
                        other => other?,
                    };
                }
            }
            let cut = rows.iter().filter(|row| outgrown.contains(&row.id));
            let cut: BTreeSet<IncidentId> = cut.filter_map(|row| row.incident_id).collect();
            for incident in cut {
                let beside = RecomputeContext::default();
                let settled = self.recompute_incident_credits(incident, author, &outgrown, beside);
                changed += usize::from(settled.await?);
            }
            return Ok(changed);
        }
        Err(StoreError::Conflict.into())
    }

    /// Returns the credits that were granted and would be granted otherwise now.
    fn outgrown(&self, rows: &[LedgerRow]) -> Vec<CreditId> {
        let account = |tenant: &TenantId, period| self.credit_account(tenant, period);
        stale_grants(&cap_periods(rows.to_vec(), account), account)
    }

    /// Loads all rows of a period, of incidents and of the period as a whole.
    async fn rows_of_period(
        &self,
        only: Option<&BTreeSet<TenantId>>,
        period: Period,
    ) -> Result<Vec<LedgerRow>, Error> {
        let wanted = CreditQuery {
            period: Some(period),
            tenant: only
                .filter(|only| only.len() == 1)
                .and_then(|only| only.first().cloned()),
            ..CreditQuery::default()
        };
        let mut found = self.ledger(&wanted).await?;
        found.retain(|row| only.is_none_or(|only| only.contains(&row.tenant_id)));
        Ok(found)
    }

    fn periods_revised(
        &self,
        author: &PersonName,
        all: &[LedgerRow],
        mut shares: BTreeMap<TenantId, Vec<IncidentShare>>,
        outgrown: &[CreditId],
        period: Period,
    ) -> Vec<LedgerWrite> {
        let now = self.inner.now();
        let mut rows: BTreeMap<TenantId, Vec<LedgerRow>> = BTreeMap::new();
        for row in all.iter().filter(|row| row.incident_id.is_none()) {
            rows.entry(row.tenant_id.clone())
                .or_default()
                .push(row.clone());
        }
        for tenant in shares.keys() {
            rows.entry(tenant.clone()).or_default();
        }
        let mut writes = Vec::new();
        for (tenant, rows) in rows {
            let shares = shares.remove(&tenant).unwrap_or_default();
            let fresh = self.period_credit(&tenant, shares, period);
            let fresh: Vec<ComputedCredit> = fresh.into_iter().collect();
            if is_up_to_date(&rows, &fresh) && !still_granted(&rows, outgrown) {
                continue;
            }
            let revision = rows.iter().map(|row| row.revision).max().unwrap_or(0) + 1;
            let subject = CreditSubject::Period(tenant, period);
            let id = || CreditId::from_uuid(self.inner.ids.sortable(now));
            writes.push(revise(
                subject, revision, &rows, fresh, outgrown, author, id,
            ));
        }
        writes
    }

    /// Computes the credit of a tenant for a period as a whole, if its contract has one and an
    /// incident hit it.
    fn period_credit(
        &self,
        tenant: &TenantId,
        mut shares: Vec<IncidentShare>,
        period: Period,
    ) -> Option<ComputedCredit> {
        let contracts = &self.inner.settings.contracts;
        // In the order of a statement: stored as inputs, they are compared in this order.
        shares.sort_by_key(|share| (share.outage.start(), share.incident));
        let made = contracts.statement(
            tenant,
            period.first_month(),
            shares.clone(),
            self.inner.now(),
        );
        let by_period = made.basis != Basis::PerIncident && made.period == period;
        if !by_period || made.incidents.is_empty() {
            return None;
        }
        // Shares in the period and, if terms measure runs, those that touch its outages over the
        // edge.
        let bounds = made.period.window(made.zone);
        let terms = contracts.terms_of(tenant, period.first_month());
        let reached = if terms.measures_runs() {
            reached(&shares, bounds)
        } else {
            Windows::from(bounds)
        };
        let hit = |share: &IncidentShare| !share.outage.intersect(&reached).is_empty();
        let inputs = shares.into_iter().filter(hit).map(|share| CreditInput {
            incident_id: share.incident,
            windows: share.outage,
            weight: share.weight,
        });
        Some(ComputedCredit {
            tenant_id: tenant.clone(),
            period,
            outage_us: made.outage_us,
            credit_percent: made.credit_percent,
            terms_version: made.terms_version,
            inputs: inputs.collect(),
        })
    }
}

/// Returns the outages, joined, that lie in a period at least in part.
fn reached(shares: &[IncidentShare], bounds: Window) -> Windows {
    let windows = shares.iter().flat_map(|one| one.outage.as_slice());
    let runs: Windows = windows.copied().collect();
    let inside = runs.as_slice().iter();
    let inside = inside.filter(|run| run.intersect(bounds).is_some());
    inside.copied().collect()
}
