//! What one decision changes, as one value that a store takes whole.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::audit::AuditDraft;
use crate::billing::{CappedCredit, CreditTransition, LedgerWrite};
use crate::incident::Incident;
use crate::outbox::{LeaseCompletion, Message};
use crate::paging::PagerTest;
use crate::redaction::Redaction;
use crate::suggestion::Suggestion;
use crate::timeline::{EntryDraft, StateMarks, SysIncidentUpdateEntry};
use crate::{
    IncidentId, MessageId, Name, PersonName, Revision, RuleName, Salt, SuggestionId, Timestamp,
};

/// A new state of one incident, with the entries that tell how it came about.
#[derive(Clone, Debug)]
pub struct IncidentWrite {
    /// The incident from here on.
    pub after: Arc<Incident>,
    /// The revision it was decided on; none where the incident is new.
    pub expected: Option<Revision>,
    /// The entries to append, each with a fresh salt.
    pub entries: Vec<(EntryDraft, Salt)>,
}

impl IncidentWrite {
    /// A new state with its entries, of which the last one is bound to the state
    /// ([`StateMarks`]): a check of the chain sees when the state is rewritten.
    #[must_use]
    pub fn new(
        after: Arc<Incident>,
        expected: Option<Revision>,
        mut entries: Vec<(EntryDraft, Salt)>,
    ) -> Self {
        if let Some((last, _)) = entries.last_mut() {
            last.marks = Some(StateMarks::of(&after));
        }
        Self {
            after,
            expected,
            entries,
        }
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

/// The scope of an idempotency key: (actor, key).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyScope {
    /// Who sent the key.
    pub actor: PersonName,
    /// The key.
    pub key: String,
}

/// What a command answered, to be given again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredResponse {
    /// An incident, and the numbers of the entries that were made.
    Incident {
        /// The incident as it was answered.
        incident: Arc<Incident>,
        /// The entries that were made.
        seqs: Vec<u64>,
        /// Whether an alert found a live incident instead of making one.
        deduplicated: bool,
    },
    /// A suggestion, and whether it was open before.
    Suggestion {
        /// The suggestion.
        suggestion: Suggestion,
        /// Whether it was open before.
        repeated: bool,
    },
    /// So many usage events.
    Accepted(u64),
    /// What became of a test page.
    Tested(PagerTest),
    /// A credit that was decided.
    Credit(Box<CappedCredit>),
}

impl StoredResponse {
    /// Erases words of an incident that were redacted, where the reply repeats them: it
    /// tells the incident as it is now, and its suggestion without words.
    pub fn redact(&mut self, redaction: &Redaction, now: &Arc<Incident>) {
        match self {
            Self::Incident { incident, .. } if incident.id == redaction.incident_id => {
                *incident = Arc::clone(now);
            }
            Self::Suggestion { suggestion, .. } if redaction.suggestion == Some(suggestion.id) => {
                suggestion.redact();
            }
            Self::Incident { .. } | Self::Suggestion { .. } => {}
            // Names and figures; the words of a test page are ours.
            Self::Accepted(_) | Self::Tested(_) | Self::Credit(_) => {}
        }
    }
}

/// A reply to be remembered under a key.
#[derive(Clone, Debug)]
pub struct IdempotencyRecord {
    /// The scope of the key.
    pub scope: IdempotencyScope,
    /// What the key was used for.
    pub fingerprint: [u8; 32],
    /// When the reply was made: an older record that had expired by then gives way.
    pub made_at: Timestamp,
    /// Until when a repeat gets the same reply.
    pub expires_at: Timestamp,
    /// The reply.
    pub reply: StoredResponse,
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

/// What a store made of a commit.
#[derive(Clone, Debug, Default)]
pub struct Committed {
    /// The entries as they were sealed, in order of the writes.
    pub entries: Vec<SysIncidentUpdateEntry>,
}
