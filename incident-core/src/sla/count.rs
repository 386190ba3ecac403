//! The part of an outage that counts, and its weight.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::MINUTE_US;
use crate::{Percent, Text, ValidationError, Window, Windows};

/// A length of time by weight: microseconds times parts per million.
///
/// So 0.3 of an odd number of microseconds is exact. Whole downtime has weight 1 000 000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Downtime(u128);

impl Downtime {
    /// No downtime.
    pub const ZERO: Self = Self(0);

    /// Creates a downtime of `micros` microseconds at full weight.
    #[must_use]
    pub fn of(micros: u64) -> Self {
        Self::at(micros, Percent::HUNDRED)
    }

    /// Creates a downtime of `micros` microseconds at a weight.
    #[must_use]
    pub fn at(micros: u64, weight: Percent) -> Self {
        Self(u128::from(micros) * u128::from(weight.ppm()))
    }

    /// Returns microseconds times parts per million.
    #[must_use]
    pub const fn weighted(self) -> u128 {
        self.0
    }

    /// Returns whole microseconds, rounded down, for display.
    #[must_use]
    pub fn micros(self) -> u64 {
        let whole = self.0 / u128::from(Percent::HUNDRED.ppm());
        u64::try_from(whole).unwrap_or(u64::MAX)
    }

    /// Returns the sum of both.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    /// Returns the difference, at least zero.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Downtime {
    /// Writes the exact length in hours, minutes and seconds: `2 h 5 min 0.25 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A microsecond times a part per million is a picosecond.
        const SECOND: u128 = 1_000_000_000_000;
        let (seconds, rest) = (self.0 / SECOND, self.0 % SECOND);
        let mut parts = Vec::new();
        for (amount, unit) in [(seconds / 3_600, "h"), (seconds / 60 % 60, "min")] {
            if amount > 0 {
                parts.push(format!("{amount} {unit}"));
            }
        }
        if seconds % 60 > 0 || rest > 0 {
            let text = format!("{}.{rest:012}", seconds % 60);
            let text = text.trim_end_matches('0').trim_end_matches('.');
            parts.push(format!("{text} s"));
        }
        if parts.is_empty() {
            parts.push("0 min".to_owned());
        }
        f.write_str(&parts.join(" "))
    }
}

/// A window in which downtime does not count: announced maintenance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// The start.
    pub start: crate::Timestamp,
    /// The end, exclusive.
    pub end: crate::Timestamp,
    /// The reason, as stated in the contract or the announcement.
    pub reason: Text,
}

/// The rules for the part of an outage that counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counting {
    pub(super) exclusions: Vec<Exclusion>,
    excluded: Windows,
    /// The minimum length of a run; shorter runs do not count.
    pub(super) minimum: Duration,
    /// If `true`, only whole consecutive minutes of a run count.
    pub(super) whole_minutes: bool,
}

impl Counting {
    pub(super) fn excluding(&mut self, exclusions: Vec<Exclusion>) -> Result<(), ValidationError> {
        let mut windows = Vec::with_capacity(exclusions.len());
        for (at, one) in exclusions.iter().enumerate() {
            let window = Window::new(one.start, one.end)
                .map_err(|error| error.at(format!("exclusions/{at}")))?;
            if let Some(other) = windows
                .iter()
                .position(|other| window.intersect(*other).is_some())
            {
                return Err(ValidationError::new(
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

    /// Returns `true` if the whole outage counts, unchanged.
    pub(super) fn is_plain(&self) -> bool {
        self.excluded.is_empty() && self.minimum.is_zero() && !self.whole_minutes
    }

    /// Returns the part of an outage that lies in maintenance.
    pub(super) fn in_maintenance(&self, outage: &Windows) -> Windows {
        // Asked for each incident of each tenant, and mostly there is none.
        if self.excluded.is_empty() {
            return Windows::empty();
        }
        outage.intersect(&self.excluded)
    }

    /// Returns the part of an outage that counts.
    ///
    /// Runs are measured after maintenance is subtracted and before a period cuts them, so that
    /// midnight makes no run short.
    pub(super) fn counted<'a>(&self, outage: &'a Windows) -> Cow<'a, Windows> {
        if self.is_plain() {
            return Cow::Borrowed(outage);
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
        Cow::Owned(counted.collect())
    }
}

/// Returns the whole minutes of a run, counted from its start; `None` if there are none.
fn whole_minutes(run: Window) -> Option<Window> {
    let whole = run.micros() / MINUTE_US * MINUTE_US;
    let end = run.start().saturating_add(Duration::from_micros(whole));
    Window::non_empty(run.start(), end)
}

/// Returns the length of a set within `bounds`, in microseconds.
pub(super) fn clipped(set: &Windows, bounds: Window) -> u64 {
    set.clip_iter(bounds).map(Window::micros).sum()
}

/// Downtime by weight, the heaviest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Weighed {
    /// All downtime at full weight, as in nearly all cases.
    Whole([(Percent, u64); 1]),
    Parts(Vec<(Percent, u64)>),
}

impl Weighed {
    /// Weighs the downtime of several outages within `bounds`.
    ///
    /// Overlaps count once, with the heaviest weight. `counted` is the part of their union that
    /// counts.
    pub(super) fn of<'a>(
        counted: &Windows,
        bounds: Window,
        outages: impl Iterator<Item = (&'a Windows, Percent)> + Clone,
    ) -> Self {
        if outages
            .clone()
            .all(|(_, weight)| weight == Percent::HUNDRED)
        {
            return Self::Whole([(Percent::HUNDRED, clipped(counted, bounds))]);
        }
        let mut outages: Vec<(&Windows, Percent)> = outages.collect();
        outages.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
        let (mut covered, mut parts) = (Windows::empty(), Vec::<(Percent, u64)>::new());
        for (windows, weight) in outages {
            let new = windows.intersect(counted).clip(bounds).minus(&covered);
            covered = covered.union(&new);
            match parts.last_mut() {
                Some((last, micros)) if *last == weight => *micros += new.micros(),
                _ => parts.push((weight, new.micros())),
            }
        }
        parts.retain(|(_, micros)| *micros > 0);
        Self::Parts(parts)
    }

    /// Returns the downtime of all parts together.
    pub(super) fn down(&self) -> Downtime {
        let parts = self
            .parts()
            .iter()
            .map(|(weight, us)| Downtime::at(*us, *weight));
        parts.fold(Downtime::ZERO, Downtime::plus)
    }

    /// Returns `true` if no part is partial.
    pub(super) fn is_whole(&self) -> bool {
        self.parts()
            .iter()
            .all(|(weight, _)| *weight == Percent::HUNDRED)
    }

    /// Returns the microseconds of each weight, the heaviest first.
    pub(super) const fn parts(&self) -> &[(Percent, u64)] {
        match self {
            Self::Whole(all) => all,
            Self::Parts(parts) => parts.as_slice(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_downtime_is_shown_exactly() {
        for (down, shown) in [
            (Downtime::ZERO, "0 min"),
            (Downtime::of(1), "0.000001 s"),
            (Downtime::of(45 * MINUTE_US - 1), "44 min 59.999999 s"),
            (Downtime::of(60 * MINUTE_US), "1 h"),
            (Downtime::of(720 * 60 * MINUTE_US + 500_000), "720 h 0.5 s"),
            (
                Downtime::at(1, Percent::of_thousandths(1)),
                "0.00000000001 s",
            ),
        ] {
            assert_eq!(down.to_string(), shown);
        }
    }
}
