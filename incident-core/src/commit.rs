//! Everything that one decision changes, as one value that a store applies whole.

use std::sync::Arc;

use crate::audit::AuditDraft;
use crate::billing::{CreditTransition, LedgerWrite};
use crate::idempotency::IdempotencyRecord;
use crate::incident::Incident;
use crate::outbox::{LeaseCompletion, Message};
use crate::policy::PolicyRecord;
use crate::redaction::Redaction;
use crate::suggestion::Suggestion;
use crate::timeline::{CanonicalError, EntryDraft, StateMarks, SysIncidentUpdateEntry};
use crate::{IncidentId, MessageId, Name, Revision, RuleName, Salt, SuggestionId, Timestamp};

/// A new state of one incident, with the entries that explain it.
#[derive(Clone, Debug)]
pub struct IncidentWrite {
    /// The new state.
    pub after: Arc<Incident>,
    /// The revision that the decision was based on; none for a new incident.
    pub expected: Option<Revision>,
    /// The entries to append, which have no place in their chain yet.
    pub entries: Vec<SysIncidentUpdateEntry>,
}

impl IncidentWrite {
    /// Creates a write of a new state with its entries.
    ///
    /// The last entry is bound to the state ([`StateMarks`]), so that a check of the chain notices
    /// a rewritten state. `salt` must return a new random salt for each entry.
    ///
    /// # Errors
    /// Fails as [`SysIncidentUpdateEntry::new`] does.
    pub fn new(
        after: Arc<Incident>,
        expected: Option<Revision>,
        mut drafts: Vec<EntryDraft>,
        mut salt: impl FnMut() -> Salt,
    ) -> Result<Self, CanonicalError> {
        if let Some(last) = drafts.last_mut() {
            last.marks = Some(StateMarks::of(&after));
        }
        let entry = |draft| SysIncidentUpdateEntry::new(after.id, draft, salt());
        Ok(Self {
            entries: drafts.iter().map(entry).collect::<Result<_, _>>()?,
            after,
            expected,
        })
    }
}

/// A change of the outbox.
#[derive(Clone, Debug)]
pub enum OutboxWrite {
    /// A new message.
    Add(Box<Message>),
    /// The end of the triggers and resends of one ordering key: pending ones end, and those in
    /// flight are not tried again.
    Supersede {
        /// The incident.
        incident: IncidentId,
        /// The ordering key: that of an escalation's rule, or of the incident's own page if none.
        rule: Option<RuleName>,
    },
    /// An earlier due time for messages that would be due later and are not leased. Others,
    /// completed ones included, stay as they are.
    Hasten {
        /// The messages.
        messages: Vec<MessageId>,
        /// The new due time.
        due_at: Timestamp,
    },
    /// A dead-lettered message that is due again, as if it had never been tried.
    Replay {
        /// The message.
        message: MessageId,
        /// The new due time.
        due_at: Timestamp,
    },
}

/// A change of a suggestion.
#[derive(Clone, Debug)]
pub enum SuggestionWrite {
    /// A new suggestion.
    Open(Suggestion),
    /// A suggestion from which an incident is declared.
    Use(SuggestionId),
    /// An open suggestion that a person dismisses at a time.
    Dismiss(SuggestionId, Timestamp),
}

/// The claim of a declaration on an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertClaim {
    /// The key of the alert.
    pub key: Name,
    /// The live incidents, of any environment and mode, that were declared for the alert or stand
    /// for it when the declaration was decided.
    ///
    /// A store that knows another one refuses the commit with
    /// [`AlertKeyTaken`](crate::port::StoreError::AlertKeyTaken).
    pub seen: Vec<IncidentId>,
}

/// Everything that one decision changes. A store applies all of it or nothing.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// Incidents, in order of id.
    pub writes: Vec<IncidentWrite>,
    /// The alert that a new incident claims.
    pub alert: Option<AlertClaim>,
    /// Audit entries.
    pub audit: Vec<AuditDraft>,
    /// Changes of the outbox.
    pub outbox: Vec<OutboxWrite>,
    /// Credits.
    pub ledger: Vec<LedgerWrite>,
    /// Credits that change their state.
    pub credits: Vec<CreditTransition>,
    /// A suggestion.
    pub suggestion: Option<SuggestionWrite>,
    /// The response to store under an idempotency key.
    pub remember: Option<IdempotencyRecord>,
    /// The lease completion of the message that this commit finishes or puts back.
    pub completes: Option<LeaseCompletion>,
    /// A policy that comes into force. It is stored unless it is the newest one already.
    pub policy: Option<PolicyRecord>,
    /// The entry whose free text is erased, with every copy of it
    /// ([`TextPlace`](crate::redaction::TextPlace)). The audit entries of the commit record it.
    pub redacts: Option<Redaction>,
}
