//! Deadlines compared with a clock that is looked at every minute.
//!
//! The oracle knows nothing of bounds, gaps and folds: it walks minute by minute, reads the wall
//! clock by chrono-tz, and remembers the latest time that the clock has shown. While a clock that
//! was set back shows times again, that memory stands still; this is the rule for bounds that exist
//! twice, said in another way.

use chrono::{Timelike, Utc};
use chrono_tz::Tz;

use super::*;

const DAYS: i64 = 24;

struct Hours {
    week: [&'static [(u32, u32)]; 7],
    holidays: &'static [(i32, u32, u32)],
}

const CLOSED: &[(u32, u32)] = &[];
const LUNCH: &[(u32, u32)] = &[(540, 750), (840, 1_080)];
const NIGHT: &[(u32, u32)] = &[(0, 100), (105, 135), (150, 200), (1_320, 1_440)];
const ALL_DAY: &[(u32, u32)] = &[(0, 1_440)];

/// The hours that are tried, with holidays around both changes of the clocks of each zone.
const HOURS: [Hours; 5] = [
    Hours {
        week: [LUNCH, LUNCH, LUNCH, LUNCH, LUNCH, CLOSED, CLOSED],
        holidays: &[(2026, 3, 30), (2026, 10, 26), (2026, 11, 2), (2026, 4, 6)],
    },
    // Only Tuesdays; one of them is a holiday.
    Hours {
        week: [CLOSED, LUNCH, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED],
        holidays: &[(2026, 3, 31), (2026, 10, 27)],
    },
    // At night, over every change of the clocks.
    Hours {
        week: [NIGHT; 7],
        holidays: &[(2026, 3, 9), (2026, 10, 24), (2026, 4, 4)],
    },
    Hours {
        week: [ALL_DAY; 7],
        holidays: &[(2026, 3, 29), (2026, 11, 1), (2026, 10, 4)],
    },
    // A week of closed days in the middle of each season.
    Hours {
        week: [LUNCH, LUNCH, NIGHT, LUNCH, LUNCH, NIGHT, NIGHT],
        holidays: &[
            (2026, 3, 9),
            (2026, 3, 10),
            (2026, 3, 11),
            (2026, 3, 12),
            (2026, 3, 13),
            (2026, 3, 14),
            (2026, 3, 15),
            (2026, 10, 5),
            (2026, 10, 6),
            (2026, 10, 7),
            (2026, 10, 8),
            (2026, 10, 9),
            (2026, 10, 10),
            (2026, 10, 11),
        ],
    },
];

impl Hours {
    fn calendar(&self, zone: &str) -> BusinessCalendar {
        let week = (0_u8..)
            .zip(self.week)
            .filter(|(_, hours)| !hours.is_empty());
        let week = week.map(|(day, hours)| {
            let hours = hours.iter().map(|(start, end)| {
                let [start, end] = [start, end].map(|minute| u16::try_from(*minute).unwrap());
                OpeningHours::new(start, end).unwrap()
            });
            (Weekday::try_from(day).unwrap(), hours.collect())
        });
        let holidays = self
            .holidays
            .iter()
            .map(|(year, month, day)| NaiveDate::from_ymd_opt(*year, *month, *day).unwrap());
        let version = Some("oracle".parse().unwrap());
        BusinessCalendar::new(zone.parse().unwrap(), week, holidays, version).unwrap()
    }

    /// Answers by a look at the calendar on the wall.
    fn is_open(&self, shown: NaiveDateTime) -> bool {
        let date = (shown.year(), shown.month(), shown.day());
        let minute = shown.hour() * 60 + shown.minute();
        let hours = self.week[shown.weekday().num_days_from_monday() as usize];
        !self.holidays.contains(&date)
            && hours
                .iter()
                .any(|(start, end)| (*start..*end).contains(&minute))
    }
}

/// Walks from a Monday on: for each minute, whether it is open.
fn walk(hours: &Hours, zone: Tz, start: Timestamp) -> Vec<bool> {
    let mut latest = NaiveDateTime::MIN;
    let walked = (-2 * 1_440..DAYS * 1_440).map(|minute| {
        let at = start.to_chrono() + TimeDelta::minutes(minute);
        let shown = at.with_timezone(&Utc).with_timezone(&zone).naive_local();
        latest = latest.max(shown);
        (minute, hours.is_open(latest))
    });
    let from_start = walked.filter(|(minute, _)| *minute >= 0);
    from_start.map(|(_, open)| open).collect()
}

fn at_minute(start: Timestamp, minute: usize) -> Timestamp {
    start.saturating_add(minutes(minute as u64))
}

/// Compares every deadline of a few durations from starts all over the walk, and whether it is open.
fn compare(hours: &Hours, zone: &str, start: &str) -> usize {
    let (calendar, start) = (hours.calendar(zone), time(start));
    let walked = walk(hours, zone.parse().unwrap(), start);
    let mut compared = 0;
    for (minute, open) in walked.iter().enumerate() {
        let changes = minute > 0 && walked[minute - 1] != *open;
        if changes || minute % 7 == 0 {
            let at = at_minute(start, minute);
            assert_eq!(calendar.is_open(at), *open, "{zone} at {at}");
        }
    }
    // The number of open minutes before each minute.
    let mut counted = vec![0_usize];
    counted.extend(walked.iter().scan(0, |sum, open| {
        *sum += usize::from(*open);
        Some(*sum)
    }));
    for from in (0..walked.len()).step_by(61) {
        for after in [1, 29, 30, 210, 211, 240, 450, 1_440] {
            let wanted = counted[from] + after;
            // The deadline is the first moment before which there were so many open minutes.
            let due = counted.partition_point(|count| *count < wanted);
            if due == counted.len() {
                continue;
            }
            let found = calendar.deadline(at_minute(start, from), minutes(after as u64));
            let (from, due) = (at_minute(start, from), at_minute(start, due));
            assert_eq!(found, Ok(due), "{zone}, {after} minutes from {from}");
            let elapsed = calendar.elapsed(Window::new(from, due).unwrap());
            assert_eq!(elapsed, minutes(after as u64), "{zone}, {from} to {due}");
            compared += 1;
        }
    }
    compared
}

#[test]
fn deadlines_agree_with_a_clock_that_is_looked_at_every_minute() {
    let mut compared = 0;
    for (zone, seasons) in [
        (
            "Europe/Paris",
            ["2026-03-20T00:00:00Z", "2026-10-16T00:00:00Z"],
        ),
        (
            "America/New_York",
            ["2026-03-02T00:00:00Z", "2026-10-20T00:00:00Z"],
        ),
        // Half an hour, and the other way round.
        (
            "Australia/Lord_Howe",
            ["2026-03-26T00:00:00Z", "2026-09-27T00:00:00Z"],
        ),
        // A quarter of an hour off, and no summer time.
        (
            "Asia/Kathmandu",
            ["2026-03-05T00:00:00Z", "2026-10-01T00:00:00Z"],
        ),
        // Clocks change at midnight, into the day and back out of it.
        (
            "Asia/Beirut",
            ["2026-03-20T00:00:00Z", "2026-10-16T00:00:00Z"],
        ),
        (
            "America/Havana",
            ["2026-03-02T00:00:00Z", "2026-10-20T00:00:00Z"],
        ),
        // One minute after midnight, so that the day before is shown again.
        (
            "America/St_Johns",
            ["1988-03-25T00:00:00Z", "1988-10-20T00:00:00Z"],
        ),
        // A day that does not exist.
        (
            "Pacific/Apia",
            ["2011-12-20T00:00:00Z", "2012-03-25T00:00:00Z"],
        ),
    ] {
        for start in seasons {
            for hours in &HOURS {
                compared += compare(hours, zone, start);
            }
        }
    }
    assert!(compared > 200_000, "{compared}");
}

/// The zones with a change of their clocks have one in each walk: the comparison is about them.
#[test]
fn the_walks_cross_changes_of_the_clocks() {
    for (zone, start) in [
        ("Europe/Paris", "2026-03-20T00:00:00Z"),
        ("Europe/Paris", "2026-10-16T00:00:00Z"),
        ("America/New_York", "2026-03-02T00:00:00Z"),
        ("America/New_York", "2026-10-20T00:00:00Z"),
        ("Australia/Lord_Howe", "2026-03-26T00:00:00Z"),
        ("Australia/Lord_Howe", "2026-09-27T00:00:00Z"),
        ("Asia/Beirut", "2026-10-16T00:00:00Z"),
        ("America/Havana", "2026-10-20T00:00:00Z"),
        ("America/St_Johns", "1988-10-20T00:00:00Z"),
        ("Pacific/Apia", "2011-12-20T00:00:00Z"),
    ] {
        let (zone, start): (Zone, _) = (zone.parse().unwrap(), time(start));
        let end = at_minute(start, 1_440 * usize::try_from(DAYS).unwrap());
        assert_ne!(zone.offset_at(start), zone.offset_at(end), "{zone}");
    }
}
