//! Confirmation of accepted pages: their targets are polled until the alert is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};

use super::returned::is_unreadable;
use crate::audit::AuditDraft;
use crate::commit::{Commit, IncidentWrite};
use crate::engine::each::EachAlone;
use crate::engine::{Alarm, EngineEvent, Error, Incidents, WorkerHandle};
use crate::incident::{Incident, Status};
use crate::paging::{Backoff, Confirmation, PageAction, PageEvent, Paging, PagingState, Receipt};
use crate::port::{PageCheck, StoreError};
use crate::timeline::{EntryDraft, EntryKind};
use crate::{IncidentId, Text, Timestamp};

/// Time within which an alert must appear. Vendors process what they accepted within seconds, but
/// behind a storm their queues are minutes long; an alarm at each of these would be ignored.
const WITHIN: Duration = Duration::from_secs(120);

/// Time after its acceptance in which a page is still polled by a process that did not send it.
const SWEEP: Duration = Duration::from_secs(60 * 60);

/// Time for which a page is left to the process that sent it: it asks within
/// seconds, and a second process that asks too would double the requests at the vendor.
const SENDER_FIRST: Duration = Duration::from_secs(60);

/// The waits between two polls of a page.
const ASKING: Backoff = Backoff {
    first: Duration::from_secs(2),
    cap: Duration::from_secs(30),
};

/// Maximum number of pages that are polled at a time.
const MAX_CONCURRENT: usize = 8;

impl WorkerHandle<'_> {
    /// Polls every page that was accepted and whose alert was not seen yet. Call it every few
    /// seconds; the loop of `incident-pagers` does.
    ///
    /// A page whose alert is not there after two minutes, or that opened none according to the
    /// vendor, raises [`Alarm::PageUnconfirmed`]. Once a minute the pages of other processes are
    /// loaded too: one of those may be gone. One pass runs at a time; a second call returns at
    /// once.
    ///
    /// # Errors
    /// Fails if the store did not answer. Each page fails alone: all others were polled.
    pub async fn confirm(self) -> Result<(), Error> {
        self.0.on_relay().confirm_here().await
    }
}

impl Incidents {
    /// Tracks an accepted page until it is confirmed, if its target can be polled.
    pub(in crate::engine) fn track_confirmation(&self, incident: &Incident) {
        let paging = &incident.paging;
        if self.check_of(paging, incident.status).is_some() {
            let due = self.inner.now().saturating_add(ASKING.first);
            let unconfirmed = &self.inner.unconfirmed;
            unconfirmed.add((incident.id, paging.epoch), due);
        }
    }

    /// Returns the check of the page of an incident, if its alert still has to be confirmed.
    fn check_of(&self, paging: &Paging, status: Status) -> Option<&Arc<dyn PageCheck>> {
        let open = paging.state == PagingState::Accepted
            && paging.confirmed_at.is_none()
            && paging.unconfirmed_at.is_none()
            && !paging.acknowledged
            && status.is_live();
        let target = paging.target.as_ref().filter(|_| open)?;
        let checks = &self.inner.checks;
        checks.iter().find(|check| check.target_id() == *target)
    }

    async fn confirm_here(&self) -> Result<(), Error> {
        if self.inner.checks.is_empty() {
            return Ok(());
        }
        let Some(_asking) = self.inner.unconfirmed.asking.try_lock() else {
            return Ok(());
        };
        let (mut each, now) = (EachAlone::default(), self.inner.now());
        if self.inner.unconfirmed.is_to_be_swept(now) {
            let swept = self.load_unconfirmed(now).await;
            each.note("all", "could not list accepted pages", swept);
        }
        let due: Vec<(IncidentId, u32)> = {
            let waiting = self.inner.unconfirmed.lock();
            let due = waiting.pages.iter().filter(|(_, (_, due))| *due <= now);
            due.map(|(page, _)| *page).collect()
        };
        let mut asked = stream::iter(due)
            .map(|page| async move { (page, self.poll_confirmation(page).await) })
            .buffer_unordered(MAX_CONCURRENT);
        while let Some((page, answer)) = asked.next().await {
            // An incident that is gone, or cannot be read, is not polled again.
            let hopeless = matches!(&answer, Err(Error::NotFound(_)))
                || answer.as_ref().is_err_and(is_unreadable);
            let over = each.note(
                page.0,
                "could not check whether an accepted page opened an alert",
                answer,
            );
            if hopeless || over == Some(true) {
                self.inner.unconfirmed.lock().pages.remove(&page);
            }
        }
        each.end()
    }

    /// Loads pages that another process sent and may be unable to poll. The sender polls first; the
    /// others leave it some time.
    async fn load_unconfirmed(&self, now: Timestamp) -> Result<(), Error> {
        let live = self.live().await?;
        let mut seen = BTreeSet::new();
        for incident in live {
            seen.insert(incident.id);
            let accepted = incident.paging.accepted_at;
            let Some(at) = accepted.filter(|at| now.since(*at) < SWEEP) else {
                continue;
            };
            let unknowable = self
                .inner
                .unconfirmed
                .lock()
                .unknowable
                .get(&incident.id)
                .copied();
            let check = self.check_of(&incident.paging, incident.status);
            if unknowable != Some(accepted) && check.is_some() {
                let due = at.saturating_add(SENDER_FIRST).max(now);
                let page = (incident.id, incident.paging.epoch);
                self.inner.unconfirmed.add(page, due);
            }
        }
        let mut waiting = self.inner.unconfirmed.lock();
        waiting.unknowable.retain(|id, _| seen.contains(id));
        waiting.swept = Some(now);
        Ok(())
    }

    /// Polls a page once. Returns `true` if it needs no further poll.
    async fn poll_confirmation(&self, (id, epoch): (IncidentId, u32)) -> Result<bool, Error> {
        let incident = self.get(id).await?;
        if incident.paging.epoch != epoch {
            return Ok(true);
        }
        let Some(check) = self.check_of(&incident.paging, incident.status) else {
            return Ok(true);
        };
        let receipt = incident.paging.receipt.clone().unwrap_or_default();
        let page = self
            .inner
            .page_event(&incident, None, PageAction::Trigger, self.inner.now());
        let answer = self.check_page(check, &page, &receipt).await;
        let now = self.inner.now();
        let accepted = incident.paging.accepted_at.unwrap_or(now);
        let late = now.since(accepted) >= WITHIN;
        match answer {
            Confirmation::Opened => self.note_confirmation(&page, &receipt, true).await?,
            Confirmation::NotOpened => self.note_confirmation(&page, &receipt, false).await?,
            Confirmation::NotYet if late => {
                self.note_confirmation(&page, &receipt, false).await?;
            }
            // The state of the alert is unknown, and an alarm each time a vendor's query API is
            // away would help no one.
            Confirmation::Unknown if late => {
                tracing::warn!(incident.id = %id, "it is unknown whether a page opened an alert");
                let mut waiting = self.inner.unconfirmed.lock();
                waiting.unknowable.insert(id, incident.paging.accepted_at);
            }
            Confirmation::NotYet | Confirmation::Unknown => {
                let mut waiting = self.inner.unconfirmed.lock();
                if let Some((asked, due)) = waiting.pages.get_mut(&(id, epoch)) {
                    *asked += 1;
                    let seed = id.uuid().as_u64_pair().1;
                    let wait = now.saturating_add(ASKING.wait(*asked, seed));
                    // The last poll is when the time is over.
                    *due = wait.min(accepted.saturating_add(WITHIN));
                }
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Records what the vendor reported, unless the page that it is about is over.
    async fn note_confirmation(
        &self,
        page: &PageEvent,
        receipt: &Receipt,
        opened: bool,
    ) -> Result<(), Error> {
        loop {
            let before = self.get(page.incident_id).await?;
            let same = before.paging.receipt.clone().unwrap_or_default() == *receipt;
            let over = self.check_of(&before.paging, before.status).is_none();
            if over || before.paging.epoch != page.epoch || !same {
                return Ok(());
            }
            let now = self.inner.now().max(before.last_recorded_at);
            let mut after = Incident::clone(&before);
            let (mut drafts, mut audit) = (Vec::new(), Vec::new());
            if opened {
                after.state_mut().paging.confirmed_at = Some(now);
            } else {
                after.state_mut().paging.unconfirmed_at = Some(now);
                let target = before.paging.target.as_ref();
                let target = target.map_or("the pager", |target| target.name());
                let text = format!(
                    "no one may have been notified: {target} accepted the page but opened no alert"
                );
                let by = super::outcome::pager_actor(target);
                let detail = BTreeMap::from([("epoch".to_owned(), page.epoch.to_string())]);
                let (actor, id) = (by.clone(), Some(before.id));
                let action = "page_unconfirmed";
                audit.push(AuditDraft::allowed(actor, now, id, action, detail));
                let draft = EntryDraft::new(EntryKind::PageOutcome, by, now, Text::cut(&text));
                after.count_entry(&draft);
                drafts.push(draft);
            }
            after.state_mut().revision = before.revision.next();
            let (expected, salt) = (Some(before.revision), || self.inner.ids.salt());
            let write = IncidentWrite::new(Arc::new(after), expected, drafts, salt);
            let commit = Commit {
                writes: vec![write.map_err(StoreError::from)?],
                audit,
                ..Commit::default()
            };
            let timeout = self.inner.settings.store_deadline;
            match self.store.commit(commit, timeout).await {
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => {
                    self.inner.emit(&EngineEvent {
                        incidents: vec![before.id],
                        alarm: (!opened).then(|| unconfirmed(&before)).flatten(),
                        ..EngineEvent::default()
                    });
                    return Ok(());
                }
            }
        }
    }
}

fn unconfirmed(incident: &Incident) -> Option<Alarm> {
    let target = incident.paging.target.clone()?;
    tracing::error!(incident.id = %incident.id, %target, "a pager accepted a page but opened no alert: no one may have been notified");
    Some(Alarm::PageUnconfirmed {
        incident_id: incident.id,
        target,
    })
}
