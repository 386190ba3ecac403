//! Durations of recent queries.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Ratio of remaining time to expected duration above which a query runs without a limit.
const SAFETY_FACTOR: u64 = 50;

/// The recent worst duration, shared by all clones: microseconds per unit of work, 0 before the
/// first query.
///
/// A limit on the server costs two round trips, as much as a small query: with a limit on every
/// query, one tenant took 0.27 ms instead of 0.21 over 38 minutes and 0.58 ms instead of 0.48
/// over 12 hours (the bench `usage_postgres`, through a socket; more over a network). A limit
/// that stayed with the session would cost nothing, but would reach other clients behind a
/// pooler that lends connections for a transaction.
///
/// A query that is expected to stay far below its limit therefore runs without one. If it is
/// slower than ever, the client still ends it in time, and the next one has a limit.
#[derive(Clone, Debug, Default)]
pub(super) struct LatencyTracker(Arc<AtomicU64>);

impl LatencyTracker {
    /// Returns `true` if a query of this many units may come near the time that is left.
    pub(super) fn needs_limit(&self, units: u64, left: Duration) -> bool {
        let slowest = self.0.load(Ordering::Relaxed);
        let expected = slowest.saturating_mul(units).saturating_mul(SAFETY_FACTOR);
        slowest == 0 || u128::from(expected) >= left.as_micros()
    }

    /// Records the duration of a query. The slowest one counts; each later query reduces it by
    /// an eighth at most.
    pub(super) fn note(&self, units: u64, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let per_unit = (took / units.max(1)).max(1);
        let known = self.0.load(Ordering::Relaxed);
        // Of two concurrent queries one may be lost, which does no harm.
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
