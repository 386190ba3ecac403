//! Messages that go back to the outbox as they were: this process cannot read them, or
//! could not begin with them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::commit::Commit;
use crate::engine::{Alarm, EngineEvent, Error, Incidents};
use crate::outbox::{JobOutcome, Lease, LeaseCompletion, Unreadable};
use crate::port::StoreError;
use crate::{MessageId, Timestamp};

/// How long a message that could not be read is left to others.
const LEFT: Duration = Duration::from_secs(5 * 60);

/// Most messages that are left to others at a time: they are named in every claim.
const MAX_RETURNED: usize = 1_000;

/// Messages that this process could not read, and when.
#[derive(Debug, Default)]
pub(in crate::engine) struct LeftToOthers(Mutex<BTreeMap<MessageId, Timestamp>>);

impl LeftToOthers {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<MessageId, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on it is left to others. Says whether that is new: a look that was on its
    /// way may find it once more.
    pub(in crate::engine) fn add(&self, id: MessageId, now: Timestamp) -> bool {
        let mut left = self.lock();
        if left.len() >= MAX_RETURNED {
            let oldest = left.iter().min_by_key(|(_, at)| **at).map(|(id, _)| *id);
            oldest.and_then(|oldest| left.remove(&oldest));
        }
        left.insert(id, now).is_none()
    }

    /// Those that are not to be claimed now.
    pub(in crate::engine) fn now(&self, now: Timestamp) -> Vec<MessageId> {
        let mut left = self.lock();
        // A clock that went back must not leave them to others for longer.
        left.retain(|_, at| *at <= now && now.since(*at) < LEFT);
        left.keys().copied().collect()
    }
}

impl Incidents {
    /// Hands back what this process cannot read, and says so where that is new: a replica
    /// of a newer version may take it at once.
    pub(in crate::engine) async fn leave_to_others(&self, message: Unreadable, is_new: bool) {
        let Unreadable {
            id,
            incident_id,
            lease,
            due_at,
            why,
        } = message;
        self.hand_back(id, lease, due_at).await;
        if !is_new {
            return;
        }
        let incident = incident_id.map(tracing::field::display);
        tracing::error!(message.id = %id, incident.id = incident, why, "a message of the outbox cannot be read; it is left to a version that can");
        self.0.emit(&EngineEvent {
            incidents: incident_id.into_iter().collect(),
            alarm: Some(Alarm::MessageUnreadable {
                message: id,
                incident_id,
            }),
            ..EngineEvent::default()
        });
    }

    /// Puts a message back as it was. Where that fails it is free when its lease ends.
    pub(in crate::engine) async fn hand_back(
        &self,
        message: MessageId,
        lease: Lease,
        due_at: Timestamp,
    ) {
        let commit = Commit {
            completes: Some(LeaseCompletion {
                message,
                lease,
                outcome: JobOutcome::Released { due_at },
            }),
            ..Commit::default()
        };
        let timeout = self.0.settings.store_deadline;
        match self.0.store.commit(commit, timeout).await {
            Ok(_) | Err(StoreError::LeaseLost) => {}
            Err(error) => tracing::warn!(
                message.id = %message,
                error = &error as &dyn std::error::Error,
                "a message was not handed back; it is free when its lease ends"
            ),
        }
    }
}

/// Whether another version may be able to do what this one cannot.
pub(in crate::engine) const fn is_unreadable(error: &Error) -> bool {
    matches!(error, Error::Store(StoreError::Corrupt(_)))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn as_many_are_left_to_others_as_a_claim_names() {
        let left = LeftToOthers::default();
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
        let left = LeftToOthers::default();
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

    #[test]
    fn only_what_is_not_understood_is_left_to_another_version() {
        let unreadable = Error::Store(StoreError::Corrupt("a column".into()));
        assert!(is_unreadable(&unreadable));
        assert!(!is_unreadable(&Error::Store(StoreError::Conflict)));
    }
}
