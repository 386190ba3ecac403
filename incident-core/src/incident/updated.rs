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
    /// For `cancelled` and `merged`.
    pub ending: Option<Ending>,
}

/// An update that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Updated {
    /// What kind of entry.
    pub kind: EntryKind,
    /// What happened.
    pub message: Statement,
    /// Why, where a reason was given.
    pub reason: Option<Statement>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The change of status, if there was one.
    pub transition: Option<Transition>,
    /// Fields that change with it.
    pub changes: Vec<Change>,
    /// What was sent to whom.
    pub comms_sent: Option<CommsSent>,
    /// What the public may see of it.
    pub public_message: Option<PublicText>,
    /// The entry it corrects.
    pub corrects: Option<u64>,
}
