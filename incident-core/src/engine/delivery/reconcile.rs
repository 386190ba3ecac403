//! What people did at the vendor, where the webhook that told of it was lost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};

use crate::engine::each::EachAlone;
use crate::engine::{Error, Incidents, WorkerHandle};
use crate::incident::{Incident, Outline};
use crate::paging::{AlertStatus, PagingState, VendorEvent, VendorEventKind};
use crate::port::PageCheck;
use crate::{IncidentId, Name, PersonName, Timestamp};

/// A webhook takes seconds; an alert younger than this is not asked about.
const SETTLED: Duration = Duration::from_secs(60);

/// How often one alert is asked about.
const POLL_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// Most alerts that one pass asks about: vendors count requests.
const MAX_POLLED: usize = 40;

/// How many are asked about at a time.
const MAX_CONCURRENT: usize = 4;

/// When each incident's alert was asked about last.
#[derive(Debug, Default)]
pub(in crate::engine) struct Reconciled {
    asked: Mutex<BTreeMap<IncidentId, Timestamp>>,
    /// Held by the pass that asks.
    asking: futures_util::lock::Mutex<()>,
}

impl Reconciled {
    /// Those that are to be asked about now, longest not asked first; forgets the
    /// rest.
    fn due(&self, open: &[IncidentId], now: Timestamp) -> Vec<IncidentId> {
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
    fn again(&self, id: IncidentId) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.remove(&id);
    }
}

impl WorkerHandle<'_> {
    /// Asks the vendors where the alerts of live incidents stand that nobody has
    /// here, and takes in what they tell as [`heed`](crate::engine::SignalsHandle::vendor_event) does. Call it
    /// about once a minute; the loop of `incident-pagers` does.
    ///
    /// Each alert is asked about every five minutes at most, and 40 in one pass.
    /// One pass runs at a time; a second call returns at once.
    ///
    /// # Errors
    /// The store did not answer. Each alert fails alone: all others were asked about.
    pub async fn reconcile(self) -> Result<(), Error> {
        self.0.on_relay().reconcile_here().await
    }
}

impl Incidents {
    async fn reconcile_here(&self) -> Result<(), Error> {
        if self.0.checks.is_empty() {
            return Ok(());
        }
        let Some(_asking) = self.0.reconciled.asking.try_lock() else {
            return Ok(());
        };
        let now = self.0.now();
        let live = self.live().await?;
        let open = live
            .iter()
            .filter(|one| self.asks_about(one, now).is_some());
        let open: Vec<IncidentId> = open.map(|one| one.id).collect();
        let due = self.0.reconciled.due(&open, now);
        let mut asked = stream::iter(due)
            .map(|id| async move { (id, self.reconcile_one(id).await) })
            .buffer_unordered(MAX_CONCURRENT);
        let mut each = EachAlone::default();
        while let Some((id, answer)) = asked.next().await {
            if each
                .note(id, "an alert could not be asked about", answer)
                .is_none()
            {
                self.0.reconciled.again(id);
            }
        }
        each.end()
    }

    /// Where the alert of an incident can be asked about, if something could have
    /// been missed.
    fn asks_about(&self, incident: &Outline, now: Timestamp) -> Option<&Arc<dyn PageCheck>> {
        let paging = &incident.paging;
        let settled = paging
            .accepted_at
            .is_some_and(|at| now.since(at) >= SETTLED);
        let wanted = !incident.is_acknowledged() || self.0.settings.inbound.resolve;
        let open = paging.state == PagingState::Accepted
            && paging.unconfirmed_at.is_none()
            && paging.closed_there_at.is_none()
            && incident.status.is_live();
        let target = paging
            .target
            .as_ref()
            .filter(|_| open && settled && wanted)?;
        let checks = &self.0.checks;
        checks.iter().find(|check| check.target_id() == *target)
    }

    async fn reconcile_one(&self, id: IncidentId) -> Result<(), Error> {
        let incident = self.get(id).await?;
        let Some(check) = self.asks_about(&Outline::of(&incident), self.0.now()) else {
            return Ok(());
        };
        let key = incident.dedup_key();
        let status = self.alert_status(check, &key).await;
        let (what, by) = match status {
            AlertStatus::Acknowledged(by) => (VendorEventKind::Acknowledged, by),
            AlertStatus::Closed(by) => (VendorEventKind::Resolved, by),
            AlertStatus::Merged => (VendorEventKind::Merged, None),
            AlertStatus::Open | AlertStatus::Unknown => return Ok(()),
        };
        // The webhook may have come while the vendor was asked. Whether this is
        // still the page that was asked about is judged in the commit.
        let now = self.get(id).await?;
        let known = self.asks_about(&Outline::of(&now), self.0.now()).is_none();
        if known || (what == VendorEventKind::Acknowledged && now.is_acknowledged()) {
            return Ok(());
        }
        let event = event_of(&incident, check.target_id().name(), what, by);
        self.ingest_for(&event, Some(incident.paging.epoch)).await?;
        Ok(())
    }
}

/// As if a webhook had told it. Its id is of this page and this moment: what was
/// taken in shows in the incident, so that it is not asked for again.
fn event_of(
    incident: &Incident,
    vendor: &str,
    what: VendorEventKind,
    by: Option<PersonName>,
) -> VendorEvent {
    let revision = incident.revision.0;
    VendorEvent {
        vendor: Name::made(vendor),
        event_id: Name::made(&format!("asked at revision {revision}")),
        dedup_key: Some(incident.dedup_key()),
        vendor_id: None,
        what,
        by,
        at: None,
        digest: [0; 32],
        echo: false,
    }
}
