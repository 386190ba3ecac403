//! Names of the free texts of an entry.

use serde::{Deserialize, Serialize};

/// The name of a free text of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextName {
    /// The old and new values of fields, as JSON.
    Changes,
    /// Channel of a message that was sent.
    CommsChannel,
    /// Summary of a message that was sent.
    CommsSummary,
    /// The message of the entry.
    Message,
    /// The text for the public.
    PublicMessage,
}

impl TextName {
    /// Returns the name that the canonical bytes use.
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
