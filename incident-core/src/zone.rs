//! Time zones of the tz database.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, MappedLocalTime, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::{Timestamp, ValidationError};

/// A time zone of the tz database by name, such as `Europe/Paris`.
///
/// The database is compiled in: it is the same on every machine, whatever its `TZ`.
///
/// ```
/// use incident_core::{Month, Zone};
/// let paris: Zone = "Europe/Paris".parse()?;
/// let march: Month = "2026-03".parse()?;
/// // One hour short: summer time begins on the 29th.
/// assert_eq!(march.window_in(paris).micros() / 3_600_000_000, 31 * 24 - 1);
/// # Ok::<(), incident_core::ValidationError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(Tz);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(Tz::UTC);

    /// Lists every zone of the database.
    pub fn all() -> impl Iterator<Item = Self> {
        chrono_tz::TZ_VARIANTS.into_iter().map(Self)
    }

    /// Returns the name of the zone.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Returns the same weekday and local time a number of weeks earlier; `None` before 1970.
    pub(crate) fn weeks_before(self, time: Timestamp, weeks: u32) -> Option<Timestamp> {
        let there = time.to_chrono().with_timezone(&self.0).naive_local();
        let earlier = there.checked_sub_signed(TimeDelta::weeks(weeks.into()))?;
        Timestamp::from_chrono(self.instant_of(earlier)).ok()
    }

    /// Returns the year and month (1..=12) of a time by the local calendar.
    pub(crate) fn month_of(self, time: Timestamp) -> (i32, u32) {
        let there = time.to_chrono().with_timezone(&self.0);
        (there.year(), there.month())
    }

    /// Returns the first instant of a local month, between [`Timestamp::MIN`] and
    /// [`Timestamp::MAX`].
    pub(crate) fn start_of(self, year: i32, month: u32) -> Timestamp {
        let date = NaiveDate::from_ymd_opt(year, month, 1);
        let Some(midnight) = date.and_then(|date| date.and_hms_opt(0, 0, 0)) else {
            return Timestamp::MAX;
        };
        let utc = self.instant_of(midnight);
        match Timestamp::from_chrono(utc) {
            Ok(time) => time,
            Err(_) if utc.year() <= 1970 => Timestamp::MIN,
            Err(_) => Timestamp::MAX,
        }
    }

    /// Returns the instant at which a local clock first shows a time.
    ///
    /// For a time that the clock skips, the offset before the gap applies.
    fn instant_of(self, local: NaiveDateTime) -> chrono::DateTime<Utc> {
        match self.0.from_local_datetime(&local) {
            MappedLocalTime::Single(time) | MappedLocalTime::Ambiguous(time, _) => {
                time.with_timezone(&Utc)
            }
            // Summer time begins at midnight, or the zone skips a whole day: the offset before the
            // gap holds up to it.
            MappedLocalTime::None => {
                let day_before = local - TimeDelta::days(2);
                let offset = self.0.offset_from_utc_datetime(&day_before);
                let earlier = chrono::Offset::fix(&offset).local_minus_utc();
                (local - TimeDelta::seconds(i64::from(earlier))).and_utc()
            }
        }
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl FromStr for Zone {
    type Err = ValidationError;

    fn from_str(name: &str) -> Result<Self, ValidationError> {
        let known = name.parse::<Tz>().map(Self);
        known.map_err(|_| {
            ValidationError::new("timezone", "an IANA time zone, such as Europe/Paris or UTC")
        })
    }
}

impl TryFrom<String> for Zone {
    type Error = ValidationError;

    fn try_from(name: String) -> Result<Self, ValidationError> {
        name.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name().to_owned()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Month;

    #[test]
    fn every_month_tiles_the_year_in_every_zone() {
        for zone in Zone::all() {
            for year in [1970, 1995, 2011, 2024, 2026, 2037] {
                for month in 1..=12_u32 {
                    let (next_year, next) = if month == 12 {
                        (year + 1, 1)
                    } else {
                        (year, month + 1)
                    };
                    let (start, end) = (zone.start_of(year, month), zone.start_of(next_year, next));
                    assert!(start < end, "{zone} {year}-{month}");
                    let days = end.since(start).as_secs() / 3_600;
                    assert!(
                        (27 * 24..=32 * 24).contains(&days),
                        "{zone} {year}-{month}: {days} h"
                    );
                    // The first instant lies in the month, the one before does not.
                    assert_eq!(zone.month_of(start), (year, month), "{zone} {start}");
                    let before = start.saturating_sub(Duration::from_micros(1));
                    assert!(
                        start == Timestamp::MIN || zone.month_of(before) != (year, month),
                        "{zone} {start}"
                    );
                }
            }
        }
    }

    /// M17: the local time of day stays nine in the morning.
    #[test]
    fn weeks_before_a_change_of_the_clocks_have_the_same_time_of_the_day() {
        let paris: Zone = "Europe/Paris".parse().unwrap();
        let before = |time: &str, weeks| {
            let earlier = paris.weeks_before(time.parse().unwrap(), weeks);
            earlier.map(|time| time.to_string())
        };
        // Clocks went back on the 25th of October.
        let monday = "2026-10-26T08:00:00Z";
        assert_eq!(before(monday, 1).as_deref(), Some("2026-10-19T07:00:00Z"));
        assert_eq!(before(monday, 0).as_deref(), Some(monday));
        assert_eq!(before("1970-01-02T00:00:00Z", 1), None);
    }

    #[test]
    fn names_are_those_of_the_database() {
        for bad in [
            "",
            "CEST",
            "Paris",
            "europe/paris",
            "UTC+1",
            "Europe/Paris ",
        ] {
            assert_eq!(
                bad.parse::<Zone>().unwrap_err().field(),
                "timezone",
                "{bad}"
            );
        }
        let tokyo: Zone = "Asia/Tokyo".parse().unwrap();
        let month: Month = "2026-11".parse().unwrap();
        assert_eq!(
            month.window_in(tokyo).start().to_string(),
            "2026-10-31T15:00:00Z"
        );
    }
}
