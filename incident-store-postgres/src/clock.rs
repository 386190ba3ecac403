//! The clock of leases, and the conversion of the server's times to times of this process.

use std::sync::Arc;

use incident_core::Timestamp;
use incident_core::port::Clock;

/// The clock by which messages become due and leases expire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreClock {
    /// The server's clock. Processes with different clocks then agree on due messages and
    /// expired leases. Due times are shifted by the difference when they are written and read,
    /// so that the engine sees times of its own clock.
    #[default]
    Server,
    /// The caller's clock, as sent with each request: for tests that set a clock by hand.
    Caller,
}

/// The clock of this process if the server's clock decides; `None` if the caller's does.
#[derive(Clone, Debug)]
pub(crate) struct HostClock(pub(crate) Option<Arc<dyn Clock>>);

impl HostClock {
    /// Returns the time of this process; `None` if times are not converted.
    pub(crate) fn now(&self) -> Option<Timestamp> {
        self.0.as_ref().map(|clock| clock.now())
    }

    /// Returns the time to send with a statement: the caller's, or `None` if the server's clock
    /// decides.
    pub(crate) fn given(&self, callers: Timestamp) -> Option<Timestamp> {
        self.0.is_none().then_some(callers)
    }
}

/// Converts a time of the server's clock to the clock of this process. `here` and `there` are
/// the same moment on the two clocks.
pub(crate) fn to_host_time(
    time: Timestamp,
    here: Option<Timestamp>,
    there: Timestamp,
) -> Timestamp {
    let Some(here) = here else { return time };
    let ahead = there.micros().saturating_sub(here.micros());
    let micros = time.micros().saturating_sub(ahead);
    Timestamp::from_micros(micros).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_the_server_is_moved_by_how_far_it_is_ahead() {
        let at = |second: i64| Timestamp::from_micros(second * 1_000_000).unwrap();
        assert_eq!(to_host_time(at(100), Some(at(50)), at(60)), at(90));
        assert_eq!(to_host_time(at(100), Some(at(60)), at(50)), at(110));
        assert_eq!(to_host_time(at(100), None, at(50)), at(100));
    }
}
