//! A store that fails where a test says so.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use incident_core::audit::{AuditEntry, Chain};
use incident_core::billing::LedgerRow;
use incident_core::commit::{Commit, Committed, KeyScope, Remember};
use incident_core::incident::{Incident, Outline};
use incident_core::outbox::{Backlog, Claimed, DeadLetterFilter, Message};
use incident_core::port::{
    AuditLog, AuditQuery, ClaimRequest, CreditQuery, IncidentFilter, IncidentStore, Ledger, Outbox,
    Store, StoreError, SuggestionQuery, Suggestions,
};
use incident_core::suggestion::Suggestion;
use incident_core::timeline::SysIncidentUpdateEntry;
use incident_core::{IncidentId, SuggestionId, Timestamp};

/// Everything of some incidents is unavailable; the ledger may hang.
pub(crate) struct Faulty {
    inner: Arc<dyn Store>,
    pub(crate) gone: Mutex<BTreeSet<IncidentId>>,
    pub(crate) hangs: AtomicBool,
}

impl Faulty {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            gone: Mutex::default(),
            hangs: AtomicBool::new(false),
        })
    }

    pub(crate) fn lose(&self, id: IncidentId) {
        self.gone.lock().unwrap().insert(id);
    }

    pub(crate) fn mend(&self) {
        self.gone.lock().unwrap().clear();
    }

    fn fails(&self, id: IncidentId) -> Result<(), StoreError> {
        if self.gone.lock().unwrap().contains(&id) {
            return Err(StoreError::Unavailable("away".into()));
        }
        Ok(())
    }
}

#[async_trait]
impl IncidentStore for Faulty {
    async fn commit(&self, commit: Commit, within: Duration) -> Result<Committed, StoreError> {
        self.inner.commit(commit, within).await
    }

    async fn next_number(&self, within: Duration) -> Result<u64, StoreError> {
        self.inner.next_number(within).await
    }

    async fn load(
        &self,
        id: IncidentId,
        within: Duration,
    ) -> Result<Option<Arc<Incident>>, StoreError> {
        self.fails(id)?;
        self.inner.load(id, within).await
    }

    async fn list(
        &self,
        filter: &IncidentFilter,
        within: Duration,
    ) -> Result<Vec<Arc<Incident>>, StoreError> {
        self.inner.list(filter, within).await
    }

    async fn outlines(
        &self,
        filter: &IncidentFilter,
        within: Duration,
    ) -> Result<Vec<Outline>, StoreError> {
        self.inner.outlines(filter, within).await
    }

    async fn timeline(
        &self,
        id: IncidentId,
        after: u64,
        limit: usize,
        within: Duration,
    ) -> Result<Vec<SysIncidentUpdateEntry>, StoreError> {
        self.fails(id)?;
        self.inner.timeline(id, after, limit, within).await
    }

    async fn recall(
        &self,
        scope: &KeyScope,
        now: Timestamp,
        within: Duration,
    ) -> Result<Option<Remember>, StoreError> {
        self.inner.recall(scope, now, within).await
    }

    async fn misfit(
        &self,
        id: IncidentId,
        within: Duration,
    ) -> Result<Option<&'static str>, StoreError> {
        self.inner.misfit(id, within).await
    }
}

#[async_trait]
impl Outbox for Faulty {
    async fn claim(&self, request: ClaimRequest, within: Duration) -> Result<Claimed, StoreError> {
        self.inner.claim(request, within).await
    }

    async fn next_due(&self, within: Duration) -> Result<Option<Timestamp>, StoreError> {
        self.inner.next_due(within).await
    }

    async fn backlog(&self, within: Duration) -> Result<Backlog, StoreError> {
        self.inner.backlog(within).await
    }

    async fn given_up(
        &self,
        which: DeadLetterFilter,
        within: Duration,
    ) -> Result<Vec<Message>, StoreError> {
        self.inner.given_up(which, within).await
    }
}

#[async_trait]
impl AuditLog for Faulty {
    async fn audit(
        &self,
        query: &AuditQuery,
        within: Duration,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        self.inner.audit(query, within).await
    }

    async fn audit_chain(
        &self,
        chain: Chain,
        after_seq: u64,
        limit: usize,
        within: Duration,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        self.inner
            .audit_chain(chain, after_seq, limit, within)
            .await
    }

    async fn audit_chains(
        &self,
        after: Option<Chain>,
        limit: usize,
        within: Duration,
    ) -> Result<Vec<Chain>, StoreError> {
        self.inner.audit_chains(after, limit, within).await
    }
}

#[async_trait]
impl Suggestions for Faulty {
    async fn suggestion(
        &self,
        id: SuggestionId,
        within: Duration,
    ) -> Result<Option<Suggestion>, StoreError> {
        self.inner.suggestion(id, within).await
    }

    async fn suggestions(
        &self,
        query: &SuggestionQuery,
        within: Duration,
    ) -> Result<Vec<Suggestion>, StoreError> {
        self.inner.suggestions(query, within).await
    }

    async fn open_suggestions(&self, now: Timestamp, within: Duration) -> Result<u64, StoreError> {
        self.inner.open_suggestions(now, within).await
    }
}

#[async_trait]
impl Ledger for Faulty {
    async fn credits(
        &self,
        query: &CreditQuery,
        within: Duration,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if let Some(id) = query.incident {
            self.fails(id)?;
        }
        self.inner.credits(query, within).await
    }
}
