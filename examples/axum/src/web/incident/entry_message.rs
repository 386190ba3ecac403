//! The message of an entry, in parts.

use crate::http::escape::Html;

/// What a rule of the policy did, in the language of the reader.
pub(super) struct FiredEntry {
    /// The condition, and the groups of people that are notified.
    pub(super) text: String,
    /// Time at which it was due, if it was late.
    pub(super) late_since: Option<Html>,
}

/// The message of an entry, in parts.
#[derive(Default)]
pub(super) struct EntryMessage {
    pub(super) what: Option<String>,
    pub(super) text: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) link: Option<String>,
    /// What a rule of the policy did.
    pub(super) fired: Option<FiredEntry>,
}
