//! A request to be let through, and the answer.

use crate::incident::Severity;
use crate::paging::NotSentReason;
use crate::{MessageId, Timestamp};

/// A request to be let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdmitRequest {
    /// The message: one that is held keeps its place.
    pub message: MessageId,
    /// How bad the incident is.
    pub severity: Severity,
    /// Whether it may be the one that tries a target that is down. A page that
    /// another target might take is too good for that: an answer that cannot be known
    /// would keep it from the other one for a minute.
    pub may_probe: bool,
}

/// Whether a request may go out now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Now; it is counted.
    Go,
    /// Not before this.
    Hold {
        /// When it is worth asking again.
        until: Timestamp,
        /// Why: [`NotSentReason::RateLimited`], or [`NotSentReason::Unavailable`] where the
        /// target is down or refuses the key.
        reason: NotSentReason,
    },
}

/// Something that changed about a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BreakerTransition {
    /// It counts as down from now on.
    Opened,
    /// It works again. These messages that wake people were held meanwhile: they are
    /// to be looked at now.
    Closed(Vec<MessageId>),
}

pub(super) const fn is_urgent(severity: Severity) -> bool {
    matches!(severity, Severity::Sev1 | Severity::Sev2)
}
