//! The history: what the public saw in the last days, by day.

use std::time::Duration;

use serde::Serialize;

use super::PageStatus;
use super::incident::PublicIncident;
use crate::Timestamp;
use crate::time::DAY_US;

/// Number of days of the history, the current one included.
pub const HISTORY_DAYS: u32 = 14;

const DAY: Duration = Duration::from_micros(DAY_US);

/// The live incidents and those that ended in the last days, as the public sees them.
///
/// Days are those of UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublicHistory {
    /// The overall state.
    pub status: PageStatus,
    /// Live incidents, worst impact first, then newest start; after them those that ended on one of
    /// the [`HISTORY_DAYS`], newest end first. Of equal ones the lower id is first.
    pub incidents: Vec<HistoryIncident>,
    /// Number of further incidents.
    pub incidents_omitted: u64,
}

/// An incident as the public sees it, with its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryIncident {
    /// The incident.
    #[serde(flatten)]
    pub incident: PublicIncident,
    /// Time at which it was resolved or cancelled; none while it is live.
    pub ended_at: Option<Timestamp>,
}

/// A day of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicDay<'a> {
    /// The first instant of the day, in UTC.
    pub start: Timestamp,
    /// The incidents that started on it, newest first. The oldest day also has those that started
    /// before it.
    pub incidents: Vec<&'a HistoryIncident>,
    /// Number of incidents of earlier days that had not ended when the day began.
    pub continued: usize,
}

impl PublicHistory {
    /// Lists the live incidents, worst impact first, then newest start.
    pub fn live(&self) -> impl Iterator<Item = &HistoryIncident> {
        self.incidents.iter().filter(|one| one.ended_at.is_none())
    }

    /// Groups the incidents by the day, in UTC, on which they started: every one of the
    /// [`HISTORY_DAYS`] up to `now`, newest first, also those without an incident.
    #[must_use]
    pub fn days(&self, now: Timestamp) -> Vec<PublicDay<'_>> {
        let oldest = history_since(now);
        let day_of = |one: &HistoryIncident| midnight(one.incident.started_at).max(oldest);
        let starts = (0..HISTORY_DAYS).map(|days| midnight(now).saturating_sub(DAY * days));
        let mut starts: Vec<Timestamp> = starts.collect();
        // There is no day before the first one of 1970.
        starts.dedup();
        let day = |start: Timestamp| {
            let of_day = self.incidents.iter().filter(|one| day_of(one) == start);
            let mut incidents: Vec<&HistoryIncident> = of_day.collect();
            incidents.sort_by_key(|one| std::cmp::Reverse(one.incident.started_at));
            let goes_on = |one: &&HistoryIncident| {
                day_of(one) < start && one.ended_at.is_none_or(|end| start < end)
            };
            PublicDay {
                start,
                incidents,
                continued: self.incidents.iter().filter(goes_on).count(),
            }
        };
        starts.into_iter().map(day).collect()
    }
}

/// Returns the start of the oldest day of the history at `now`, in UTC.
pub(super) fn history_since(now: Timestamp) -> Timestamp {
    midnight(now).saturating_sub(DAY * (HISTORY_DAYS - 1))
}

/// Returns the start of the day in UTC that a time lies in.
fn midnight(time: Timestamp) -> Timestamp {
    let since = time.since(Timestamp::MIN).as_micros() % u128::from(DAY_US);
    time.saturating_sub(Duration::from_micros(u64::try_from(since).unwrap_or(0)))
}
