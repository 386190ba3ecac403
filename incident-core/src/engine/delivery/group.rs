//! Grouping: if the rate limit has no room for all pages, one alert stands for a service.

use std::sync::Arc;
use std::time::Duration;

use super::deliver::Delivery;
use super::outcome::DeliveryOutcome;
use crate::IncidentId;
use crate::engine::{Error, Incidents};
use crate::incident::Incident;
use crate::outbox::{Claim, JobOutcome};
use crate::paging::{PageAction, PageEvent, PagingState, Urgency};

/// Approximate interval at which a grouped page is checked again.
const LOOK_AGAIN: Duration = Duration::from_secs(300);

impl Incidents {
    /// Records the alert of a low-urgency page that was accepted: pages of its services may be
    /// grouped under it.
    pub(in crate::engine) fn record_open_alert(&self, incident: &Incident, page: &PageEvent) {
        if page.urgency != Urgency::Low || page.rule.is_some() {
            return;
        }
        for service in &incident.affected_services {
            self.inner.open_alerts.note(service, incident.id);
        }
    }

    /// Returns the incident under whose open alert this page is grouped, if any. The page has low
    /// urgency, was never tried, and has waited for as long as the policy says.
    pub(in crate::engine) async fn covering_alert(
        &self,
        delivery: &Delivery<'_>,
    ) -> Result<Option<Arc<Incident>>, Error> {
        let Delivery {
            claim,
            page,
            incident,
        } = delivery;
        let after = self.inner.settings.policy.coalesce_after(page.severity);
        let waited = self.inner.now().since(claim.message.committed_at);
        if !only_informs(claim, page) || after.is_none_or(|after| waited < after) {
            return Ok(None);
        }
        for id in self.candidates(incident) {
            if let Some(leader) = self.find(id).await?.filter(|one| is_open(one)) {
                return Ok(Some(leader));
            }
        }
        Ok(None)
    }

    fn candidates(&self, incident: &Incident) -> Vec<IncidentId> {
        let leaders = self.inner.open_alerts.lock();
        let services = incident.affected_services.iter();
        let known = services.filter_map(|service| leaders.get(service).copied());
        known.filter(|id| *id != incident.id).collect()
    }

    /// Groups a page under the alert of another incident. The page is not lost: it stays in the
    /// outbox, and goes out if that alert ends before its own incident.
    pub(in crate::engine) async fn group_under(
        &self,
        leader: Arc<Incident>,
        delivery: &Delivery<'_>,
    ) -> Result<(), Error> {
        let claim = delivery.claim;
        let jitter = Duration::from_secs(claim.jitter_seed() % 60);
        let outcome = JobOutcome::Retry {
            due_at: self.inner.now().saturating_add(LOOK_AGAIN + jitter),
            log: claim.message.log.clone(),
        };
        if delivery.incident.paging.waits_behind == Some(leader.id) {
            return self.reschedule(claim, outcome).await;
        }
        let outcome = DeliveryOutcome {
            attempt: None,
            outcome,
            overdue: None,
            behind: Some(leader),
        };
        self.record(delivery, &outcome).await
    }
}

/// Returns `true` if a page has low urgency and was never tried, so that it may be grouped.
fn only_informs(claim: &Claim, page: &PageEvent) -> bool {
    page.action == PageAction::Trigger
        && page.urgency == Urgency::Low
        && page.rule.is_none()
        && claim.message.log.iter().all(|entry| entry.attempts == 0)
}

/// Returns `true` if the incident is live and its alert is open.
fn is_open(leader: &Incident) -> bool {
    let paging = &leader.paging;
    let open = paging.state == PagingState::Accepted && paging.closed_there_at.is_none();
    open && leader.status.is_live()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The alert of an incident stands for others of its service while it is open and the incident
    /// is live.
    #[test]
    fn an_alert_is_open_until_it_is_closed_or_its_incident_ends() {
        let (incident, _, now) = crate::testing::an_incident();
        let with = |change: &dyn Fn(&mut Incident)| {
            let mut one = incident.clone();
            one.state_mut().paging.state = PagingState::Accepted;
            change(&mut one);
            is_open(&one)
        };
        assert!(with(&|_| ()));
        assert!(!with(
            &|one| one.state_mut().paging.state = PagingState::Pending
        ));
        assert!(!with(
            &|one| one.state_mut().paging.closed_there_at = Some(now)
        ));
        assert!(!with(
            &|one| one.state_mut().status = crate::incident::Status::Resolved
        ));
    }

    #[test]
    fn only_a_page_that_informs_and_was_never_tried_waits_behind_another_one() {
        let calm = |action, urgency, rule: Option<&str>, attempts| {
            let page = PageEvent {
                urgency,
                rule: rule.map(|rule| rule.parse().unwrap()),
                ..crate::testing::a_page(action)
            };
            let mut claim = crate::testing::a_claim(page.clone());
            let tried = claim.message.committed_at;
            claim.message.log = vec![crate::paging::DeliveryLog {
                target: crate::paging::TargetId::new("pagerduty").unwrap(),
                attempts,
                first_at: tried,
                unknown_since: None,
                last: crate::paging::LastResult::Unknown,
                not_before: tried,
                held_until: None,
            }];
            only_informs(&claim, &page)
        };
        let (trigger, resolve) = (PageAction::Trigger, PageAction::Resolve);
        assert!(calm(trigger, Urgency::Low, None, 0));
        assert!(!calm(resolve, Urgency::Low, None, 0));
        assert!(!calm(trigger, Urgency::High, None, 0));
        assert!(!calm(trigger, Urgency::Low, Some("manager"), 0));
        assert!(!calm(trigger, Urgency::Low, None, 1));
    }
}
