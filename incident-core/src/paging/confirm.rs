//! Whether what a vendor accepted opened an alert there.

/// What a vendor says became of a page that it had accepted: taking a page is
/// not opening an alert (a disabled service, a maintenance window or a rule may
/// swallow it).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// There is an alert.
    Opened,
    /// It is not known there yet. Asked again.
    NotYet,
    /// It was worked on, and there is no alert.
    NotOpened,
    /// The vendor did not tell. Asked again.
    Unknown,
}
