//! The time that an outage may still last before it costs more.

use super::{Availability, Basis, CreditRow, Downtime, Scale, SlaTerms};
use crate::Percent;

/// The next step of a credit, and the time until an outage that goes on reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextTier {
    /// The credit of the step.
    pub credit_percent: Percent,
    /// The time left, in microseconds of outage, rounded up: after it the step is reached.
    pub left_us: u64,
}

/// Returns the next step of the credit of a row, if its terms have a higher one.
///
/// `weight` is that of the downtime, as for [`credit_rows`](super::credit_rows). Time that the terms
/// do not count, such as maintenance to come, is not foreseen.
#[must_use]
pub fn next_tier(terms: &SlaTerms, row: &CreditRow<'_>, weight: Percent) -> Option<NextTier> {
    let down = credited(terms, row, weight);
    next_tier_after(terms, down, row.availability.period_us(), weight)
}

/// Returns the next step of the credit after a downtime, if the terms have a higher one.
///
/// `weight` is that of the downtime to come.
#[must_use]
pub fn next_tier_after(
    terms: &SlaTerms,
    down: Downtime,
    period_us: u64,
    weight: Percent,
) -> Option<NextTier> {
    let current = terms.credit_for(down, period_us);
    let whole = u128::from(Percent::HUNDRED.ppm());
    let steps: Vec<(u128, Percent)> = match terms.scale() {
        Scale::ByOutage(tiers) => {
            let steps = tiers.iter();
            let step = |tier: &super::Tier| {
                let from = Downtime::of(tier.from_us()).weighted();
                (from, tier.credit_percent)
            };
            steps.map(step).collect()
        }
        Scale::ByAvailability(rows) => {
            let step = |row: &super::AvailabilityTier| {
                let allowed = u128::from(period_us) * (whole - u128::from(row.bound.ppm()));
                (allowed + u128::from(!row.inclusive), row.credit_percent)
            };
            rows.iter().map(step).collect()
        }
    };
    let mut higher = steps
        .into_iter()
        .filter(|(from, credit)| current < *credit && down.weighted() < *from);
    let (from, credit_percent) = higher.next()?;
    Some(NextTier {
        credit_percent,
        left_us: micros(from - down.weighted(), weight, true)?,
    })
}

/// Returns the time for which an outage may still last without a breach of the target, in
/// microseconds, rounded down; none if the target is missed already.
#[must_use]
pub fn left_of_target(terms: &SlaTerms, of: Availability, weight: Percent) -> Option<u64> {
    if of.misses(terms.target()) {
        return None;
    }
    let missing = Percent::HUNDRED.saturating_sub(terms.target());
    let allowed = Downtime::at(of.period_us(), missing);
    micros(allowed.minus(of.down()).weighted(), weight, false)
}

/// Returns the downtime that the credit of a row is computed from.
fn credited(terms: &SlaTerms, row: &CreditRow<'_>, weight: Percent) -> Downtime {
    match terms.basis() {
        Basis::PerIncident => Downtime::at(row.outage_us, weight),
        Basis::PerMonth | Basis::PerQuarter | Basis::PerYear => row.availability.down(),
    }
}

/// Returns the outage that has a weighted length; none if outages weigh nothing.
fn micros(weighted: u128, weight: Percent, up: bool) -> Option<u64> {
    let ppm = u128::from(weight.ppm());
    let whole = weighted.checked_div(ppm)?;
    let rest = u128::from(up && whole * ppm < weighted);
    u64::try_from(whole + rest).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::AffectedTenant;
    use crate::sla::credit_rows;
    use crate::{TenantId, Timestamp, Window, Windows};

    const MINUTE: u64 = 60_000_000;

    /// Returns the next step and what is left of the target after an outage of some microseconds.
    fn after(terms: &SlaTerms, us: u64, weight: Percent) -> (Option<(String, u64)>, Option<u64>) {
        let start: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let end = start.saturating_add(std::time::Duration::from_micros(us));
        let outage = Window::non_empty(start, end)
            .into_iter()
            .collect::<Windows>();
        let hit = [AffectedTenant::whole(TenantId::new("t").unwrap())];
        let rows: Vec<_> = credit_rows(terms, &outage, weight, &hit, end).collect();
        let row = rows.first().unwrap();
        let next = next_tier(terms, row, weight);
        (
            next.map(|next| (next.credit_percent.to_string(), next.left_us)),
            left_of_target(terms, row.availability, weight),
        )
    }

    #[test]
    fn the_next_step_is_reached_exactly_when_the_rest_has_passed() {
        let terms = SlaTerms::default();
        let next = |us| after(&terms, us, Percent::HUNDRED).0;
        assert_eq!(next(38 * MINUTE), Some(("10".to_owned(), 7 * MINUTE)));
        assert_eq!(next(45 * MINUTE - 1), Some(("10".to_owned(), 1)));
        assert_eq!(next(45 * MINUTE), Some(("25".to_owned(), 195 * MINUTE)));
        assert_eq!(next(720 * MINUTE), None);
        // A third of the weight lasts three times as long, rounded up.
        let third = Percent::from_ppm(300_000).unwrap();
        let partial = after(&terms, 30 * MINUTE, third).0;
        assert_eq!(partial, Some(("10".to_owned(), 120 * MINUTE)));
        assert_eq!(after(&terms, 30 * MINUTE, Percent::ZERO).0, None);
    }

    #[test]
    fn the_rest_of_the_target_may_pass_and_no_more() {
        let terms = SlaTerms::default();
        // 99.9 % of November are 43.2 minutes.
        let allowed = 43 * MINUTE + MINUTE / 5;
        let left = |us| after(&terms, us, Percent::HUNDRED).1;
        assert_eq!(left(38 * MINUTE), Some(allowed - 38 * MINUTE));
        assert_eq!(left(allowed), Some(0));
        assert_eq!(left(allowed + 1), None);
    }

    #[test]
    fn steps_by_availability_count_the_whole_period() {
        let terms: SlaTerms = serde_json::from_str(
            r#"{"target_percent": "99.9", "version": "gold", "basis": "per_month",
                "availability_tiers": [{"below_percent": "99.9", "credit_percent": "10"},
                                       {"at_or_below_percent": "99", "credit_percent": "25"}]}"#,
        )
        .unwrap();
        let allowed = 43 * MINUTE + MINUTE / 5;
        let next = |us| after(&terms, us, Percent::HUNDRED).0;
        assert_eq!(next(allowed - MINUTE), Some(("10".to_owned(), MINUTE + 1)));
        assert_eq!(next(allowed), Some(("10".to_owned(), 1)));
        assert_eq!(
            next(allowed + 1),
            Some(("25".to_owned(), 432 * MINUTE - allowed - 1))
        );
    }
}
