//! Confirmation that an accepted page opened an alert, and the state of that alert.

use crate::PersonName;

/// The vendor's answer about a page that it had accepted.
///
/// Accepting a page is not opening an alert: a disabled service, a maintenance window or a rule
/// may suppress it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// The page opened an alert.
    Opened,
    /// The vendor does not know it yet. Asked again.
    NotYet,
    /// The vendor processed it and opened no alert.
    NotOpened,
    /// The vendor did not say. Asked again.
    Unknown,
}

/// The state of an alert at the vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AlertStatus {
    /// It is open and not acknowledged.
    Open,
    /// It is acknowledged; by this person, if the vendor says so.
    Acknowledged(Option<PersonName>),
    /// It is closed, or there is none; by this person, if the vendor says so.
    Closed(Option<PersonName>),
    /// It was closed because it was merged into another one.
    Merged,
    /// The vendor did not say. Asked again.
    Unknown,
}
