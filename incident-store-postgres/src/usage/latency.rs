//! How long questions take, by experience.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A question that takes less than this part of its time is asked without a limit.
const SAFETY_FACTOR: u64 = 50;

/// The slowest of late: microseconds per unit of questions, 0 before the first.
///
/// A limit on the server costs two round trips, as long as some small questions take.
/// So what is far from its limit by experience is asked without: what is slower than
/// ever is still given up in time by the client, and has a limit from then on.
#[derive(Debug, Default)]
pub(super) struct LatencyTracker(AtomicU64);

impl LatencyTracker {
    /// Whether a question of so many units may come near the time that is left.
    pub(super) fn needs_limit(&self, units: u64, left: Duration) -> bool {
        let pace = self.0.load(Ordering::Relaxed);
        let expected = pace.saturating_mul(units).saturating_mul(SAFETY_FACTOR);
        pace == 0 || u128::from(expected) >= left.as_micros()
    }

    /// Notes how long one took: the slowest counts, and is forgotten by eighths.
    pub(super) fn note(&self, units: u64, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let pace = (took / units.max(1)).max(1);
        let known = self.0.load(Ordering::Relaxed);
        // Of two questions at a time one is noted, which is as good as the other.
        self.0.store(pace.max(known - known / 8), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_far_from_its_limit_by_experience_has_none() {
        let (pace, second) = (LatencyTracker::default(), Duration::from_secs(1));
        assert!(pace.needs_limit(1, second));
        pace.note(100, Duration::from_millis(1));
        assert!(!pace.needs_limit(100, second));
        assert!(!pace.needs_limit(1_999, second));
        assert!(pace.needs_limit(2_000, second));
        pace.note(1, second);
        assert!(pace.needs_limit(1, second));
        for _ in 0..200 {
            pace.note(100, Duration::from_millis(1));
        }
        assert!(!pace.needs_limit(100, second));
        pace.note(0, Duration::ZERO);
    }
}
