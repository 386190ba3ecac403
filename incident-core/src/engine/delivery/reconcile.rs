//! Reconciliation with vendors: changes there whose webhook was lost.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};

use crate::engine::each::EachAlone;
use crate::engine::{Error, Incidents, WorkerHandle};
use crate::incident::{Incident, Outline};
use crate::paging::{AlertStatus, PagingState, VendorEvent, VendorEventKind};
use crate::port::PageCheck;
use crate::{IncidentId, Name, PersonName, Timestamp};

/// Minimum age of an alert that is polled: its webhook takes seconds.
const SETTLED: Duration = Duration::from_secs(60);

/// Maximum number of alerts that are polled at a time. The REST limits of a vendor are shared with
/// the people in its app, who need them more during an incident.
const MAX_CONCURRENT: usize = 4;

impl WorkerHandle<'_> {
    /// Polls the vendors for the alerts of live incidents, and ingests changes as
    /// [`vendor_event`](crate::engine::SignalsHandle::vendor_event) does. Call it about once a
    /// minute; the loop of `incident-pagers` does.
    ///
    /// Acknowledged incidents are polled only if vendors may resolve incidents. Each alert is
    /// polled every five minutes at most, and 40 in one pass. One pass runs at a time; a second
    /// call returns at once.
    ///
    /// # Errors
    /// Fails if the store did not answer. Each alert fails alone: all others were polled.
    pub async fn reconcile(self) -> Result<(), Error> {
        self.0.on_relay().reconcile_here().await
    }
}

impl Incidents {
    async fn reconcile_here(&self) -> Result<(), Error> {
        if self.inner.checks.is_empty() {
            return Ok(());
        }
        let Some(_asking) = self.inner.polled.asking.try_lock() else {
            return Ok(());
        };
        let now = self.inner.now();
        let live = self.live().await?;
        let open = live
            .iter()
            .filter(|one| self.asks_about(one, now).is_some());
        let open: Vec<IncidentId> = open.map(|one| one.id).collect();
        let due = self.inner.polled.due(&open, now);
        let mut asked = stream::iter(due)
            .map(|id| async move { (id, self.reconcile_one(id).await) })
            .buffer_unordered(MAX_CONCURRENT);
        let mut each = EachAlone::default();
        while let Some((id, answer)) = asked.next().await {
            if each
                .note(id, "could not check an alert at the vendor", answer)
                .is_none()
            {
                self.inner.polled.again(id);
            }
        }
        each.end()
    }

    /// Returns the check of the alert of an incident, if an event of it could have been lost.
    fn asks_about(&self, incident: &Outline, now: Timestamp) -> Option<&Arc<dyn PageCheck>> {
        let paging = &incident.paging;
        let settled = paging
            .accepted_at
            .is_some_and(|at| now.since(at) >= SETTLED);
        let wanted = !incident.is_acknowledged() || self.inner.settings.inbound.resolve;
        let open = paging.state == PagingState::Accepted
            && paging.unconfirmed_at.is_none()
            && paging.closed_there_at.is_none()
            && incident.status.is_live();
        let target = paging
            .target
            .as_ref()
            .filter(|_| open && settled && wanted)?;
        let checks = &self.inner.checks;
        checks.iter().find(|check| check.target_id() == *target)
    }

    async fn reconcile_one(&self, id: IncidentId) -> Result<(), Error> {
        let incident = self.get(id).await?;
        let Some(check) = self.asks_about(&Outline::of(&incident), self.inner.now()) else {
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
        // The webhook may have come during the poll. The commit checks that the page is still the
        // polled one.
        let now = self.get(id).await?;
        let known = self
            .asks_about(&Outline::of(&now), self.inner.now())
            .is_none();
        if known || (what == VendorEventKind::Acknowledged && now.is_acknowledged()) {
            return Ok(());
        }
        let event = event_of(&incident, check.target_id().name(), what, by);
        self.ingest_for(&event, Some(incident.paging.epoch)).await?;
        Ok(())
    }
}

/// Returns the event that a webhook would have reported. Its id is made of the incident's revision
/// at the poll; an applied event shows in the incident, so it is not polled again.
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
