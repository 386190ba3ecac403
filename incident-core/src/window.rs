//! Half-open intervals of time and disjoint sets of them.
//!
//! Overlaps are counted once: a set is always a union, never a sum.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ValidationError;
use crate::time::Timestamp;

/// A half-open interval `[start, end)`; never empty, never reversed.
///
/// ```
/// use incident_core::{Timestamp, Window};
/// let start: Timestamp = "2026-11-20T10:00:00Z".parse()?;
/// let end: Timestamp = "2026-11-20T10:45:00Z".parse()?;
/// let window = Window::new(start, end)?;
/// assert!(window.contains(start) && !window.contains(end));
/// assert_eq!(window.micros(), 45 * 60 * 1_000_000);
/// assert!(Window::new(end, start).is_err());
/// # Ok::<(), incident_core::ValidationError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(try_from = "Bounds")]
pub struct Window {
    start: Timestamp,
    end: Timestamp,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Bounds {
    start: Timestamp,
    end: Timestamp,
}

impl TryFrom<Bounds> for Window {
    type Error = ValidationError;

    fn try_from(bounds: Bounds) -> Result<Self, ValidationError> {
        Self::new(bounds.start, bounds.end)
    }
}

impl Window {
    /// Creates the window `[start, end)`.
    ///
    /// # Errors
    /// Fails if `end` is not after `start`.
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self, ValidationError> {
        Self::non_empty(start, end)
            .ok_or_else(|| ValidationError::new("end", "a time after `start`"))
    }

    /// Creates the window `[start, end)`; `None` if `end` is not after `start`.
    #[must_use]
    pub fn non_empty(start: Timestamp, end: Timestamp) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// Creates a window from bounds known to be in order, such as those of a month.
    pub(crate) const fn spanning(start: Timestamp, end: Timestamp) -> Self {
        Self { start, end }
    }

    /// Returns the first instant inside.
    #[must_use]
    pub const fn start(self) -> Timestamp {
        self.start
    }

    /// Returns the first instant after the window.
    #[must_use]
    pub const fn end(self) -> Timestamp {
        self.end
    }

    /// Returns the length in microseconds; at least 1.
    #[must_use]
    pub fn micros(self) -> u64 {
        u64::try_from(self.end.micros() - self.start.micros()).unwrap_or(0)
    }

    /// Returns `true` if an instant lies inside: `start <= time < end`.
    #[must_use]
    pub fn contains(self, time: Timestamp) -> bool {
        self.start <= time && time < self.end
    }

    /// Returns the intersection of two windows. Windows that only touch have none.
    #[must_use]
    pub fn intersect(self, other: Self) -> Option<Self> {
        Self::non_empty(self.start.max(other.start), self.end.min(other.end))
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {})", self.start, self.end)
    }
}

/// A set of instants as disjoint windows in ascending order.
///
/// Windows that overlap or touch are joined, so equal sets compare equal.
///
/// ```
/// use incident_core::{Timestamp, Window, Windows};
/// let at = |s: &str| s.parse::<Timestamp>();
/// let a = Window::new(at("2026-11-20T10:00:00Z")?, at("2026-11-20T10:30:00Z")?)?;
/// let b = Window::new(at("2026-11-20T10:20:00Z")?, at("2026-11-20T10:50:00Z")?)?;
/// let union: Windows = [a, b].into_iter().collect();
/// assert_eq!(union.micros(), 50 * 60 * 1_000_000); // not 60 minutes
/// # Ok::<(), incident_core::ValidationError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(from = "Vec<Window>")]
pub struct Windows(Vec<Window>);

/// Joins windows in any order, overlapping or not.
impl From<Vec<Window>> for Windows {
    fn from(windows: Vec<Window>) -> Self {
        windows.into_iter().collect()
    }
}

impl Windows {
    /// Creates the empty set.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Vec::new())
    }

    /// Returns the windows, ascending and disjoint.
    #[must_use]
    pub fn as_slice(&self) -> &[Window] {
        &self.0
    }

    /// Returns `true` if the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the length of all windows together, in microseconds.
    #[must_use]
    pub fn micros(&self) -> u64 {
        self.0.iter().map(|window| window.micros()).sum()
    }

    /// Returns `true` if an instant lies inside any of the windows.
    #[must_use]
    pub fn contains(&self, time: Timestamp) -> bool {
        let after = self.0.partition_point(|window| window.end() <= time);
        self.0
            .get(after)
            .is_some_and(|window| window.contains(time))
    }

    /// Returns the first instant inside; `None` if the set is empty.
    #[must_use]
    pub fn start(&self) -> Option<Timestamp> {
        self.0.first().map(|window| window.start())
    }

    /// Returns the first instant after the last window; `None` if the set is empty.
    #[must_use]
    pub fn end(&self) -> Option<Timestamp> {
        self.0.last().map(|window| window.end())
    }

    /// Returns the end of the part of this set inside `bounds`; `None` if there is no such part.
    #[must_use]
    pub fn end_within(&self, bounds: Window) -> Option<Timestamp> {
        let begun = self
            .0
            .partition_point(|window| window.start() < bounds.end());
        let last = self.0.get(..begun)?.last()?;
        last.intersect(bounds).map(Window::end)
    }

    /// Iterates over the part of this set inside `bounds`, without allocating.
    pub fn clip_iter(&self, bounds: Window) -> impl Iterator<Item = Window> + '_ {
        let first = self
            .0
            .partition_point(|window| window.end() <= bounds.start());
        self.0
            .get(first..)
            .unwrap_or_default()
            .iter()
            .map_while(move |window| window.intersect(bounds))
    }

    /// Returns the part of this set inside `bounds`.
    #[must_use]
    pub fn clip(&self, bounds: Window) -> Self {
        Self(self.clip_iter(bounds).collect())
    }

    /// Returns the instants that are in both sets.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        other
            .0
            .iter()
            .flat_map(|bounds| self.clip_iter(*bounds))
            .collect()
    }

    /// Returns the instants that are in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.0.iter().chain(&other.0).copied().collect()
    }

    /// Returns the instants of this set that are not in `other`.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        for window in &self.0 {
            let mut from = window.start();
            for hole in other.clip_iter(*window) {
                left.extend(Window::non_empty(from, hole.start()));
                from = hole.end();
            }
            left.extend(Window::non_empty(from, window.end()));
        }
        Self(left)
    }
}

impl FromIterator<Window> for Windows {
    fn from_iter<I: IntoIterator<Item = Window>>(windows: I) -> Self {
        let mut sorted: Vec<Window> = windows.into_iter().collect();
        sorted.sort_unstable();
        let mut joined: Vec<Window> = Vec::with_capacity(sorted.len());
        for window in sorted {
            match joined.last_mut() {
                Some(last) if window.start <= last.end => last.end = last.end.max(window.end),
                _ => joined.push(window),
            }
        }
        Self(joined)
    }
}

impl From<Window> for Windows {
    fn from(window: Window) -> Self {
        Self(vec![window])
    }
}

impl fmt::Debug for Windows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}
