//! Credits for one incident, tenant by tenant.

use crate::incident::{AffectedTenant, outage_of_tenant};
use crate::window::{Window, Windows};
use crate::{Percent, Period, TenantId, Timestamp};

use super::availability::half_even;
use super::count::clipped;
use super::{Availability, Basis, Downtime, SlaTerms};

/// The credit that one tenant is owed for one incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreditRow<'a> {
    /// The tenant.
    pub tenant: &'a TenantId,
    /// The outage that affected it, in microseconds: a union, never a sum.
    pub outage_us: u64,
    /// The contract's month, quarter or year in which the outage ended.
    ///
    /// An end exactly at its start belongs to the one before. A tenant that was not affected has
    /// the period of the incident.
    pub period: Period,
    /// `true` if this incident alone breaches the target over that period; compared unrounded.
    pub target_breached: bool,
    /// The availability over that period with this incident alone.
    pub availability: Availability,
    /// The tier of this incident alone.
    ///
    /// Under terms per incident it is that of the whole outage, under others that of its part in
    /// the period.
    pub credit_percent: Percent,
}

impl CreditRow<'_> {
    /// Returns whole milliseconds, rounded down, for display.
    #[must_use]
    pub const fn outage_ms(&self) -> u64 {
        self.outage_us / 1_000
    }

    /// Formats the outage as minutes with at most four decimals, for display.
    #[must_use]
    pub fn outage_minutes(&self) -> String {
        decimal_minutes(self.outage_us)
    }
}

/// Computes the credit of each tenant for an outage by itself.
///
/// `tenants` is sorted by tenant; several parts of one tenant become one row.
///
/// `weight` is the weight of the downtime: 100 %, or less where the outage is partial
/// ([`SlaTerms::partial_weight`]). Time that the terms do not count (maintenance, runs that are too
/// short) is no outage here. `fallback` is the end of the incident, for the period of a row without
/// outage where the incident has none either. Nothing is allocated per row, except for a tenant
/// with several parts, and for parts under terms that leave something out.
pub fn credit_rows<'a>(
    terms: &SlaTerms,
    outage: &Windows,
    weight: Percent,
    tenants: &'a [AffectedTenant],
    fallback: Timestamp,
) -> impl Iterator<Item = CreditRow<'a>> {
    let is_plain = terms.counting().is_plain();
    let counted = terms.counted(outage);
    let incident_end = outage.end().unwrap_or(fallback);
    let mut period = CreditedPeriod::of_end(incident_end, terms, weight);
    // The row of a tenant affected by the whole outage, as most are.
    let mut whole: Option<CreditRow<'a>> = None;
    let by_tenant = tenants.chunk_by(|a, b| a.tenant_id == b.tenant_id);
    by_tenant.filter_map(move |parts| {
        let tenant = &parts.first()?.tenant_id;
        Some(match parts {
            [part] if part.is_whole() => {
                period.move_to(incident_end);
                let row = whole.get_or_insert_with(|| {
                    let inside = clipped(&counted, period.window);
                    period.row(tenant, counted.micros(), inside)
                });
                CreditRow { tenant, ..*row }
            }
            [part] if is_plain => period.row_of_one_window(part, outage, incident_end),
            parts => {
                let hit = outage_of_tenant(outage, parts);
                period.move_to(hit.end().unwrap_or(incident_end));
                let hit = terms.counted(&hit);
                period.row(tenant, hit.micros(), clipped(&hit, period.window))
            }
        })
    })
}

/// The period that a row is credited in, under the terms of an incident.
///
/// It is reused from the row before, as most rows of an incident share one.
struct CreditedPeriod<'t> {
    terms: &'t SlaTerms,
    /// The weight of the downtime.
    weight: Percent,
    period: Period,
    window: Window,
}

impl<'t> CreditedPeriod<'t> {
    fn of_end(end: Timestamp, terms: &'t SlaTerms, weight: Percent) -> Self {
        let period = Period::of_end(end, terms.basis().period(), terms.zone());
        Self {
            terms,
            weight,
            period,
            window: period.window(terms.zone()),
        }
    }

    fn move_to(&mut self, end: Timestamp) {
        let inside = self.window.start() < end && end <= self.window.end();
        if !inside {
            *self = Self::of_end(end, self.terms, self.weight);
        }
    }

    /// Creates the row of a tenant from the outage that affected it and the part of that in the
    /// period, both in microseconds.
    fn row<'a>(&self, tenant: &'a TenantId, outage_us: u64, inside_us: u64) -> CreditRow<'a> {
        let Self { terms, weight, .. } = *self;
        let down = Downtime::at(inside_us, weight);
        let availability = Availability::new(down, self.window.micros());
        let credited = match terms.basis() {
            Basis::PerIncident => Downtime::at(outage_us, weight),
            Basis::PerMonth | Basis::PerQuarter | Basis::PerYear => down,
        };
        CreditRow {
            tenant,
            outage_us,
            period: self.period,
            target_breached: availability.misses(terms.target()),
            availability,
            credit_percent: terms.credit_for(credited, availability.period_us()),
        }
    }

    /// Creates the row of a tenant that was affected for one window, after moving to the period in
    /// which its outage ended.
    fn row_of_one_window<'a>(
        &mut self,
        part: &'a AffectedTenant,
        outage: &Windows,
        incident_end: Timestamp,
    ) -> CreditRow<'a> {
        let hit = || {
            let bounds = part.window().into_iter();
            bounds.flat_map(|bounds| outage.clip_iter(bounds))
        };
        let (mut all, mut start, mut end) = (0, None, None);
        for window in hit() {
            all += window.micros();
            start.get_or_insert(window.start());
            end = Some(window.end());
        }
        self.move_to(end.unwrap_or(incident_end));
        // The period is that of the end: only the start can lie outside.
        let inside = if start.is_none_or(|start| self.window.start() <= start) {
            all
        } else {
            let inside = hit().filter_map(|window| window.intersect(self.window));
            inside.map(Window::micros).sum()
        };
        self.row(&part.tenant_id, all, inside)
    }
}

/// Formats microseconds as minutes: at most four decimals, half-even, no trailing zeros.
///
/// Less than a whole minute is never displayed as one: thresholds are whole minutes, and `45`
/// beside a credit for less would contradict it.
#[must_use]
pub fn decimal_minutes(us: u64) -> String {
    // One ten-thousandth of a minute is 6000 microseconds.
    let nearest = half_even(u128::from(us), 6_000);
    let below = u128::from(us / 6_000);
    let minute_reached = nearest / 10_000 == below / 10_000;
    let ten_thousandths = if minute_reached { nearest } else { below };
    let text = format!(
        "{}.{:04}",
        ten_thousandths / 10_000,
        ten_thousandths % 10_000
    );
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::{DAY_US, MINUTE_US};

    pub(in crate::sla) fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    pub(in crate::sla) fn outage(start: &str, end: &str) -> Windows {
        Windows::from(Window::new(at(start), at(end)).unwrap())
    }

    fn whole(name: &str) -> AffectedTenant {
        AffectedTenant::whole(TenantId::new(name).unwrap())
    }

    fn part(name: &str, from: &str, until: &str) -> AffectedTenant {
        AffectedTenant {
            from: Some(at(from)),
            until: Some(at(until)),
            ..whole(name)
        }
    }

    fn rows<'a>(outage: &Windows, tenants: &'a [AffectedTenant]) -> Vec<CreditRow<'a>> {
        let terms = SlaTerms::default();
        credit_rows(&terms, outage, Percent::HUNDRED, tenants, Timestamp::MIN).collect()
    }

    fn one<'a>(outage: &Windows, tenant: &'a AffectedTenant) -> CreditRow<'a> {
        let rows = rows(outage, std::slice::from_ref(tenant));
        assert_eq!(rows.len(), 1);
        rows[0]
    }

    /// The period of a row is that of its own tenant's end, regardless of the tenant before.
    #[test]
    fn every_tenant_has_the_period_of_its_own_end() {
        let over_midnight = outage("2026-10-31T12:00:00Z", "2026-11-02T00:00:00Z");
        let ends = [
            (Some("2026-10-31T13:00:00Z"), "2026-10", 60),
            (None, "2026-11", 24 * 60),
            (Some("2026-11-01T00:00:00Z"), "2026-10", 12 * 60),
            (Some("2026-11-01T00:01:00Z"), "2026-11", 1),
            (None, "2026-11", 24 * 60),
        ];
        let parts = ends
            .iter()
            .enumerate()
            .map(|(n, (until, ..))| AffectedTenant {
                until: until.map(at),
                ..whole(&format!("t{n}"))
            });
        let parts: Vec<_> = parts.collect();
        let rows = rows(&over_midnight, &parts);
        for (row, (until, period, inside)) in rows.iter().zip(ends) {
            assert_eq!(row.period, period.parse().unwrap(), "{until:?}");
            // The availability over the period counts only the part in it.
            let down = Downtime::of(inside * MINUTE_US);
            assert_eq!(row.availability.down(), down, "{until:?}");
        }
        assert_eq!(rows.len(), ends.len());
    }

    /// Parts of one tenant are one row, with their union.
    #[test]
    fn parts_of_a_tenant_are_one_row() {
        let hours = outage("2026-11-20T10:00:00Z", "2026-11-20T14:00:00Z");
        let whole = || whole("fr");
        let early = || part("fr", "2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z");
        let late = || part("fr", "2026-11-20T10:30:00Z", "2026-11-20T12:00:00Z");
        for (parts, minutes) in [
            ([early(), late()], 120),
            ([whole(), early()], 240),
            ([early(), whole()], 240),
            ([whole(), whole()], 240),
        ] {
            let rows = rows(&hours, &parts);
            assert_eq!(rows.len(), 1);
            assert_eq!(rows[0].outage_us, minutes * MINUTE_US);
        }
    }

    #[test]
    fn the_reference_scenario() {
        let tenant = whole("tenant-fr");
        let row = one(
            &outage("2026-11-20T22:00:00Z", "2026-11-20T22:38:00Z"),
            &tenant,
        );
        assert_eq!(
            (row.outage_ms(), row.outage_minutes().as_str()),
            (2_280_000, "38")
        );
        assert_eq!(
            (
                row.period.to_string().as_str(),
                SlaTerms::default()
                    .format_availability(row.availability)
                    .as_str()
            ),
            ("2026-11", "99.9120")
        );
        assert_eq!(
            (row.target_breached, row.credit_percent),
            (false, Percent::ZERO)
        );
    }

    #[test]
    fn a_breach_may_earn_nothing() {
        let tenant = whole("t");
        let row = one(
            &outage("2026-11-20T22:00:00Z", "2026-11-20T22:44:00Z"),
            &tenant,
        );
        assert_eq!(
            (row.target_breached, row.credit_percent),
            (true, Percent::ZERO)
        );
        // 43.2 minutes are just what 99.9 % of 30 days allow.
        let row = one(
            &outage("2026-11-20T22:00:00Z", "2026-11-20T22:43:12Z"),
            &tenant,
        );
        assert!(!row.target_breached);
        let row = one(
            &outage("2026-11-20T22:00:00Z", "2026-11-20T22:43:12.000001Z"),
            &tenant,
        );
        assert!(row.target_breached);
    }

    #[test]
    fn the_period_is_the_month_of_the_end_and_the_credit_that_of_the_whole() {
        let tenant = whole("t");
        let row = one(
            &outage("2026-11-30T23:30:00Z", "2026-12-01T00:15:00Z"),
            &tenant,
        );
        assert_eq!(
            (
                row.period.to_string().as_str(),
                row.credit_percent.to_string().as_str()
            ),
            ("2026-12", "10")
        );
        let december = Availability::new(Downtime::of(15 * MINUTE_US), 31 * DAY_US);
        assert_eq!(row.availability, december);
        let row = one(
            &outage("2026-11-30T23:00:00Z", "2026-12-01T00:00:00Z"),
            &tenant,
        );
        assert_eq!(row.period.to_string(), "2026-11");
    }

    #[test]
    fn parts_of_a_tenant_are_one_row_and_a_union() {
        let outage = outage("2026-11-20T10:00:00Z", "2026-11-20T12:00:00Z");
        let parts = [
            part("a", "2026-11-20T09:00:00Z", "2026-11-20T10:30:00Z"),
            part("a", "2026-11-20T10:20:00Z", "2026-11-20T10:50:00Z"),
            part("b", "2026-11-20T11:15:00Z", "2026-11-21T00:00:00Z"),
            part("c", "2026-11-20T13:00:00Z", "2026-11-20T14:00:00Z"),
        ];
        let rows = rows(&outage, &parts);
        let minutes: Vec<String> = rows.iter().map(CreditRow::outage_minutes).collect();
        assert_eq!(minutes, ["50", "45", "0"]);
        assert_eq!(rows[2].period.to_string(), "2026-11");
    }

    #[test]
    fn minutes_are_rounded_half_even_for_show_only() {
        for (us, shown) in [
            (0, "0"),
            (3_000, "0"),
            (9_000, "0.0002"),
            (6_001, "0.0001"),
            (90_000_000, "1.5"),
            // Not yet 45: it would earn 10 %.
            (45 * MINUTE_US - 1, "44.9999"),
            (45 * MINUTE_US, "45"),
            (45 * MINUTE_US + 1, "45"),
        ] {
            assert_eq!(decimal_minutes(us), shown);
        }
    }

    #[test]
    fn the_incidents_of_a_published_history() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../shared/data/github-status/expected.json"
        );
        let Ok(text) = std::fs::read_to_string(path) else {
            eprintln!("skipped: the published incident history is not on this machine");
            return;
        };
        let truth: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut compared = 0;
        for incident in truth["incidents"].as_array().unwrap() {
            let (Some(ms), Some(percent)) = (
                incident["duration_ms"].as_u64(),
                incident["credit_pct"].as_u64(),
            ) else {
                continue;
            };
            let expected = Percent::of_whole(u32::try_from(percent).unwrap()).unwrap();
            assert_eq!(
                SlaTerms::default().credit_for(Downtime::of(ms * 1_000), u64::MAX),
                expected,
                "{}",
                incident["id"]
            );
            compared += 1;
        }
        assert!(compared > 900, "{compared}");
    }

    const BASE_MINUTES: u64 = 29_000_000;

    fn minute(minute: u64) -> Timestamp {
        Timestamp::from_micros(i64::try_from((BASE_MINUTES + minute) * MINUTE_US).unwrap()).unwrap()
    }

    proptest! {
        /// Unions, clips and credits agree with a counter that ticks off minutes.
        #[test]
        fn agrees_with_a_minute_counter(
            spans in prop::collection::vec((0_u64..2_000, 1_u64..400), 0..8),
            parts in prop::collection::vec((0_u64..2_400, 1_u64..900), 1..4),
        ) {
            let mut down = vec![false; 4_000];
            for (start, length) in &spans {
                for minute in *start..start + length { down[usize::try_from(minute).unwrap()] = true; }
            }
            let mut hit = vec![false; 4_000];
            for (start, length) in &parts {
                for minute in *start..start + length { hit[usize::try_from(minute).unwrap()] = true; }
            }
            let counted = u64::try_from(down.iter().zip(&hit).filter(|(down, hit)| **down && **hit).count()).unwrap();
            let outage: Windows = spans.iter().map(|(s, l)| Window::new(minute(*s), minute(s + l)).unwrap()).collect();
            prop_assert_eq!(outage.micros(), down.iter().filter(|down| **down).count() as u64 * MINUTE_US);
            let tenant = whole("t");
            let parts: Vec<_> = parts.iter().map(|(s, l)| AffectedTenant { from: Some(minute(*s)), until: Some(minute(s + l)), ..tenant.clone() }).collect();
            let rows: Vec<_> = credit_rows(&SlaTerms::default(), &outage, Percent::HUNDRED, &parts, minute(0)).collect();
            prop_assert_eq!(rows.len(), 1);
            prop_assert_eq!(rows[0].outage_us, counted * MINUTE_US);
            let expected = match counted { 0..45 => 0, 45..240 => 10, 240..720 => 25, _ => 50 };
            prop_assert_eq!(rows[0].credit_percent, Percent::of_whole(expected).unwrap());
        }

        #[test]
        fn set_algebra_holds(
            a in prop::collection::vec((0_u64..500, 1_u64..60), 0..8),
            b in prop::collection::vec((0_u64..500, 1_u64..60), 0..8),
        ) {
            let set = |spans: &[(u64, u64)]| -> Windows {
                spans.iter().map(|(s, l)| Window::new(minute(*s), minute(s + l)).unwrap()).collect()
            };
            let (a, b) = (set(&a), set(&b));
            for bounds in b.as_slice() {
                prop_assert_eq!(a.end_within(*bounds), a.clip(*bounds).end());
            }
            let (both, only_a) = (a.intersect(&b), a.minus(&b));
            prop_assert_eq!(&both, &b.intersect(&a));
            prop_assert_eq!(both.micros() + only_a.micros(), a.micros());
            prop_assert!(only_a.intersect(&b).is_empty());
            for m in 0..600 {
                // Half-open edges: the start is in, the end is out.
                prop_assert_eq!(both.contains(minute(m)), a.contains(minute(m)) && b.contains(minute(m)));
            }
        }
    }
}
