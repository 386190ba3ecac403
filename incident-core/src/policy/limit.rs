//! Limits of time: what a deadline is counted in.

use serde::{Deserialize, Serialize};

use crate::Name;

/// The time that may pass until a deadline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeLimit {
    /// The length.
    pub length: Length,
    /// The calendar whose business hours are counted; every hour counts if absent. Never with
    /// [`Length::Days`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Name>,
}

/// The length of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    /// Minutes of exactly 60 s.
    Minutes(u32),
    /// Days of the calendar in the policy's zone: the same local time, that many days later. A day
    /// on which the clocks change has 23 or 25 hours.
    Days(u16),
}

impl TimeLimit {
    /// Creates a limit of minutes in which every hour counts.
    #[must_use]
    pub const fn minutes(minutes: u32) -> Self {
        Self {
            length: Length::Minutes(minutes),
            calendar: None,
        }
    }

    /// Creates a limit of calendar days.
    #[must_use]
    pub const fn days(days: u16) -> Self {
        Self {
            length: Length::Days(days),
            calendar: None,
        }
    }
}
