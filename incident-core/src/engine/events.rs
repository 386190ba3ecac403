//! The events and alarms that listeners of the host receive.

use crate::anchor::AnchoredChain;
use crate::paging::{PageAction, TargetId};
use crate::{IncidentId, MessageId, Name, RuleName, Timestamp};

/// A condition that needs a person, although no vendor may have notified one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Alarm {
    /// The delivery of a page, or of its acknowledgement or resolution, was given up. The dead
    /// letter can be retried: [`retry`](super::PagingHandle::retry).
    PageGivenUp {
        /// The incident no one may have been notified of, or whose alert stays open.
        incident_id: IncidentId,
        /// The action that was not delivered.
        action: PageAction,
        /// The target tried last.
        target: Option<TargetId>,
    },
    /// No pager has accepted a page within the time that the policy allows
    /// ([`accept_within`](crate::policy::Policy::accept_within)). Delivery goes on.
    PageOverdue {
        /// The incident no one may have been notified of.
        incident_id: IncidentId,
        /// The commit time of the page.
        since: Timestamp,
        /// The target tried last.
        target: Option<TargetId>,
    },
    /// A target refused the text of a page and accepted its shortest form: key, severity and
    /// number. The page went out in that form; the template or the incident holds something that
    /// the vendor does not accept.
    PageReduced {
        /// The incident.
        incident_id: IncidentId,
        /// The target.
        target: TargetId,
    },
    /// A target accepted a page and opened no alert, because of a disabled service, a maintenance
    /// window or a rule. No one may have been notified.
    PageUnconfirmed {
        /// The incident.
        incident_id: IncidentId,
        /// The target.
        target: TargetId,
    },
    /// The alert of a live, unacknowledged incident was closed at the vendor, by a person there or
    /// because it expired. No one is being notified any more.
    AlertClosedThere {
        /// The incident.
        incident_id: IncidentId,
        /// The vendor that reported it.
        vendor: Name,
    },
    /// A vendor event came again under the same id with different content. It was authenticated and
    /// not applied: the webhook secret may have leaked, or the vendor uses an id twice.
    EventChanged {
        /// The incident that it names.
        incident_id: IncidentId,
        /// The vendor.
        vendor: Name,
        /// The vendor's id of the event.
        event_id: Name,
    },
    /// A message of the outbox cannot be read: a newer version wrote it, or it is damaged. It is
    /// left to a replica that can read it, and later messages of its ordering key wait. Raised
    /// again about every five minutes while this lasts.
    MessageUnreadable {
        /// The message.
        message: MessageId,
        /// Its incident; none if it belongs to no single one.
        incident_id: Option<IncidentId>,
    },
    /// A pager panicked while it sent a page, a fault of the adapter: it is unknown whether the
    /// page was sent.
    PagerPanicked {
        /// The target.
        target: TargetId,
    },
    /// A target failed several times in a row, or refuses its key. It is left alone for a while,
    /// and pages go to the next target at once.
    TargetDown {
        /// The target.
        target: TargetId,
    },
    /// The alert of a test page could not be resolved and is no longer tried: close it at the
    /// vendor.
    TestPageLeftOpen {
        /// The target at which the alert is open.
        target: TargetId,
    },
    /// A batch of credits is no longer submitted to billing: the sink rejected the batch, holds a part of
    /// it, or may have taken it so long ago that this cannot be found out.
    /// [`resend_batch`](super::CreditsHandle::resend_batch) submits it again.
    BillingHeld {
        /// The batch.
        batch: MessageId,
        /// The reason.
        reason: &'static str,
    },
    /// Billing has not accepted a batch of credits for more than an hour. Submission goes on.
    BillingLate {
        /// The batch.
        batch: MessageId,
        /// The time at which it was issued.
        since: Timestamp,
    },
    /// Credits that a command left to the relay could not be computed for more than an hour, such
    /// as those of an incident that hits all tenants while these cannot be listed. They are retried
    /// for a day; after that [`recompute`](super::CreditsHandle::recompute) computes them.
    CreditsNotComputed {
        /// Their incident; none if they belong to several.
        incident_id: Option<IncidentId>,
        /// The time at which the computation was requested.
        since: Timestamp,
        /// `true` if they are no longer retried.
        given_up: bool,
    },
    /// A notice of an escalation rule was not sent and is no longer tried: the channel rejected it,
    /// or was unavailable for a day.
    NoticeGivenUp {
        /// The incident.
        incident_id: IncidentId,
        /// The group of people that was not notified.
        group: Name,
        /// The channel.
        channel: Name,
    },
    /// A rule of the policy fired more than a minute after it was due: no worker ran, the store was
    /// away, or a policy with this rule came into force later.
    EscalationLate {
        /// The incident.
        incident_id: IncidentId,
        /// The rule.
        rule: RuleName,
        /// Time at which it was due.
        since: Timestamp,
    },
    /// A rule of the policy has been due for five minutes and has not fired, or it fired and a notice of it
    /// disappeared. Raised again with each [check](super::WorkerHandle::check_escalations) while this
    /// lasts.
    EscalationMissing {
        /// The incident.
        incident_id: IncidentId,
        /// The rule.
        rule: RuleName,
        /// Time at which it was due, or fired.
        since: Timestamp,
    },
    /// A chain differs from what was anchored of it, or does not verify: the database was tampered
    /// with, or restored to an older state.
    ChainBroken {
        /// The chain.
        chain: AnchoredChain,
        /// The first bad entry.
        seq: u64,
        /// The mismatch.
        reason: &'static str,
    },
}

/// A hint of what a commit touched, or an alarm; not a log. The commit may have touched nothing:
/// listeners also receive commits whose outcome is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineEvent {
    /// The incidents that changed.
    pub incidents: Vec<IncidentId>,
    /// `true` if the public page may look different.
    pub public: bool,
    /// `true` if there is work in the outbox: call [`drain`](super::WorkerHandle::drain).
    pub outbox: bool,
    /// The alarm that was raised.
    pub alarm: Option<Alarm>,
}

impl EngineEvent {
    /// Returns `true` if the event is empty: no commit touched anything, and there is no alarm.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
