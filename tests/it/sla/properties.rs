//! Properties of every statement, checked against a count of minutes and of the sets behind it. Ten
//! thousand cases each.

use std::collections::BTreeMap;
use std::time::Duration;

use incident_core::sla::{
    Basis, Downtime, Exclusion, IncidentShare, SlaStatement, SlaTerms, statement,
};
use incident_core::{
    IncidentId, Percent, Period, TenantId, Text, Timestamp, Window, Windows, Zone,
};
use proptest::prelude::*;
use uuid::Uuid;

const MINUTE: u64 = 60_000_000;

/// The first minute of November and of December, as arguments of [`minute`].
const NOVEMBER: u64 = 5 * 1_440;
const DECEMBER: u64 = 35 * 1_440;

fn minute(n: u64) -> Timestamp {
    let start: Timestamp = "2026-10-27T00:00:00Z".parse().unwrap();
    start.saturating_add(Duration::from_secs(n * 60))
}

fn window(start: u64, length: u64) -> Windows {
    Window::non_empty(minute(start), minute(start + length))
        .into_iter()
        .collect()
}

fn tenant() -> TenantId {
    TenantId::new("tenant-fr").unwrap()
}

fn november() -> Period {
    "2026-11".parse().unwrap()
}

fn shares(outages: &[(u64, u64, u32)]) -> Vec<IncidentShare> {
    let share = |(n, (start, length, weight)): (usize, &(u64, u64, u32))| IncidentShare {
        incident: IncidentId::from_uuid(Uuid::from_u128(n as u128)),
        outage: window(*start, *length),
        weight: Percent::of_whole(*weight).unwrap(),
        open: false,
    };
    outages.iter().enumerate().map(share).collect()
}

fn made(terms: &SlaTerms, shares: &[IncidentShare]) -> SlaStatement {
    statement(terms, &tenant(), november(), shares, None, Timestamp::MAX).unwrap()
}

fn per_month() -> SlaTerms {
    SlaTerms::default().per(Basis::PerMonth).unwrap()
}

/// Generates a minute near the start, the middle or the end of November, so that outages overlap
/// and cross both ends.
fn start() -> impl Strategy<Value = u64> {
    let near = prop::sample::select(vec![NOVEMBER, 20 * 1_440, DECEMBER]);
    (near, 0_u64..900).prop_map(|(near, by)| near - 600 + by)
}

fn outage() -> impl Strategy<Value = (u64, u64, u32)> {
    let weight = prop_oneof![Just(100_u32), Just(30), 0_u32..=100];
    (start(), 0_u64..500, weight)
}

/// Generates starts, lengths and weights of outages.
fn outages(most: usize) -> impl Strategy<Value = Vec<(u64, u64, u32)>> {
    prop::collection::vec(outage(), 0..most)
}

fn whole(outages: &[(u64, u64, u32)]) -> Vec<(u64, u64, u32)> {
    outages
        .iter()
        .map(|(start, length, _)| (*start, *length, 100))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(10_000) })]

    /// Minute by minute: the weight of the heaviest outage, or none in maintenance.
    #[test]
    fn a_counter_of_minutes_agrees(outages in outages(8), upkeep in prop::collection::vec((start(), 1_u64..300), 0..3)) {
        let exclusions: Vec<Exclusion> = upkeep
            .iter()
            .map(|(start, length)| Exclusion { start: minute(*start), end: minute(start + length), reason: Text::default() })
            .collect();
        // Overlapping windows are refused; another test covers that.
        let Ok(terms) = per_month().excluding(exclusions) else { return Ok(()) };
        let result = made(&terms, &shares(&outages));
        let bounds = november().window(Zone::UTC);
        let mut weight_of: BTreeMap<u64, u32> = BTreeMap::new();
        for (start, length, weight) in &outages {
            for at in *start..start + length {
                let slot = weight_of.entry(at).or_default();
                *slot = (*slot).max(*weight);
            }
        }
        let (mut down, mut outage, mut excluded) = (0_u64, 0_u64, 0_u64);
        for (n, weight) in weight_of {
            let inside = bounds.contains(minute(n));
            let kept = upkeep.iter().any(|(start, length)| (*start..start + length).contains(&n));
            excluded += u64::from(inside && kept);
            outage += u64::from(inside && !kept);
            down += if inside && !kept { u64::from(weight) } else { 0 };
        }
        prop_assert_eq!(result.outage_us, outage * MINUTE);
        prop_assert_eq!(result.excluded_us, excluded * MINUTE);
        prop_assert_eq!(result.down, Downtime::at(down * MINUTE, Percent::of_whole(1).unwrap()));
        prop_assert_eq!(result.credit_percent, terms.credit_for(result.down, result.period_us).min(terms.cap()));
        prop_assert_eq!(result.target_breached, result.availability.misses(terms.target()));
    }

    #[test]
    fn order_and_repetition_change_nothing(outages in outages(8), turn in 0_usize..8) {
        let once = made(&per_month(), &shares(&outages));
        let mut turned = outages.clone();
        if !turned.is_empty() {
            let by = turn % turned.len();
            turned.rotate_left(by);
        }
        turned.extend_from_slice(&outages);
        let twice = made(&per_month(), &shares(&turned));
        prop_assert_eq!((once.down, once.credit_percent, once.outage_us), (twice.down, twice.credit_percent, twice.outage_us));
    }

    /// One more outage never reduces the total, and never adds more than its own length.
    #[test]
    fn one_more_outage_never_lowers_and_never_counts_twice(outages in outages(8), more in outage()) {
        let before = made(&per_month(), &shares(&outages));
        let alone = made(&per_month(), &shares(&[more]));
        let all: Vec<_> = outages.iter().copied().chain([more]).collect();
        let after = made(&per_month(), &shares(&all));
        prop_assert!(before.down <= after.down && before.credit_percent <= after.credit_percent);
        prop_assert!(after.down <= before.down.plus(alone.down));
        prop_assert!(before.target_breached <= after.target_breached);
        prop_assert!(after.outage_us <= after.period_us);
        let each = SlaTerms::default();
        let (fewer, all) = (made(&each, &shares(&outages)), made(&each, &shares(&all)));
        prop_assert!(fewer.credit_percent <= all.credit_percent && all.credit_percent <= each.cap());
    }

    /// An outage that is posted in pieces is the same outage.
    #[test]
    fn the_sum_over_splits_is_the_whole(outages in outages(5), cuts in prop::collection::vec(0_u64..500, 5)) {
        let whole = whole(&outages);
        let pieces: Vec<(u64, u64, u32)> = whole
            .iter()
            .zip(cuts)
            .flat_map(|((start, length, weight), cut)| {
                let cut = cut.min(*length);
                [(*start, cut, *weight), (start + cut, length - cut, *weight)]
            })
            .collect();
        let (one, many) = (made(&per_month(), &shares(&whole)), made(&per_month(), &shares(&pieces)));
        prop_assert_eq!((one.outage_us, one.credit_percent), (many.outage_us, many.credit_percent));
    }

    /// The months of a year add up to its outages, in any zone.
    #[test]
    fn months_share_a_year_out(outages in outages(6), zone in prop::sample::select(Zone::all().collect::<Vec<_>>())) {
        let shares = shares(&whole(&outages));
        let of = |period: &str, basis| {
            let terms = SlaTerms::default().per(basis).unwrap().in_zone(zone);
            statement(&terms, &tenant(), period.parse().unwrap(), &shares, None, Timestamp::MAX).unwrap().outage_us
        };
        let months: u64 = ["2026-10", "2026-11", "2026-12"].iter().map(|month| of(month, Basis::PerMonth)).sum();
        prop_assert_eq!(months, of("2026-Q4", Basis::PerQuarter));
        prop_assert_eq!(months, of("2026", Basis::PerYear));
        let all: Windows = shares.iter().flat_map(|one| one.outage.as_slice()).copied().collect();
        prop_assert_eq!(months, all.micros());
    }

    /// Outages that are too short or not whole minutes count less, never more; sequences of whole
    /// minutes lose nothing.
    #[test]
    fn what_does_not_count_is_taken_off_and_told(outages in outages(6), seconds in 0_u64..30_000) {
        let shares = shares(&whole(&outages));
        let plain = made(&per_month(), &shares);
        let strict = made(&per_month().counting_from(Duration::from_secs(seconds)).in_whole_minutes(), &shares);
        prop_assert!(strict.outage_us <= plain.outage_us);
        prop_assert_eq!(strict.outage_us + strict.too_short_us, plain.outage_us);
        let minutes = made(&per_month().in_whole_minutes(), &shares);
        prop_assert_eq!(minutes.outage_us, plain.outage_us);
    }
}
