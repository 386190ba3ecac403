//! Names of the free texts of an entry.

use serde::{Deserialize, Serialize};

/// Which free text of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextName {
    /// The old and new values of fields, as JSON.
    Changes,
    /// Where a message was sent.
    CommsChannel,
    /// What a message said.
    CommsSummary,
    /// What happened.
    Message,
    /// What the public may see of it.
    PublicMessage,
}

impl TextName {
    /// The name as it stands in the canonical bytes.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::CommsChannel => "comms_channel",
            Self::CommsSummary => "comms_summary",
            Self::Message => "message",
            Self::PublicMessage => "public_message",
        }
    }
}
