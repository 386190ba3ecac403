//! Which part of an outage counts, and how much.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::MINUTE_US;
use crate::{Invalid, Percent, Text, Window, Windows};

/// A length of time by weight: microseconds times parts per million, so that 0.3
/// of an odd number of microseconds is exact. Whole downtime has 1 000 000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Downtime(u128);

impl Downtime {
    /// None.
    pub const ZERO: Self = Self(0);

    /// So many microseconds at full weight.
    #[must_use]
    pub fn of(micros: u64) -> Self {
        Self::at(micros, Percent::HUNDRED)
    }

    /// So many microseconds at a weight.
    #[must_use]
    pub fn at(micros: u64, weight: Percent) -> Self {
        Self(u128::from(micros) * u128::from(weight.ppm()))
    }

    /// Microseconds times parts per million.
    #[must_use]
    pub const fn weighted(self) -> u128 {
        self.0
    }

    /// Whole microseconds, rounded down. For show.
    #[must_use]
    pub fn micros(self) -> u64 {
        let whole = self.0 / u128::from(Percent::HUNDRED.ppm());
        u64::try_from(whole).unwrap_or(u64::MAX)
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    /// The difference, at least nothing.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// A stretch of time in which downtime does not count: announced maintenance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// Its start.
    pub start: crate::Timestamp,
    /// Its end, exclusive.
    pub end: crate::Timestamp,
    /// Why, as the contract or the announcement says.
    pub reason: Text,
}

/// What of an outage counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counting {
    pub(super) exclusions: Vec<Exclusion>,
    excluded: Windows,
    /// Runs that are shorter do not count.
    pub(super) minimum: Duration,
    /// Only whole consecutive minutes of a run count.
    pub(super) whole_minutes: bool,
}

/// What was taken off an outage before it counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) windows: Windows,
    /// In maintenance.
    pub(super) excluded: Windows,
    /// In runs that are too short, or in minutes that are not whole.
    pub(super) too_short: Windows,
}

impl Counting {
    pub(super) fn excluding(&mut self, exclusions: Vec<Exclusion>) -> Result<(), Invalid> {
        let mut windows = Vec::with_capacity(exclusions.len());
        for (at, one) in exclusions.iter().enumerate() {
            let window = Window::new(one.start, one.end)
                .map_err(|error| error.at(format!("exclusions/{at}")))?;
            if let Some(other) = windows
                .iter()
                .position(|other| window.intersect(*other).is_some())
            {
                return Err(Invalid::new(
                    format!("exclusions/{at}"),
                    format!("a window that does not overlap exclusions/{other}"),
                ));
            }
            windows.push(window);
        }
        self.excluded = windows.into_iter().collect();
        self.exclusions = exclusions;
        Ok(())
    }

    /// Whether everything counts as it is.
    pub(super) fn is_plain(&self) -> bool {
        self.excluded.is_empty() && self.minimum.is_zero() && !self.whole_minutes
    }

    /// What counts of an outage. Runs are measured after maintenance is taken off
    /// and before a period cuts them, so that midnight makes no run short.
    pub(super) fn of(&self, outage: &Windows) -> Counted {
        if self.is_plain() {
            return Counted {
                windows: outage.clone(),
                ..Counted::default()
            };
        }
        let left = outage.minus(&self.excluded);
        let minimum = u64::try_from(self.minimum.as_micros()).unwrap_or(u64::MAX);
        let counted = left.as_slice().iter().filter_map(|run| {
            let long = run.micros() >= minimum;
            let run = if self.whole_minutes {
                whole_minutes(*run)
            } else {
                Some(*run)
            };
            run.filter(|_| long)
        });
        let windows: Windows = counted.collect();
        Counted {
            excluded: outage.intersect(&self.excluded),
            too_short: left.minus(&windows),
            windows,
        }
    }
}

/// The whole minutes from the start of a run on.
fn whole_minutes(run: Window) -> Option<Window> {
    let whole = run.micros() / MINUTE_US * MINUTE_US;
    let end = run.start().saturating_add(Duration::from_micros(whole));
    Window::non_empty(run.start(), end)
}

/// The downtime of several outages within `bounds`: overlaps count once, with the
/// heaviest weight. `counted` is what counts of their union.
pub(super) fn heaviest<'a>(
    counted: &Windows,
    bounds: Window,
    outages: impl Iterator<Item = (&'a Windows, Percent)>,
) -> Downtime {
    let mut outages: Vec<(&Windows, Percent)> = outages.collect();
    let whole = |(_, weight): &(&Windows, Percent)| *weight == Percent::HUNDRED;
    if outages.iter().all(whole) {
        return Downtime::of(counted.clip_iter(bounds).map(Window::micros).sum());
    }
    outages.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    let mut covered = Windows::empty();
    let mut down = Downtime::ZERO;
    for (windows, weight) in outages {
        let new = windows.intersect(counted).clip(bounds).minus(&covered);
        down = down.plus(Downtime::at(new.micros(), weight));
        covered = covered.union(&new);
    }
    down
}
