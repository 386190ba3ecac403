//! The choice of the incidents that fit on a public page.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::RESOLVED_STAYS;
use super::history::{HistoryIncident, PublicHistory, history_since};
use super::incident::{PublicIncident, PublicNames, is_shown, public_incident};
use super::page::{PAGE_INCIDENTS, PageStatus, PublicPage, fit};
use super::words::Indicator;
use crate::incident::Incident;
use crate::{IncidentId, PublicId, Timestamp};

/// The incidents that fit on a page, the number of those that do not, and the worst impact of all
/// live ones.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// Only incidents that are live or ended after this time.
    since: Timestamp,
    /// If `true`, incidents that ended come after the live ones, by their end.
    is_by_end: bool,
    incidents: Vec<Arc<Incident>>,
    omitted: u64,
    indicator: Indicator,
}

/// The order of the incidents of a page: for the history by the end, then by impact, start and id.
type SortKey = (
    Option<Reverse<Timestamp>>,
    Reverse<Indicator>,
    Reverse<Timestamp>,
    PublicId,
);

impl Chosen {
    /// Begins the choice for the page at `now`: what is live, and what ended in the last 24 hours.
    #[must_use]
    pub fn for_page(now: Timestamp) -> Self {
        Self {
            since: now.saturating_sub(RESOLVED_STAYS),
            is_by_end: false,
            incidents: Vec::new(),
            omitted: 0,
            indicator: Indicator::None,
        }
    }

    /// Begins the choice for the history at `now`: what is live, and what ended in the days that it
    /// covers.
    #[must_use]
    pub fn for_history(now: Timestamp) -> Self {
        Self {
            since: history_since(now),
            is_by_end: true,
            ..Self::for_page(now)
        }
    }

    /// Returns the time after which an incident must have ended unless it is live.
    #[must_use]
    pub const fn since(&self) -> Timestamp {
        self.since
    }

    /// Adds incidents. At most [`PAGE_INCIDENTS`] are stored; the others are counted.
    pub fn add(&mut self, found: impl IntoIterator<Item = Arc<Incident>>) {
        let since = self.since;
        for incident in found.into_iter().filter(|one| is_shown(one, since)) {
            if incident.status.is_live() {
                self.indicator = self.indicator.max(Indicator::of(incident.severity));
            }
            self.incidents.push(incident);
        }
        let is_by_end = self.is_by_end;
        self.incidents.sort_by_key(|one| sort_key(one, is_by_end));
        while self.incidents.len() > PAGE_INCIDENTS {
            self.incidents.pop();
            self.omitted += 1;
        }
    }

    /// Returns the ids of merged incidents whose updates the page also shows.
    #[must_use]
    pub fn sources(&self) -> BTreeSet<IncidentId> {
        let entries = self.incidents.iter().map(|incident| &incident.status_page);
        entries.flat_map(|entry| entry.merged.clone()).collect()
    }

    /// Builds the page. `sources` are the incidents that [`Chosen::sources`] names.
    #[must_use]
    pub fn page(&self, sources: &[Arc<Incident>], names: &PublicNames) -> PublicPage {
        let (_, incidents) = self.views(sources, names);
        PublicPage {
            status: PageStatus::of(self.indicator),
            incidents,
            incidents_omitted: self.omitted,
        }
    }

    /// Builds the history. `sources` are the incidents that [`Chosen::sources`] names.
    #[must_use]
    pub fn history(&self, sources: &[Arc<Incident>], names: &PublicNames) -> PublicHistory {
        let (ends, incidents) = self.views(sources, names);
        let both = ends.into_iter().zip(incidents);
        PublicHistory {
            status: PageStatus::of(self.indicator),
            incidents: both
                .map(|(ended_at, incident)| HistoryIncident { incident, ended_at })
                .collect(),
            incidents_omitted: self.omitted,
        }
    }

    /// Returns the ends and the public views of the incidents, in order and with the updates that
    /// fit.
    fn views(
        &self,
        sources: &[Arc<Incident>],
        names: &PublicNames,
    ) -> (Vec<Option<Timestamp>>, Vec<PublicIncident>) {
        let views = self.incidents.iter().filter_map(|one| {
            let view = public_incident(one, sources, names)?;
            Some((end(one), view))
        });
        let (ends, mut incidents): (Vec<_>, Vec<_>) = views.unzip();
        fit(&mut incidents);
        (ends, incidents)
    }
}

/// Returns the public view of one incident of any age, with the updates that fit on a page of its
/// own; nothing if it is not public, or was merged.
#[must_use]
pub fn single_incident(
    incident: &Incident,
    sources: &[Arc<Incident>],
    names: &PublicNames,
) -> Option<HistoryIncident> {
    let mut view = public_incident(incident, sources, names)?;
    fit(std::slice::from_mut(&mut view));
    Some(HistoryIncident {
        incident: view,
        ended_at: end(incident),
    })
}

/// Returns the time at which an incident ended, for the order of the page; none if it is live.
fn end(incident: &Incident) -> Option<Timestamp> {
    let ended = !incident.status.is_live();
    // An earlier version stored no time of a cancellation.
    ended.then(|| {
        let over = incident.over_at();
        over.unwrap_or(incident.status_page.changed_at)
    })
}

fn sort_key(incident: &Incident, is_by_end: bool) -> SortKey {
    (
        end(incident).filter(|_| is_by_end).map(Reverse),
        Reverse(Indicator::of(incident.severity)),
        Reverse(incident.started_at),
        incident.status_page.id,
    )
}
