//! Queries: incidents, timelines, audit, ledger.

use std::sync::Arc;

use crate::audit::AuditEntry;
use crate::billing::{CappedCredit, CreditAccount, LedgerRow, cap_periods};
use crate::engine::yield_now::yield_now;
use crate::engine::{AuditHandle, CreditsHandle, Error, Incidents, ReportsHandle};
use crate::incident::{Incident, Outline, Status};
use crate::port::{AuditQuery, CreditQuery, IncidentFilter};
use crate::timeline::SysIncidentUpdateEntry;
use crate::{IncidentId, Period, TenantId, Timestamp};

/// Number of rows that are read at a time if all are needed.
pub(in crate::engine) const BATCH: usize = 500;

/// Number of whole incidents that are read at a time: with ten thousand tenants and all texts, one
/// takes about two megabytes.
const WHOLE: usize = 25;

impl ReportsHandle<'_> {
    /// Returns the time of the engine's clock.
    #[must_use]
    pub fn now(self) -> Timestamp {
        let this = self.0;
        this.inner.now()
    }

    /// Lists incidents that match, whole, with all tenants and texts: request few at a time.
    /// [`Incidents::list`] returns outlines.
    ///
    /// # Errors
    /// Fails if a text of the filter can match nothing, or the store did not answer.
    pub async fn incidents(self, filter: &IncidentFilter) -> Result<Vec<Arc<Incident>>, Error> {
        self.0.load_matching(filter).await
    }
}

impl AuditHandle<'_> {
    /// Lists entries of a timeline after `after_seq`, ascending.
    ///
    /// # Errors
    /// Returns [`Error::NotFound`] if there is no such incident. Fails if the store did not answer.
    pub async fn timeline(
        self,
        id: IncidentId,
        after_seq: u64,
        limit: usize,
    ) -> Result<Vec<SysIncidentUpdateEntry>, Error> {
        let this = self.0.begun();
        let timeout = this.left()?;
        let found = this.store.timeline(id, after_seq, limit, timeout).await?;
        if found.is_empty() {
            this.get(id).await?;
        }
        Ok(found)
    }

    /// Lists entries of the audit trail, by (time, chain, seq) ascending.
    ///
    /// # Errors
    /// Fails if the name of the actor is invalid, or the store did not answer.
    pub async fn list(self, query: &AuditQuery) -> Result<Vec<AuditEntry>, Error> {
        query.check()?;
        let this = self.0.begun();
        Ok(this.store.audit(query, this.left()?).await?)
    }
}

impl CreditsHandle<'_> {
    /// Lists rows of the ledger, each with its amount and the part that the cap of its tenant and
    /// period leaves.
    ///
    /// # Errors
    /// Fails if the store did not answer.
    pub async fn list(self, query: &CreditQuery) -> Result<Vec<CappedCredit>, Error> {
        let this = self.0.begun();
        // The cap needs all rows of a tenant and period, so filters come after it.
        let mut wide = CreditQuery {
            tenant: query.tenant.clone(),
            period: query.period,
            ..CreditQuery::default()
        };
        if query.id.is_some() {
            let one = CreditQuery {
                id: query.id,
                ..CreditQuery::default()
            };
            let Some(row) = this.ledger(&one).await?.pop() else {
                return Ok(Vec::new());
            };
            wide.tenant = Some(row.tenant_id);
            wide.period = Some(row.period);
        }
        let rows = this.ledger(&wide).await?;
        let capped = cap_periods(rows, |tenant, period| this.credit_account(tenant, period));
        let wanted = capped.into_iter().filter(|one| query.matches(&one.row));
        Ok(wanted.collect())
    }
}

impl Incidents {
    /// Loads one incident.
    ///
    /// # Errors
    /// Returns [`Error::NotFound`] if there is none of this id. Fails if the store did not answer.
    pub async fn get(&self, id: IncidentId) -> Result<Arc<Incident>, Error> {
        let found = self.begun().find(id).await?;
        found.ok_or(Error::NotFound("incident"))
    }

    pub(in crate::engine) async fn find(
        &self,
        id: IncidentId,
    ) -> Result<Option<Arc<Incident>>, Error> {
        Ok(self.store.load(id, self.left()?).await?)
    }

    /// Lists the outlines of incidents that match, by (`declared_at`, `id`) descending.
    ///
    /// # Errors
    /// Fails if a text of the filter can match nothing, or the store did not answer.
    pub async fn list(&self, filter: &IncidentFilter) -> Result<Vec<Outline>, Error> {
        filter.check()?;
        let this = self.begun();
        Ok(this.store.outlines(filter, this.left()?).await?)
    }

    /// Lists every live incident.
    pub(in crate::engine) async fn live(&self) -> Result<Vec<Outline>, Error> {
        let mut filter = IncidentFilter {
            statuses: Status::live(),
            // One unreadable incident must not hide the others.
            skip_unreadable: true,
            limit: BATCH,
            ..IncidentFilter::default()
        };
        let mut found = Vec::new();
        loop {
            let batch = self.list(&filter).await?;
            let full = batch.len() == BATCH;
            filter.after = batch.last().map(|one| (one.declared_at, one.id));
            found.extend(batch);
            if !full {
                return Ok(found);
            }
            yield_now().await;
        }
    }

    /// Loads the first incidents that match, at most `limit` of the filter.
    pub(in crate::engine) async fn load_matching(
        &self,
        filter: &IncidentFilter,
    ) -> Result<Vec<Arc<Incident>>, Error> {
        filter.check()?;
        let this = self.begun();
        Ok(this.store.list(filter, this.left()?).await?)
    }

    /// Returns a reader of all incidents that match a filter; few are held in memory at a time.
    pub(in crate::engine) const fn pages(&self, mut filter: IncidentFilter) -> Pages<'_> {
        filter.limit = WHOLE;
        Pages {
            incidents: self,
            filter,
            batch: Vec::new(),
            is_last: false,
        }
    }

    /// Loads rows of the ledger as they are stored.
    pub(in crate::engine) async fn ledger(
        &self,
        wanted: &CreditQuery,
    ) -> Result<Vec<LedgerRow>, Error> {
        let timeout = self.left()?;
        Ok(self.store.credits(wanted, timeout).await?)
    }

    /// Opens the account of the credits of a tenant in a period.
    pub(in crate::engine) fn credit_account(
        &self,
        tenant: &TenantId,
        period: Period,
    ) -> CreditAccount {
        let contracts = &self.inner.settings.contracts;
        let cap = contracts.terms_of(tenant, period.first_month()).cap();
        CreditAccount::new(cap, contracts.fee(tenant, period.kind()))
    }
}

/// A reader of incidents that match a filter, in its order.
pub(in crate::engine) struct Pages<'a> {
    incidents: &'a Incidents,
    filter: IncidentFilter,
    /// The incidents that were read and not returned yet, the next one last.
    batch: Vec<Arc<Incident>>,
    is_last: bool,
}

impl Pages<'_> {
    /// Returns the next incident; none after the last one.
    pub(in crate::engine) async fn next(&mut self) -> Result<Option<Arc<Incident>>, Error> {
        if self.batch.is_empty() && !self.is_last {
            let mut batch = self.incidents.load_matching(&self.filter).await?;
            self.is_last = batch.len() < self.filter.limit;
            if let Some(last) = batch.last() {
                self.filter.after = Some(self.filter.place(last));
            }
            batch.reverse();
            self.batch = batch;
        }
        Ok(self.batch.pop())
    }
}
