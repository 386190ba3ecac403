//! Whether what a vendor accepted opened an alert there, and what became of it.

use crate::PersonName;

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

/// Where an alert stands at the vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AlertStatus {
    /// It rings.
    Open,
    /// Somebody has it; who, where the vendor tells.
    Acknowledged(Option<PersonName>),
    /// It is closed, or there is none; by whom, where the vendor tells.
    Closed(Option<PersonName>),
    /// It was closed because another one stands for it.
    Merged,
    /// The vendor did not tell. Asked again.
    Unknown,
}
