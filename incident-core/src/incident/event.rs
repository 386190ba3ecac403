//! What happened: the outcome of a decision.

use super::{AlertRepeated, Change, Publish, TookIn, Updated};
use crate::actor::Actor;
use crate::paging::{AlertSeen, RetryOf};
use crate::timeline::EntryKind;
use crate::{HttpsUrl, IncidentId, Name, PersonName, RuleName, Statement, Timestamp};

/// Something that happened to an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// It was declared. The state it began with is that of the incident.
    Declared,
    /// Somebody acknowledged it.
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
        /// and nobody acknowledged it: an alarm.
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
    PageRequested {
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
            | Self::PageRequested { .. }
            | Self::Escalated { .. }
            | Self::PageRetried { .. }
            | Self::Redacted { .. }
            | Self::TookIn(_) => true,
        }
    }
}

/// The decision that an outage touches so many months.
pub(super) fn long_outage(months: u32, reason: &Statement, now: Timestamp) -> Event {
    Event::Updated(Box::new(Updated {
        kind: EntryKind::Decision,
        message: Statement::made(&format!("the outage touches {months} calendar months")),
        reason: Some(reason.clone()),
        occurred_at: now,
        transition: None,
        changes: Vec::new(),
        comms_sent: None,
        public_message: None,
        corrects: None,
    }))
}
