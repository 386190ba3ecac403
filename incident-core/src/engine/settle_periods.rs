//! Credits of whole periods, for contracts per month, quarter or year.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::settle::ATTEMPTS;
use super::{Error, Incidents};
use crate::billing::{
    CreditInput, CreditSubject, Fresh, LedgerRow, LedgerWrite, is_settled, revise,
};
use crate::commit::Commit;
use crate::port::{CreditQuery, StoreError};
use crate::sla::{Basis, IncidentShare};
use crate::{CreditId, Month, Period, PeriodKind, PersonName, TenantId, Window};

/// How many tenants' credits are kept at a time.
const AT_ONCE: usize = 200;

/// The calendars of the zones are less than a day apart from UTC.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Incidents {
    /// Computes the credits of every period that an outage in `span` may lie in, of
    /// `only` these tenants or of all; says how many came out differently.
    pub(super) async fn settle_periods(
        &self,
        author: &PersonName,
        only: Option<&BTreeSet<TenantId>>,
        span: Window,
    ) -> Result<usize, Error> {
        let last = Month::of(span.end().saturating_add(DAY));
        let mut month = Month::of(span.start().saturating_sub(DAY));
        let (mut done, mut changed) = (BTreeSet::new(), 0);
        while month <= last && self.0.settings.contracts.has_begun(month, self.0.now()) {
            for kind in [PeriodKind::Month, PeriodKind::Quarter, PeriodKind::Year] {
                let period = Period::of_month(month, kind);
                if done.insert(period) {
                    changed += self.settle_period(author, only, period).await?;
                }
            }
            let Some(next) = month.next() else { break };
            month = next;
        }
        Ok(changed)
    }

    async fn settle_period(
        &self,
        author: &PersonName,
        only: Option<&BTreeSet<TenantId>>,
        period: Period,
    ) -> Result<usize, Error> {
        let within = self.0.settings.store_deadline;
        'again: for _ in 0..ATTEMPTS {
            // The rows first: whoever writes newer ones has read what came after.
            let rows = self.rows_of_period(only, period).await?;
            // Those of an older contract are looked at even if nobody has one now.
            if rows.is_empty() && !self.0.settings.contracts.credits_by(period.kind()) {
                return Ok(0);
            }
            let shares = self.shares(period.first_month(), only, usize::MAX).await?;
            let writes = self.periods_revised(author, rows, shares, period);
            let changed = writes.len();
            let mut writes = writes.into_iter().peekable();
            while writes.peek().is_some() {
                let commit = Commit {
                    ledger: writes.by_ref().take(AT_ONCE).collect(),
                    ..Commit::default()
                };
                match self.0.store.commit(commit, within).await {
                    Err(StoreError::CreditMoved(_)) => continue 'again,
                    other => other?,
                };
            }
            return Ok(changed);
        }
        Err(StoreError::Conflict.into())
    }

    async fn rows_of_period(
        &self,
        only: Option<&BTreeSet<TenantId>>,
        period: Period,
    ) -> Result<BTreeMap<TenantId, Vec<LedgerRow>>, Error> {
        let wanted = CreditQuery {
            period: Some(period),
            tenant: only
                .filter(|only| only.len() == 1)
                .and_then(|only| only.first().cloned()),
            ..CreditQuery::default()
        };
        let found = self.ledger(&wanted).await?;
        let mut rows: BTreeMap<TenantId, Vec<LedgerRow>> = BTreeMap::new();
        for row in found {
            if row.incident_id.is_none() && only.is_none_or(|only| only.contains(&row.tenant_id)) {
                rows.entry(row.tenant_id.clone()).or_default().push(row);
            }
        }
        Ok(rows)
    }

    fn periods_revised(
        &self,
        author: &PersonName,
        mut rows: BTreeMap<TenantId, Vec<LedgerRow>>,
        mut shares: BTreeMap<TenantId, Vec<IncidentShare>>,
        period: Period,
    ) -> Vec<LedgerWrite> {
        let now = self.0.now();
        for tenant in shares.keys() {
            rows.entry(tenant.clone()).or_default();
        }
        let mut writes = Vec::new();
        for (tenant, rows) in rows {
            let shares = shares.remove(&tenant).unwrap_or_default();
            let fresh = self.period_credit(&tenant, shares, period);
            let fresh: Vec<Fresh> = fresh.into_iter().collect();
            if is_settled(&rows, &fresh) {
                continue;
            }
            let revision = rows.iter().map(|row| row.revision).max().unwrap_or(0) + 1;
            let subject = CreditSubject::Period(tenant, period);
            let id = || CreditId::from_uuid(self.0.ids.sortable(now));
            writes.push(revise(subject, revision, &rows, fresh, author, id));
        }
        writes
    }

    /// What a tenant is owed for a period as a whole, where its contract says so and
    /// an incident hit it.
    fn period_credit(
        &self,
        tenant: &TenantId,
        mut shares: Vec<IncidentShare>,
        period: Period,
    ) -> Option<Fresh> {
        let contracts = &self.0.settings.contracts;
        // As a statement has them: kept as inputs, they are compared in this order.
        shares.sort_by_key(|share| (share.outage.start(), share.incident));
        let made = contracts.statement(tenant, period.first_month(), shares.clone(), self.0.now());
        let by_period = made.basis != Basis::PerIncident && made.period == period;
        if !by_period || made.incidents.is_empty() {
            return None;
        }
        let hit = |share: &IncidentShare| {
            made.incidents
                .iter()
                .any(|line| line.incident == share.incident)
        };
        let inputs = shares.into_iter().filter(hit).map(|share| CreditInput {
            incident_id: share.incident,
            windows: share.outage,
            weight: share.weight,
        });
        Some(Fresh {
            tenant_id: tenant.clone(),
            period,
            outage_us: made.outage_us,
            credit: made.credit,
            terms_version: made.terms_version.clone(),
            inputs: inputs.collect(),
        })
    }
}
