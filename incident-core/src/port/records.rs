//! The read sides of audit, suggestions and ledger. Written by commits only.

use std::time::Duration;

use async_trait::async_trait;

use super::StoreError;
use crate::audit::{AuditEntry, Chain};
use crate::billing::{CreditState, LedgerRow};
use crate::suggestion::Suggestion;
use crate::{
    CreditId, IncidentId, MessageId, Period, PersonName, SuggestionId, TenantId, Timestamp,
    ValidationError,
};

/// Which audit entries.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// Only of this chain.
    pub chain: Option<Chain>,
    /// Only by this actor.
    pub actor: Option<String>,
    /// Only from here on.
    pub from: Option<Timestamp>,
    /// Only after this one, in the order of the answer.
    pub after: Option<(Timestamp, Chain, u64)>,
    /// At most so many.
    pub limit: usize,
    /// What cannot be read is left out, instead of failing the list.
    pub skip_unreadable: bool,
}

impl AuditQuery {
    /// Whether anything can match.
    ///
    /// # Errors
    /// The actor is a name that nobody can have.
    pub fn check(&self) -> Result<(), ValidationError> {
        let actor = self.actor.as_deref().map(PersonName::stored).transpose();
        actor.map(|_| ()).map_err(|wrong| wrong.at("actor"))
    }
}

impl AuditQuery {
    /// Tells if an entry is wanted, but for [`limit`](Self::limit): the reference that every
    /// store agrees with.
    #[must_use]
    pub fn matches(&self, entry: &AuditEntry) -> bool {
        let (at, actor) = (entry.payload.at, &entry.payload.actor);
        let place = (at, entry.chain, entry.seq);
        self.chain.is_none_or(|chain| chain == entry.chain)
            && self
                .actor
                .as_ref()
                .is_none_or(|name| actor.name.as_str() == name)
            && self.from.is_none_or(|from| from <= at)
            && self.after.is_none_or(|after| after < place)
    }
}

/// Reads the audit trail.
///
/// # Contract
/// **Ordered:** [`audit`](AuditLog::audit) answers by (time, chain, seq)
/// ascending, [`audit_chain`](AuditLog::audit_chain) by seq ascending; a chain
/// has the numbers 1, 2, 3, ... without gaps.
/// **Bounded:** answers within `timeout`.
/// **Errors:** an entry that cannot be read is [`StoreError::Corrupt`], unless the query
/// leaves such out.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Entries that match.
    async fn audit(
        &self,
        query: &AuditQuery,
        timeout: Duration,
    ) -> Result<Vec<AuditEntry>, StoreError>;

    /// Entries of one chain after `after_seq`, at most `limit`.
    async fn audit_chain(
        &self,
        chain: Chain,
        after_seq: u64,
        limit: usize,
        timeout: Duration,
    ) -> Result<Vec<AuditEntry>, StoreError>;

    /// The chains there are, ascending, after `after`.
    async fn audit_chains(
        &self,
        after: Option<Chain>,
        limit: usize,
        timeout: Duration,
    ) -> Result<Vec<Chain>, StoreError>;
}

/// Which suggestions.
#[derive(Clone, Debug, Default)]
pub struct SuggestionQuery {
    /// Only before this one, in the order of the answer.
    pub before: Option<(Timestamp, SuggestionId)>,
    /// At most so many.
    pub limit: usize,
}

/// Reads suggestions.
///
/// # Contract
/// **Isolated:** at most one suggestion per pair of service and tenant is open:
/// a commit that would open a second one is [`StoreError::SuggestionOpen`].
/// **Ordered:** lists are newest first, by (received at, id).
/// **Bounded:** answers within `timeout`.
#[async_trait]
pub trait Suggestions: Send + Sync {
    /// One of them.
    async fn suggestion(
        &self,
        id: SuggestionId,
        timeout: Duration,
    ) -> Result<Option<Suggestion>, StoreError>;

    /// A list.
    async fn suggestions(
        &self,
        query: &SuggestionQuery,
        timeout: Duration,
    ) -> Result<Vec<Suggestion>, StoreError>;

    /// The number of those that are open at a time.
    async fn open_suggestions(&self, now: Timestamp, timeout: Duration) -> Result<u64, StoreError>;
}

/// Which rows of the ledger.
#[derive(Clone, Debug, Default)]
pub struct CreditQuery {
    /// Only this one.
    pub id: Option<CreditId>,
    /// Only of this incident.
    pub incident: Option<IncidentId>,
    /// Only of this tenant.
    pub tenant: Option<TenantId>,
    /// Only of this period.
    pub period: Option<Period>,
    /// Only in this state.
    pub state: Option<CreditState>,
    /// Only what was issued in this batch.
    pub batch: Option<MessageId>,
    /// What cannot be read is left out, instead of failing the list. For those who look
    /// at each credit by itself; whoever adds credits up must not miss one.
    pub skip_unreadable: bool,
}

impl CreditQuery {
    /// Those of an incident, in whatever state.
    #[must_use]
    pub fn of_incident(id: IncidentId) -> Self {
        Self {
            incident: Some(id),
            ..Self::default()
        }
    }

    /// Tells if a row of the ledger is wanted: the reference that every store agrees with.
    #[must_use]
    pub fn matches(&self, row: &LedgerRow) -> bool {
        let batch = row.issued.as_ref().map(|issued| issued.batch);
        self.id.is_none_or(|id| id == row.id)
            && self.incident.is_none_or(|id| row.incident_id == Some(id))
            && self
                .tenant
                .as_ref()
                .is_none_or(|tenant| *tenant == row.tenant_id)
            && self.period.is_none_or(|period| period == row.period)
            && self.state.is_none_or(|state| state == row.state)
            && self.batch.is_none_or(|id| batch == Some(id))
    }
}

/// Reads the ledger.
///
/// # Contract
/// **Isolated:** one row per (tenant, incident or period, revision, whether it
/// reverses), ever; a new computation accounts for every credit that is issued, and
/// no credit is reversed twice.
/// **Ordered:** rows are in the order in which they were written.
/// **Bounded:** answers within `timeout`.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Rows that match.
    async fn credits(
        &self,
        query: &CreditQuery,
        timeout: Duration,
    ) -> Result<Vec<LedgerRow>, StoreError>;
}
