//! Settings of a gate: the known rate of a target, and the thresholds of its breaker.

use std::num::NonZeroU32;
use std::time::Duration;

/// Settings of a gate: the known rate of a target, and the thresholds of its breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateSettings {
    /// Maximum number of requests in any minute from this process; none if it is not known.
    /// SEV3 and SEV4 use at most three quarters of it; SEV1 and SEV2 are counted and never held
    /// by it.
    pub per_minute: Option<NonZeroU32>,
    /// Number of consecutive failures that opens the breaker, if they last for
    /// [`failing_for`](Self::failing_for). A refused key opens it at once.
    pub failures: u32,
    /// Minimum time between the first and the last of these failures, so that a burst of
    /// simultaneous failures counts as one event.
    pub failing_for: Duration,
    /// Time for which SEV3 and SEV4 send nothing to a target that is down. It doubles with each
    /// request that fails meanwhile.
    pub open_for: Duration,
    /// Maximum of that time.
    pub open_at_most: Duration,
}

impl Default for GateSettings {
    fn default() -> Self {
        Self {
            per_minute: None,
            failures: 5,
            failing_for: Duration::from_secs(5),
            open_for: Duration::from_secs(5),
            open_at_most: Duration::from_secs(15),
        }
    }
}
