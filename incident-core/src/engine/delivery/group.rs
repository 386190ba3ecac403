//! Coalescing: where there is no room for all, one alert stands for a service.

use std::sync::Arc;
use std::time::Duration;

use super::deliver::Delivery;
use super::outcome::DeliveryOutcome;
use crate::IncidentId;
use crate::engine::{Error, Incidents};
use crate::incident::Incident;
use crate::outbox::{Claim, JobOutcome};
use crate::paging::{PageAction, PageEvent, PagingState, Urgency};

/// About how often a page that waits behind another one is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(300);

impl Incidents {
    /// A page that informs was accepted: more of its services may wait behind it.
    pub(in crate::engine) fn record_open_alert(&self, incident: &Incident, page: &PageEvent) {
        if page.urgency != Urgency::Low || page.rule.is_some() {
            return;
        }
        for service in &incident.affected_services {
            self.inner.open_alerts.note(service, incident.id);
        }
    }

    /// The incident whose open alert stands for this page: it only informs, was
    /// never tried, and has found no room for as long as the policy says.
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

    /// Nothing is lost by it: the page stays in the outbox, and goes out when the
    /// alert it waits behind is over and its own incident is not.
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

/// Tells if a page wakes nobody and was never tried, so that it may wait behind another one.
fn only_informs(claim: &Claim, page: &PageEvent) -> bool {
    page.action == PageAction::Trigger
        && page.urgency == Urgency::Low
        && page.rule.is_none()
        && claim.message.log.iter().all(|entry| entry.attempts == 0)
}

/// Whether its alert is open, so that somebody looks at the service.
fn is_open(leader: &Incident) -> bool {
    let paging = &leader.paging;
    let open = paging.state == PagingState::Accepted && paging.closed_there_at.is_none();
    open && leader.status.is_live()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The alert of an incident stands for others of its service while it is open there and the
    /// incident goes on.
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
