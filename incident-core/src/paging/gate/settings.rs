//! What is known about a target beforehand, and when it counts as down.

use std::num::NonZeroU32;
use std::time::Duration;

/// What is known about a target beforehand, and when it counts as down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateSettings {
    /// Requests that the target takes in any minute from this process; none where that
    /// is not known. SEV3 and SEV4 use at most three quarters of it; SEV1 and SEV2 are
    /// counted and never held by it.
    pub per_minute: Option<NonZeroU32>,
    /// After so many failures in a row the target counts as down,
    pub failures: u32,
    /// if they lasted so long: a burst that went wrong together is one event. A
    /// refused key counts at once.
    pub failing_for: Duration,
    /// For how long SEV3 and SEV4 leave a target alone that is down. Doubled with every
    /// request that fails meanwhile.
    pub open_for: Duration,
    /// The longest time for which they leave it alone.
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
