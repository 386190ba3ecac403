//! What one decision changes, as one value that a store takes whole.

use std::sync::Arc;

use crate::audit::AuditDraft;
use crate::billing::{CreditTransition, LedgerWrite};
use crate::idempotency::IdempotencyRecord;
use crate::incident::Incident;
use crate::outbox::{LeaseCompletion, Message};
use crate::redaction::Redaction;
use crate::suggestion::Suggestion;
use crate::timeline::{CanonicalError, EntryDraft, StateMarks, SysIncidentUpdateEntry};
use crate::{IncidentId, MessageId, Name, Revision, RuleName, Salt, SuggestionId, Timestamp};

/// A new state of one incident, with the entries that tell how it came about.
#[derive(Clone, Debug)]
pub struct IncidentWrite {
    /// The incident from here on.
    pub after: Arc<Incident>,
    /// The revision it was decided on; none where the incident is new.
    pub expected: Option<Revision>,
    /// The entries to append, which have no place in their chain yet.
    pub entries: Vec<SysIncidentUpdateEntry>,
}

impl IncidentWrite {
    /// A new state with its entries, of which the last one is bound to the state
    /// ([`StateMarks`]): a check of the chain sees when the state is rewritten. Each entry has a
    /// salt of its own, which must be random.
    ///
    /// # Errors
    /// As [`SysIncidentUpdateEntry::new`].
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
    /// One more thing to do.
    Add(Box<Message>),
    /// Triggers of a thread are not claimed any more, nor are resolutions that
    /// repeat: what is pending ends, and what is in flight is not tried again.
    Supersede {
        /// The incident.
        incident: IncidentId,
        /// The thread: an escalation's rule, or none for the incident's own page.
        rule: Option<RuleName>,
    },
    /// These messages are due from a time on, where they would be due later and nobody
    /// works on them. Others, settled ones too, are left as they are.
    Hasten {
        /// The messages.
        messages: Vec<MessageId>,
        /// They are due from here on.
        due_at: Timestamp,
    },
    /// A message that was given up is due again, as if it had never been tried.
    Replay {
        /// The message.
        message: MessageId,
        /// It is due from here on.
        due_at: Timestamp,
    },
}

/// A change of a suggestion.
#[derive(Clone, Debug)]
pub enum SuggestionWrite {
    /// A new one.
    Open(Suggestion),
    /// An incident is declared from it.
    Use(SuggestionId),
}

/// A declaration that claims an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertClaim {
    /// The alert.
    pub key: Name,
    /// Every live incident, of any environment and mode, that was declared for the alert
    /// or stands for it, as the declaration was decided on them. A store that knows
    /// another one refuses the commit with
    /// [`AlertKeyTaken`](crate::port::StoreError::AlertKeyTaken).
    pub seen: Vec<IncidentId>,
}

/// Everything one decision changes. A store keeps all of it or nothing.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// Incidents, in order of id.
    pub writes: Vec<IncidentWrite>,
    /// The alert that a new incident claims.
    pub alert: Option<AlertClaim>,
    /// Audit entries.
    pub audit: Vec<AuditDraft>,
    /// Things to do outside.
    pub outbox: Vec<OutboxWrite>,
    /// Credits.
    pub ledger: Vec<LedgerWrite>,
    /// Credits that change their state.
    pub credits: Vec<CreditTransition>,
    /// A suggestion.
    pub suggestion: Option<SuggestionWrite>,
    /// The reply to remember.
    pub remember: Option<IdempotencyRecord>,
    /// The message that this commit finishes or puts off.
    pub completes: Option<LeaseCompletion>,
    /// The entry whose free text is erased, with every copy of it
    /// ([`TextPlace`](crate::redaction::TextPlace)). The audit entries of the commit record it.
    pub redacts: Option<Redaction>,
}
