//! Messages that are handed back to the outbox unchanged: this process cannot read them, or could
//! not begin them.

use crate::commit::Commit;
use crate::engine::{Alarm, EngineEvent, Error, Incidents};
use crate::outbox::{JobOutcome, Lease, LeaseCompletion, Unreadable};
use crate::port::StoreError;
use crate::{MessageId, Timestamp};

impl Incidents {
    /// Hands back a message that this process cannot read, and raises an alarm if it is new. A
    /// replica of a newer version may take it at once.
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
        tracing::error!(message.id = %id, incident.id = incident, why, "unreadable outbox message; left in the outbox for a newer version of this program");
        self.inner.emit(&EngineEvent {
            incidents: incident_id.into_iter().collect(),
            alarm: Some(Alarm::MessageUnreadable {
                message: id,
                incident_id,
            }),
            ..EngineEvent::default()
        });
    }

    /// Hands back a message, due at `due_at`. If that fails, the message is free when its lease
    /// ends.
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
        let timeout = self.inner.settings.store_deadline;
        match self.store.commit(commit, timeout).await {
            Ok(_) | Err(StoreError::LeaseLost) => {}
            Err(error) => tracing::warn!(
                message.id = %message,
                error = &error as &dyn std::error::Error,
                "could not release an outbox message; it will be retried when its lease expires"
            ),
        }
    }
}

/// Returns `true` if the stored data cannot be read here, but perhaps by another version.
pub(in crate::engine) const fn is_unreadable(error: &Error) -> bool {
    matches!(error, Error::Store(StoreError::Corrupt(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_understood_is_left_to_another_version() {
        let unreadable = Error::Store(StoreError::Corrupt("a column".into()));
        assert!(is_unreadable(&unreadable));
        assert!(!is_unreadable(&Error::Store(StoreError::Conflict)));
    }
}
