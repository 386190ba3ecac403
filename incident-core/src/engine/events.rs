//! What the host is told: after each commit, and when a chain is broken.

use crate::anchor::AnchoredChain;
use crate::paging::{PageAction, TargetId};
use crate::{IncidentId, MessageId, Name, Timestamp};

/// Something that needs a human although no vendor may have told one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Alarm {
    /// A page, or calling one off, is no longer tried. Kept for a replay:
    /// [`retry`](super::PagingHandle::retry).
    PageGivenUp {
        /// The incident no one may have been notified of, or whose alert stays open.
        incident_id: IncidentId,
        /// What could not be told.
        action: PageAction,
        /// The target tried last.
        target: Option<TargetId>,
    },
    /// No pager has accepted a page within the time that the policy gives it
    /// ([`accept_within`](crate::policy::Policy::accept_within)). It is tried on.
    PageOverdue {
        /// The incident no one may have been notified of.
        incident_id: IncidentId,
        /// When the page was committed.
        since: Timestamp,
        /// The target tried last.
        target: Option<TargetId>,
    },
    /// A target refused a page for what it says, and took its shortest form: key,
    /// severity and number. Somebody was woken, and the template or the incident
    /// holds something that the vendor does not take.
    PageReduced {
        /// The incident.
        incident_id: IncidentId,
        /// The target.
        target: TargetId,
    },
    /// A target accepted a page and opened no alert: a disabled service, a
    /// maintenance window, a rule. No one may have been notified.
    PageUnconfirmed {
        /// The incident.
        incident_id: IncidentId,
        /// The target.
        target: TargetId,
    },
    /// The alert of a live incident that nobody has was closed at the vendor: by a
    /// person there, or because its time was over. Nobody is called any more.
    AlertClosedThere {
        /// The incident.
        incident_id: IncidentId,
        /// Who told.
        vendor: Name,
    },
    /// An event that a vendor had sent came again under the same id, and says something else.
    /// It was proven to be the vendor's and not taken in: somebody may hold the secret, or
    /// the vendor uses an id twice.
    EventChanged {
        /// The incident that it names.
        incident_id: IncidentId,
        /// The vendor.
        vendor: Name,
        /// Its id of the event.
        event_id: Name,
    },
    /// A message of the outbox cannot be read: a newer version wrote it, or it is
    /// damaged. It is left to a replica that can read it, and what follows it in its
    /// thread waits. Raised again about every five minutes while it is there.
    MessageUnreadable {
        /// The message.
        message: MessageId,
        /// Its incident; none where it belongs to no single one.
        incident_id: Option<IncidentId>,
    },
    /// A pager panicked while it sent a page: whether it sent it is not known. A fault of
    /// the adapter.
    PagerPanicked {
        /// The target.
        target: TargetId,
    },
    /// A target failed several times in a row, or refuses its key: it is left
    /// alone for a while, and pages go to the next one at once.
    TargetDown {
        /// The target.
        target: TargetId,
    },
    /// The alert of a test page could not be resolved, and is no longer tried:
    /// close it there.
    TestPageLeftOpen {
        /// Where.
        target: TargetId,
    },
    /// A batch of credits is no longer handed to billing: the sink refuses it, or may
    /// have taken it so long ago that nobody can know. Kept for
    /// [`resend_batch`](super::CreditsHandle::resend_batch).
    BillingHeld {
        /// The batch.
        batch: MessageId,
        /// Why.
        reason: &'static str,
    },
    /// Billing has not taken a batch of credits for more than an hour. It is tried on.
    BillingLate {
        /// The batch.
        batch: MessageId,
        /// When it was issued.
        since: Timestamp,
    },
    /// Credits that a command left to the relay could not be computed for more than an hour,
    /// such as those of an incident that hits all tenants while nobody knows who they are. It
    /// is tried on for a day; after that
    /// [`recompute`](super::CreditsHandle::recompute) computes them.
    CreditsNotComputed {
        /// Their incident; none where they are those of several.
        incident_id: Option<IncidentId>,
        /// The time at which they were asked for.
        since: Timestamp,
        /// It is no longer tried.
        given_up: bool,
    },
    /// A chain is no longer what was anchored of it, or does not verify: the
    /// database was tampered with, or restored to an older state.
    ChainBroken {
        /// Which chain.
        chain: AnchoredChain,
        /// The first bad entry.
        seq: u64,
        /// What does not fit.
        reason: &'static str,
    },
}

/// What a commit touched: a hint, not a log. It may also have touched nothing:
/// a listener hears of commits whose outcome is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineEvent {
    /// The incidents it changed.
    pub incidents: Vec<IncidentId>,
    /// Whether the public page may look different.
    pub public: bool,
    /// Whether there is something to do: call [`drain`](super::WorkerHandle::drain).
    pub outbox: bool,
    /// An alarm it raised.
    pub alarm: Option<Alarm>,
}

impl EngineEvent {
    /// Tells if there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
