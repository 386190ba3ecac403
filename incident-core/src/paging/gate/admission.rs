//! A request for admission to a target, and the answer.

use crate::incident::Severity;
use crate::paging::NotSentReason;
use crate::{MessageId, Timestamp};

/// A request for admission to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdmitRequest {
    /// The message. One that is held keeps its slot.
    pub message: MessageId,
    /// The severity that decides its priority.
    pub severity: Severity,
    /// `true` if the request may probe a target that is down. A page that another target may
    /// still take must not: an unknown outcome would delay its failover by a minute.
    pub may_probe: bool,
}

/// The decision on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The request may go out now, and was counted.
    Go,
    /// The request is held.
    Hold {
        /// The time to ask again.
        until: Timestamp,
        /// The reason: [`NotSentReason::RateLimited`], or [`NotSentReason::Unavailable`] if the
        /// target is down or refuses the key.
        reason: NotSentReason,
    },
}

/// A state change of the circuit breaker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BreakerTransition {
    /// The target counts as down from now on.
    Opened,
    /// The target works again. These urgent messages were held meanwhile and are due now.
    Closed(Vec<MessageId>),
}

pub(super) const fn is_urgent(severity: Severity) -> bool {
    matches!(severity, Severity::Sev1 | Severity::Sev2)
}
