//! The message of an entry, in parts.

/// The message of an entry, in parts.
#[derive(Default)]
pub(super) struct EntryMessage {
    pub(super) what: Option<String>,
    pub(super) text: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) link: Option<String>,
}
