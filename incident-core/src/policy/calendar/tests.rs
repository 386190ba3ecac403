//! Business hours: how they are written, single cases by hand, and laws.

mod oracle;

use proptest::prelude::*;

use super::*;

fn calendar(json: &str) -> BusinessCalendar {
    serde_json::from_str(json).unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const fn minutes(number: u64) -> Duration {
    Duration::from_secs(number * 60)
}

/// An office in Paris with a lunch break, closed on two holidays.
fn office() -> BusinessCalendar {
    let day = r#"["09:00-12:30", "14:00-18:00"]"#;
    calendar(&format!(
        r#"{{"timezone": "Europe/Paris", "holidays_version": "fr-2026",
            "holidays": ["2026-12-25", "2026-11-11"],
            "hours": {{"monday": {day}, "tuesday": {day}, "wednesday": {day},
                "thursday": {day}, "friday": {day}}}}}"#
    ))
}

#[test]
fn deadlines_are_those_of_a_calendar_on_the_wall() {
    for (from, after, due) in [
        // Within the morning; to its very end; one microsecond beyond, after lunch.
        ("2026-11-20T08:00:00Z", minutes(60), "2026-11-20T09:00:00Z"),
        ("2026-11-20T08:00:00Z", minutes(210), "2026-11-20T11:30:00Z"),
        (
            "2026-11-20T08:00:00Z",
            minutes(210) + Duration::from_micros(1),
            "2026-11-20T13:00:00.000001Z",
        ),
        // During lunch, and on Friday evening.
        ("2026-11-20T12:00:00Z", minutes(30), "2026-11-20T13:30:00Z"),
        ("2026-11-20T20:00:00Z", minutes(240), "2026-11-23T13:30:00Z"),
        // On a holiday, a Wednesday; and over one, on a Friday.
        ("2026-11-11T09:00:00Z", minutes(30), "2026-11-12T08:30:00Z"),
        ("2026-12-24T16:30:00Z", minutes(60), "2026-12-28T08:30:00Z"),
        // Over the ends of summer time: nine is at seven before, at eight after.
        ("2026-10-23T15:30:00Z", minutes(60), "2026-10-26T08:30:00Z"),
        ("2026-03-27T16:30:00Z", minutes(60), "2026-03-30T07:30:00Z"),
        // No business time has passed at once, also on a Sunday.
        ("2026-11-22T10:00:00Z", minutes(0), "2026-11-22T10:00:00Z"),
        // What is finer than a microsecond is cut.
        (
            "2026-11-20T08:00:00.000007Z",
            Duration::from_nanos(2_999),
            "2026-11-20T08:00:00.000009Z",
        ),
    ] {
        let found = office().deadline(time(from), after).unwrap();
        assert_eq!(found.to_string(), due, "{from} and {after:?}");
    }
}

/// The night of the change, by hand: clocks of Paris skip from two to three on the 29th of March, and
/// show the hour from two to three twice on the 25th of October.
#[test]
fn hours_of_the_night_in_which_clocks_change() {
    let night = |hours: &str| {
        calendar(&format!(
            r#"{{"timezone": "Europe/Paris", "hours": {{"sunday": [{hours}]}}}}"#
        ))
    };
    let open = |calendar: &BusinessCalendar, day: &str| -> Vec<(String, String)> {
        let windows = calendar.open_on(day.parse().unwrap());
        let texts = windows.map(|open| (open.start().to_string(), open.end().to_string()));
        texts.collect()
    };
    let (spring, autumn) = ("2026-03-29", "2026-10-25");
    for (hours, day, start, end) in [
        // A bound that does not exist is the end of the gap, three o'clock.
        (r#""02:30-05:00""#, spring, "01:00:00", "03:00:00"),
        (r#""01:00-02:30""#, spring, "00:00:00", "01:00:00"),
        (r#""00:00-24:00""#, spring, "23:00:00", "22:00:00"),
        // A bound that exists twice is the first of the two.
        (r#""02:30-04:00""#, autumn, "00:30:00", "03:00:00"),
        (r#""01:00-02:30""#, autumn, "23:00:00", "00:30:00"),
        // Three o'clock exists once, after the hour that is shown twice.
        (r#""02:00-03:00""#, autumn, "00:00:00", "02:00:00"),
        (r#""00:00-24:00""#, autumn, "22:00:00", "23:00:00"),
    ] {
        let found = open(&night(hours), day);
        let [(from, until)] = found.as_slice() else {
            panic!("{hours} on {day}: {found:?}");
        };
        assert!(from.ends_with(&format!("T{start}Z")), "{hours}: {from}");
        assert!(until.ends_with(&format!("T{end}Z")), "{hours}: {until}");
    }
    // Hours inside of the gap are skipped, and those around it stay.
    let three = night(r#""01:00-01:30", "02:00-02:45", "03:00-03:30""#);
    assert_eq!(open(&three, spring).len(), 2);
    assert_eq!(open(&three, "2026-03-22").len(), 3);
}

/// Samoa skipped the 30th of December 2011, a Friday.
#[test]
fn a_day_that_a_zone_skips_has_no_hours() {
    let apia = calendar(
        r#"{"timezone": "Pacific/Apia", "hours": {"thursday": ["09:00-17:00"], "friday": ["09:00-17:00"]}}"#,
    );
    let from = time("2011-12-29T00:00:00Z");
    // Thursday the 29th from nine local time (UTC-10), then Friday the 6th of January (UTC+14).
    let due = apia.deadline(from, minutes(8 * 60)).unwrap();
    assert_eq!(due.to_string(), "2011-12-30T03:00:00Z");
    let due = apia.deadline(from, minutes(16 * 60 + 1)).unwrap();
    assert_eq!(due.to_string(), "2012-01-05T19:01:00Z");
}

#[test]
fn hours_are_half_open_and_elapsed_counts_only_them() {
    let office = office();
    for (at, open) in [
        ("2026-11-20T07:59:59.999999Z", false),
        ("2026-11-20T08:00:00Z", true),
        ("2026-11-20T11:29:59.999999Z", true),
        ("2026-11-20T11:30:00Z", false),
        ("2026-11-21T09:00:00Z", false),
        ("2026-12-25T09:00:00Z", false),
    ] {
        assert_eq!(office.is_open(time(at)), open, "{at}");
    }
    let week = Window::new(time("2026-11-09T00:00:00Z"), time("2026-11-16T00:00:00Z")).unwrap();
    // Four days, as the 11th is a holiday.
    assert_eq!(office.elapsed(week), minutes(4 * 450));
    let lunch = Window::new(time("2026-11-20T11:30:00Z"), time("2026-11-20T13:00:00Z")).unwrap();
    assert_eq!(office.elapsed(lunch), Duration::ZERO);
    let instant = Window::new(
        time("2026-11-20T11:29:59.999999Z"),
        time("2026-11-20T13:00:00.000001Z"),
    );
    assert_eq!(office.elapsed(instant.unwrap()), Duration::from_micros(2));
}

/// Also the row of `docs/limits.md`: at the limit, and one day beyond it.
#[test]
fn a_deadline_is_looked_for_in_so_many_days() {
    let first: NaiveDate = "2026-01-01".parse().unwrap();
    let closed_for = |days: usize| {
        let always = Weekday::Mon;
        let week = std::iter::successors(Some(always), |day| Some(day.succ())).take(7);
        let all_day = vec![OpeningHours::new(0, 1_440).unwrap()];
        let hours = week.map(|day| (day, all_day.clone()));
        let holidays = days_from(first).take(days);
        let version = Some("a strike".parse().unwrap());
        BusinessCalendar::new(Zone::UTC, hours, holidays, version).unwrap()
    };
    let from = time("2026-01-01T12:00:00Z");
    let found = closed_for(CALENDAR_DAYS - 1).deadline(from, minutes(1));
    assert_eq!(found.unwrap().to_string(), "2036-01-08T00:01:00Z");
    let never = closed_for(CALENDAR_DAYS).deadline(from, minutes(1));
    assert_eq!(never, Err(NoDeadline));
    // So much business time is in no ten years.
    assert_eq!(office().deadline(from, Duration::MAX), Err(NoDeadline));
    // Nor is there any after the year 9999.
    let last = office().deadline(time("9999-12-31T23:00:00Z"), minutes(600));
    assert_eq!(last, Err(NoDeadline));
}

#[test]
fn what_is_written_is_read() {
    let office = office();
    let json = serde_json::to_string(&office).unwrap();
    assert_eq!(calendar(&json), office);
    assert!(
        json.contains(r#""monday":["09:00-12:30","14:00-18:00"]"#),
        "{json}"
    );
    assert!(
        json.contains(r#""holidays":["2026-11-11","2026-12-25"]"#),
        "{json}"
    );
    assert!(!json.contains("sunday"), "{json}");
    assert_eq!(
        office.holidays_version().map(|name| name.as_str()),
        Some("fr-2026")
    );
    assert_eq!(
        (office.zone().name(), office.holidays().len()),
        ("Europe/Paris", 2)
    );
    // Hours may touch, and end at midnight.
    let touching = r#"{"timezone": "UTC", "hours": {"monday": ["08:00-12:00", "12:00-24:00"]}}"#;
    assert_eq!(calendar(touching).hours(Weekday::Mon).len(), 2);
}

#[test]
fn an_error_names_its_field() {
    let monday = |hours: &str| format!(r#"{{"timezone": "UTC", "hours": {{"monday": {hours}}}}}"#);
    let holidays = |rest: &str| {
        format!(r#"{{"timezone": "UTC", "hours": {{"monday": ["09:00-17:00"]}}, {rest}}}"#)
    };
    for (json, field) in [
        (r#"{"timezone": "UTC", "hours": {}}"#.to_owned(), "hours: "),
        (r#"{"timezone": "UTC"}"#.to_owned(), "`hours`"),
        (
            r#"{"hours": {"monday": ["09:00-17:00"]}}"#.to_owned(),
            "`timezone`",
        ),
        (
            r#"{"timezone": "Mars/Olympus", "hours": {"monday": ["09:00-17:00"]}}"#.to_owned(),
            "timezone: ",
        ),
        (
            r#"{"timezone": "UTC", "hours": {"lundi": ["09:00-17:00"]}}"#.to_owned(),
            "`lundi`",
        ),
        (
            r#"{"timezone": "UTC", "hours": {"monday": ["09:00-17:00"], "monday": ["09:00-17:00"]}}"#
                .to_owned(),
            "`monday`",
        ),
        (monday("[]"), "hours/monday: "),
        (monday(r#"["09:00-12:00", "11:59-14:00"]"#), "hours/monday: "),
        (monday(r#"["14:00-18:00", "09:00-12:00"]"#), "hours/monday: "),
        (monday(r#"["08:00-09:00", "9:00-17:00"]"#), "hours/monday/1: "),
        (monday(r#"["17:00-09:00"]"#), "hours/monday/0: "),
        (monday(r#"["09:00-09:00"]"#), "hours/monday/0: "),
        (monday(r#"["09:00-24:01"]"#), "hours/monday/0: "),
        (monday(r#"["09:60-10:00"]"#), "hours/monday/0: "),
        (monday(r#"["+9:00-10:00"]"#), "hours/monday/0: "),
        (monday(r#"["09:00"]"#), "hours/monday/0: "),
        (monday(r#"[""]"#), "hours/monday/0: "),
        (
            holidays(r#""holidays_version": "x", "holidays": ["2026-12-25", "2026-12-25"]"#),
            "holidays: ",
        ),
        (
            holidays(r#""holidays_version": "x", "holidays": ["2026-12-25", "2026-02-30"]"#),
            "holidays/1: ",
        ),
        (
            holidays(r#""holidays_version": "x", "holidays": ["2026-1-5"]"#),
            "holidays/0: ",
        ),
        (holidays(r#""holidays": ["2026-12-25"]"#), "holidays_version: "),
        (
            holidays(r#""holidays_version": "", "holidays": []"#),
            "holidays_version: ",
        ),
        (holidays(r#""holiday": []"#), "`holiday`"),
    ] {
        let wrong = serde_json::from_str::<BusinessCalendar>(&json).unwrap_err();
        assert!(wrong.to_string().contains(field), "{json}: {wrong}");
    }
    // A weekday that is named twice is also refused where there are no fields to repeat.
    let hours = vec![OpeningHours::new(540, 1_020).unwrap()];
    let twice = [(Weekday::Mon, hours.clone()), (Weekday::Mon, hours)];
    let wrong = BusinessCalendar::new(Zone::UTC, twice, [], None).unwrap_err();
    assert_eq!(wrong.field(), "hours/monday");
}

/// Opening hours between some of up to six minutes of the day.
fn some_hours() -> impl Strategy<Value = Vec<OpeningHours>> {
    prop::collection::btree_set(0..=1_440_u16, 2..=6).prop_map(|bounds| {
        let bounds: Vec<u16> = bounds.into_iter().collect();
        let pairs = bounds.chunks_exact(2);
        pairs
            .map(|pair| OpeningHours::new(pair[0], pair[1]).unwrap())
            .collect()
    })
}

fn some_calendar() -> impl Strategy<Value = BusinessCalendar> {
    let zones: Vec<Zone> = Zone::all().collect();
    let week = prop::collection::btree_map(0_u8..7, some_hours(), 1..=7);
    let holidays = prop::collection::btree_set(0_u64..150, 0..30);
    (prop::sample::select(zones), week, holidays, 1970..2040_i32).prop_map(
        |(zone, week, holidays, year)| {
            let week = week.into_iter().map(|(day, hours)| {
                let day = Weekday::try_from(day).unwrap();
                (day, hours)
            });
            let first = NaiveDate::from_ymd_opt(year, 3, 1).unwrap();
            let holidays = holidays
                .into_iter()
                .map(|days| first.checked_add_days(chrono::Days::new(days)).unwrap());
            let version = Some("any".parse().unwrap());
            BusinessCalendar::new(zone, week, holidays, version).unwrap()
        },
    )
}

/// A start within a year of the holidays of a calendar, and durations of up to 40 working days.
fn some_question() -> impl Strategy<Value = (BusinessCalendar, Timestamp, [Duration; 2])> {
    let micros = 0..40 * 8 * 3_600 * 1_000_000_u64;
    let durations = [micros.clone(), micros].prop_map(|both| both.map(Duration::from_micros));
    let calendar = some_calendar().prop_flat_map(|calendar| {
        let around = calendar.holidays().first().copied();
        let around = around.unwrap_or(NaiveDate::from_ymd_opt(2026, 3, 1).unwrap());
        let from = calendar.first_at(around, 0).micros();
        (Just(calendar), from..from + 366 * 86_400 * 1_000_000)
    });
    (calendar, durations).prop_map(|((calendar, from), durations)| {
        (calendar, Timestamp::from_micros(from).unwrap(), durations)
    })
}

fn between(calendar: &BusinessCalendar, from: Timestamp, until: Timestamp) -> Duration {
    Window::non_empty(from, until).map_or(Duration::ZERO, |window| calendar.elapsed(window))
}

proptest! {
    #[test]
    fn exactly_as_much_business_time_passes_until_a_deadline((calendar, from, [after, more]) in some_question()) {
        let due = calendar.deadline(from, after);
        // A calendar may have next to no hours: one minute a week, and forty days of work.
        let Ok(due) = due else {
            let end = from.saturating_add(Duration::from_hours(24 * 3_650));
            prop_assert!(between(&calendar, from, end) < after);
            return Ok(());
        };
        prop_assert_eq!(between(&calendar, from, due), after);
        if after > Duration::ZERO {
            // It is the first such instant: the one before it still counts.
            let last = due.saturating_sub(Duration::from_micros(1));
            prop_assert!(calendar.is_open(last), "{last}");
        }
        // Two deadlines, one after the other, are one.
        if let (Ok(second), Ok(both)) = (calendar.deadline(due, more), calendar.deadline(from, after + more)) {
            prop_assert!(more == Duration::ZERO || second == both);
        }
    }

    #[test]
    fn deadlines_rise_with_their_start_and_their_duration((calendar, from, [one, other]) in some_question(), later in 0..30 * 86_400 * 1_000_000_u64) {
        let (less, more) = (one.min(other), one.max(other));
        if let (Ok(soon), Ok(late)) = (calendar.deadline(from, less), calendar.deadline(from, more)) {
            prop_assert!(from <= soon && soon <= late);
            prop_assert_eq!(soon == late, less == more);
        }
        let after = from.saturating_add(Duration::from_micros(later));
        if let (Ok(soon), Ok(late)) = (calendar.deadline(from, one), calendar.deadline(after, one)) {
            prop_assert!(soon <= late);
        }
        // Time is shared out between two parts of a window.
        let end = after.saturating_add(Duration::from_micros(later / 3));
        let parts = between(&calendar, from, after) + between(&calendar, after, end);
        prop_assert_eq!(between(&calendar, from, end), parts);
    }
}
