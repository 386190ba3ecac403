//! One update of the public history.

use serde::Serialize;

use super::{PublicStatus, StandardText};
use crate::{PublicText, Timestamp};

/// One update of an incident's public history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct PublicUpdate {
    /// Time of the update.
    pub at: Timestamp,
    /// The status it led to, or the one in force then.
    pub status: PublicStatus,
    /// The text written for the public, or a neutral sentence.
    pub body: PublicText,
    /// The neutral sentence, for pages in other languages; none if the text was written.
    #[serde(skip)]
    pub standard: Option<StandardText>,
    /// `true` if the text is cut because the page is full. Absent if it is whole.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}
