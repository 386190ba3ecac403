//! The message of an entry, in parts.

use crate::http::escape::Html;

/// The firing of a rule of the policy, in the language of the reader.
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
    /// The firing of a rule of the policy.
    pub(super) fired: Option<FiredEntry>,
}
