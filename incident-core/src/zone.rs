//! Time zones of the tz database.

use std::fmt;
use std::str::FromStr;

use chrono::{
    Datelike, MappedLocalTime, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc,
};
use chrono_tz::{GapInfo, Tz};
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

    /// The version of the tz database that is compiled in, such as `2025b`.
    pub const DATABASE: &'static str = chrono_tz::IANA_TZDB_VERSION;

    /// Lists every zone of the database.
    pub fn all() -> impl Iterator<Item = Self> {
        chrono_tz::TZ_VARIANTS.into_iter().map(Self)
    }

    /// Returns the name of the zone.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Returns the offset of local time from UTC at an instant, in seconds; positive in the east.
    ///
    /// ```
    /// use incident_core::Zone;
    /// let paris: Zone = "Europe/Paris".parse()?;
    /// assert_eq!(paris.offset_at("2026-07-01T12:00:00Z".parse()?), 2 * 3_600);
    /// assert_eq!(paris.offset_at("2026-12-01T12:00:00Z".parse()?), 3_600);
    /// # Ok::<(), incident_core::ValidationError>(())
    /// ```
    #[must_use]
    pub fn offset_at(self, time: Timestamp) -> i32 {
        let there = time.to_chrono().with_timezone(&self.0);
        there.offset().fix().local_minus_utc()
    }

    /// Returns the instant at which the clocks of the zone show a date and time, truncated to
    /// microseconds.
    ///
    /// For times that people typed: it never picks one of two instants, and never moves a time that
    /// does not exist.
    ///
    /// ```
    /// use chrono::NaiveDateTime;
    /// use incident_core::{LocalTimeError, Zone};
    /// let paris: Zone = "Europe/Paris".parse()?;
    /// let at = |text: &str| text.parse::<NaiveDateTime>().map(|local| paris.at_local(local));
    ///
    /// assert_eq!(at("2026-11-20T14:00:00")??.to_string(), "2026-11-20T13:00:00Z");
    /// // Clocks go from 2:00 to 3:00 on the 29th of March.
    /// let LocalTimeError::Skipped { earlier, later } = at("2026-03-29T02:30:00")?.unwrap_err() else {
    ///     panic!()
    /// };
    /// assert_eq!(earlier.to_string(), "2026-03-29T00:30:00Z"); // 1:30
    /// assert_eq!(later.to_string(), "2026-03-29T01:30:00Z"); // 3:30
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`LocalTimeError::Skipped`] for a time that the clocks skip,
    /// [`LocalTimeError::Repeated`] for one that they show twice, and
    /// [`LocalTimeError::OutOfRange`] for a leap second or a time outside 1970..=9999.
    pub fn at_local(self, local: NaiveDateTime) -> Result<Timestamp, LocalTimeError> {
        let stored = |time: chrono::DateTime<Utc>| {
            Timestamp::from_chrono(time).map_err(|_| LocalTimeError::OutOfRange)
        };
        match self.0.from_local_datetime(&local) {
            MappedLocalTime::Single(time) => stored(time.with_timezone(&Utc)),
            MappedLocalTime::Ambiguous(one, other) => {
                let (one, other) = (one.with_timezone(&Utc), other.with_timezone(&Utc));
                Err(LocalTimeError::Repeated {
                    earlier: stored(one.min(other))?,
                    later: stored(one.max(other))?,
                })
            }
            MappedLocalTime::None => {
                let (before, after) = self
                    .offsets_around(local)
                    .ok_or(LocalTimeError::OutOfRange)?;
                Err(LocalTimeError::Skipped {
                    earlier: stored((local - after).and_utc())?,
                    later: stored((local - before).and_utc())?,
                })
            }
        }
    }

    /// Returns the offsets before and after the gap that a local time lies in; `None` outside of
    /// one.
    fn offsets_around(self, local: NaiveDateTime) -> Option<(TimeDelta, TimeDelta)> {
        let gap = GapInfo::new(&local, &self.0)?;
        let (_, before) = gap.begin?;
        let seconds =
            |offset: chrono::FixedOffset| TimeDelta::seconds(i64::from(offset.local_minus_utc()));
        Some((seconds(before.fix()), seconds(gap.end?.offset().fix())))
    }

    /// Returns the same weekday and local time a number of weeks earlier; `None` before 1970.
    pub(crate) fn weeks_before(self, time: Timestamp, weeks: u32) -> Option<Timestamp> {
        let there = time.to_chrono().with_timezone(&self.0).naive_local();
        let earlier = there.checked_sub_signed(TimeDelta::weeks(weeks.into()))?;
        Timestamp::from_chrono(self.instant_of(earlier)).ok()
    }

    /// Returns the same local time a number of days later, or [`Timestamp::MAX`] after the year
    /// 9999. A time that the clocks skip is as long after the gap as it would be after its start;
    /// of one that they show twice, the first holds.
    pub(crate) fn days_after(self, time: Timestamp, days: u16) -> Timestamp {
        let there = time.to_chrono().with_timezone(&self.0).naive_local();
        let later = there.checked_add_days(chrono::Days::new(days.into()));
        let later = later.and_then(|later| Timestamp::from_chrono(self.instant_of(later)).ok());
        later.unwrap_or(Timestamp::MAX)
    }

    /// Returns the year and month (1..=12) of a time by the local calendar.
    pub(crate) fn month_of(self, time: Timestamp) -> (i32, u32) {
        let there = time.to_chrono().with_timezone(&self.0);
        (there.year(), there.month())
    }

    /// Returns the first instant of a local month, between [`Timestamp::MIN`] and
    /// [`Timestamp::MAX`].
    pub(crate) fn start_of(self, year: i32, month: u32) -> Timestamp {
        NaiveDate::from_ymd_opt(year, month, 1)
            .map_or(Timestamp::MAX, |first| self.start_of_day(first))
    }

    /// Returns the instant at which a local day begins: midnight, or the end of a gap over midnight;
    /// of two midnights the earlier one. Days out of the range of instants begin at its ends.
    ///
    /// ```
    /// use chrono::NaiveDate;
    /// use incident_core::Zone;
    ///
    /// let paris: Zone = "Europe/Paris".parse()?;
    /// let day = NaiveDate::from_ymd_opt(2026, 11, 27).ok_or("no such day")?;
    /// assert_eq!(paris.start_of_day(day).to_string(), "2026-11-26T23:00:00Z");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn start_of_day(self, day: NaiveDate) -> Timestamp {
        let Some(midnight) = day.and_hms_opt(0, 0, 0) else {
            return Timestamp::MAX;
        };
        let utc = self.instant_of(midnight);
        match Timestamp::from_chrono(utc) {
            Ok(time) => time,
            Err(_) if utc.year() <= 1970 => Timestamp::MIN,
            Err(_) => Timestamp::MAX,
        }
    }

    /// Returns the first instant at which the clocks show a local time or a later one, between
    /// [`Timestamp::MIN`] and [`Timestamp::MAX`]: for a time that they skip the end of the gap, for
    /// one that they show twice the first of the two. It never falls as the local time rises.
    pub(crate) fn first_at(self, local: NaiveDateTime) -> Timestamp {
        let utc = match self.0.from_local_datetime(&local) {
            MappedLocalTime::Single(time) => time.with_timezone(&Utc),
            MappedLocalTime::Ambiguous(one, other) => one.min(other).with_timezone(&Utc),
            MappedLocalTime::None => {
                let after = GapInfo::new(&local, &self.0).and_then(|gap| gap.end);
                after.map_or(local.and_utc(), |time| time.with_timezone(&Utc))
            }
        };
        match Timestamp::from_chrono(utc) {
            Ok(time) => time,
            Err(_) if utc.year() <= 1970 => Timestamp::MIN,
            Err(_) => Timestamp::MAX,
        }
    }

    /// Returns the date that the clocks of the zone show at an instant.
    pub(crate) fn date_at(self, time: Timestamp) -> NaiveDate {
        time.to_chrono().with_timezone(&self.0).date_naive()
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
                let offsets = self.offsets_around(local);
                let before = offsets.map_or(TimeDelta::zero(), |(before, _)| before);
                (local - before).and_utc()
            }
        }
    }
}

/// A local date and time that names no single instant. The instants that may be meant are named, so
/// that the sender can choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocalTimeError {
    /// The clocks skip it.
    #[error(
        "expected a local time that exists: clocks skip this one, which may stand for {earlier} or {later}"
    )]
    Skipped {
        /// The instant by the offset after the gap. It lies before the gap.
        earlier: Timestamp,
        /// The instant by the offset before the gap. It lies after the gap.
        later: Timestamp,
    },
    /// The clocks show it twice.
    #[error(
        "expected a local time that exists once: clocks show this one at {earlier} and at {later}"
    )]
    Repeated {
        /// The first instant.
        earlier: Timestamp,
        /// The second instant.
        later: Timestamp,
    },
    /// It is a leap second, or lies outside the years that a [`Timestamp`] holds.
    #[error("expected a local time between 1970 and 9999, without a leap second")]
    OutOfRange,
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
    mod local_times;

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
