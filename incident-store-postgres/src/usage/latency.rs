//! How long questions take, by experience.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A question that takes less than this part of its time is asked without a limit.
const SAFETY_FACTOR: u64 = 50;

/// The slowest of late, for all clones: microseconds per unit of questions, 0 before the first.
///
/// A limit on the server costs two round trips, as long as some small questions take: with a
/// limit on every question, those of one tenant took 0.27 ms instead of 0.21 over 38 minutes
/// and 0.58 ms instead of 0.48 over 12 hours (the bench `usage_postgres`, through a socket; more
/// over a network). One that stayed with the session would cost nothing, and would meet
/// other clients behind a pooler that lends connections for a transaction.
///
/// So what is far from its limit by experience is asked without: what is slower than
/// ever is still given up in time by the client, and has a limit from then on.
#[derive(Clone, Debug, Default)]
pub(super) struct LatencyTracker(Arc<AtomicU64>);

impl LatencyTracker {
    /// Whether a question of so many units may come near the time that is left.
    pub(super) fn needs_limit(&self, units: u64, left: Duration) -> bool {
        let slowest = self.0.load(Ordering::Relaxed);
        let expected = slowest.saturating_mul(units).saturating_mul(SAFETY_FACTOR);
        slowest == 0 || u128::from(expected) >= left.as_micros()
    }

    /// Notes how long one took: the slowest counts, and is forgotten by eighths.
    pub(super) fn note(&self, units: u64, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let per_unit = (took / units.max(1)).max(1);
        let known = self.0.load(Ordering::Relaxed);
        // Of two questions at a time one is noted, which is as good as the other.
        self.0
            .store(per_unit.max(known - known / 8), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_counts_that_were_fast_before_have_no_limit() {
        let (latency, second) = (LatencyTracker::default(), Duration::from_secs(1));
        assert!(latency.needs_limit(1, second));
        latency.note(100, Duration::from_millis(1));
        assert!(!latency.needs_limit(100, second));
        assert!(!latency.needs_limit(1_999, second));
        assert!(latency.needs_limit(2_000, second));
        latency.note(1, second);
        assert!(latency.needs_limit(1, second));
        for _ in 0..200 {
            latency.note(100, Duration::from_millis(1));
        }
        assert!(!latency.needs_limit(100, second));
        latency.note(0, Duration::ZERO);
    }
}
