//! How many requests of one key a vendor takes.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// So many in any stretch of time, per key: PagerDuty documents about 120 in a
/// sliding minute per integration key.
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

    /// Takes a request, or says how long until one is taken again. What is refused
    /// does not count.
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
