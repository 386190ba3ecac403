//! An update, as it was decided.

use serde::{Deserialize, Serialize};

use super::{Change, CommsSent, Ending, Status};
use crate::timeline::EntryKind;
use crate::{PublicText, Statement, Timestamp};

/// A change of status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// The status before.
    pub from: Status,
    /// The status after.
    pub to: Status,
    /// The ending, for `cancelled` and `merged`.
    pub ending: Option<Ending>,
}

/// An update that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Updated {
    /// The kind of entry.
    pub kind: EntryKind,
    /// The message to the team.
    pub message: Statement,
    /// The reason, if one was given.
    pub reason: Option<Statement>,
    /// Time of the reported event.
    pub occurred_at: Timestamp,
    /// The change of status, if there was one.
    pub transition: Option<Transition>,
    /// Fields that change with it.
    pub changes: Vec<Change>,
    /// A message that was sent.
    pub comms_sent: Option<CommsSent>,
    /// The text that the public may see.
    pub public_message: Option<PublicText>,
    /// The entry it corrects.
    pub corrects: Option<u64>,
}
