//! Local times compared with a search through all offsets, in every zone.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use proptest::prelude::*;

use super::*;

const HOUR_US: i64 = 3_600 * 1_000_000;

fn zone(name: &str) -> Zone {
    name.parse().unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn local(text: &str) -> NaiveDateTime {
    text.parse().unwrap()
}

/// Returns what the clocks show at an instant.
fn shown(zone: Zone, at: Timestamp) -> NaiveDateTime {
    let offset = TimeDelta::seconds(i64::from(zone.offset_at(at)));
    at.to_chrono().naive_utc() + offset
}

/// Finds the instants at which the clocks show a time, by trying every offset of the days around.
fn searched(zone: Zone, local: NaiveDateTime) -> Vec<Timestamp> {
    let middle = local.and_utc().timestamp_micros();
    let offsets: BTreeSet<i32> = (-72..=72)
        .filter_map(|hours| Timestamp::from_micros(middle + hours * HOUR_US).ok())
        .map(|around| zone.offset_at(around))
        .collect();
    let instants: BTreeSet<Timestamp> = offsets
        .into_iter()
        .filter_map(|offset| Timestamp::from_micros(middle - i64::from(offset) * 1_000_000).ok())
        .filter(|at| shown(zone, *at) == local)
        .collect();
    instants.into_iter().collect()
}

/// Lists the changes of the offset in a year, each as the first instant with the new one.
fn changes(zone: Zone, year: i32) -> Vec<Timestamp> {
    let start = NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
    let start = start.and_hms_opt(0, 0, 0).unwrap().and_utc();
    let start = Timestamp::from_chrono(start).unwrap().micros();
    let at = |micros| Timestamp::from_micros(micros).unwrap();
    let mut found = Vec::new();
    for day in 0..366 {
        let (mut low, mut high) = (start + day * 24 * HOUR_US, start + (day + 1) * 24 * HOUR_US);
        if zone.offset_at(at(low)) == zone.offset_at(at(high)) {
            continue;
        }
        let before = zone.offset_at(at(low));
        while high - low > 1 {
            let middle = i64::midpoint(low, high);
            if zone.offset_at(at(middle)) == before {
                low = middle;
            } else {
                high = middle;
            }
        }
        found.push(at(high));
    }
    found
}

/// Holds [`Zone::at_local`] against the search.
fn agrees(zone: Zone, local: NaiveDateTime) -> Result<(), TestCaseError> {
    let found = zone.at_local(local);
    match (searched(zone, local).as_slice(), found) {
        ([], Err(LocalTimeError::Skipped { earlier, later })) => {
            // One stands before the gap and one after it, as far from the time that was meant as
            // the clocks jump.
            prop_assert!(earlier < later, "{zone} {local}");
            let (below, above) = (shown(zone, earlier), shown(zone, later));
            prop_assert!(
                below < local && local < above,
                "{zone} {local}: {below} {above}"
            );
            prop_assert_eq!((above - below) / 2, local - below, "{} {}", zone, local);
        }
        ([one], Ok(at)) => prop_assert_eq!(*one, at, "{} {}", zone, local),
        ([one, other], Err(LocalTimeError::Repeated { earlier, later })) => {
            prop_assert_eq!((*one, *other), (earlier, later), "{} {}", zone, local);
        }
        // The search ends at 1970, the zone does not.
        ([], Err(LocalTimeError::OutOfRange)) => prop_assert!(local.year() <= 1970),
        (searched, found) => prop_assert!(false, "{zone} {local}: {searched:?} {found:?}"),
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_time_agrees_with_the_search(
        zone in prop::sample::select(Zone::all().collect::<Vec<_>>()),
        seconds in 0..4_000_000_000_i64,
        nanos in 0..1_000_000_u32,
    ) {
        let at = chrono::DateTime::from_timestamp(seconds, nanos * 1_000).unwrap();
        agrees(zone, at.naive_utc())?;
    }

    #[test]
    fn times_around_changes_of_the_clocks_agree_with_the_search(
        zone in prop::sample::select(Zone::all().collect::<Vec<_>>()),
        year in 1970..2038,
        micros in prop::collection::vec(-4 * HOUR_US..4 * HOUR_US, 8),
    ) {
        for change in changes(zone, year) {
            let edges = [-3_600, -1_800, -1, 0, 1, 1_800, 3_600].map(|seconds| seconds * 1_000_000);
            for by in micros.iter().copied().chain(edges) {
                agrees(zone, shown(zone, change) + TimeDelta::microseconds(by))?;
            }
        }
    }

    #[test]
    fn what_the_clocks_show_leads_back(
        zone in prop::sample::select(Zone::all().collect::<Vec<_>>()),
        micros in (Timestamp::MIN.micros() + 24 * HOUR_US)..4_000_000_000_000_000,
    ) {
        let at = Timestamp::from_micros(micros).unwrap();
        let back = match zone.at_local(shown(zone, at)) {
            Ok(only) => vec![only],
            Err(LocalTimeError::Repeated { earlier, later }) => vec![earlier, later],
            Err(_) => Vec::new(),
        };
        prop_assert!(back.contains(&at), "{} {}: {:?}", zone, at, back);
    }
}

/// Every change of 68 years in every zone: the microsecond before it, it, and the hour in between.
#[test]
fn every_gap_and_every_fold_has_two_candidates() {
    let (mut gaps, mut folds) = (0, 0);
    for zone in Zone::all() {
        for year in (1970..2038).step_by(4) {
            for change in changes(zone, year) {
                let before = zone.offset_at(change.saturating_sub(Duration::from_micros(1)));
                let after = zone.offset_at(change);
                let utc = change.to_chrono().naive_utc();
                let middle = utc + TimeDelta::seconds(i64::from(before) + i64::from(after)) / 2;
                let wrong = zone.at_local(middle).unwrap_err();
                gaps += u32::from(before < after);
                folds += u32::from(after < before);
                let fits = match wrong {
                    LocalTimeError::Skipped { .. } => before < after,
                    LocalTimeError::Repeated { .. } => after < before,
                    LocalTimeError::OutOfRange => false,
                };
                assert!(fits, "{zone} {change}: {wrong:?}");
            }
        }
    }
    assert!(gaps > 1_000 && folds > 1_000, "{gaps} {folds}");
}

#[test]
fn gaps_and_folds_of_known_zones() {
    let skipped = |name: &str, at: &str| {
        let Err(LocalTimeError::Skipped { earlier, later }) = zone(name).at_local(local(at)) else {
            panic!("{name} {at}");
        };
        (earlier, later)
    };
    let repeated = |name: &str, at: &str| {
        let Err(LocalTimeError::Repeated { earlier, later }) = zone(name).at_local(local(at))
        else {
            panic!("{name} {at}");
        };
        (earlier, later)
    };
    let two = |earlier: &str, later: &str| (time(earlier), time(later));

    assert_eq!(
        skipped("Europe/Paris", "2026-03-29T02:30:00"),
        two("2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z")
    );
    assert_eq!(
        repeated("Europe/Paris", "2026-10-25T02:30:00"),
        two("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z")
    );
    assert_eq!(
        skipped("America/New_York", "2026-03-08T02:00:00"),
        two("2026-03-08T06:00:00Z", "2026-03-08T07:00:00Z")
    );
    assert_eq!(
        repeated("America/New_York", "2026-11-01T01:59:59.999999"),
        two("2026-11-01T05:59:59.999999Z", "2026-11-01T06:59:59.999999Z")
    );
    // Half an hour.
    assert_eq!(
        skipped("Australia/Lord_Howe", "2026-10-04T02:15:00"),
        two("2026-10-03T15:15:00Z", "2026-10-03T15:45:00Z")
    );
    assert_eq!(
        repeated("Australia/Lord_Howe", "2026-04-05T01:45:00"),
        two("2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z")
    );
    // A whole day.
    assert_eq!(
        skipped("Pacific/Apia", "2011-12-30T12:00:00"),
        two("2011-12-29T22:00:00Z", "2011-12-30T22:00:00Z")
    );
    let apia = zone("Pacific/Apia");
    let last = apia.at_local(local("2011-12-29T23:59:59")).unwrap();
    let first = apia.at_local(local("2011-12-31T00:00:00")).unwrap();
    assert_eq!(
        (last, first),
        two("2011-12-30T09:59:59Z", "2011-12-30T10:00:00Z")
    );
    assert_eq!(apia.offset_at(last), -10 * 3_600);
    assert_eq!(apia.offset_at(first), 14 * 3_600);
}

#[test]
fn edges_of_a_gap_and_of_a_fold_are_single_times() {
    let paris = zone("Europe/Paris");
    for (at, expected) in [
        ("2026-03-29T01:59:59.999999", "2026-03-29T00:59:59.999999Z"),
        ("2026-03-29T03:00:00", "2026-03-29T01:00:00Z"),
        ("2026-10-25T01:59:59.999999", "2026-10-24T23:59:59.999999Z"),
        ("2026-10-25T03:00:00", "2026-10-25T02:00:00Z"),
    ] {
        assert_eq!(paris.at_local(local(at)), Ok(time(expected)), "{at}");
    }
}

#[test]
fn what_no_timestamp_holds_is_out_of_range() {
    let leap = NaiveDate::from_ymd_opt(2016, 12, 31).unwrap();
    let leap = leap.and_hms_nano_opt(23, 59, 59, 1_000_000_000).unwrap();
    for at in [
        leap,
        local("1969-12-31T23:59:59"),
        local("+10000-01-01T00:00:00"),
        NaiveDateTime::MIN,
        NaiveDateTime::MAX,
    ] {
        assert_eq!(
            Zone::UTC.at_local(at),
            Err(LocalTimeError::OutOfRange),
            "{at}"
        );
    }
    // What is a timestamp depends on the zone.
    let edge = local("1969-12-31T23:30:00");
    assert_eq!(
        zone("America/New_York").at_local(edge),
        Ok(time("1970-01-01T04:30:00Z"))
    );
}

#[test]
fn candidates_are_named() {
    let paris = zone("Europe/Paris");
    let message = |at: &str| paris.at_local(local(at)).unwrap_err().to_string();
    assert_eq!(
        message("2026-03-29T02:30:00"),
        "expected a local time that exists: clocks skip this one, which may stand for \
         2026-03-29T00:30:00Z or 2026-03-29T01:30:00Z"
    );
    assert_eq!(
        message("2026-10-25T02:30:00"),
        "expected a local time that exists once: clocks show this one at 2026-10-25T00:30:00Z \
         and at 2026-10-25T01:30:00Z"
    );
}
