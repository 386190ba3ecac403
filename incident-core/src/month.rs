//! Calendar months.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::window::Window;
use crate::zone::Zone;
use crate::{Timestamp, ValidationError};

/// A calendar month, such as `2026-11`: in UTC unless a method takes a zone.
///
/// ```
/// use incident_core::{Month, Timestamp};
/// let month = Month::of("2026-11-30T23:59:59.999999Z".parse::<Timestamp>()?);
/// assert_eq!(month.to_string(), "2026-11");
/// assert_eq!(month.window().end().to_string(), "2026-12-01T00:00:00Z");
/// # Ok::<(), incident_core::ValidationError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month {
    /// The year, 1970..=9999.
    year: u16,
    /// The month of the year, 1..=12.
    month: u8,
}

impl Month {
    /// Returns the month that a time lies in, in UTC.
    #[must_use]
    pub fn of(time: Timestamp) -> Self {
        let date = time.to_chrono();
        Self {
            year: u16::try_from(date.year()).unwrap_or(1970),
            month: u8::try_from(date.month()).unwrap_or(1),
        }
    }

    /// Returns the month, in UTC, to which an end belongs.
    ///
    /// An end exactly at a month's start belongs to the month before, as `end` is exclusive.
    #[must_use]
    pub fn of_end(end: Timestamp) -> Self {
        Self::of(end.saturating_sub(Duration::from_micros(1)))
    }

    /// Returns the month to which an end belongs, by the calendar of a zone.
    #[must_use]
    pub fn of_end_in(end: Timestamp, zone: Zone) -> Self {
        if zone == Zone::UTC {
            return Self::of_end(end);
        }
        let (year, month) = zone.month_of(end.saturating_sub(Duration::from_micros(1)));
        Self {
            // 1969 just before 1970 in the west, 10000 just after 9999 in the east.
            year: u16::try_from(year.clamp(1970, 9999)).unwrap_or(1970),
            month: u8::try_from(month).unwrap_or(1),
        }
    }

    /// Returns the whole month by the calendar of a zone, as a half-open window.
    #[must_use]
    pub fn window_in(self, zone: Zone) -> Window {
        if zone == Zone::UTC {
            return self.window();
        }
        let (year, month) = (i32::from(self.year), u32::from(self.month));
        let (next_year, next) = match month {
            12 => (year + 1, 1),
            month => (year, month + 1),
        };
        Window::spanning(zone.start_of(year, month), zone.start_of(next_year, next))
    }

    /// Returns the year and the number of the month in it, 1 to 12.
    #[must_use]
    pub const fn parts(self) -> (u16, u8) {
        (self.year, self.month)
    }

    /// Returns the next month; `None` after the last one.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self.month {
            12 => Self::from_parts(self.year + 1, 1),
            month => Self::from_parts(self.year, month + 1),
        }
    }

    /// Returns the previous month; `None` before the first one.
    #[must_use]
    pub const fn before(self) -> Option<Self> {
        match self.month {
            1 => Self::from_parts(self.year - 1, 12),
            month => Self::from_parts(self.year, month - 1),
        }
    }

    /// Creates a month of a year; `None` outside 1 to 12 and 1970 to 9999.
    #[must_use]
    pub const fn from_parts(year: u16, month: u8) -> Option<Self> {
        if matches!(year, 1970..=9999) && matches!(month, 1..=12) {
            Some(Self { year, month })
        } else {
            None
        }
    }

    /// Returns the whole month in UTC, as a half-open window.
    #[must_use]
    pub fn window(self) -> Window {
        let (next_year, next_month) = match self.month {
            12 => (self.year + 1, 1),
            month => (self.year, month + 1),
        };
        Window::spanning(
            first_of(self.year, self.month),
            first_of(next_year, next_month),
        )
    }
}

/// Returns midnight at the start of a month, in UTC; [`Timestamp::MAX`] past 9999.
fn first_of(year: u16, month: u8) -> Timestamp {
    NaiveDate::from_ymd_opt(i32::from(year), u32::from(month), 1)
        .and_then(|date| date.and_hms_opt(0, 0, 0))
        .and_then(|time| Timestamp::from_chrono(time.and_utc()).ok())
        .unwrap_or(Timestamp::MAX)
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl fmt::Debug for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Month {
    type Err = ValidationError;

    fn from_str(text: &str) -> Result<Self, ValidationError> {
        let wrong = || {
            ValidationError::new(
                "month",
                "a month between 1970-01 and 9999-12, such as 2026-11",
            )
        };
        let (year, month) = text.split_once('-').ok_or_else(wrong)?;
        let digits = |s: &str, n: usize| s.len() == n && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return Err(wrong());
        }
        match (year.parse::<u16>(), month.parse::<u8>()) {
            (Ok(year @ 1970..=9999), Ok(month @ 1..=12)) => Ok(Self { year, month }),
            _ => Err(wrong()),
        }
    }
}

impl TryFrom<String> for Month {
    type Error = ValidationError;

    fn try_from(text: String) -> Result<Self, ValidationError> {
        text.parse()
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_at_the_start_of_a_month_belongs_to_the_month_before() {
        let end = "2026-12-01T00:00:00Z".parse().unwrap();
        assert_eq!(Month::of_end(end).to_string(), "2026-11");
        assert_eq!(Month::of(end).to_string(), "2026-12");
    }

    #[test]
    fn the_last_month_there_is_has_an_end() {
        let month: Month = "9999-12".parse().unwrap();
        assert_eq!(month.window().end(), Timestamp::MAX);
    }

    #[test]
    fn months_are_read_strictly() {
        for bad in [
            "2026-13",
            "2026-00",
            "1969-12",
            "2026-1",
            "+026-11",
            "2026-11-01",
        ] {
            assert!(bad.parse::<Month>().is_err(), "{bad} was accepted");
        }
    }
}
