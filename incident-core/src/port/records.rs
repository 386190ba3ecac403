//! The ports that read audit, suggestions and ledger, which are written by commits only.

use std::time::Duration;

use async_trait::async_trait;

use super::StoreError;
use crate::audit::{AuditEntry, AuditOutcome, Chain};
use crate::billing::{CreditState, LedgerRow};
use crate::policy::PolicyRecord;
use crate::suggestion::Suggestion;
use crate::{
    CreditId, IncidentId, MessageId, Period, PersonName, SuggestionId, TenantId, Timestamp,
    ValidationError,
};

/// A filter for audit entries.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// Only entries of this chain.
    pub chain: Option<Chain>,
    /// Only entries of this actor.
    pub actor: Option<String>,
    /// Only entries of this action, by the name that the audit trail uses.
    pub action: Option<String>,
    /// Only entries with this outcome.
    pub outcome: Option<AuditOutcome>,
    /// Only entries at or after this time.
    pub from: Option<Timestamp>,
    /// Only entries before this time.
    pub to: Option<Timestamp>,
    /// If `true`, the list is by (time, chain, seq) descending.
    pub newest_first: bool,
    /// Only entries after this one, in the order of the list.
    pub after: Option<(Timestamp, Chain, u64)>,
    /// Maximum number of entries.
    pub limit: usize,
    /// If `true`, unreadable entries are left out instead of failing the list.
    pub skip_unreadable: bool,
}

impl AuditQuery {
    /// Checks that the filter can match anything.
    ///
    /// # Errors
    /// Fails if the actor is not a valid name, or no action can have the name.
    pub fn check(&self) -> Result<(), ValidationError> {
        let actor = self.actor.as_deref().map(PersonName::stored).transpose();
        actor.map_err(|wrong| wrong.at("actor"))?;
        let is_word = |name: &str| {
            let mut letters = name.bytes();
            letters.all(|letter| letter.is_ascii_lowercase() || letter == b'_')
        };
        match &self.action {
            Some(action) if !is_word(action) => Err(ValidationError::new(
                "action",
                "the name of an action, such as approve_credit",
            )),
            _ => Ok(()),
        }
    }

    /// Returns `true` if an entry matches, apart from [`limit`](Self::limit). Every store
    /// agrees with this reference.
    #[must_use]
    pub fn matches(&self, entry: &AuditEntry) -> bool {
        let (at, actor) = (entry.payload.at, &entry.payload.actor);
        let place = (at, entry.chain, entry.seq);
        let is_next = |after: (Timestamp, Chain, u64)| match self.newest_first {
            true => place < after,
            false => after < place,
        };
        self.chain.is_none_or(|chain| chain == entry.chain)
            && self
                .actor
                .as_ref()
                .is_none_or(|name| actor.name.as_str() == name)
            && self
                .action
                .as_ref()
                .is_none_or(|action| *action == entry.payload.action)
            && self
                .outcome
                .is_none_or(|outcome| outcome == entry.payload.outcome)
            && self.from.is_none_or(|from| from <= at)
            && self.to.is_none_or(|to| at < to)
            && self.after.is_none_or(is_next)
    }
}

/// The read side of the audit trail.
///
/// # Contract
/// **Ordered:** [`audit`](AuditLog::audit) lists by (time, chain, seq), ascending unless the query
/// says otherwise,
/// [`audit_chain`](AuditLog::audit_chain) by seq ascending; a chain has the numbers 1, 2, 3,
/// ... without gaps.
/// **Bounded:** answers within `timeout`.
/// **Errors:** an unreadable entry is [`StoreError::Corrupt`], unless the query leaves such
/// entries out.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Lists the entries that match.
    async fn audit(
        &self,
        query: &AuditQuery,
        timeout: Duration,
    ) -> Result<Vec<AuditEntry>, StoreError>;

    /// Lists the entries of one chain after `after_seq`, at most `limit`.
    async fn audit_chain(
        &self,
        chain: Chain,
        after_seq: u64,
        limit: usize,
        timeout: Duration,
    ) -> Result<Vec<AuditEntry>, StoreError>;

    /// Lists the existing chains after `after`, ascending, at most `limit`.
    async fn audit_chains(
        &self,
        after: Option<Chain>,
        limit: usize,
        timeout: Duration,
    ) -> Result<Vec<Chain>, StoreError>;
}

/// A page of the list of suggestions.
#[derive(Clone, Debug, Default)]
pub struct SuggestionQuery {
    /// Only suggestions before this one, in the order of the list.
    pub before: Option<(Timestamp, SuggestionId)>,
    /// Maximum number of suggestions.
    pub limit: usize,
}

/// The read side of suggestions.
///
/// # Contract
/// **Isolated:** at most one suggestion stands for a pair of service and tenant
/// ([`Suggestion::stands_for_its_pair`]): a commit that would open a second one is
/// [`StoreError::SuggestionOpen`]. A suggestion is used or dismissed once: of two commits that do,
/// the second is [`StoreError::SuggestionClosed`].
/// **Ordered:** lists are newest first, by (received at, id).
/// **Bounded:** answers within `timeout`.
#[async_trait]
pub trait Suggestions: Send + Sync {
    /// Loads a suggestion; none if there is no such suggestion.
    async fn suggestion(
        &self,
        id: SuggestionId,
        timeout: Duration,
    ) -> Result<Option<Suggestion>, StoreError>;

    /// Lists suggestions.
    async fn suggestions(
        &self,
        query: &SuggestionQuery,
        timeout: Duration,
    ) -> Result<Vec<Suggestion>, StoreError>;

    /// Counts the suggestions that are open at a time.
    async fn open_suggestions(&self, now: Timestamp, timeout: Duration) -> Result<u64, StoreError>;
}

/// The read side of the policies.
///
/// # Contract
/// **Isolated:** a commit with the newest policy adds none, also if several are committed at a
/// time.
/// **Ordered:** lists are newest first, in the order in which they were committed.
/// **Bounded:** answers within `timeout`.
#[async_trait]
pub trait Policies: Send + Sync {
    /// Returns the policy in force at a time: the newest of those that hold since then or before.
    async fn policy_at(
        &self,
        time: Timestamp,
        timeout: Duration,
    ) -> Result<Option<PolicyRecord>, StoreError>;

    /// Lists the newest policies, at most `limit`.
    async fn policies(
        &self,
        limit: usize,
        timeout: Duration,
    ) -> Result<Vec<PolicyRecord>, StoreError>;
}

/// A filter for ledger rows.
#[derive(Clone, Debug, Default)]
pub struct CreditQuery {
    /// Only the row with this id.
    pub id: Option<CreditId>,
    /// Only rows of this incident.
    pub incident: Option<IncidentId>,
    /// Only rows of this tenant.
    pub tenant: Option<TenantId>,
    /// Only rows of this period.
    pub period: Option<Period>,
    /// Only rows in this state.
    pub state: Option<CreditState>,
    /// Only rows that were issued in this batch.
    pub batch: Option<MessageId>,
    /// If `true`, unreadable rows are left out instead of failing the list. Only for callers
    /// that treat each credit by itself: a caller that adds credits up must not miss one.
    pub skip_unreadable: bool,
}

impl CreditQuery {
    /// Creates a filter for the rows of an incident, in any state.
    #[must_use]
    pub fn of_incident(id: IncidentId) -> Self {
        Self {
            incident: Some(id),
            ..Self::default()
        }
    }

    /// Returns `true` if a row matches. Every store agrees with this reference.
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

/// The read side of the ledger.
///
/// # Contract
/// **Isolated:** there is one row per (tenant, incident or period, revision, reversal or not),
/// ever; a new computation accounts for every issued credit, and no credit is reversed twice.
/// **Ordered:** rows are in the order in which they were written.
/// **Bounded:** answers within `timeout`.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Lists the rows that match.
    async fn credits(
        &self,
        query: &CreditQuery,
        timeout: Duration,
    ) -> Result<Vec<LedgerRow>, StoreError>;
}
