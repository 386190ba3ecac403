//! The incidents of the last days as a picture: a column per day, stacked by severity.

use std::collections::BTreeMap;
use std::time::Duration;

use askama::Template;
use askama::filters::Safe;
use chrono::{Days, NaiveDate};
use incident_core::Window;
use incident_core::incident::{Outline, Severity};

use crate::http::escape::Html;
use crate::web::common_texts::severity_mark;
use crate::web::frame::Frame;
use crate::web::texts::{count, fill, grouped, number_of, texts};
use crate::web::times::Times;

/// Number of days, today included.
pub(super) const DAYS: u64 = 30;
/// Height of the tallest column, in pixels.
const HEIGHT: u64 = 88;

texts! {
    /// The texts of the picture.
    DaysTexts {
        title: "Last {days} days", "{days} derniers jours", "Letzte {days} Tage";
        total: "{n} incident began | {n} incidents began", "{n} incident a commencé | {n} incidents ont commencé", "{n} Vorfall begann | {n} Vorfälle begannen";
        busiest: "at most {n} on a day | at most {n} on a day", "au plus {n} par jour | au plus {n} par jour", "höchstens {n} am Tag | höchstens {n} am Tag";
        cut: "Only the {n} newest are counted.", "Seuls les {n} plus récents sont comptés.", "Nur die {n} neuesten sind gezählt.";
        table: "As a table", "En tableau", "Als Tabelle";
        caption: "Incidents by the day on which they began; days without any are left out", "Incidents par jour de début, sans les jours vides", "Vorfälle nach dem Tag des Beginns, ohne leere Tage";
        day: "Day", "Jour", "Tag";
        all: "All", "Tous", "Alle";
    }
}

/// Numbers of incidents by severity, the worst first.
type BySeverity = [u64; 4];

/// The number of incidents of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct DayCount {
    day: NaiveDate,
    by_severity: BySeverity,
}

impl DayCount {
    fn all(&self) -> u64 {
        self.by_severity.iter().sum()
    }
}

/// The colour of a severity, and a pattern, so that colour is never alone.
#[derive(Clone, Copy)]
struct FillLook {
    class: &'static str,
    fill: &'static str,
}

/// The looks of the severities, the worst first.
const LOOKS: [FillLook; 4] = [
    FillLook {
        class: "sev1",
        fill: "currentColor",
    },
    FillLook {
        class: "sev2",
        fill: "url(#sev2-fill)",
    },
    FillLook {
        class: "sev3",
        fill: "url(#sev3-fill)",
    },
    FillLook {
        class: "sev4",
        fill: "url(#sev4-fill)",
    },
];

/// A severity of the picture, with the number of its incidents.
struct LegendItem {
    severity: Severity,
    look: FillLook,
    number: u64,
}

/// A part of a column, in pixels from the top; its place is in percent of the width.
struct StackPart {
    look: FillLook,
    x: String,
    y: u64,
    height: u64,
}

/// A row of the table behind the picture.
struct DayRow {
    day: String,
    by_severity: BySeverity,
    all: u64,
}

/// The picture, with its table.
#[derive(Template)]
#[template(path = "incidents/days.html")]
pub(super) struct DaysPlot {
    texts: &'static DaysTexts,
    heading: String,
    summary: String,
    legend: Vec<LegendItem>,
    parts: Vec<StackPart>,
    rows: Vec<DayRow>,
    ends: [String; 3],
    cut: Option<String>,
}

impl DaysPlot {
    /// Draws the incidents that began on one of the days.
    pub(super) fn new(frame: &Frame<'_>, incidents: &[Outline], is_cut: bool) -> Self {
        let language = frame.reader.language;
        let texts = DaysTexts::of(language);
        let times = &frame.times;
        let days = by_day(incidents, times);
        let most = days.iter().map(DayCount::all).max().unwrap_or_default();
        let total: u64 = days.iter().map(DayCount::all).sum();
        let of = |nth: usize| days.iter().filter_map(|day| day.by_severity.get(nth)).sum();
        let legend = Severity::ALL.into_iter().zip(LOOKS).zip((0..4).map(of));
        let legend = legend.map(|((severity, look), number)| LegendItem {
            severity,
            look,
            number,
        });
        let date =
            |day: Option<&DayCount>| day.map_or_else(String::new, |day| times.date(&day.day));
        Self {
            heading: fill(texts.title, &[("days", &DAYS.to_string())]),
            summary: format!(
                "{}, {}",
                count(language, texts.total, total),
                count(language, texts.busiest, most)
            ),
            parts: (0_u64..)
                .zip(&days)
                .flat_map(|(nth, day)| stacked(nth, day, most))
                .collect(),
            rows: days
                .iter()
                .rev()
                .filter(|day| day.all() > 0)
                .map(|day| day_row(times, day))
                .collect(),
            ends: [
                date(days.first()),
                date(days.get(days.len() / 2)),
                date(days.last()),
            ],
            cut: is_cut.then(|| {
                let number = number_of(incidents.len());
                let number = grouped(language, number);
                fill(texts.cut, &[("n", &number)])
            }),
            legend: legend.filter(|item| item.number > 0).collect(),
            texts,
        }
    }

    /// Returns the picture as HTML.
    #[must_use]
    pub(super) fn html(&self) -> Html {
        Safe(self.render().unwrap_or_default())
    }

    fn mark(&self, severity: &Severity) -> Html {
        severity_mark(*severity)
    }
}

/// Returns the first of the days.
fn first_day(times: &Times) -> NaiveDate {
    let today = times.local_day(times.now);
    today.checked_sub_days(Days::new(DAYS - 1)).unwrap_or(today)
}

/// Returns the days as a window, up to now, by the calendar of the reader.
pub(super) fn window(times: &Times) -> Option<Window> {
    let start = times.zone.start_of_day(first_day(times));
    // The present instant is included.
    let end = times.now.saturating_add(Duration::from_micros(1));
    Window::new(start, end).ok()
}

/// Counts incidents by the day on which they began, for each of the days, the oldest first. Others
/// are left out.
fn by_day(incidents: &[Outline], times: &Times) -> Vec<DayCount> {
    let mut counts: BTreeMap<NaiveDate, BySeverity> = first_day(times)
        .iter_days()
        .zip(0..DAYS)
        .map(|(day, _)| (day, BySeverity::default()))
        .collect();
    for one in incidents {
        let nth = Severity::ALL.iter().position(|all| *all == one.severity);
        let of_day = counts.get_mut(&times.local_day(one.started_at));
        if let Some(number) = of_day.zip(nth).and_then(|(day, nth)| day.get_mut(nth)) {
            *number += 1;
        }
    }
    let days = counts.into_iter();
    days.map(|(day, by_severity)| DayCount { day, by_severity })
        .collect()
}

/// Draws the column of a day, the worst severity at the bottom.
fn stacked(nth: u64, day: &DayCount, most: u64) -> Vec<StackPart> {
    let x = nth * 100_000 / DAYS;
    let x = format!("{}.{:03}%", x / 1_000, x % 1_000);
    let mut below = 0;
    let parts = day.by_severity.iter().zip(LOOKS);
    let parts = parts.filter(|(number, _)| **number > 0);
    parts
        .map(|(number, look)| {
            let bottom = HEIGHT * below / most.max(1);
            below += number;
            let top = HEIGHT * below / most.max(1);
            StackPart {
                look,
                x: x.clone(),
                y: HEIGHT - top,
                // At least a line, and a gap to the part below.
                height: (top - bottom).saturating_sub(1).max(1),
            }
        })
        .collect()
}

fn day_row(times: &Times, day: &DayCount) -> DayRow {
    DayRow {
        day: times.date(&day.day),
        by_severity: day.by_severity,
        all: day.all(),
    }
}

#[cfg(test)]
mod tests {
    use incident_core::testing::an_incident;

    use super::*;
    use crate::web::language::Language;

    fn times() -> Times {
        Times {
            zone: "Europe/Paris".parse().unwrap(),
            language: Language::English,
            now: "2026-11-27T13:05:00Z".parse().unwrap(),
        }
    }

    fn begun(at: &str, severity: Severity) -> Outline {
        let (incident, _, _) = an_incident();
        Outline {
            severity,
            started_at: at.parse().unwrap(),
            ..Outline::of(&incident)
        }
    }

    #[test]
    fn incidents_are_counted_on_the_day_of_the_reader() {
        let times = times();
        assert_eq!(
            window(&times).unwrap().start().to_string(),
            "2026-10-28T23:00:00Z"
        );
        let found = [
            begun("2026-10-28T23:00:00Z", Severity::Sev4),
            begun("2026-11-26T22:59:59Z", Severity::Sev1),
            // In Paris it is the 27th.
            begun("2026-11-26T23:00:00Z", Severity::Sev1),
            begun("2026-11-27T13:00:00Z", Severity::Sev3),
            // Before the first day.
            begun("2026-10-28T22:59:59Z", Severity::Sev1),
        ];
        let days = by_day(&found, &times);
        assert_eq!(days.len(), 30);
        let some: Vec<(String, BySeverity)> = days
            .iter()
            .filter(|day| day.all() > 0)
            .map(|day| (day.day.to_string(), day.by_severity))
            .collect();
        assert_eq!(
            some,
            [
                ("2026-10-29".to_owned(), [0, 0, 0, 1]),
                ("2026-11-26".to_owned(), [1, 0, 0, 0]),
                ("2026-11-27".to_owned(), [1, 0, 1, 0]),
            ]
        );
    }

    #[test]
    fn a_column_is_as_high_as_its_share_of_the_tallest() {
        let day = DayCount {
            day: times().local_day(times().now),
            by_severity: [1, 0, 2, 1],
        };
        let parts = stacked(29, &day, 8);
        let drawn: Vec<_> = parts.iter().map(|part| (part.y, part.height)).collect();
        assert_eq!(drawn, [(77, 10), (55, 21), (44, 10)]);
        assert!(parts.iter().all(|part| part.x == "96.666%"));
    }
}
