//! Business hours: the part of the time that counts for a deadline in business hours.

mod hours;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Weekday};
use serde::{Deserialize, Serialize};

use crate::{Name, Timestamp, ValidationError, Window, Zone};
pub use hours::OpeningHours;
use written::{WrittenCalendar, WrittenWeek};

/// The number of local days from its start in which a deadline is looked for: ten years.
///
/// A calendar of holidays alone therefore has no deadline, and looking for one ends.
pub const CALENDAR_DAYS: usize = 3_660;

/// The hours in which a team works: a time zone, opening hours of each weekday, and holidays.
///
/// Hours are those of the clocks on the wall, so a day may have more or less of them where clocks
/// change: hours begin and end at the first instant at which the clocks show their time *or a later
/// one*. A time that the clocks skip is the first instant after the gap (and hours inside of a gap
/// are none at all), one that they show twice is the first of the two. A holiday closes its whole
/// local day.
///
/// Everything that is computed from it is exact to the microsecond and takes time in proportion to
/// the days between; nothing depends on the time at which it is computed.
///
/// ```
/// use std::time::Duration;
/// use incident_core::policy::BusinessCalendar;
/// use incident_core::Timestamp;
///
/// let office: BusinessCalendar = serde_json::from_str(
///     r#"{
///         "timezone": "Europe/Paris",
///         "hours": {"friday": ["09:00-12:30", "14:00-18:00"], "monday": ["09:00-12:30", "14:00-18:00"]},
///         "holidays_version": "fr-2026",
///         "holidays": ["2026-12-25"]
///     }"#,
/// )?;
/// // Friday at 17:00: one hour is left; the other three are those of Monday morning.
/// let declared: Timestamp = "2026-11-20T16:00:00Z".parse()?;
/// let due = office.deadline(declared, Duration::from_hours(4))?;
/// assert_eq!(due.to_string(), "2026-11-23T11:00:00Z");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenCalendar", into = "WrittenCalendar")]
pub struct BusinessCalendar {
    zone: Zone,
    /// Opening hours by the number of days since Monday; ascending and disjoint, never empty.
    week: BTreeMap<u32, Vec<OpeningHours>>,
    holidays: BTreeSet<NaiveDate>,
    holidays_version: Option<Name>,
}

/// A calendar without enough business time: fewer than were needed in [`CALENDAR_DAYS`] days, or before
/// the end of the year 9999.
///
/// **Handling:** there is no such deadline. Show it to whoever wrote the calendar: its holidays or
/// its hours are wrong, or the duration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected so much business time within {CALENDAR_DAYS} days of the calendar")]
pub struct NoDeadline;

impl BusinessCalendar {
    /// Creates a calendar.
    ///
    /// The version names the list of holidays, such as `fr-2026`: they are data of the policy and
    /// never come from a feed at the time of a decision.
    ///
    /// # Errors
    /// Names the field: `hours` if there are none; `hours/monday` if the hours of a weekday are
    /// not ascending and disjoint, none, or if it is named twice; `holidays` for a date that is named twice;
    /// `holidays_version` if there are holidays without a version.
    pub fn new(
        zone: Zone,
        week: impl IntoIterator<Item = (Weekday, Vec<OpeningHours>)>,
        holidays: impl IntoIterator<Item = NaiveDate>,
        holidays_version: Option<Name>,
    ) -> Result<Self, ValidationError> {
        let mut days = BTreeMap::new();
        for (day, hours) in week {
            let field = || format!("hours/{}", weekday_name(day));
            if hours.is_empty() {
                let expected = "opening hours; a weekday that is closed is left out";
                return Err(ValidationError::new(field(), expected));
            }
            let ascending = hours.is_sorted_by(|one, next| one.end() <= next.start());
            if !ascending {
                let expected = "ascending hours that do not overlap";
                return Err(ValidationError::new(field(), expected));
            }
            if days.insert(day.num_days_from_monday(), hours).is_some() {
                return Err(ValidationError::new(field(), "one list for each weekday"));
            }
        }
        if days.is_empty() {
            let expected = "opening hours on at least one weekday";
            return Err(ValidationError::new("hours", expected));
        }
        let mut dates = BTreeSet::new();
        for date in holidays {
            if !dates.insert(date) {
                return Err(ValidationError::new("holidays", "each date once"));
            }
        }
        if holidays_version.is_none() && !dates.is_empty() {
            let expected = "the version of the holidays, such as \"fr-2026\"";
            return Err(ValidationError::new("holidays_version", expected));
        }
        Ok(Self {
            zone,
            week: days,
            holidays: dates,
            holidays_version,
        })
    }

    /// Returns the time zone of its hours.
    #[must_use]
    pub const fn zone(&self) -> Zone {
        self.zone
    }

    /// Returns its holidays, ascending.
    #[must_use]
    pub const fn holidays(&self) -> &BTreeSet<NaiveDate> {
        &self.holidays
    }

    /// Returns the version of its holidays.
    #[must_use]
    pub const fn holidays_version(&self) -> Option<&Name> {
        self.holidays_version.as_ref()
    }

    /// Returns the opening hours of a weekday, ascending; none if it is closed.
    #[must_use]
    pub fn hours(&self, day: Weekday) -> &[OpeningHours] {
        let hours = self.week.get(&day.num_days_from_monday());
        hours.map_or(&[], Vec::as_slice)
    }

    /// Returns the instant at which so much business time has passed since `from`, truncated to
    /// microseconds.
    ///
    /// Business time that ends exactly with opening hours ends there, and not at the next opening:
    /// four hours from nine are up at thirteen if that is when the team closes. No business time at
    /// all ends at `from` itself, whether the team works then or not.
    ///
    /// It never falls as `from` or `after` rises, and `elapsed` between `from` and it is `after`.
    ///
    /// # Errors
    /// Returns [`NoDeadline`] if there is less business time in the next [`CALENDAR_DAYS`] local days.
    pub fn deadline(&self, from: Timestamp, after: Duration) -> Result<Timestamp, NoDeadline> {
        let mut left = u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
        if left == 0 {
            return Ok(from);
        }
        for day in days_from(self.zone.date_at(from)).take(CALENDAR_DAYS) {
            for open in self.open_on(day) {
                let Some(open) = Window::non_empty(open.start().max(from), open.end()) else {
                    continue;
                };
                if left <= open.micros() {
                    return Ok(open.start().saturating_add(Duration::from_micros(left)));
                }
                left -= open.micros();
            }
        }
        Err(NoDeadline)
    }

    /// Returns the business time inside a window.
    #[must_use]
    pub fn elapsed(&self, window: Window) -> Duration {
        let days = days_from(self.zone.date_at(window.start()));
        let open = days
            .take_while(|day| self.start_of(*day) < window.end())
            .flat_map(|day| self.open_on(day))
            .filter_map(|open| open.intersect(window));
        Duration::from_micros(open.map(Window::micros).sum())
    }

    /// Returns `true` if an instant lies in business hours.
    #[must_use]
    pub fn is_open(&self, at: Timestamp) -> bool {
        // Clocks that go back over midnight show the date of the day before while the next one, which
        // began when they first showed its midnight, goes on.
        let days = days_from(self.zone.date_at(at)).take(2);
        days.flat_map(|day| self.open_on(day))
            .any(|open| open.contains(at))
    }

    /// Returns the business hours of a local day as instants, ascending.
    fn open_on(&self, day: NaiveDate) -> impl Iterator<Item = Window> {
        let hours = if self.holidays.contains(&day) {
            &[]
        } else {
            self.hours(day.weekday())
        };
        hours.iter().filter_map(move |hours| {
            let [start, end] =
                [hours.start(), hours.end()].map(|minute| self.first_at(day, minute));
            Window::non_empty(start, end)
        })
    }

    fn start_of(&self, day: NaiveDate) -> Timestamp {
        self.first_at(day, 0)
    }

    /// Returns the first instant at which the clocks show a minute of a day, or a later time.
    fn first_at(&self, day: NaiveDate, minute: u16) -> Timestamp {
        let midnight = NaiveDateTime::new(day, NaiveTime::MIN);
        let local = midnight.checked_add_signed(TimeDelta::minutes(minute.into()));
        local.map_or(Timestamp::MAX, |local| self.zone.first_at(local))
    }
}

impl TryFrom<WrittenCalendar> for BusinessCalendar {
    type Error = ValidationError;

    fn try_from(written: WrittenCalendar) -> Result<Self, ValidationError> {
        let zone: Zone = written.timezone.parse()?;
        let mut week = Vec::new();
        for (day, hours) in written.hours.days() {
            let Some(hours) = hours else { continue };
            let field = |place| format!("hours/{}/{place}", weekday_name(day));
            let read = hours.iter().enumerate().map(|(place, text)| {
                let hours = text.parse::<OpeningHours>();
                hours.map_err(|wrong| wrong.at(field(place)))
            });
            week.push((day, read.collect::<Result<Vec<_>, _>>()?));
        }
        let holidays = written.holidays.iter().enumerate().map(|(place, text)| {
            written::date(text).ok_or_else(|| {
                let expected = "a date, such as \"2026-12-25\"";
                ValidationError::new(format!("holidays/{place}"), expected)
            })
        });
        let holidays = holidays.collect::<Result<Vec<_>, _>>()?;
        let version = written.holidays_version.as_deref().map(|text| {
            let name = Name::new(text);
            name.map_err(|wrong| wrong.at("holidays_version"))
        });
        Self::new(zone, week, holidays, version.transpose()?)
    }
}

impl From<BusinessCalendar> for WrittenCalendar {
    fn from(calendar: BusinessCalendar) -> Self {
        let hours = |day| {
            let hours = calendar.hours(day);
            (!hours.is_empty()).then(|| hours.iter().map(ToString::to_string).collect())
        };
        Self {
            timezone: calendar.zone.name().to_owned(),
            hours: WrittenWeek {
                monday: hours(Weekday::Mon),
                tuesday: hours(Weekday::Tue),
                wednesday: hours(Weekday::Wed),
                thursday: hours(Weekday::Thu),
                friday: hours(Weekday::Fri),
                saturday: hours(Weekday::Sat),
                sunday: hours(Weekday::Sun),
            },
            holidays_version: calendar.holidays_version.as_ref().map(ToString::to_string),
            holidays: calendar.holidays.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Lists the days of the calendar from one on.
fn days_from(day: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    std::iter::successors(Some(day), NaiveDate::succ_opt)
}

/// Returns the name of a weekday as it is written in a policy.
const fn weekday_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "monday",
        Weekday::Tue => "tuesday",
        Weekday::Wed => "wednesday",
        Weekday::Thu => "thursday",
        Weekday::Fri => "friday",
        Weekday::Sat => "saturday",
        Weekday::Sun => "sunday",
    }
}

#[cfg(test)]
mod tests;
