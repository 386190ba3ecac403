//! Times and durations as pages show them.

use std::time::Duration;

use askama::filters::Safe;
use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, Offset, SecondsFormat, TimeZone};
use incident_core::{Month, Timestamp, Zone};

use super::language::Language;
use crate::http::escape::Html;

/// Writes times in the zone and the language of a reader.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// The zone.
    pub(crate) zone: Zone,
    /// The language.
    pub(crate) language: Language,
    /// The time at which the page is made.
    pub(crate) now: Timestamp,
}

impl Times {
    /// Returns a time as an element: the clock alone on the day of the page, else with the date.
    #[must_use]
    pub(crate) fn time(&self, at: &Timestamp) -> Html {
        Safe(element(*at, &self.short(*at)))
    }

    /// Returns a time as an element, always with its date.
    #[must_use]
    pub(crate) fn full(&self, at: &Timestamp) -> Html {
        let local = self.local(*at);
        let text = format!("{} {}", self.date(&local), local.format("%H:%M"));
        Safe(element(*at, &text))
    }

    /// Returns a time as an element, with seconds.
    #[must_use]
    pub(crate) fn exact(&self, at: &Timestamp) -> Html {
        let local = self.local(*at);
        let text = format!("{} {}", self.date(&local), local.format("%H:%M:%S"));
        Safe(element(*at, &text))
    }

    /// Returns the day of a time as an element.
    #[must_use]
    pub(crate) fn day(&self, at: &Timestamp) -> Html {
        let local = self.local(*at);
        let (day, text) = (local.format("%Y-%m-%d"), self.date(&local));
        Safe(format!("<time datetime=\"{day}\">{text}</time>"))
    }

    /// Returns a time as text: the clock alone on the day of the page, else with the date.
    #[must_use]
    pub(crate) fn short(&self, at: Timestamp) -> String {
        let local = self.local(at);
        let clock = local.format("%H:%M");
        if local.date_naive() == self.local(self.now).date_naive() {
            return clock.to_string();
        }
        format!("{} {clock}", self.date(&local))
    }

    /// Returns the value of a field for a local date and time.
    #[must_use]
    pub(crate) fn field(&self, at: Timestamp) -> String {
        self.local(at).format("%Y-%m-%dT%H:%M").to_string()
    }

    /// Returns the zone with its difference from UTC at the time of the page: `Europe/Paris
    /// (UTC+1)`.
    #[must_use]
    pub(crate) fn zone(&self) -> String {
        if self.zone == Zone::UTC {
            return "UTC".to_owned();
        }
        let seconds = self.local(self.now).offset().local_minus_utc();
        let (sign, minutes) = (if seconds < 0 { '−' } else { '+' }, seconds.abs() / 60);
        let (hours, minutes) = (minutes / 60, minutes % 60);
        let minutes = match minutes {
            0 => String::new(),
            minutes => format!(":{minutes:02}"),
        };
        format!("{} (UTC{sign}{hours}{minutes})", self.zone)
    }

    /// Returns the time from one instant to another, as `1 h 12 min`.
    #[must_use]
    pub(crate) fn between(&self, from: &Timestamp, to: &Timestamp) -> String {
        self.duration(to.since(*from))
    }

    /// Returns the time since an instant, as an element that the script of the pages counts on.
    #[must_use]
    pub(crate) fn elapsed(&self, since: &Timestamp) -> Html {
        let text = self.duration(self.now.since(*since));
        Safe(format!(
            "<span data-since=\"{}\">{text}</span>",
            iso(*since)
        ))
    }

    /// Returns a duration in its two greatest units, with spaces that do not break.
    #[must_use]
    pub(crate) fn duration(&self, duration: Duration) -> String {
        let minutes = duration.as_secs() / 60;
        let day = self.day_unit();
        match (minutes / 1_440, minutes / 60 % 24, minutes % 60) {
            (0, 0, minutes) => format!("{minutes}\u{a0}min"),
            (0, hours, minutes) => format!("{hours}\u{a0}h {minutes}\u{a0}min"),
            (days, hours, _) => format!("{days}\u{a0}{day} {hours}\u{a0}h"),
        }
    }

    /// Returns the abbreviation of a day.
    #[must_use]
    pub(crate) const fn day_unit(&self) -> &'static str {
        match self.language {
            Language::English => "d",
            Language::French => "j",
            Language::German => "T",
        }
    }

    fn local(&self, at: Timestamp) -> DateTime<FixedOffset> {
        let seconds = self.zone.offset_at(at);
        let offset = FixedOffset::east_opt(seconds);
        let offset = offset.unwrap_or_else(|| chrono::Utc.fix());
        offset.from_utc_datetime(&at.to_chrono().naive_utc())
    }

    /// Returns the day of an instant in the zone of the reader.
    #[must_use]
    pub(crate) fn local_day(&self, at: Timestamp) -> NaiveDate {
        self.local(at).date_naive()
    }

    /// Returns a month with its whole name and its year.
    #[must_use]
    pub(crate) fn month(&self, month: Month) -> String {
        let (year, number) = month.parts();
        let name = whole_month_name(self.language, u32::from(number) - 1);
        format!("{name} {year}")
    }

    /// Returns a date, with the year if it is not that of the page.
    #[must_use]
    pub(crate) fn date(&self, local: &impl Datelike) -> String {
        let month = month_name(self.language, local.month0());
        let day = local.day();
        let date = match self.language {
            Language::English | Language::French => format!("{day} {month}"),
            Language::German => format!("{day}. {month}"),
        };
        if local.year() == self.local(self.now).year() {
            return date;
        }
        format!("{date} {}", local.year())
    }
}

/// Returns a time in UTC (RFC 3339).
#[must_use]
pub(crate) fn iso(at: Timestamp) -> String {
    at.to_chrono().to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn element(at: Timestamp, text: &str) -> String {
    format!("<time datetime=\"{}\">{text}</time>", iso(at))
}

/// Returns the whole name of a month, from 0 for January on, as it stands before a year.
fn whole_month_name(language: Language, month0: u32) -> &'static str {
    const ENGLISH: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    const FRENCH: [&str; 12] = [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ];
    const GERMAN: [&str; 12] = [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ];
    name_of_month(language, month0, [ENGLISH, FRENCH, GERMAN])
}

/// Returns the abbreviated name of a month, from 0 for January on.
fn month_name(language: Language, month0: u32) -> &'static str {
    const ENGLISH: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    const FRENCH: [&str; 12] = [
        "janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.",
        "déc.",
    ];
    const GERMAN: [&str; 12] = [
        "Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.",
        "Dez.",
    ];
    name_of_month(language, month0, [ENGLISH, FRENCH, GERMAN])
}

/// Returns the name of a month among those in English, French and German.
fn name_of_month(
    language: Language,
    month0: u32,
    [english, french, german]: [[&'static str; 12]; 3],
) -> &'static str {
    let names = match language {
        Language::English => english,
        Language::French => french,
        Language::German => german,
    };
    let nth = usize::try_from(month0).unwrap_or_default();
    names.get(nth).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(zone: &str, language: Language) -> Times {
        Times {
            zone: zone.parse().unwrap(),
            language,
            now: "2026-11-27T13:05:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn times_are_in_the_zone_of_the_reader() {
        let paris = times("Europe/Paris", Language::English);
        assert_eq!(paris.zone(), "Europe/Paris (UTC+1)");
        let today = "2026-11-27T12:05:30Z".parse().unwrap();
        assert_eq!(
            paris.time(&today).0,
            "<time datetime=\"2026-11-27T12:05:30Z\">13:05</time>"
        );
        let yesterday = "2026-11-26T22:59:00Z".parse().unwrap();
        assert_eq!(paris.short(yesterday), "26 Nov 23:59");
        // In Paris it is the 27th already.
        assert_eq!(
            paris.short("2026-11-26T23:00:00Z".parse().unwrap()),
            "00:00"
        );
        assert_eq!(
            paris.short("2025-03-01T00:00:00Z".parse().unwrap()),
            "1 Mar 2025 01:00"
        );
        assert_eq!(
            times("UTC", Language::German).short(yesterday),
            "26. Nov. 22:59"
        );
        assert_eq!(
            times("Asia/Kathmandu", Language::French).zone(),
            "Asia/Kathmandu (UTC+5:45)"
        );
        assert_eq!(
            times("America/New_York", Language::French).zone(),
            "America/New_York (UTC−5)"
        );
    }

    #[test]
    fn days_and_months_are_written_in_the_language_of_the_reader() {
        let paris = times("Europe/Paris", Language::German);
        let night = "2026-11-26T23:30:00Z".parse().unwrap();
        assert_eq!(paris.local_day(night).to_string(), "2026-11-27");
        assert_eq!(paris.date(&paris.local_day(night)), "27. Nov.");
        for (language, expected) in [
            (Language::English, "January 2025"),
            (Language::French, "janvier 2025"),
            (Language::German, "Januar 2025"),
        ] {
            let month = "2025-01".parse().unwrap();
            assert_eq!(times("UTC", language).month(month), expected);
        }
    }

    #[test]
    fn durations_have_two_units() {
        let times = times("UTC", Language::French);
        for (minutes, expected) in [
            (0, "0 min"),
            (59, "59 min"),
            (72, "1 h 12 min"),
            (1_440, "1 j 0 h"),
            (3_059, "2 j 2 h"),
        ] {
            let text = times.duration(Duration::from_secs(60 * minutes));
            assert_eq!(text.replace('\u{a0}', " "), expected);
        }
    }
}
