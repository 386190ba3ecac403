//! Alerts that the vendors were asked about.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::{IncidentId, Timestamp};

/// How often one alert is asked about.
const POLL_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// Most alerts that one pass asks about: vendors count requests.
const MAX_POLLED: usize = 40;

/// When each incident's alert was asked about last.
#[derive(Debug, Default)]
pub(in crate::engine) struct PolledAlerts {
    asked: Mutex<BTreeMap<IncidentId, Timestamp>>,
    /// Held by the pass that asks.
    pub(in crate::engine) asking: futures_util::lock::Mutex<()>,
}

impl PolledAlerts {
    /// Those that are to be asked about now, longest not asked first; forgets the
    /// rest.
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

    /// It could not be asked about: the next pass does.
    pub(in crate::engine) fn again(&self, id: IncidentId) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.remove(&id);
    }
}
