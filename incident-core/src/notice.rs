//! Notices: what a rule that fired sends to a group of people.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::incident::RuleFired;
use crate::{IncidentId, MessageId, Name, Timestamp};

/// A notice to a group of people, over one channel. It has no free text: a channel takes the
/// texts from the incident as it is when the notice is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The incident.
    pub incident_id: IncidentId,
    /// The level of the rule that was reached.
    pub fired: RuleFired,
    /// The group that is notified.
    pub group: Name,
    /// The channel over which it is sent.
    pub channel: Name,
    /// Time of the firing.
    pub fired_at: Timestamp,
}

impl Notice {
    /// Returns the id of its message in the outbox, derived from the incident, the rule, the epoch
    /// of its clock and the level, with the group and the channel. A store keeps ids of messages
    /// unique, so a level notifies a group once, whoever decides it.
    #[must_use]
    pub fn message_id(&self) -> MessageId {
        let mut hash = Sha256::new();
        hash.update(b"incident/notice/v1\0");
        hash.update(self.incident_id.uuid().as_bytes());
        hash.update(self.fired.epoch.to_be_bytes());
        hash.update(self.fired.n.to_be_bytes());
        for name in [
            self.fired.rule.as_str(),
            self.group.as_str(),
            self.channel.as_str(),
        ] {
            hash.update(name.as_bytes());
            // No name has a NUL, so no two lists of names are hashed alike.
            hash.update([0]);
        }
        let digest: [u8; 32] = hash.finalize().into();
        let [head @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = digest;
        MessageId::from_uuid(uuid::Builder::from_custom_bytes(head).into_uuid())
    }
}
