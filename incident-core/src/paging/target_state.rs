//! The state of a target, as far as this process knows it.

use super::{DeliveryResult, NotSentReason, TargetId};
use crate::Timestamp;

/// A failure of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetFailure {
    /// Time of the result.
    pub at: Timestamp,
    /// The reason; none if it is not known whether the target took the request.
    pub reason: Option<NotSentReason>,
}

/// The state of a target, as far as this process knows it: a restart forgets it, and other replicas
/// have their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetState {
    /// The target.
    pub target: TargetId,
    /// `true` if its circuit breaker is open: pages go to the next target at once.
    pub is_down: bool,
    /// Time until which it asked for no request, if it did.
    pub waits_until: Option<Timestamp>,
    /// Number of requests that it got in the last minute.
    pub requests_last_minute: u64,
    /// Time of the last acceptance.
    pub accepted_at: Option<Timestamp>,
    /// The last failure.
    pub failure: Option<TargetFailure>,
}

/// The last results of a target.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LastResults {
    /// Time of the last acceptance.
    pub(crate) accepted_at: Option<Timestamp>,
    /// The last failure.
    pub(crate) failure: Option<TargetFailure>,
}

impl LastResults {
    /// Notes the result of a request.
    pub(crate) fn note(&mut self, answer: &DeliveryResult, at: Timestamp) {
        let reason = match answer {
            DeliveryResult::Accepted(_) => {
                self.accepted_at = Some(at);
                return;
            }
            DeliveryResult::NotSent(not_sent) => Some(not_sent.reason),
            DeliveryResult::Unknown => None,
        };
        self.failure = Some(TargetFailure { at, reason });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paging::Receipt;

    #[test]
    fn the_last_of_each_kind_is_remembered() {
        let at = |second: i64| Timestamp::from_micros(second * 1_000_000).unwrap();
        let mut last = LastResults::default();
        last.note(&DeliveryResult::Accepted(Receipt::default()), at(1));
        last.note(&DeliveryResult::Unknown, at(2));
        assert_eq!(last.accepted_at, Some(at(1)));
        let unknown = TargetFailure {
            at: at(2),
            reason: None,
        };
        assert_eq!(last.failure, Some(unknown));
        let refused = NotSentReason::Unauthorized;
        last.note(&DeliveryResult::NotSent(refused.into()), at(3));
        assert_eq!(last.failure.and_then(|one| one.reason), Some(refused));
        assert_eq!(last.accepted_at, Some(at(1)));
    }
}
