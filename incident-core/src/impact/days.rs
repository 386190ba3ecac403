//! Days on which usage events lie.

use std::collections::BTreeSet;

use crate::{Timestamp, ValidationError};

/// Maximum number of days (of UTC) in the events of one request, as stores hold events by day.
pub const MAX_DAYS_AT_ONCE: usize = 400;

/// Default maximum number of distinct days of all events that a source stores, whatever their
/// dates.
pub const MAX_DAYS: usize = 4_000;

/// Microseconds in one day.
const DAY_US: i64 = 86_400_000_000;

/// The days in the events of a request.
#[derive(Clone, Debug, Default)]
pub struct UsageDays {
    days: BTreeSet<i64>,
    /// The day of the event before, mostly the next one's too.
    last: Option<i64>,
}

impl UsageDays {
    /// Adds the day of an event.
    ///
    /// # Errors
    /// Fails if it would be one day more than [`MAX_DAYS_AT_ONCE`].
    pub fn add(&mut self, occurred_at: Timestamp) -> Result<(), ValidationError> {
        let day = occurred_at.micros().div_euclid(DAY_US);
        if self.last.replace(day) == Some(day) {
            return Ok(());
        }
        self.days.insert(day);
        if self.days.len() > MAX_DAYS_AT_ONCE {
            self.days.remove(&day);
            self.last = None;
            let expected = format!("events of at most {MAX_DAYS_AT_ONCE} days per request");
            return Err(ValidationError::new("occurred_at", expected));
        }
        Ok(())
    }

    /// Lists the days by their number since 1970, ascending.
    pub fn numbers(&self) -> impl Iterator<Item = i64> + '_ {
        self.days.iter().copied()
    }
}
