//! The form in which a calendar is written in a policy.

use chrono::{NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

/// A calendar as it is written down. Hours and dates are texts until they are checked, so that an
/// error can name their place.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenCalendar {
    pub(super) timezone: String,
    pub(super) hours: WrittenWeek,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) holidays_version: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) holidays: Vec<String>,
}

/// The hours of a weekday, such as `09:00-12:30`; none if it is closed.
pub(super) type WrittenHours = Option<Vec<String>>;

/// The opening hours of the weekdays.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenWeek {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) monday: WrittenHours,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tuesday: WrittenHours,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) wednesday: WrittenHours,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) thursday: WrittenHours,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) friday: WrittenHours,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) saturday: WrittenHours,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sunday: WrittenHours,
}

impl WrittenWeek {
    /// Returns the weekdays, from Monday on.
    pub(super) fn days(self) -> [(Weekday, WrittenHours); 7] {
        [
            (Weekday::Mon, self.monday),
            (Weekday::Tue, self.tuesday),
            (Weekday::Wed, self.wednesday),
            (Weekday::Thu, self.thursday),
            (Weekday::Fri, self.friday),
            (Weekday::Sat, self.saturday),
            (Weekday::Sun, self.sunday),
        ]
    }
}

/// Reads a date in the one form `2026-12-25`.
pub(super) fn date(text: &str) -> Option<NaiveDate> {
    let date: NaiveDate = text.parse().ok()?;
    (date.to_string() == text).then_some(date)
}
