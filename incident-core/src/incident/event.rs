//! Events: the outcome of a decision.

use super::{
    AlertRepeated, ApprovalChanged, Change, Publish, RoleChanged, RuleFired, Severity, TickItem,
    TookIn, Updated,
};
use crate::actor::Actor;
use crate::paging::{AlertSeen, RetryOf};
use crate::timeline::EntryKind;
use crate::{HttpsUrl, IncidentId, Name, PersonName, RuleName, Statement, Timestamp};

/// A change that happened to an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// It was declared. Its first state is that of the incident.
    Declared {
        /// The severity that was proposed, where a person declared it with another one.
        overridden: Option<Severity>,
    },
    /// It was acknowledged.
    Acknowledged {
        /// Time of the acknowledgement.
        at: Timestamp,
        /// The actor.
        by: Actor,
    },
    /// The timeline got an update.
    Updated(Box<Updated>),
    /// A vendor reported on an alert.
    Observed {
        /// The sentence for the timeline.
        statement: Statement,
        /// Time of the reported event.
        occurred_at: Timestamp,
        /// The escalation that the alert belongs to; `None` for the incident's own page.
        rule: Option<RuleName>,
        /// The state of the alert at the vendor, if the report shows it; `None` for a report on an
        /// earlier page.
        alert: Option<AlertSeen>,
        /// The vendor that no longer calls anyone, although the incident goes on and is not
        /// acknowledged: an alarm.
        deserted_at: Option<Name>,
    },
    /// A field has a new value.
    Changed(Change),
    /// It was shown to the public, or hidden.
    Published(Publish),
    /// A post-mortem was linked.
    PostMortemLinked {
        /// Address of the document.
        url: HttpsUrl,
        /// The actor who linked it.
        by: Actor,
    },
    /// On-call is to be paged again.
    PageRequested {
        /// The reason.
        reason: Statement,
        /// The new epoch.
        epoch: u32,
    },
    /// Others than on-call are to be paged.
    Escalated {
        /// The rule that names them.
        rule: RuleName,
        /// The reason.
        reason: Statement,
        /// The person who requested it.
        by: PersonName,
    },
    /// A level of an escalation rule was reached.
    RuleFired(RuleFired),
    /// The users whose data was lost were written to.
    UsersNotified {
        /// The letter.
        note: Statement,
        /// The person who recorded it.
        by: PersonName,
    },
    /// The authority was notified of a leak of data.
    AuthorityNotified {
        /// The notification.
        note: Statement,
        /// The person who recorded it.
        by: PersonName,
    },
    /// Dead-lettered messages are tried once more.
    PageRetried {
        /// The messages that are not stale, in order.
        messages: Vec<RetryOf>,
    },
    /// The free text of an entry was erased.
    Redacted {
        /// The number of the entry.
        seq: u64,
    },
    /// A merged incident was taken in.
    TookIn(Box<TookIn>),
    /// An alert that the incident stands for came again.
    AlertRepeated(AlertRepeated),
    /// Another incident was declared for the same alert.
    Related {
        /// The other incident.
        to: IncidentId,
        /// Its number for people.
        number: u64,
        /// The alert, if the other incident stands for it from now on.
        takes_over: Option<Name>,
    },
    /// A role changed hands.
    RoleChanged(RoleChanged),
    /// An approval was requested, or decided about.
    ApprovalChanged(Box<ApprovalChanged>),
    /// An item of a checklist was ticked.
    Ticked {
        /// The item.
        tick: Box<TickItem>,
        /// The actor.
        by: PersonName,
    },
}

impl Event {
    /// Returns `true` if it counts as a command in the incident's version. A repeat of an alert
    /// that changes nothing, a link to another incident and a rule that fires do not, so that they
    /// make no edit stale.
    #[must_use]
    pub const fn raises_version(&self) -> bool {
        match self {
            Self::AlertRepeated(repeated) => repeated.raised.is_some() || repeated.pages,
            Self::Related { .. } | Self::RuleFired(_) => false,
            Self::Declared { .. }
            | Self::Acknowledged { .. }
            | Self::Updated(_)
            | Self::Observed { .. }
            | Self::Changed(_)
            | Self::Published(_)
            | Self::PostMortemLinked { .. }
            | Self::PageRequested { .. }
            | Self::Escalated { .. }
            | Self::UsersNotified { .. }
            | Self::AuthorityNotified { .. }
            | Self::PageRetried { .. }
            | Self::Redacted { .. }
            | Self::TookIn(_)
            | Self::RoleChanged(_)
            | Self::ApprovalChanged(_)
            | Self::Ticked { .. } => true,
        }
    }
}

/// Creates the decision that an outage touches this number of months.
pub(super) fn long_outage(months: u32, reason: &Statement, now: Timestamp) -> Event {
    Event::Updated(Box::new(Updated {
        kind: EntryKind::Decision,
        message: Statement::made(&format!("the outage spans {months} calendar months")),
        reason: Some(reason.clone()),
        occurred_at: now,
        transition: None,
        changes: Vec::new(),
        comms_sent: None,
        public_message: None,
        corrects: None,
    }))
}
