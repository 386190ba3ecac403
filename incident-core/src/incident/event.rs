//! What happened: the outcome of a decision.

use serde::{Deserialize, Serialize};

use super::{AlertRepeated, Change, Ending, Publish, RetryOf, Status, TookIn};
use crate::actor::Actor;
use crate::paging::AlertSeen;
use crate::timeline::EntryKind;
use crate::{
    HttpsUrl, IncidentId, Name, PersonName, PublicText, RuleName, Statement, Text, Timestamp,
};

/// Who a message was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// The team.
    Internal,
    /// Customers.
    Customers,
    /// Executives.
    Executives,
}

/// A message that was sent, as the timeline records it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommsSent {
    /// Where it was sent.
    pub channel: Name,
    /// For whom.
    pub audience: Audience,
    /// What it said.
    pub summary: Text,
}

/// A change of status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// The status before.
    pub from: Status,
    /// The status after.
    pub to: Status,
    /// For `cancelled` and `merged`.
    pub ending: Option<Ending>,
}

/// An update that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Updated {
    /// What kind of entry.
    pub kind: EntryKind,
    /// What happened.
    pub message: Statement,
    /// Why, where a reason was given.
    pub reason: Option<Statement>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The change of status, if there was one.
    pub transition: Option<Transition>,
    /// Fields that change with it.
    pub changes: Vec<Change>,
    /// What was sent to whom.
    pub comms_sent: Option<CommsSent>,
    /// What the public may see of it.
    pub public_message: Option<PublicText>,
    /// The entry it corrects.
    pub corrects: Option<u64>,
}

/// Something that happened to an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// It was declared. The state it began with is that of the incident.
    Declared,
    /// Somebody took it.
    Acknowledged {
        /// When.
        at: Timestamp,
        /// Who.
        by: Actor,
    },
    /// The timeline got an update.
    Updated(Box<Updated>),
    /// Something was seen at a vendor.
    Observed {
        /// What was seen.
        statement: Statement,
        /// When it happened.
        occurred_at: Timestamp,
        /// The escalation whose alert it is about; none for the incident's own.
        rule: Option<RuleName>,
        /// Whether the alert is open there, where this tells; nothing where it is
        /// about an earlier page.
        alert: Option<AlertSeen>,
        /// The vendor that no longer calls anybody, although the incident goes on
        /// and nobody has it: an alarm.
        deserted_at: Option<Name>,
    },
    /// A field has a new value.
    Changed(Change),
    /// It was shown to the public, or hidden.
    Published(Publish),
    /// A post-mortem was linked.
    PostMortemLinked {
        /// Where the document lies.
        url: HttpsUrl,
        /// Who linked it.
        by: Actor,
    },
    /// Somebody asked to page again.
    PageAsked {
        /// Why.
        reason: Statement,
        /// The new epoch.
        epoch: u32,
    },
    /// Others than on-call are to be told.
    Escalated {
        /// The rule that names them.
        rule: RuleName,
        /// Why.
        reason: Statement,
        /// Who asked.
        by: PersonName,
    },
    /// What was given up is tried once more.
    PageRetried {
        /// The messages that still make sense, in order.
        messages: Vec<RetryOf>,
    },
    /// The free text of an entry was erased.
    Redacted {
        /// Which entry.
        seq: u64,
    },
    /// A merged incident was taken in.
    TookIn(Box<TookIn>),
    /// An alert for which it stands came again.
    AlertRepeated(AlertRepeated),
    /// Another incident was declared for the same alert.
    Related {
        /// The other one.
        to: IncidentId,
        /// Its number for people.
        number: u64,
        /// The alert, where the other one stands for it from here on.
        takes_over: Option<Name>,
    },
}

impl Event {
    /// Says whether it counts as a command in the incident's version. A repeat of an alert that
    /// changes nothing, and a link to another incident, do not: nobody's edit is stale
    /// because of them.
    #[must_use]
    pub const fn raises_version(&self) -> bool {
        match self {
            Self::AlertRepeated(repeated) => repeated.raised.is_some() || repeated.pages,
            Self::Related { .. } => false,
            Self::Declared
            | Self::Acknowledged { .. }
            | Self::Updated(_)
            | Self::Observed { .. }
            | Self::Changed(_)
            | Self::Published(_)
            | Self::PostMortemLinked { .. }
            | Self::PageAsked { .. }
            | Self::Escalated { .. }
            | Self::PageRetried { .. }
            | Self::Redacted { .. }
            | Self::TookIn(_) => true,
        }
    }
}
