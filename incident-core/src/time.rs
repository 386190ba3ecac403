//! Points in time, to the microsecond.
//!
//! A [`Timestamp`] cannot hold a value that a database, a hash or a calendar would choke on: no
//! infinity, no leap second, no year outside 1970..=9999, nothing finer than a microsecond.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, Timelike, Utc};
use serde::{Deserialize, Serialize};

use crate::ValidationError;

/// Microseconds in one second.
pub const SECOND_US: u64 = 1_000_000;
/// Microseconds in one minute.
pub const MINUTE_US: u64 = 60 * SECOND_US;
/// Microseconds in one day of 24 hours.
pub const DAY_US: u64 = 24 * 60 * MINUTE_US;

/// The last microsecond of the year 9999, UTC.
const MAX_US: i64 = 253_402_300_799_999_999;

const EXPECTED: &str =
    "an RFC 3339 time between 1970 and 9999, without a leap second, such as 2026-11-20T22:15:00Z";

/// A point in time in UTC, with microsecond precision.
///
/// Parses RFC 3339 with any offset, converts to UTC and truncates to microseconds (never rounds up
/// into the future). Prints the shortest of 0, 3 or 6 decimals, with `Z`.
///
/// ```
/// use incident_core::Timestamp;
/// let t: Timestamp = "2026-11-20T23:15:00.1234567+01:00".parse()?;
/// assert_eq!(t.to_string(), "2026-11-20T22:15:00.123456Z");
/// assert!("2016-12-31T23:59:60Z".parse::<Timestamp>().is_err());
/// # Ok::<(), incident_core::ValidationError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest time: 1970-01-01T00:00:00Z.
    pub const MIN: Self = Self(0);
    /// The latest time: the last microsecond of 9999.
    pub const MAX: Self = Self(MAX_US);

    /// Creates a time from microseconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// Fails before 1970 or after 9999.
    pub fn from_micros(micros: i64) -> Result<Self, ValidationError> {
        if (0..=MAX_US).contains(&micros) {
            Ok(Self(micros))
        } else {
            Err(ValidationError::new("time", EXPECTED))
        }
    }

    /// Returns microseconds since 1970-01-01T00:00:00Z; never negative.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Converts from chrono's type, truncating to microseconds.
    ///
    /// # Errors
    /// Fails for a leap second, or a year outside 1970..=9999.
    pub fn from_chrono(time: DateTime<Utc>) -> Result<Self, ValidationError> {
        // chrono shows a leap second as 1_000_000_000 nanoseconds or more.
        if time.nanosecond() >= 1_000_000_000 {
            return Err(ValidationError::new("time", EXPECTED));
        }
        Self::from_micros(time.timestamp_micros())
    }

    /// Converts to chrono's type.
    #[must_use]
    pub fn to_chrono(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// Adds a duration, up to [`Timestamp::MAX`].
    #[must_use]
    pub fn saturating_add(self, by: Duration) -> Self {
        let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(by).min(MAX_US))
    }

    /// Subtracts a duration, down to [`Timestamp::MIN`].
    #[must_use]
    pub fn saturating_sub(self, by: Duration) -> Self {
        let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(by).max(0))
    }

    /// Returns the time elapsed since `earlier`; zero if this is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }
}

impl TryFrom<DateTime<Utc>> for Timestamp {
    type Error = ValidationError;

    fn try_from(time: DateTime<Utc>) -> Result<Self, ValidationError> {
        Self::from_chrono(time)
    }
}

impl From<Timestamp> for DateTime<Utc> {
    fn from(time: Timestamp) -> Self {
        time.to_chrono()
    }
}

impl TryFrom<SystemTime> for Timestamp {
    type Error = ValidationError;

    fn try_from(time: SystemTime) -> Result<Self, ValidationError> {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).ok();
        let micros = since.and_then(|since| i64::try_from(since.as_micros()).ok());
        Self::from_micros(micros.ok_or_else(|| ValidationError::new("time", EXPECTED))?)
    }
}

impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        Self::UNIX_EPOCH + Duration::from_micros(time.0.unsigned_abs())
    }
}

impl FromStr for Timestamp {
    type Err = ValidationError;

    fn from_str(text: &str) -> Result<Self, ValidationError> {
        plain(text.as_bytes()).map_or_else(|| any_form(text), Ok)
    }
}

/// Reads a time in any form of RFC 3339.
fn any_form(text: &str) -> Result<Timestamp, ValidationError> {
    let parsed = DateTime::parse_from_rfc3339(text);
    let Ok(time) = parsed else {
        return Err(ValidationError::new("time", EXPECTED));
    };
    Timestamp::from_chrono(time.with_timezone(&Utc))
}

/// Reads `2026-11-20T22:15:00Z` with at most nine decimals, the form that most senders write.
///
/// Returns `None` for every other form, whether or not it is a time.
pub(crate) fn plain(text: &[u8]) -> Option<Timestamp> {
    let (date, rest) = text.split_first_chunk::<20>()?;
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        i1,
        i2,
        b':',
        s1,
        s2,
        end,
    ] = *date
    else {
        return None;
    };
    let micros = match (end, rest) {
        (b'Z', []) => 0,
        (b'.', [decimals @ .., b'Z']) if (1..=9).contains(&decimals.len()) => {
            let mut micros = 0;
            for at in 0..6 {
                micros = micros * 10 + decimals.get(at).map_or(Some(0), |byte| digit(*byte))?;
            }
            // Decimals beyond the sixth are dropped, and still have to be digits.
            let mut finer = decimals.iter().skip(6);
            finer.all(u8::is_ascii_digit).then_some(micros)?
        }
        _ => return None,
    };
    let two = |tens, ones| Some(digit(tens)? * 10 + digit(ones)?);
    let (year, month) = (two(y1, y2)? * 100 + two(y3, y4)?, two(m1, m2)?);
    let (day, hour) = (two(d1, d2)?, two(h1, h2)?);
    let (minute, second) = (two(i1, i2)?, two(s1, s2)?);
    let longest = match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    let fits = year >= 1970 && (1..=longest).contains(&day);
    if !fits || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Years start in March here, so that a leap day is the last day of its year.
    let (year, month) = match month {
        3.. => (year, month - 3),
        _ => (year - 1, month + 9),
    };
    let leaps = year / 4 - year / 100 + year / 400;
    // 719,468 days from the first of March of year 0 to the first of January 1970.
    let days = year * 365 + leaps + (month * 153 + 2) / 5 + day - 1 - 719_468;
    let seconds = (days * 24 + hour) * 3_600 + minute * 60 + second;
    Some(Timestamp(seconds * 1_000_000 + micros))
}

fn digit(byte: u8) -> Option<i64> {
    byte.is_ascii_digit().then(|| i64::from(byte - b'0'))
}

impl TryFrom<String> for Timestamp {
    type Error = ValidationError;

    fn try_from(text: String) -> Result<Self, ValidationError> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> Self {
        time.to_string()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = match self.0 {
            us if us % 1_000_000 == 0 => SecondsFormat::Secs,
            us if us % 1_000 == 0 => SecondsFormat::Millis,
            _ => SecondsFormat::Micros,
        };
        f.write_str(&self.to_chrono().to_rfc3339_opts(format, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Every time is printed in the plain form and read back from it.
        #[test]
        fn printed_times_are_plain(micros in 0..=MAX_US, unit in prop::sample::select(&[1, 1_000, 1_000_000, 86_400_000_000][..])) {
            let time = Timestamp(micros / unit * unit);
            prop_assert_eq!(plain(time.to_string().as_bytes()), Some(time));
        }

        /// Any date and time of day, valid or not: the plain reader agrees with the general parser.
        #[test]
        fn plain_times_are_read_as_all_others(
            date in (prop_oneof![1965_u16..1975, 1970_u16..=9999, prop::sample::select(&[2000, 2024, 2100][..])], 0_u8..14, 0_u8..33),
            time in (0_u8..26, 0_u8..62, 0_u8..62),
            decimals in "(\\.[0-9]{0,11})?",
            change in prop::option::of((0_usize..34, any::<char>()))
        ) {
            let ((year, month, day), (hour, minute, second)) = (date, time);
            let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{decimals}Z");
            let changed = |(at, other): (usize, char)| -> String {
                text.chars().enumerate().map(|(nth, c)| if nth == at { other } else { c }).collect()
            };
            let text = change.map_or_else(|| text.clone(), changed);
            if let Some(time) = plain(text.as_bytes()) {
                prop_assert_eq!(Ok(time), any_form(&text));
            }
            let is_short = decimals.is_empty() || (2..=10).contains(&decimals.len());
            if change.is_none() && is_short {
                prop_assert_eq!(plain(text.as_bytes()), any_form(&text).ok());
            }
        }
    }

    #[test]
    fn finer_than_a_microsecond_is_cut_not_rounded() {
        let t: Timestamp = "1999-12-31T23:59:59.9999999Z".parse().unwrap();
        assert_eq!(t.to_string(), "1999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn leap_seconds_infinity_and_far_years_are_refused() {
        for bad in [
            "2016-12-31T23:59:60Z",
            "infinity",
            "1969-12-31T23:59:59Z",
            "10000-01-01T00:00:00Z",
            "9999-12-31T23:59:59-01:00",
            "2026-02-29T00:00:00Z",
            "2026-11-20",
            "",
        ] {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad} was accepted");
        }
    }
}
