//! The rate limit of a vendor, per key.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// A maximum number of requests per key in a sliding window. PagerDuty documents about 120 a
/// minute per integration key.
#[derive(Debug)]
pub(super) struct Limit {
    most: usize,
    window: Duration,
    taken: BTreeMap<String, VecDeque<Instant>>,
}

impl Limit {
    pub(super) fn new(most: usize, window: Duration) -> Self {
        Self {
            most,
            window,
            taken: BTreeMap::new(),
        }
    }

    /// Counts a request, or returns the time until the next one is accepted. Refused requests do
    /// not count.
    pub(super) fn take(&mut self, key: String, now: Instant) -> Result<(), Duration> {
        let taken = self.taken.entry(key).or_default();
        while taken
            .front()
            .is_some_and(|at| now.duration_since(*at) >= self.window)
        {
            taken.pop_front();
        }
        match taken.front() {
            Some(oldest) if taken.len() >= self.most => {
                Err(self.window.saturating_sub(now.duration_since(*oldest)))
            }
            _ => {
                taken.push_back(now);
                Ok(())
            }
        }
    }
}
