//! Memory reservations for request bodies: a fixed number of bytes for all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

use super::problem::Problem;

/// Bytes for callers with a known token: eight arrays of usage events of 16 MiB.
const KNOWN: usize = 128 * 1024 * 1024;
/// Bytes for webhooks, whose bodies are read before their signatures are checked.
const HOOKS: usize = 16 * 1024 * 1024;
/// Value of `Retry-After` if there is no memory.
const RETRY_AFTER: Duration = Duration::from_secs(2);

const REFUSED: &str = "incident_console_bodies_refused_total";
const HELD: &str = "incident_console_body_bytes";

/// The memory for all bodies held at the same time.
#[derive(Debug)]
pub(crate) struct BodyMemory {
    known: Arc<Pool>,
    hooks: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    limit: usize,
    held: AtomicUsize,
}

/// The memory of one request, released when its last clone is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Reservation(Arc<Taken>);

#[derive(Debug)]
struct Taken {
    pool: Arc<Pool>,
    bytes: AtomicUsize,
}

impl Default for BodyMemory {
    fn default() -> Self {
        Self::limited(KNOWN, HOOKS)
    }
}

impl BodyMemory {
    /// Creates memory with the given numbers of bytes for known callers and for webhooks.
    #[must_use]
    pub(crate) fn limited(known: usize, hooks: usize) -> Self {
        let pool = |limit| {
            let held = AtomicUsize::new(0);
            Arc::new(Pool { limit, held })
        };
        Self {
            known: pool(known),
            hooks: pool(hooks),
        }
    }

    /// Returns an empty reservation for a request of a known caller.
    #[must_use]
    pub(crate) fn known(&self) -> Reservation {
        Reservation::in_pool(&self.known)
    }

    /// Returns an empty reservation for a webhook delivery that is not authenticated yet.
    #[must_use]
    pub(crate) fn hooks(&self) -> Reservation {
        Reservation::in_pool(&self.hooks)
    }

    /// Sets the gauge of held bytes.
    pub(crate) fn measure(&self) {
        let pools = [("known", &self.known), ("hooks", &self.hooks)];
        for (name, pool) in pools {
            let held = pool.held.load(Ordering::Relaxed);
            gauge!(HELD, "pool" => name).set(f64::from(u32::try_from(held).unwrap_or(u32::MAX)));
        }
    }
}

impl Reservation {
    fn in_pool(pool: &Arc<Pool>) -> Self {
        Self(Arc::new(Taken {
            pool: Arc::clone(pool),
            bytes: AtomicUsize::new(0),
        }))
    }

    /// Reserves more bytes.
    ///
    /// # Errors
    /// Returns 503 if there is not enough memory left.
    pub(crate) fn reserve(&self, bytes: usize) -> Result<(), Problem> {
        let pool = &self.0.pool;
        let before = pool.held.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > pool.limit {
            pool.held.fetch_sub(bytes, Ordering::Relaxed);
            counter!(REFUSED).increment(1);
            return Err(
                Problem::unavailable("too many request bodies in memory; retry later")
                    .retry_after(RETRY_AFTER),
            );
        }
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Releases reserved bytes, or all that are left of them if those are fewer.
    pub(crate) fn release(&self, bytes: usize) {
        let less = |held: usize| Some(held.saturating_sub(bytes));
        let relaxed = Ordering::Relaxed;
        let Ok(before) = self.0.bytes.fetch_update(relaxed, relaxed, less) else {
            return;
        };
        self.0.pool.held.fetch_sub(bytes.min(before), relaxed);
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.pool
            .held
            .fetch_sub(*self.bytes.get_mut(), Ordering::Relaxed);
    }
}

/// Describes the metrics of request bodies to the recorder.
pub(crate) fn describe_metrics() {
    describe_counter!(
        REFUSED,
        Unit::Count,
        "Requests rejected because request bodies in memory reached their limit."
    );
    describe_gauge!(
        HELD,
        Unit::Bytes,
        "Bytes of request bodies in memory, by pool: known (authenticated), hooks (webhooks)."
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_the_limit_one_fits_and_one_byte_more_does_not() {
        let bodies = BodyMemory::limited(10, 4);
        let (one, two) = (bodies.known(), bodies.known());
        one.reserve(6).unwrap();
        two.reserve(4).unwrap();
        assert_eq!(two.reserve(1).unwrap_err().status().as_u16(), 503);
        // Webhooks have a pool of their own.
        bodies.hooks().reserve(4).unwrap();
        one.release(1);
        two.reserve(1).unwrap();
        drop(one.clone());
        assert!(two.reserve(1).is_err());
        drop(one);
        two.reserve(5).unwrap();
        two.release(100);
        assert_eq!(bodies.known.held.load(Ordering::Relaxed), 0);
    }
}
