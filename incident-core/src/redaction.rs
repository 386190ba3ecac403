//! Redactions, and the list of places that hold the text of an entry, which every store walks.
//!
//! A redaction erases the texts of one entry of a timeline, and every copy of them that the library
//! holds to show, to send or to return again. It does not erase names (of people, services,
//! tenants), times, kinds and statuses; the reasons of redactions and waivers and the address of a
//! post-mortem, which are part of the audit trail; nor anything that has left the library: pages
//! that a vendor accepted, lines of a log, backups.

use crate::audit::{AuditDraft, AuditOutcome};
use crate::incident::Incident;
use crate::{IncidentId, SuggestionId};

/// A place that can hold the text of an entry. A store erases it in all places, in the commit that
/// records the redaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TextPlace {
    /// The texts of the entry, with their salts.
    Entry,
    /// The incident's own fields, its public title and its public updates, as far as the entry
    /// wrote them. The new state of the incident, a write of the same commit, erases them.
    Incident,
    /// Pages of the incident that wait in the outbox, or are being sent.
    Outbox,
    /// Dead-lettered pages of the incident, which can be tried again.
    GivenUp,
    /// Responses that are stored under an idempotency key and repeat the incident, or its
    /// suggestion.
    Replies,
    /// The suggestion that the incident was declared from, if its declaration is erased.
    Suggestion,
}

impl TextPlace {
    /// All places.
    pub const ALL: [Self; 6] = [
        Self::Entry,
        Self::Incident,
        Self::Outbox,
        Self::GivenUp,
        Self::Replies,
        Self::Suggestion,
    ];

    /// Returns the name that the database uses.
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

/// The erasure of an entry's text, as part of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redaction {
    /// The incident.
    pub incident_id: IncidentId,
    /// The number of the entry.
    pub seq: u64,
    /// The suggestion whose text the entry repeats, if it does.
    pub suggestion: Option<SuggestionId>,
}

impl Redaction {
    /// Creates the erasure of one entry of an incident.
    ///
    /// The declaration (`seq` 1) repeats the text of the suggestion that the incident was declared
    /// from.
    #[must_use]
    pub fn of(incident: &Incident, seq: u64) -> Self {
        Self {
            incident_id: incident.id,
            seq,
            suggestion: incident.suggestion_id.filter(|_| seq == 1),
        }
    }

    /// Returns `true` if an audit entry is the record of this erasure.
    ///
    /// Without one a store refuses the erasure, and a check of the chain reports the text as
    /// missing.
    #[must_use]
    pub fn is_recorded_by(&self, audit: &AuditDraft) -> bool {
        recorded(audit) == Some((self.incident_id, self.seq))
    }
}

/// Returns the incident and entry whose erasure an audit entry records, if it does.
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

/// The audit detail that holds the number of the entry.
pub(crate) const SEQ: &str = "seq";
