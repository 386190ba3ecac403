//! The form in which a calendar is written in a policy.

use chrono::{NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

use super::{BusinessCalendar, OpeningHours};
use crate::{Name, ValidationError, Zone};

/// A calendar as it is written down. Hours and dates are texts until they are checked, so that an
/// error can name their place.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    timezone: String,
    hours: Week,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    holidays_version: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    holidays: Vec<String>,
}

type Hours = Option<Vec<String>>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Week {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    monday: Hours,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tuesday: Hours,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wednesday: Hours,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thursday: Hours,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    friday: Hours,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    saturday: Hours,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sunday: Hours,
}

impl Week {
    fn days(self) -> [(Weekday, Hours); 7] {
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
fn date(text: &str) -> Option<NaiveDate> {
    let date: NaiveDate = text.parse().ok()?;
    (date.to_string() == text).then_some(date)
}

impl TryFrom<Written> for BusinessCalendar {
    type Error = ValidationError;

    fn try_from(written: Written) -> Result<Self, ValidationError> {
        let zone: Zone = written.timezone.parse()?;
        let mut week = Vec::new();
        for (day, hours) in written.hours.days() {
            let Some(hours) = hours else { continue };
            let field = |place| format!("hours/{}/{place}", super::weekday_name(day));
            let read = hours.iter().enumerate().map(|(place, text)| {
                let hours = text.parse::<OpeningHours>();
                hours.map_err(|wrong| wrong.at(field(place)))
            });
            week.push((day, read.collect::<Result<Vec<_>, _>>()?));
        }
        let holidays = written.holidays.iter().enumerate().map(|(place, text)| {
            date(text).ok_or_else(|| {
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

impl From<BusinessCalendar> for Written {
    fn from(calendar: BusinessCalendar) -> Self {
        let hours = |day| {
            let hours = calendar.hours(day);
            (!hours.is_empty()).then(|| hours.iter().map(ToString::to_string).collect())
        };
        Self {
            timezone: calendar.zone.name().to_owned(),
            hours: Week {
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
