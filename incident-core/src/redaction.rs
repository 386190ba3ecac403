//! What a redaction erases: one list of the places where the words of an entry can lie,
//! walked by every store.
//!
//! A redaction erases the texts of one entry of a timeline, and every copy of what it wrote
//! that the library holds: to show it, to send it or to answer it once more. What stays:
//! names (of people, services, tenants), times, kinds and statuses; the reasons of
//! redactions and waivers and the address of a post-mortem, which are part of the audit
//! trail; and what has left already: pages that a vendor took, lines of a log, backups.

use crate::audit::{AuditDraft, AuditOutcome};
use crate::incident::Incident;
use crate::{IncidentId, SuggestionId};

/// A place where the words of an entry can lie. A store erases them in all of them, in the
/// commit that records the redaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TextPlace {
    /// The texts of the entry, with their salts.
    Entry,
    /// The incident's own fields, its public title and its public lines: those that the
    /// entry wrote. Erased by the new state of the incident, which is a write of the same
    /// commit.
    Incident,
    /// Pages of the incident that wait in the outbox, or are being sent.
    Outbox,
    /// Pages of the incident that were given up and can be tried again.
    GivenUp,
    /// Replies that are remembered under an idempotency key and repeat the incident, or its
    /// suggestion.
    Replies,
    /// The suggestion that the incident was declared from, where its declaration is erased.
    Suggestion,
}

impl TextPlace {
    /// Every place.
    pub const ALL: [Self; 6] = [
        Self::Entry,
        Self::Incident,
        Self::Outbox,
        Self::GivenUp,
        Self::Replies,
        Self::Suggestion,
    ];

    /// Its name, as the database has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Incident => "incident",
            Self::Outbox => "outbox",
            Self::GivenUp => "given_up",
            Self::Replies => "replies",
            Self::Suggestion => "suggestion",
        }
    }
}

/// The erasure of an entry's words, as a commit asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redaction {
    /// The incident.
    pub incident_id: IncidentId,
    /// The entry.
    pub seq: u64,
    /// The suggestion whose words the entry repeats, if it does.
    pub suggestion: Option<SuggestionId>,
}

impl Redaction {
    /// The erasure of one entry of an incident. Its declaration repeats the words of the
    /// suggestion it was made from.
    #[must_use]
    pub fn of(incident: &Incident, seq: u64) -> Self {
        Self {
            incident_id: incident.id,
            seq,
            suggestion: incident.suggestion_id.filter(|_| seq == 1),
        }
    }

    /// Says whether an audit entry is the record of this erasure. Without one a store
    /// refuses it, and a check of the chain misses the text.
    #[must_use]
    pub fn is_recorded_by(&self, audit: &AuditDraft) -> bool {
        recorded(audit) == Some((self.incident_id, self.seq))
    }
}

/// Returns the entry whose erasure an audit entry records, if it does.
#[must_use]
pub fn recorded(audit: &AuditDraft) -> Option<(IncidentId, u64)> {
    if audit.action != ACTION || audit.outcome != AuditOutcome::Allowed {
        return None;
    }
    let seq = audit.detail.get(SEQ)?.parse().ok()?;
    Some((audit.incident_id?, seq))
}

/// The action of an audit entry that records a redaction.
pub(crate) const ACTION: &str = "redact";

/// Its particular that names the entry.
pub(crate) const SEQ: &str = "seq";
