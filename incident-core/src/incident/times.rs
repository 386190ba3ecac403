//! Checks of times that come from outside.

use std::time::Duration;

use crate::{Timestamp, ValidationError};

/// How far a stated time may lie ahead of our clock: clocks differ.
pub(crate) const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// A stated time must not lie in the future.
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

/// A newly set ETA must not lie in the past.
pub(crate) fn eta_ahead(eta: Timestamp, now: Timestamp) -> Result<(), ValidationError> {
    if eta < now {
        return Err(ValidationError::new(
            "eta",
            "a time that is not in the past",
        ));
    }
    Ok(())
}
