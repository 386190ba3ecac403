//! A store with failures that a test controls.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use incident_core::audit::{AuditEntry, Chain};
use incident_core::billing::LedgerRow;
use incident_core::commit::{Commit, OutboxWrite};
use incident_core::idempotency::{IdempotencyKey, IdempotencyRecord};
use incident_core::incident::{Incident, Outline};
use incident_core::outbox::{Backlog, Claim, DeadLetterFilter, Message, MessageBody, Unreadable};
use incident_core::policy::PolicyRecord;
use incident_core::port::{
    AuditLog, AuditQuery, ClaimRequest, CreditQuery, IncidentFilter, IncidentStore, Ledger, Outbox,
    Policies, Store, StoreError, SuggestionQuery, Suggestions,
};
use incident_core::suggestion::Suggestion;
use incident_core::timeline::SysIncidentUpdateEntry;
use incident_core::{IncidentId, SuggestionId, Timestamp};

/// Something that a store loses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Loss {
    /// Notices of a commit do not reach the outbox.
    Notices,
    /// Pages of a commit do not reach the outbox.
    Pages,
    /// Incidents that are due are not listed.
    DueIncidents,
    /// The audit entries of rules that fire are not stored.
    AuditOfFirings,
}

/// A store in which some incidents are unavailable, things are lost, and the ledger may hang.
pub(crate) struct Faulty {
    inner: Arc<dyn Store>,
    loses: Mutex<BTreeSet<Loss>>,
    not_written: Mutex<BTreeSet<IncidentId>>,
    pub(crate) gone: Mutex<BTreeSet<IncidentId>>,
    pub(crate) hangs: AtomicBool,
}

impl Faulty {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            loses: Mutex::default(),
            not_written: Mutex::default(),
            gone: Mutex::default(),
            hangs: AtomicBool::new(false),
        })
    }

    pub(crate) fn lose(&self, id: IncidentId) {
        self.gone.lock().unwrap().insert(id);
    }

    /// Refuses commits that write an incident from now on.
    pub(crate) fn refuse_writes(&self, id: IncidentId) {
        self.not_written.lock().unwrap().insert(id);
    }

    /// Loses things of one kind from now on.
    pub(crate) fn lose_all(&self, loss: Loss) {
        self.loses.lock().unwrap().insert(loss);
    }

    fn loses(&self, loss: Loss) -> bool {
        self.loses.lock().unwrap().contains(&loss)
    }

    fn is_kept(&self, write: &OutboxWrite) -> bool {
        let OutboxWrite::Add(message) = write else {
            return true;
        };
        let loss = match message.body {
            MessageBody::Notice(_) => Loss::Notices,
            MessageBody::Page(_) => Loss::Pages,
            MessageBody::RecomputeCredits(_)
            | MessageBody::SubmitCredits(_)
            | MessageBody::EndTest(_)
            | _ => return true,
        };
        !self.loses(loss)
    }

    pub(crate) fn mend(&self) {
        self.loses.lock().unwrap().clear();
        self.not_written.lock().unwrap().clear();
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
    async fn commit(
        &self,
        mut commit: Commit,
        timeout: Duration,
    ) -> Result<Vec<SysIncidentUpdateEntry>, StoreError> {
        let written: Vec<IncidentId> = commit.writes.iter().map(|write| write.after.id).collect();
        if written
            .iter()
            .any(|id| self.not_written.lock().unwrap().contains(id))
        {
            return Err(StoreError::Unavailable("away".into()));
        }
        commit.outbox.retain(|write| self.is_kept(write));
        let lost = self.loses(Loss::AuditOfFirings);
        commit
            .audit
            .retain(|entry| !(lost && entry.action == "fire_rule"));
        self.inner.commit(commit, timeout).await
    }

    async fn next_number(&self, timeout: Duration) -> Result<u64, StoreError> {
        self.inner.next_number(timeout).await
    }

    async fn load(
        &self,
        id: IncidentId,
        timeout: Duration,
    ) -> Result<Option<Arc<Incident>>, StoreError> {
        self.fails(id)?;
        self.inner.load(id, timeout).await
    }

    async fn list(
        &self,
        filter: &IncidentFilter,
        timeout: Duration,
    ) -> Result<Vec<Arc<Incident>>, StoreError> {
        if filter.due_by.is_some() && self.loses(Loss::DueIncidents) {
            return Ok(Vec::new());
        }
        self.inner.list(filter, timeout).await
    }

    async fn outlines(
        &self,
        filter: &IncidentFilter,
        timeout: Duration,
    ) -> Result<Vec<Outline>, StoreError> {
        self.inner.outlines(filter, timeout).await
    }

    async fn timeline(
        &self,
        id: IncidentId,
        after: u64,
        limit: usize,
        timeout: Duration,
    ) -> Result<Vec<SysIncidentUpdateEntry>, StoreError> {
        self.fails(id)?;
        self.inner.timeline(id, after, limit, timeout).await
    }

    async fn find_response(
        &self,
        key: &IdempotencyKey,
        now: Timestamp,
        timeout: Duration,
    ) -> Result<Option<IdempotencyRecord>, StoreError> {
        self.inner.find_response(key, now, timeout).await
    }

    async fn mismatch(
        &self,
        id: IncidentId,
        timeout: Duration,
    ) -> Result<Option<&'static str>, StoreError> {
        self.inner.mismatch(id, timeout).await
    }
}

#[async_trait]
impl Outbox for Faulty {
    async fn claim(
        &self,
        request: ClaimRequest,
        timeout: Duration,
    ) -> Result<Vec<Result<Claim, Unreadable>>, StoreError> {
        self.inner.claim(request, timeout).await
    }

    async fn next_due(&self, timeout: Duration) -> Result<Option<Timestamp>, StoreError> {
        self.inner.next_due(timeout).await
    }

    async fn backlog(&self, timeout: Duration) -> Result<Backlog, StoreError> {
        self.inner.backlog(timeout).await
    }

    async fn given_up(
        &self,
        which: DeadLetterFilter,
        timeout: Duration,
    ) -> Result<Vec<Message>, StoreError> {
        self.inner.given_up(which, timeout).await
    }
}

#[async_trait]
impl AuditLog for Faulty {
    async fn audit(
        &self,
        query: &AuditQuery,
        timeout: Duration,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        self.inner.audit(query, timeout).await
    }

    async fn audit_chain(
        &self,
        chain: Chain,
        after_seq: u64,
        limit: usize,
        timeout: Duration,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        self.inner
            .audit_chain(chain, after_seq, limit, timeout)
            .await
    }

    async fn audit_chains(
        &self,
        after: Option<Chain>,
        limit: usize,
        timeout: Duration,
    ) -> Result<Vec<Chain>, StoreError> {
        self.inner.audit_chains(after, limit, timeout).await
    }
}

#[async_trait]
impl Suggestions for Faulty {
    async fn suggestion(
        &self,
        id: SuggestionId,
        timeout: Duration,
    ) -> Result<Option<Suggestion>, StoreError> {
        self.inner.suggestion(id, timeout).await
    }

    async fn suggestions(
        &self,
        query: &SuggestionQuery,
        timeout: Duration,
    ) -> Result<Vec<Suggestion>, StoreError> {
        self.inner.suggestions(query, timeout).await
    }

    async fn open_suggestions(&self, now: Timestamp, timeout: Duration) -> Result<u64, StoreError> {
        self.inner.open_suggestions(now, timeout).await
    }
}

#[async_trait]
impl Policies for Faulty {
    async fn policy_at(
        &self,
        time: Timestamp,
        timeout: Duration,
    ) -> Result<Option<PolicyRecord>, StoreError> {
        self.inner.policy_at(time, timeout).await
    }

    async fn policies(
        &self,
        limit: usize,
        timeout: Duration,
    ) -> Result<Vec<PolicyRecord>, StoreError> {
        self.inner.policies(limit, timeout).await
    }
}

#[async_trait]
impl Ledger for Faulty {
    async fn credits(
        &self,
        query: &CreditQuery,
        timeout: Duration,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if let Some(id) = query.incident {
            self.fails(id)?;
        }
        self.inner.credits(query, timeout).await
    }
}
