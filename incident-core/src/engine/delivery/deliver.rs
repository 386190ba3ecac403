//! The delivery of one page, as a pipeline: stale? grouped? admit and send, bound the retry,
//! record.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::outcome::DeliveryOutcome;
use super::resend::is_stale_resend;
use crate::Timestamp;
use crate::engine::{Error, Incidents};
use crate::incident::{Incident, Severity};
use crate::outbox::{Claim, JobOutcome};
use crate::paging::{PageAction, PageEvent, PagingState};

/// A page on its way: the claimed message, and its incident as it was loaded for it.
pub(in crate::engine) struct Delivery<'a> {
    pub(in crate::engine) claim: &'a Claim,
    pub(in crate::engine) page: &'a PageEvent,
    pub(in crate::engine) incident: Arc<Incident>,
}

impl Incidents {
    /// Delivers a page as far as it goes now. `sent` is set before anything is sent.
    pub(in crate::engine) async fn deliver(
        &self,
        claim: &Claim,
        page: &PageEvent,
        sent: &AtomicBool,
    ) -> Result<(), Error> {
        let incident = self.get(page.incident_id).await?;
        let mut reworded = None;
        if incident.redacted_at.is_some() {
            // It may have been claimed before its texts were erased in the outbox.
            reworded.insert(page.clone()).reword(&incident);
        }
        let page = reworded.as_ref().unwrap_or(page);
        let delivery = Delivery {
            claim,
            page,
            incident,
        };
        if delivery.is_stale() {
            return self.record(&delivery, &DeliveryOutcome::cancelled()).await;
        }
        if let Some(covering) = self.covering_alert(&delivery).await? {
            return self.group_under(covering, &delivery).await;
        }
        let route = self.route_of(&delivery);
        let mut log = claim.message.log.clone();
        let mut outcome = self
            .try_next(claim, &mut log, page.pressing(), &route, |_| {
                sent.store(true, Ordering::Relaxed);
                page
            })
            .await;
        if page.is_resend {
            // A resend repeats what was delivered: one attempt is enough, whatever its outcome.
            outcome.outcome = JobOutcome::Done;
        }
        cap_superseded_retry(&delivery, &mut outcome.outcome, self.inner.now());
        outcome.overdue = self.overdue(&delivery, &mut outcome.outcome);
        let is_urgent = matches!(page.pressing(), Severity::Sev1 | Severity::Sev2);
        let is_probed = outcome.is_to_be_told() || is_urgent;
        if outcome.is_to_be_told() {
            self.record(&delivery, &outcome).await?;
        } else {
            self.reschedule(claim, outcome.outcome).await?;
        }
        if is_probed {
            self.probe(page, &route.targets, &log).await;
        }
        Ok(())
    }

    /// Returns how long the page has been undelivered, if an overdue alarm is due. If the alarm is
    /// due later, the message comes back by then.
    fn overdue(&self, delivery: &Delivery<'_>, outcome: &mut JobOutcome) -> Option<Duration> {
        let Delivery {
            claim,
            page,
            incident,
        } = delivery;
        let JobOutcome::Retry { due_at, .. } = outcome else {
            return None;
        };
        let paging = incident.paging_of(page.rule.as_ref())?;
        let said = paging.overdue_at.is_some() || page.epoch != paging.epoch;
        if said || page.action != PageAction::Trigger {
            return None;
        }
        let timeout = self.inner.settings.policy.accept_within(page.pressing())?;
        let (since, now) = (claim.message.committed_at, self.inner.now());
        let alarm_at = since.saturating_add(timeout);
        if alarm_at <= now {
            return Some(now.since(since));
        }
        *due_at = alarm_at.min(*due_at);
        None
    }
}

impl Delivery<'_> {
    /// Returns `true` if the page is a stale trigger or a stale resend.
    fn is_stale(&self) -> bool {
        let (incident, page) = (&self.incident, &self.page);
        match page.action {
            PageAction::Trigger => is_stale_trigger(incident, page),
            PageAction::Acknowledge | PageAction::Resolve | PageAction::Reprioritise => {
                page.is_resend && is_stale_resend(incident, page)
            }
        }
    }
}

/// Maximum time for which resolving an older page delays the page that follows it. In order is
/// better, as PagerDuty drops what comes after a resolution; but an open old alert only annoys,
/// and a page that never goes out is an incident without a person.
const MAX_HOLD_UP: Duration = Duration::from_secs(60);

/// Caps the retry of a message while a newer page of the incident waits behind it. An alert that
/// could not be resolved by then stays recorded as open, and is resolved with the newer one.
fn cap_superseded_retry(delivery: &Delivery<'_>, outcome: &mut JobOutcome, now: Timestamp) {
    let Delivery {
        claim,
        page,
        incident,
    } = delivery;
    let JobOutcome::Retry { due_at, .. } = outcome else {
        return;
    };
    let until = claim.message.committed_at.saturating_add(MAX_HOLD_UP);
    let newer_waits = incident
        .paging_of(page.rule.as_ref())
        .is_some_and(|paging| {
            let waits = matches!(paging.state, PagingState::Pending | PagingState::Failing);
            page.epoch < paging.epoch && waits
        });
    if page.action == PageAction::Trigger || !newer_waits {
        return;
    }
    if until <= now {
        tracing::warn!(incident.id = %page.incident_id, "an earlier page could not be resolved in time; sending the newer page anyway");
        *outcome = JobOutcome::Done;
    } else {
        *due_at = until.min(*due_at);
    }
}

/// Returns `true` if a trigger is stale: a newer page took its place, or it is an escalation of an
/// incident that ended.
fn is_stale_trigger(incident: &Incident, page: &PageEvent) -> bool {
    let newest = incident.paging_of(page.rule.as_ref());
    let older = newest.is_none_or(|paging| page.epoch < paging.epoch);
    older || (page.rule.is_some() && !incident.status.is_live())
}

#[cfg(test)]
mod tests;
