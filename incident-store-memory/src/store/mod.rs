//! The store: one mutex around one state, so a commit is atomic by construction.

mod apply;
mod erase;
mod keys;
mod messages;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use incident_core::audit::{AuditEntry, Chain};
use incident_core::billing::{CreditSubject, LedgerRow};
use incident_core::commit::Commit;
use incident_core::idempotency::{IdempotencyKey, IdempotencyRecord};
use incident_core::incident::{Incident, Outline};
use incident_core::outbox::{Backlog, Claim, DeadLetterFilter, Message, Unreadable};
use incident_core::policy::PolicyRecord;
use incident_core::port::{
    AuditLog, AuditQuery, ClaimRequest, CreditQuery, IncidentFilter, IncidentStore, Ledger, Outbox,
    Policies, StoreError, SuggestionQuery, Suggestions,
};
use incident_core::suggestion::{Suggestion, SuggestionState};
use incident_core::timeline::SysIncidentUpdateEntry;
use incident_core::{IncidentId, SuggestionId, Timestamp};

use state::StoreState;

/// A store that holds everything in memory. Clones share it; its content is lost with the last one.
///
/// Every call holds one lock while it copies its result, so calls are linearizable and end without
/// a deadline of their own.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<StoreState>>);

impl MemoryStore {
    fn state(&self) -> MutexGuard<'_, StoreState> {
        // A panic elsewhere cannot leave the state half changed: a commit checks everything before
        // it changes anything.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl IncidentStore for MemoryStore {
    async fn commit(
        &self,
        commit: Commit,
        _timeout: Duration,
    ) -> Result<Vec<SysIncidentUpdateEntry>, StoreError> {
        self.state().commit(commit)
    }

    async fn next_number(&self, _timeout: Duration) -> Result<u64, StoreError> {
        let mut state = self.state();
        state.last_number += 1;
        Ok(state.last_number)
    }

    async fn load(
        &self,
        id: IncidentId,
        _timeout: Duration,
    ) -> Result<Option<Arc<Incident>>, StoreError> {
        Ok(self
            .state()
            .incidents
            .get(&id)
            .map(|kept| Arc::clone(&kept.incident)))
    }

    async fn list(
        &self,
        filter: &IncidentFilter,
        _timeout: Duration,
    ) -> Result<Vec<Arc<Incident>>, StoreError> {
        Ok(self.state().list(filter))
    }

    async fn outlines(
        &self,
        filter: &IncidentFilter,
        _timeout: Duration,
    ) -> Result<Vec<Outline>, StoreError> {
        // Outlines are built after the lock is released, so that copying names blocks no other
        // call.
        let found = self.state().list(filter);
        Ok(found.iter().map(|one| Outline::of(one)).collect())
    }

    async fn timeline(
        &self,
        id: IncidentId,
        after_seq: u64,
        limit: usize,
        _timeout: Duration,
    ) -> Result<Vec<SysIncidentUpdateEntry>, StoreError> {
        let state = self.state();
        let Some(kept) = state.incidents.get(&id) else {
            return Ok(Vec::new());
        };
        let skip = usize::try_from(after_seq).unwrap_or(usize::MAX);
        Ok(kept
            .timeline
            .iter()
            .skip(skip)
            .take(limit)
            .cloned()
            .collect())
    }

    async fn find_response(
        &self,
        key: &IdempotencyKey,
        now: Timestamp,
        _timeout: Duration,
    ) -> Result<Option<IdempotencyRecord>, StoreError> {
        Ok(self
            .state()
            .keys
            .get(key)
            .filter(|kept| now < kept.expires_at)
            .cloned())
    }

    /// Returns none: every value beside a state is derived from it by the same commit.
    async fn mismatch(
        &self,
        _id: IncidentId,
        _timeout: Duration,
    ) -> Result<Option<&'static str>, StoreError> {
        Ok(None)
    }
}

#[async_trait]
impl Outbox for MemoryStore {
    async fn claim(
        &self,
        request: ClaimRequest,
        _timeout: Duration,
    ) -> Result<Vec<Result<Claim, Unreadable>>, StoreError> {
        let claims = self.state().outbox.claim(&request);
        // Messages in memory are always readable.
        Ok(claims.into_iter().map(Ok).collect())
    }

    async fn next_due(&self, _timeout: Duration) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.state().outbox.next_due())
    }

    async fn backlog(&self, _timeout: Duration) -> Result<Backlog, StoreError> {
        Ok(self.state().outbox.backlog())
    }

    async fn given_up(
        &self,
        which: DeadLetterFilter,
        _timeout: Duration,
    ) -> Result<Vec<Message>, StoreError> {
        Ok(self.state().outbox.given_up(which))
    }
}

#[async_trait]
impl AuditLog for MemoryStore {
    async fn audit(
        &self,
        query: &AuditQuery,
        _timeout: Duration,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        Ok(self.state().audit(query))
    }

    async fn audit_chain(
        &self,
        chain: Chain,
        after_seq: u64,
        limit: usize,
        _timeout: Duration,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let state = self.state();
        let entries = state.audit.get(&chain).into_iter().flatten();
        // Entries are counted from 1 without gaps.
        let before = usize::try_from(after_seq).unwrap_or(usize::MAX);
        Ok(entries.skip(before).take(limit).cloned().collect())
    }

    async fn audit_chains(
        &self,
        after: Option<Chain>,
        limit: usize,
        _timeout: Duration,
    ) -> Result<Vec<Chain>, StoreError> {
        let state = self.state();
        Ok(state
            .audit
            .keys()
            .copied()
            .filter(|chain| after.is_none_or(|after| after < *chain))
            .take(limit)
            .collect())
    }
}

#[async_trait]
impl Suggestions for MemoryStore {
    async fn suggestion(
        &self,
        id: SuggestionId,
        _timeout: Duration,
    ) -> Result<Option<Suggestion>, StoreError> {
        Ok(self
            .state()
            .suggestions
            .iter()
            .find(|one| one.id == id)
            .cloned())
    }

    async fn suggestions(
        &self,
        query: &SuggestionQuery,
        _timeout: Duration,
    ) -> Result<Vec<Suggestion>, StoreError> {
        let mut found: Vec<Suggestion> = self.state().suggestions.clone();
        found.sort_by_key(|one| std::cmp::Reverse((one.received_at, one.id)));
        found.retain(|one| {
            query
                .before
                .is_none_or(|before| (one.received_at, one.id) < before)
        });
        found.truncate(query.limit);
        Ok(found)
    }

    async fn open_suggestions(
        &self,
        now: Timestamp,
        _timeout: Duration,
    ) -> Result<u64, StoreError> {
        let state = self.state();
        let open = state.suggestions.iter();
        let open = open.filter(|one| one.state(now) == SuggestionState::Open);
        Ok(u64::try_from(open.count()).unwrap_or(u64::MAX))
    }
}

#[async_trait]
impl Policies for MemoryStore {
    async fn policy_at(
        &self,
        time: Timestamp,
        _timeout: Duration,
    ) -> Result<Option<PolicyRecord>, StoreError> {
        let state = self.state();
        let mut newest_first = state.policies.iter().rev();
        Ok(newest_first.find(|record| record.since <= time).cloned())
    }

    async fn policies(
        &self,
        limit: usize,
        _timeout: Duration,
    ) -> Result<Vec<PolicyRecord>, StoreError> {
        let state = self.state();
        Ok(state.policies.iter().rev().take(limit).cloned().collect())
    }
}

#[async_trait]
impl Ledger for MemoryStore {
    async fn credits(
        &self,
        query: &CreditQuery,
        _timeout: Duration,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        let state = self.state();
        let wanted = |row: &&LedgerRow| query.matches(row);
        Ok(match query.incident {
            Some(incident) => {
                let subject = CreditSubject::Incident(incident);
                let rows = state.of_subject(&subject);
                rows.filter(wanted).cloned().collect()
            }
            None => state.ledger.iter().filter(wanted).cloned().collect(),
        })
    }
}
