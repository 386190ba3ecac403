//! Checks of times that come from outside.

use std::time::Duration;

use crate::{Timestamp, ValidationError};

/// Maximum distance of a stated time ahead of our clock, as clocks differ. Hosts with NTP are
/// milliseconds apart, browsers and phones without it up to a minute.
pub(crate) const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// Checks that a stated time does not lie in the future.
pub(crate) fn not_future(
    field: &'static str,
    time: Timestamp,
    now: Timestamp,
) -> Result<(), ValidationError> {
    if time > now.saturating_add(CLOCK_TOLERANCE) {
        return Err(ValidationError::new(
            field,
            "a time that is not in the future",
        ));
    }
    Ok(())
}

/// Checks that a newly set ETA does not lie in the past.
pub(crate) fn eta_ahead(eta: Timestamp, now: Timestamp) -> Result<(), ValidationError> {
    if eta < now {
        return Err(ValidationError::new(
            "eta",
            "a time that is not in the past",
        ));
    }
    Ok(())
}
