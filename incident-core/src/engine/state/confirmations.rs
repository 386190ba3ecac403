//! Pages that were accepted and whose alert was not seen yet.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::{IncidentId, Timestamp};

/// Interval at which a process loads pages that others sent.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Maximum number of pages that are polled in turn.
const MAX_PAGES: usize = 10_000;

/// The pages that were accepted and not confirmed.
#[derive(Debug, Default)]
pub(in crate::engine) struct Unconfirmed {
    pub(in crate::engine) waiting: Mutex<PendingConfirmations>,
    /// Held by the pass that polls, so that the next one does not repeat its requests at a slow
    /// vendor.
    pub(in crate::engine) asking: futures_util::lock::Mutex<()>,
}

#[derive(Debug, Default)]
pub(in crate::engine) struct PendingConfirmations {
    /// The time at which pages of other processes were loaded last.
    pub(in crate::engine) swept: Option<Timestamp>,
    /// Pages whose alert cannot be found out, by the time of their acceptance; they are not polled
    /// again.
    pub(in crate::engine) unknowable: BTreeMap<IncidentId, Option<Timestamp>>,
    /// The number of polls of each page, and the time of the next one. The pages of an incident
    /// have an entry each: while one is polled, the next may be accepted.
    pub(in crate::engine) pages: BTreeMap<(IncidentId, u32), (u32, Timestamp)>,
}

impl Unconfirmed {
    pub(in crate::engine) fn lock(&self) -> MutexGuard<'_, PendingConfirmations> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a page, by its incident and epoch.
    pub(in crate::engine) fn add(&self, page: (IncidentId, u32), due: Timestamp) {
        let mut waiting = self.lock();
        // Pages that there is no room for are loaded later.
        if waiting.pages.len() < MAX_PAGES || waiting.pages.contains_key(&page) {
            waiting.pages.entry(page).or_insert((0, due));
        }
    }

    /// Returns `true` if pages of other processes are due to be loaded; a clock that went back does
    /// not defer it.
    pub(in crate::engine) fn is_to_be_swept(&self, now: Timestamp) -> bool {
        let last = self.lock().swept;
        last.is_none_or(|last| now < last || now.since(last) >= SWEEP_EVERY)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn so_many_accepted_pages_are_asked_about() {
        let unconfirmed = Unconfirmed::default();
        let (_, _, now) = crate::testing::an_incident();
        for n in 0..=u64::try_from(MAX_PAGES).unwrap() {
            let id = IncidentId::from_uuid(Uuid::from_u64_pair(7 << 12, n));
            unconfirmed.add((id, 1), now);
        }
        assert_eq!(unconfirmed.lock().pages.len(), MAX_PAGES);
    }

    #[test]
    fn pages_of_others_are_looked_for_once_a_minute_by_any_clock() {
        let unconfirmed = Unconfirmed::default();
        let start: Timestamp = "2026-11-20T22:00:00Z".parse().unwrap();
        assert!(unconfirmed.is_to_be_swept(start));
        unconfirmed.lock().swept = Some(start);
        for (seconds, due) in [
            (0, false),
            (1, false),
            (59, false),
            (60, true),
            (3_600, true),
        ] {
            let now = start.saturating_add(Duration::from_secs(seconds));
            assert_eq!(unconfirmed.is_to_be_swept(now), due, "{seconds}");
        }
        let before = start.saturating_sub(Duration::from_secs(1));
        assert!(unconfirmed.is_to_be_swept(before), "the clock went back");
    }
}
