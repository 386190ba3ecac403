//! The clock by which messages are leased, and times of the server as times of this process.

use std::sync::Arc;

use incident_core::Timestamp;
use incident_core::port::Clock;

/// By which clock messages are due and leases run out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreClock {
    /// The server's. Processes whose clocks are apart then agree on what is due and whose
    /// lease ran out. Due times are moved by the difference when they are written and
    /// read, so that the engine sees those of its own clock.
    #[default]
    Server,
    /// That of the caller, as requests tell it: for tests that set a clock by hand.
    Caller,
}

/// The clock of this process, where the server's is the one that counts.
#[derive(Clone, Debug)]
pub(crate) struct HostClock(pub(crate) Option<Arc<dyn Clock>>);

impl HostClock {
    /// Returns the time here, where times are to be moved.
    pub(crate) fn now(&self) -> Option<Timestamp> {
        self.0.as_ref().map(|clock| clock.now())
    }

    /// Returns the time that a statement is given: that of the caller, or none where the
    /// server's counts.
    pub(crate) fn given(&self, callers: Timestamp) -> Option<Timestamp> {
        self.0.is_none().then_some(callers)
    }
}

/// Converts a time of the server's clock to one of this process: `here` and `there` are one
/// moment on both.
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
