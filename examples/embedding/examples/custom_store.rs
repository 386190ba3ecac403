//! A custom store, checked by the conformance macro: it counts commits and delegates the storage to
//! another store.
//!
//! Run with `cargo run -p incident-embedding --example custom_store`; its tests
//! with `cargo test -p incident-embedding --example custom_store`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use incident_core::actor::{Actor, Caller, Role};
use incident_core::audit::{AuditEntry, Chain};
use incident_core::billing::LedgerRow;
use incident_core::commit::Commit;
use incident_core::engine::{Incidents, RequestContext};
use incident_core::idempotency::{IdempotencyKey, IdempotencyRecord};
use incident_core::incident::{Declare, Incident, Outline, Severity};
use incident_core::outbox::{Backlog, Claim, DeadLetterFilter, Message, Unreadable};
use incident_core::policy::PolicyRecord;
use incident_core::port::{
    AuditLog, AuditQuery, ClaimRequest, CreditQuery, IncidentFilter, IncidentStore, Ledger, Outbox,
    Policies, StoreError, SuggestionQuery, Suggestions,
};
use incident_core::suggestion::Suggestion;
use incident_core::timeline::SysIncidentUpdateEntry;
use incident_core::{IncidentId, PersonName, SuggestionId, Timestamp};
use incident_store_memory::MemoryStore;

/// A store that counts commits. It forwards every method: the ports have no default methods, so the
/// compiler reports a missing one. The exception is `Outbox::for_relay`, which a wrapper does not
/// override, so that the relay goes through it too.
#[derive(Clone, Debug, Default)]
struct Counting {
    inner: MemoryStore,
    commits: Arc<AtomicU64>,
}

#[async_trait]
impl IncidentStore for Counting {
    async fn commit(
        &self,
        commit: Commit,
        timeout: Duration,
    ) -> Result<Vec<SysIncidentUpdateEntry>, StoreError> {
        self.commits.fetch_add(1, Ordering::Relaxed);
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
        self.inner.load(id, timeout).await
    }

    async fn list(
        &self,
        filter: &IncidentFilter,
        timeout: Duration,
    ) -> Result<Vec<Arc<Incident>>, StoreError> {
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
impl Outbox for Counting {
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
impl AuditLog for Counting {
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
impl Suggestions for Counting {
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
impl Policies for Counting {
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
impl Ledger for Counting {
    async fn credits(
        &self,
        query: &CreditQuery,
        timeout: Duration,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        self.inner.credits(query, timeout).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = Counting::default();
    let incidents = Incidents::builder(Arc::new(store.clone())).build()?;
    let anna = Caller {
        actor: Actor::person(PersonName::new("anna")?),
        role: Role::Responder,
    };
    incidents
        .declare(
            &RequestContext::new(anna),
            &Declare::new("API down".parse()?, Severity::Sev3),
        )
        .await?;
    println!("{} commit(s)", store.commits.load(Ordering::Relaxed));
    Ok(())
}

#[cfg(test)]
mod tests {
    use incident_core::conformance::StoreBackend;
    use incident_core::port::Store;

    use super::*;

    struct Counted;

    #[async_trait]
    impl StoreBackend for Counted {
        type Guard = ();
        const DURABLE: bool = false;

        async fn open() -> (Arc<dyn Store>, ()) {
            (Arc::new(Counting::default()), ())
        }

        async fn reopen((): &()) -> Arc<dyn Store> {
            unreachable!("a store in memory is not durable")
        }
    }

    incident_core::store_conformance!(Counted);
}
