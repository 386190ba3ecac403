//! The schedule of the tour: its file, and the times of its steps.

use std::time::Duration;

use incident_core::{Month, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::client::DemoError;
use super::people::Person;
use super::usage::{HitUsers, MINUTE};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// The file of the tour.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Schedule {
    /// All tenants.
    pub(super) tenants: Vec<String>,
    pub(super) incidents: Vec<TourIncident>,
    pub(super) suggestions: Vec<TourSuggestion>,
    pub(super) decisions: Vec<TourDecision>,
}

/// An incident with its steps.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TourIncident {
    /// The name by which other parts of the file know it.
    pub(super) key: String,
    pub(super) start: TourStart,
    /// Minutes from the start to the end, if it was over when it was declared.
    #[serde(default)]
    pub(super) resolved_after: Option<u32>,
    /// Set if no pager accepts its page.
    #[serde(default)]
    pub(super) is_failing: bool,
    #[serde(default)]
    pub(super) usage: Vec<HitUsers>,
    pub(super) steps: Vec<TourStep>,
}

/// The beginning of an incident, in UTC.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TourStart {
    #[serde(default)]
    day_of_last_month: Option<u32>,
    #[serde(default)]
    days_ago: Option<u32>,
    /// Minutes before the present minute.
    #[serde(default)]
    minutes_ago: Option<u32>,
    /// The time of the day, such as `07:42`.
    #[serde(default)]
    time: Option<ClockTime>,
}

/// A time of the day, in minutes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct ClockTime(u32);

impl TryFrom<String> for ClockTime {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (hours, minutes) = text.split_once(':').ok_or("expected HH:MM")?;
        let number = |part: &str| part.parse::<u32>().map_err(|_| "expected HH:MM");
        Ok(Self(number(hours)? * 60 + number(minutes)?))
    }
}

/// A request about an incident.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TourStep {
    /// Minutes since the start of the incident.
    pub(super) after: u32,
    pub(super) by: Person,
    /// The last part of the route, or `declare`.
    pub(super) route: String,
    pub(super) body: Value,
    /// The key of the incident to merge into.
    #[serde(default)]
    pub(super) merged_into: Option<String>,
    /// Minutes from the start of the incident to the expected end, if it is named.
    #[serde(default)]
    pub(super) eta_after: Option<u32>,
}

/// A suggestion that waits for a person.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TourSuggestion {
    pub(super) minutes_ago: u32,
    pub(super) body: Value,
}

/// A decision on a credit of a tenant: for an incident, or without one for the whole of last month.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TourDecision {
    pub(super) tenant: String,
    #[serde(default)]
    pub(super) incident: Option<String>,
    /// The reason for which it is waived; without one it is approved.
    #[serde(default)]
    pub(super) waive: Option<String>,
}

impl Schedule {
    /// Reads the file that is part of the program.
    pub(super) fn read() -> Result<Self, DemoError> {
        let read = toml::from_str(include_str!("tour.toml"));
        read.map_err(|error| DemoError(format!("tour.toml: {error}")))
    }

    /// Returns all steps with their incident, in the order of their times.
    pub(super) fn steps(&self, now: Timestamp) -> Vec<(Timestamp, &TourIncident, &TourStep)> {
        let mut steps = Vec::new();
        for incident in &self.incidents {
            let start = incident.start.at(now);
            let timed = incident.steps.iter();
            steps.extend(timed.map(|step| (after(start, step.after), incident, step)));
        }
        steps.sort_by_key(|(at, ..)| *at);
        steps
    }
}

impl TourStart {
    /// Returns the time that this is at `now`.
    pub(super) fn at(self, now: Timestamp) -> Timestamp {
        if let Some(minutes) = self.minutes_ago {
            let rest = Duration::from_secs(now.since(day_of(now)).as_secs() / 60 * 60);
            return day_of(now)
                .saturating_add(rest)
                .saturating_sub(MINUTE * minutes);
        }
        let day = match (self.day_of_last_month, self.days_ago) {
            (Some(day), _) => {
                let month = last_month(now).window().start();
                month.saturating_add(DAY * day.saturating_sub(1))
            }
            (None, days) => day_of(now).saturating_sub(DAY * days.unwrap_or(0)),
        };
        after(day, self.time.map_or(0, |time| time.0))
    }
}

/// Returns the time that is so many minutes after another.
pub(super) fn after(time: Timestamp, minutes: u32) -> Timestamp {
    time.saturating_add(MINUTE * minutes)
}

/// Returns the month before that of `now`.
pub(super) fn last_month(now: Timestamp) -> Month {
    let month = Month::of(now);
    month.before().unwrap_or(month)
}

/// Returns the beginning of a day.
fn day_of(now: Timestamp) -> Timestamp {
    let today = now.since(Month::of(now).window().start()).as_secs() % DAY.as_secs();
    let today = Duration::from_secs(today);
    let second = now.micros().rem_euclid(1_000_000);
    let rest = Duration::from_micros(second.unsigned_abs());
    now.saturating_sub(today).saturating_sub(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps follow each other on every day of the year, also on the first of a month.
    #[test]
    fn steps_are_in_the_past_and_those_of_an_incident_in_their_order() {
        let schedule = Schedule::read().unwrap();
        for now in [
            "2026-01-01T00:00:05.5Z",
            "2026-03-01T12:00:00Z",
            "2026-03-31T23:59:59Z",
            "2026-11-27T11:00:00Z",
        ] {
            let now: Timestamp = now.parse().unwrap();
            let steps = schedule.steps(now);
            let month = last_month(now).window();
            for (at, incident, step) in &steps {
                assert!(*at < now && *at >= month.start(), "{}: {at}", incident.key);
                assert_eq!(*at, after(incident.start.at(now), step.after));
            }
            for incident in &schedule.incidents {
                let afters: Vec<u32> = incident.steps.iter().map(|one| one.after).collect();
                assert!(afters.is_sorted(), "{}", incident.key);
                assert_eq!(incident.steps[0].route, "declare", "{}", incident.key);
                let is_of_last_month = incident.start.day_of_last_month.is_some();
                assert!(!is_of_last_month || month.contains(incident.start.at(now)));
            }
        }
    }

    #[test]
    fn a_time_of_the_day_is_that_of_the_day() {
        let now: Timestamp = "2026-11-27T11:05:06.789Z".parse().unwrap();
        let start = |text: &str| -> TourStart { toml::from_str(text).unwrap() };
        for (text, expected) in [
            ("days_ago = 1\ntime = '11:48'", "2026-11-26T11:48:00Z"),
            (
                "day_of_last_month = 9\ntime = '07:42'",
                "2026-10-09T07:42:00Z",
            ),
            ("minutes_ago = 12", "2026-11-27T10:53:00Z"),
        ] {
            assert_eq!(
                start(text).at(now).to_string(),
                expected.parse::<Timestamp>().unwrap().to_string()
            );
        }
        assert!(toml::from_str::<TourStart>("days_ago = 1\ntime = 'noon'").is_err());
    }
}
