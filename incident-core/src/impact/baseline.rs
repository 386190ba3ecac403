//! The baseline: users in the weeks before, as a total outage leaves no events to count.

use super::ImpactCounts;

/// Number of weeks before the outage in the baseline. The same hours of the same weekday are
/// compared, and the median of four leaves out one holiday or one other outage.
pub const BASELINE_WEEKS: u32 = 4;

/// Returns the median of the weeks before for the tenant at an index; `None` without data.
///
/// `weeks` are counts over windows of the same length and weekday.
///
/// A week without any user of the tenant counts as one without data, not as a zero: a tenant that
/// joined two weeks ago has a median of two. The mean of the two middle weeks is rounded half-even.
#[must_use]
pub fn baseline_of(weeks: &[ImpactCounts], at: usize) -> Option<u64> {
    let users = |week: &ImpactCounts| Some(week.by_tenant.get(at)?.unique_users);
    median(weeks.iter().filter_map(users))
}

fn median(counts: impl Iterator<Item = u64>) -> Option<u64> {
    let mut counts: Vec<u64> = counts.filter(|count| *count > 0).collect();
    counts.sort_unstable();
    let upper = *counts.get(counts.len() / 2)?;
    let lower = *counts.get((counts.len() - 1) / 2)?;
    let (half, odd) = (lower + (upper - lower) / 2, (upper - lower) % 2);
    Some(half + if odd == 1 { half % 2 } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_weeks_with_data() {
        for (counts, expected) in [
            (&[][..], None),
            (&[0, 0, 0, 0], None),
            (&[0, 0, 1300, 1310], Some(1305)),
            (&[1, 2, 3, 4], Some(2)),
            (&[1, 3, 4, 9], Some(4)),
            (&[7, 0, 5, 6], Some(6)),
        ] {
            assert_eq!(median(counts.iter().copied()), expected, "{counts:?}");
        }
    }
}
