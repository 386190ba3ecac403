//! The bounded number of days on which there are events.

use std::collections::BTreeSet;

use incident_core::impact::{ApiUsageEvent, MAX_DAYS};
use incident_core::port::UsageError;

use super::snapshot::size;
use super::state::UsageState;

/// Length of a day, in microseconds.
const DAY_US: i64 = 86_400_000_000;

/// Returns the days of UTC of a batch, by their number since 1970.
pub(super) fn days(batch: &[ApiUsageEvent]) -> BTreeSet<i64> {
    let mut days = BTreeSet::new();
    let mut last = None;
    for event in batch {
        let day = event.occurred_at.micros().div_euclid(DAY_US);
        if last.replace(day) != Some(day) {
            days.insert(day);
        }
    }
    days
}

impl UsageState {
    /// Checks that a source has room for the days of a batch.
    ///
    /// # Errors
    /// Returns [`UsageError::TooManyDays`] if there would be too many days in all.
    pub(super) fn has_room_for(&self, days: &BTreeSet<i64>) -> Result<(), UsageError> {
        let all = self.days.union(days).count();
        if all > MAX_DAYS.max(self.days.len()) {
            return Err(UsageError::TooManyDays {
                days: size(all),
                limit: size(MAX_DAYS),
            });
        }
        Ok(())
    }
}
