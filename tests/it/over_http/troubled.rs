//! A store with injected failures, over one that works.

use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use incident_core::actor::Role;
use incident_core::audit::{AuditEntry, Chain};
use incident_core::billing::LedgerRow;
use incident_core::commit::Commit;
use incident_core::engine::{Incidents, RequestContext};
use incident_core::idempotency::{IdempotencyKey, IdempotencyRecord};
use incident_core::incident::{Command, Incident, Outline, Update};
use incident_core::outbox::{Backlog, Claim, DeadLetterFilter, Message, Unreadable};
use incident_core::policy::PolicyRecord;
use incident_core::port::{
    AuditLog, AuditQuery, ClaimRequest, CreditQuery, IncidentFilter, IncidentStore, Ledger, Outbox,
    Policies, Store, StoreError, SuggestionQuery, Suggestions,
};
use incident_core::suggestion::Suggestion;
use incident_core::testing::caller;
use incident_core::timeline::SysIncidentUpdateEntry;
use incident_core::{IncidentId, SuggestionId, Timestamp};
use serde_json::Value;

/// No failure.
pub(crate) const NONE: u8 = 0;
/// Commits succeed, but report an unknown outcome.
pub(crate) const UNKNOWN: u8 = 1;
/// Reads of incidents fail.
pub(crate) const AWAY: u8 = 2;
/// Reads of incidents hang.
pub(crate) const HANGS: u8 = 3;
/// Reads of an incident wait until their timeout and fail.
pub(crate) const LATE: u8 = 4;
/// Reads of incidents are delayed for a moment, so that a write can come between.
pub(crate) const SLOW: u8 = 5;
/// Commits hang without storing anything.
pub(crate) const STUCK: u8 = 6;
/// The outbox returns no messages.
pub(crate) const CLOSED: u8 = 9;
/// Reads report an existing incident as missing; its entries are there.
pub(crate) const FORGETS: u8 = 7;
/// Reads report the state of an incident as unreadable; its entries are readable.
pub(crate) const GARBLES: u8 = 8;

pub(crate) struct Troubled {
    inner: Arc<dyn Store>,
    trouble: AtomicU8,
    /// A field that is returned with another value for every incident.
    lie: Mutex<Option<(&'static str, Value)>>,
    /// Work to run as soon as a message is claimed.
    after_claim: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    /// The engine that writes before each of the next reads of an incident, and the number of reads
    /// left.
    busy: Mutex<Option<(u32, Incidents)>>,
    /// Number of commits that were refused because the incident had changed.
    pub(crate) conflicts: AtomicU32,
}

impl Troubled {
    pub(crate) fn over(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            trouble: AtomicU8::new(NONE),
            lie: Mutex::default(),
            after_claim: Mutex::default(),
            busy: Mutex::default(),
            conflicts: AtomicU32::new(0),
        })
    }

    pub(crate) fn is_in(&self, trouble: u8) {
        self.trouble.store(trouble, Ordering::SeqCst);
    }

    /// Runs something between the next claim and the processing of its messages.
    pub(crate) fn after_claim(&self, what: impl Future<Output = ()> + Send + 'static) {
        *self.after_claim.lock().unwrap() = Some(Box::pin(what));
    }

    /// Writes a note through another engine before each of the next reads of an incident.
    pub(crate) fn writes_before_reads(&self, times: u32, by: Incidents) {
        *self.busy.lock().unwrap() = Some((times, by));
    }

    async fn write_before_read(&self, id: IncidentId) {
        let busy = {
            let mut busy = self.busy.lock().unwrap();
            match &mut *busy {
                Some((left, by)) if *left > 0 => {
                    *left -= 1;
                    Some(by.clone())
                }
                _ => None,
            }
        };
        if let Some(by) = busy {
            let note = Command::Update(Box::new(Update::new("on it".parse().unwrap())));
            let context = RequestContext::new(caller("otto", Role::Responder).unwrap());
            by.act(&context, id, &note).await.unwrap();
        }
    }

    /// Sets a field of all incidents that are read, as if their states had been rewritten.
    pub(crate) fn tells(&self, field: &'static str, value: Value) {
        *self.lie.lock().unwrap() = Some((field, value));
    }

    pub(crate) fn tells_the_truth(&self) {
        *self.lie.lock().unwrap() = None;
    }

    fn told(&self, incident: Arc<Incident>) -> Arc<Incident> {
        let Some((field, value)) = self.lie.lock().unwrap().clone() else {
            return incident;
        };
        let mut state = serde_json::to_value(&*incident).unwrap();
        state[field] = value;
        Arc::new(serde_json::from_value(state).unwrap())
    }

    fn trouble(&self) -> u8 {
        self.trouble.load(Ordering::SeqCst)
    }

    async fn reads(&self, timeout: Duration) -> Result<(), StoreError> {
        match self.trouble() {
            LATE => {
                tokio::time::sleep(timeout).await;
                Err(StoreError::Unavailable("late".into()))
            }
            AWAY => Err(StoreError::Unavailable("away".into())),
            HANGS => std::future::pending().await,
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl IncidentStore for Troubled {
    async fn commit(
        &self,
        commit: Commit,
        timeout: Duration,
    ) -> Result<Vec<SysIncidentUpdateEntry>, StoreError> {
        if self.trouble() == STUCK {
            return std::future::pending().await;
        }
        let kept = self.inner.commit(commit, timeout).await;
        if matches!(kept, Err(StoreError::Conflict)) {
            self.conflicts.fetch_add(1, Ordering::SeqCst);
        }
        let kept = kept?;
        if self.trouble() == UNKNOWN {
            return Err(StoreError::Unknown("the answer is lost".into()));
        }
        Ok(kept)
    }

    async fn next_number(&self, timeout: Duration) -> Result<u64, StoreError> {
        self.inner.next_number(timeout).await
    }

    async fn load(
        &self,
        id: IncidentId,
        timeout: Duration,
    ) -> Result<Option<Arc<Incident>>, StoreError> {
        self.reads(timeout).await?;
        self.write_before_read(id).await;
        match self.trouble() {
            FORGETS => return Ok(None),
            GARBLES => return Err(StoreError::Corrupt("not of a state".into())),
            _ => {}
        }
        let found = self.inner.load(id, timeout).await?;
        if self.trouble() == SLOW {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(found.map(|incident| self.told(incident)))
    }

    async fn list(
        &self,
        filter: &IncidentFilter,
        timeout: Duration,
    ) -> Result<Vec<Arc<Incident>>, StoreError> {
        self.reads(timeout).await?;
        let found = self.inner.list(filter, timeout).await?;
        Ok(found.into_iter().map(|one| self.told(one)).collect())
    }

    async fn outlines(
        &self,
        filter: &IncidentFilter,
        timeout: Duration,
    ) -> Result<Vec<Outline>, StoreError> {
        self.reads(timeout).await?;
        self.inner.outlines(filter, timeout).await
    }

    async fn timeline(
        &self,
        id: IncidentId,
        after: u64,
        limit: usize,
        timeout: Duration,
    ) -> Result<Vec<SysIncidentUpdateEntry>, StoreError> {
        self.reads(timeout).await?;
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
impl Outbox for Troubled {
    async fn claim(
        &self,
        request: ClaimRequest,
        timeout: Duration,
    ) -> Result<Vec<Result<Claim, Unreadable>>, StoreError> {
        if self.trouble() == CLOSED {
            return Err(StoreError::Unavailable("closed".into()));
        }
        let found = self.inner.claim(request, timeout).await?;
        let next = if found.is_empty() {
            None
        } else {
            self.after_claim.lock().unwrap().take()
        };
        if let Some(next) = next {
            next.await;
        }
        Ok(found)
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
impl AuditLog for Troubled {
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
impl Suggestions for Troubled {
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
impl Policies for Troubled {
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
impl Ledger for Troubled {
    async fn credits(
        &self,
        query: &CreditQuery,
        timeout: Duration,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        self.inner.credits(query, timeout).await
    }
}
