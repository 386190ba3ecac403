//! Parts shared by several benchmarks, which are in `benches/`.

use std::time::Duration;

pub mod usage;

/// Returns the median of durations; of an even number the later one of the middle.
///
/// # Panics
/// Panics if there are none.
#[must_use]
pub fn median(mut values: Vec<Duration>) -> Duration {
    values.sort();
    values[values.len() / 2]
}
