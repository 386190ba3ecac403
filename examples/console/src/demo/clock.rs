//! The clock of the demo.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use incident_core::Timestamp;
use incident_core::engine::system::SystemClock;
use incident_core::port::Clock;

/// A clock that runs behind the system's until [`catch_up`](Self::catch_up), so that what the demo
/// plays has happened on other days. It only ever goes forward.
#[derive(Debug)]
pub(super) struct DemoClock {
    behind_us: AtomicU64,
}

impl Clock for DemoClock {
    fn now(&self) -> Timestamp {
        let behind = self.behind_us.load(Ordering::SeqCst);
        if behind == 0 {
            return SystemClock.now();
        }
        // The past has whole seconds, as stories have.
        whole_seconds(
            SystemClock
                .now()
                .saturating_sub(Duration::from_micros(behind)),
        )
    }
}

impl DemoClock {
    /// Creates a clock that shows a time in the past.
    #[must_use]
    pub(super) fn starting_at(time: Timestamp) -> Self {
        let clock = Self {
            behind_us: AtomicU64::new(u64::MAX),
        };
        clock.go_to(time);
        clock
    }

    /// Goes on to a time; stays where it is if that has passed.
    pub(super) fn go_to(&self, time: Timestamp) {
        let behind = SystemClock.now().since(time).as_micros();
        let behind = u64::try_from(behind).unwrap_or(u64::MAX);
        self.behind_us.fetch_min(behind, Ordering::SeqCst);
    }

    /// Goes on to the present, and is the system's clock from then on.
    pub(super) fn catch_up(&self) {
        self.behind_us.store(0, Ordering::SeqCst);
    }
}

fn whole_seconds(time: Timestamp) -> Timestamp {
    let part = time.micros().rem_euclid(1_000_000).unsigned_abs();
    time.saturating_sub(Duration::from_micros(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_forward_until_it_is_the_systems_clock() {
        let day = Duration::from_hours(24);
        let start = whole_seconds(SystemClock.now());
        let slack = Duration::from_secs(60);
        let ago = |days: u32| start.saturating_sub(day * days);
        let clock = DemoClock::starting_at(ago(9));
        let shows = |days| {
            let (now, expected) = (clock.now(), ago(days));
            now >= expected && now.since(expected) < slack
        };
        assert!(shows(9));
        clock.go_to(ago(4));
        assert!(shows(4));
        clock.go_to(ago(7));
        assert!(shows(4));
        clock.catch_up();
        assert!(clock.now() >= start);
    }
}
