//! One line of the public history.

use serde::Serialize;

use super::PublicStatus;
use crate::{PublicText, Timestamp};

/// One line of an incident's public history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublicUpdate {
    /// When.
    pub at: Timestamp,
    /// The status it led to, or that held then.
    pub status: PublicStatus,
    /// The text written for the public, or a neutral sentence.
    pub body: PublicText,
    /// Whether the text is cut: the page is full. Absent where it is whole.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}
