//! Messages that this process cannot read.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::{MessageId, Timestamp};

/// Time for which a message that could not be read is left to others. During a rolling upgrade
/// the newer process takes it within this time; afterwards this one tries again, in case it was
/// itself replaced in place.
const LEFT: Duration = Duration::from_secs(5 * 60);

/// Maximum number of messages that are left to others at a time: every claim names them.
const MAX_RETURNED: usize = 1_000;

/// The messages that this process could not read, and the times of that.
#[derive(Debug, Default)]
pub(in crate::engine) struct ReturnedMessages(Mutex<BTreeMap<MessageId, Timestamp>>);

impl ReturnedMessages {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<MessageId, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a message that is left to others from now on. Returns whether it is new: a claim that
    /// was under way may find it once more.
    pub(in crate::engine) fn add(&self, id: MessageId, now: Timestamp) -> bool {
        let mut left = self.lock();
        if left.len() >= MAX_RETURNED {
            let oldest = left.iter().min_by_key(|(_, at)| **at).map(|(id, _)| *id);
            oldest.and_then(|oldest| left.remove(&oldest));
        }
        left.insert(id, now).is_none()
    }

    /// Returns the messages that are not to be claimed now.
    pub(in crate::engine) fn now(&self, now: Timestamp) -> Vec<MessageId> {
        let mut left = self.lock();
        // A clock that went back must not leave them to others for longer.
        left.retain(|_, at| *at <= now && now.since(*at) < LEFT);
        left.keys().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn as_many_are_left_to_others_as_a_claim_names() {
        let left = ReturnedMessages::default();
        let start: Timestamp = "2026-11-20T22:00:00Z".parse().unwrap();
        let id = |n: u64| MessageId::from_uuid(Uuid::from_u64_pair(9 << 12, n));
        let at = |n: u64| start.saturating_add(Duration::from_millis(n));
        let most = u64::try_from(MAX_RETURNED).unwrap();
        for n in 0..=most {
            assert!(left.add(id(n), at(n)));
        }
        let now = left.now(at(most));
        assert_eq!((now.len(), now.contains(&id(0))), (MAX_RETURNED, false));
    }

    #[test]
    fn a_message_is_left_to_others_for_a_while_by_any_clock() {
        let left = ReturnedMessages::default();
        let start: Timestamp = "2026-11-20T22:00:00Z".parse().unwrap();
        let id = MessageId::from_uuid(Uuid::from_u64_pair(9 << 12, 1));
        assert!(left.add(id, start));
        assert!(!left.add(id, start), "it is known");
        let just_before = start.saturating_add(LEFT - Duration::from_micros(1));
        assert_eq!(left.now(just_before), [id]);
        assert_eq!(left.now(start.saturating_add(LEFT)), []);
        // A clock that went back.
        assert!(left.add(id, start));
        assert_eq!(left.now(start.saturating_sub(Duration::from_secs(1))), []);
        assert_eq!(left.now(start), []);
    }
}
