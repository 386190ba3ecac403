//! Alerts that the vendors were polled for.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::{IncidentId, Timestamp};

/// Minimum interval between two polls of one alert.
const POLL_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// Maximum number of alerts polled in one pass: vendors limit requests.
const MAX_POLLED: usize = 40;

/// The time of the last poll of each incident's alert.
#[derive(Debug, Default)]
pub(in crate::engine) struct PolledAlerts {
    asked: Mutex<BTreeMap<IncidentId, Timestamp>>,
    /// Held by the pass that polls.
    pub(in crate::engine) asking: futures_util::lock::Mutex<()>,
}

impl PolledAlerts {
    /// Returns the alerts to poll now, the longest unpolled first, and notes them as polled.
    /// Forgets alerts that are not open.
    pub(in crate::engine) fn due(&self, open: &[IncidentId], now: Timestamp) -> Vec<IncidentId> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.retain(|id, _| open.contains(id));
        let mut due: Vec<(Option<Timestamp>, IncidentId)> = open
            .iter()
            .map(|id| (asked.get(id).copied(), *id))
            .filter(|(last, _)| last.is_none_or(|last| now.since(last) >= POLL_INTERVAL))
            .collect();
        due.sort();
        due.truncate(MAX_POLLED);
        asked.extend(due.iter().map(|(_, id)| (*id, now)));
        due.into_iter().map(|(_, id)| id).collect()
    }

    /// Forgets the poll of an alert that failed, so that the next pass repeats it.
    pub(in crate::engine) fn again(&self, id: IncidentId) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.remove(&id);
    }
}
