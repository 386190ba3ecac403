//! The exact availability over a period, and its decimals, which never contradict an exact
//! comparison.

use std::cmp::Ordering;

use super::Downtime;
use crate::Percent;

/// Decimals of parts per million, as percent.
const DECIMALS: usize = 4;

/// Maximum number of decimals, more than any difference needs: two availabilities over a period of
/// microseconds are at least one part of 10^14 apart.
const MAX_DECIMALS: usize = 16;

/// The exact availability over a period.
///
/// ```
/// use incident_core::sla::{Availability, Downtime};
/// let month = 30 * 86_400_000_000; // microseconds
/// let target = "99.9".parse()?;
/// let allowed = Availability::new(Downtime::of(43 * 60_000_000 + 12_000_000), month);
/// assert!(!allowed.misses(target));
/// assert_eq!(allowed.format_against([target]), "99.9000");
/// // One microsecond more: rounded it would be 99.9000 as well.
/// let missed = Availability::new(Downtime::of(43 * 60_000_000 + 12_000_001), month);
/// assert!(missed.misses(target));
/// assert_eq!(missed.format_against([target]), "99.8999");
/// # Ok::<(), incident_core::ValidationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Availability {
    down: Downtime,
    period_us: u64,
}

impl Availability {
    /// Creates the availability with a downtime in a period of `period_us` microseconds.
    #[must_use]
    pub const fn new(down: Downtime, period_us: u64) -> Self {
        Self { down, period_us }
    }

    /// Returns the downtime.
    #[must_use]
    pub const fn down(self) -> Downtime {
        self.down
    }

    /// Returns the length of the period, in microseconds.
    #[must_use]
    pub const fn period_us(self) -> u64 {
        self.period_us
    }

    /// Returns `true` if the availability is below a target; exact, nothing is rounded.
    #[must_use]
    pub fn misses(self, target: Percent) -> bool {
        self.compare(target.ppm().into()).is_lt()
    }

    /// Returns the percentage, rounded half to even to four decimals.
    ///
    /// Use [`misses`](Self::misses) for a verdict, and [`format_against`](Self::format_against) to
    /// display the availability beside one.
    #[must_use]
    pub fn rounded(self) -> Percent {
        if self.period_us == 0 {
            return Percent::HUNDRED;
        }
        let ppm = half_even(self.up(), u128::from(self.period_us));
        let ppm = u32::try_from(ppm).ok();
        let percent = ppm.and_then(|ppm| Percent::from_ppm(ppm).ok());
        percent.unwrap_or(Percent::HUNDRED)
    }

    /// Formats the percentage on the same side of every bound as the exact value.
    ///
    /// It has four decimals, rounded half to even, or away from a bound where that would put it
    /// onto the bound or its other side. It has more decimals where four leave no place between two
    /// bounds.
    #[must_use]
    pub fn format_against(
        self,
        bounds: impl IntoIterator<Item = Percent, IntoIter: Clone>,
    ) -> String {
        if self.period_us == 0 {
            return Percent::HUNDRED.to_fixed();
        }
        let bounds = bounds.into_iter().map(|one| u128::from(one.ppm()));
        let period = u128::from(self.period_us);
        let mut scale = 1;
        for decimals in DECIMALS..=MAX_DECIMALS {
            let up = self.up() * scale;
            let fits = |shown: &u128| {
                let same = |bound: u128| shown.cmp(&(bound * scale)) == self.compare(bound);
                bounds.clone().all(same)
            };
            let nearest = Some(half_even(up, period)).filter(fits);
            let found =
                nearest.or_else(|| [up / period, up.div_ceil(period)].into_iter().find(fits));
            if let Some(shown) = found {
                return decimal(shown, decimals);
            }
            scale *= 10;
        }
        self.rounded().to_fixed()
    }

    /// Returns the uptime, in microseconds times parts per million.
    fn up(self) -> u128 {
        Downtime::of(self.period_us).minus(self.down).weighted()
    }

    /// Compares the availability with parts per million, exactly.
    fn compare(self, parts: u128) -> Ordering {
        self.up().cmp(&(u128::from(self.period_us) * parts))
    }
}

/// Formats a number of units of 10^-`decimals`.
fn decimal(units: u128, decimals: usize) -> String {
    let digits = format!("{units:0width$}", width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    format!("{whole}.{fraction}")
}

/// Divides and rounds to the nearest integer, a half to the even one.
pub(super) fn half_even(dividend: u128, divisor: u128) -> u128 {
    let (quotient, rest) = divided(dividend, divisor);
    let up = rest * 2 > divisor || (rest * 2 == divisor && quotient % 2 == 1);
    if up { quotient + 1 } else { quotient }
}

/// Computes quotient and remainder.
///
/// Those of a month fit into 64 bits, whose division takes a tenth of the time.
fn divided(dividend: u128, divisor: u128) -> (u128, u128) {
    match (u64::try_from(dividend), u64::try_from(divisor)) {
        (Ok(dividend), Ok(divisor)) => ((dividend / divisor).into(), (dividend % divisor).into()),
        _ => (dividend / divisor, dividend % divisor),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::DAY_US;

    fn percent(text: &str) -> Percent {
        text.parse().unwrap()
    }

    #[test]
    fn it_is_a_downtime_in_a_period() {
        let half = Availability::new(Downtime::of(DAY_US), 2 * DAY_US);
        assert_eq!(
            (half.down(), half.period_us()),
            (Downtime::of(DAY_US), 2 * DAY_US)
        );
        assert!(half.misses(percent("50.0001")) && !half.misses(percent("50")));
    }

    /// M9, where four decimals leave no place between two bounds.
    #[test]
    fn two_bounds_next_to_each_other_get_more_decimals() {
        let bounds = [percent("99.9"), percent("99.9001")];
        let month = 30 * DAY_US;
        let at = |down| Availability::new(Downtime::of(down), month).format_against(bounds);
        let allowed = month / 1_000;
        assert_eq!(at(allowed), "99.9000");
        assert_eq!(at(allowed - 1), "99.90001");
        assert_eq!(at(allowed + 1), "99.8999");
        assert_eq!(
            Availability::new(Downtime::ZERO, 0).format_against(bounds),
            "100.0000"
        );
    }

    proptest! {
        /// M9: the displayed value compares with each bound as the exact value does.
        #[test]
        fn nothing_is_shown_on_the_other_side(
            ppm in prop::collection::vec(0_u32..=1_000_000, 1..4),
            near in any::<prop::sample::Index>(),
            off in -3_i64..=3,
            days in prop::sample::select(vec![28_u64, 30, 31, 92, 366]),
        ) {
            let period = days * DAY_US;
            let bounds: Vec<Percent> = ppm.iter().map(|one| Percent::from_ppm(*one).unwrap()).collect();
            let target = bounds[near.index(bounds.len())];
            let allowed = i64::try_from(period / 1_000_000 * u64::from(1_000_000 - target.ppm())).unwrap();
            let down = u64::try_from((allowed + off).max(0)).unwrap().min(period);
            let exact = Availability::new(Downtime::of(down), period);
            let shown = exact.format_against(bounds.iter().copied());
            let (whole, fraction) = shown.split_once('.').unwrap();
            prop_assert!(fraction.len() >= 4);
            let scale = 10_u128.pow(u32::try_from(fraction.len() - 4).unwrap());
            let units: u128 = format!("{whole}{fraction}").parse().unwrap();
            for bound in bounds {
                let as_shown = units.cmp(&(u128::from(bound.ppm()) * scale));
                prop_assert_eq!(as_shown, exact.compare(bound.ppm().into()));
                prop_assert_eq!(exact.misses(bound), as_shown.is_lt());
            }
            // It is less than one unit off.
            let off = (units * u128::from(period)).abs_diff(exact.up() * scale);
            prop_assert!(off < u128::from(period));
        }
    }
}
