//! A store in trouble, over one that is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use incident_core::audit::{AuditEntry, Chain};
use incident_core::billing::LedgerRow;
use incident_core::commit::{Commit, Committed, KeyScope, Remember};
use incident_core::incident::Incident;
use incident_core::outbox::{Backlog, Claimed, GivenUp, Message};
use incident_core::port::{
    AuditLog, AuditQuery, ClaimRequest, CreditQuery, IncidentFilter, IncidentStore, Ledger, Outbox,
    Store, StoreError, SuggestionQuery, Suggestions,
};
use incident_core::suggestion::Suggestion;
use incident_core::timeline::SysIncidentUpdateEntry;
use incident_core::{IncidentId, SuggestionId, Timestamp};

/// Everything works.
pub(crate) const NONE: u8 = 0;
/// Commits are kept, and nobody hears of it.
pub(crate) const UNKNOWN: u8 = 1;
/// Incidents cannot be read.
pub(crate) const AWAY: u8 = 2;
/// Who reads incidents hears nothing.
pub(crate) const HANGS: u8 = 3;
/// Whoever reads an incident waits as long as it may, for nothing.
pub(crate) const LATE: u8 = 4;
/// Whoever reads an incident waits a moment.
pub(crate) const SLOW: u8 = 5;

pub(crate) struct Troubled {
    inner: Arc<dyn Store>,
    trouble: AtomicU8,
}

impl Troubled {
    pub(crate) fn over(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            trouble: AtomicU8::new(NONE),
        })
    }

    pub(crate) fn is_in(&self, trouble: u8) {
        self.trouble.store(trouble, Ordering::SeqCst);
    }

    fn trouble(&self) -> u8 {
        self.trouble.load(Ordering::SeqCst)
    }

    async fn reads(&self, within: Duration) -> Result<(), StoreError> {
        match self.trouble() {
            SLOW => {
                tokio::time::sleep(Duration::from_millis(1)).await;
                Ok(())
            }
            LATE => {
                tokio::time::sleep(within).await;
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
    async fn commit(&self, commit: Commit, within: Duration) -> Result<Committed, StoreError> {
        let kept = self.inner.commit(commit, within).await?;
        if self.trouble() == UNKNOWN {
            return Err(StoreError::Unknown("the answer is lost".into()));
        }
        Ok(kept)
    }

    async fn next_number(&self, within: Duration) -> Result<u64, StoreError> {
        self.inner.next_number(within).await
    }

    async fn load(
        &self,
        id: IncidentId,
        within: Duration,
    ) -> Result<Option<Arc<Incident>>, StoreError> {
        self.reads(within).await?;
        self.inner.load(id, within).await
    }

    async fn list(
        &self,
        filter: &IncidentFilter,
        within: Duration,
    ) -> Result<Vec<Arc<Incident>>, StoreError> {
        self.reads(within).await?;
        self.inner.list(filter, within).await
    }

    async fn timeline(
        &self,
        id: IncidentId,
        after: u64,
        limit: usize,
        within: Duration,
    ) -> Result<Vec<SysIncidentUpdateEntry>, StoreError> {
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
}

#[async_trait]
impl Outbox for Troubled {
    async fn claim(&self, request: ClaimRequest, within: Duration) -> Result<Claimed, StoreError> {
        self.inner.claim(request, within).await
    }

    async fn next_due(&self, within: Duration) -> Result<Option<Timestamp>, StoreError> {
        self.inner.next_due(within).await
    }

    async fn backlog(&self, within: Duration) -> Result<Backlog, StoreError> {
        self.inner.backlog(within).await
    }

    async fn given_up(&self, which: GivenUp, within: Duration) -> Result<Vec<Message>, StoreError> {
        self.inner.given_up(which, within).await
    }
}

#[async_trait]
impl AuditLog for Troubled {
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
impl Suggestions for Troubled {
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
}

#[async_trait]
impl Ledger for Troubled {
    async fn credits(
        &self,
        query: &CreditQuery,
        within: Duration,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        self.inner.credits(query, within).await
    }
}
