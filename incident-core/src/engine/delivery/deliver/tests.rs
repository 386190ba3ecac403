use super::*;
use crate::incident::Status;
use crate::paging::{Escalation, PagingState};
use crate::testing::{a_claim, a_page, an_incident};

#[test]
fn a_trigger_is_over_when_a_newer_page_took_its_place_or_its_escalation_ended() {
    let (mut incident, actor, now) = an_incident();
    incident.state_mut().paging.epoch = 2;
    let rule: crate::RuleName = "manager".parse().unwrap();
    let mut escalation = Escalation {
        rule: rule.clone(),
        requested_at: now,
        requested_by: actor.name,
        paging: incident.paging.clone(),
    };
    escalation.paging.epoch = 2;
    incident.state_mut().escalations = vec![escalation];
    let page = |epoch, rule: Option<&crate::RuleName>| PageEvent {
        epoch,
        rule: rule.cloned(),
        ..a_page(PageAction::Trigger)
    };
    let other: crate::RuleName = "other".parse().unwrap();
    for (epoch, rule, live, ended) in [
        (1, None, true, true),
        (2, None, false, false),
        (3, None, false, false),
        (1, Some(&rule), true, true),
        (2, Some(&rule), false, true),
        (2, Some(&other), true, true),
    ] {
        let page = page(epoch, rule);
        assert_eq!(is_stale_trigger(&incident, &page), live, "{epoch} {rule:?}");
        let mut over = incident.clone();
        over.state_mut().status = Status::Resolved;
        assert_eq!(is_stale_trigger(&over, &page), ended, "{epoch} {rule:?}");
    }
}

/// The resolution of an older page comes back when the newer one may go, at the latest, and is
/// dropped then.
#[test]
fn an_older_page_holds_up_a_newer_one_for_a_minute_at_most() {
    let (mut incident, _, start) = an_incident();
    incident.state_mut().paging.epoch = 2;
    let at = |seconds| start.saturating_add(Duration::from_secs(seconds));
    let outcome = |incident: &Incident, action, epoch, now, due| {
        let page = PageEvent {
            epoch,
            ..a_page(action)
        };
        let claim = a_claim(page.clone());
        let mut outcome = JobOutcome::Retry {
            due_at: due,
            log: Vec::new(),
        };
        let delivery = Delivery {
            claim: &claim,
            page: &page,
            incident: Arc::new(incident.clone()),
        };
        cap_superseded_retry(&delivery, &mut outcome, now);
        let JobOutcome::Retry { due_at, .. } = outcome else {
            return None;
        };
        Some(due_at)
    };
    for (action, epoch, state, now, due, expected) in [
        (
            PageAction::Resolve,
            1,
            PagingState::Pending,
            10,
            300,
            Some(60),
        ),
        (
            PageAction::Resolve,
            1,
            PagingState::Failing,
            10,
            20,
            Some(20),
        ),
        (PageAction::Resolve, 1, PagingState::Failing, 60, 300, None),
        (
            PageAction::Resolve,
            1,
            PagingState::Failing,
            59,
            300,
            Some(60),
        ),
        (
            PageAction::Resolve,
            1,
            PagingState::Accepted,
            70,
            300,
            Some(300),
        ),
        (
            PageAction::Resolve,
            2,
            PagingState::Pending,
            70,
            300,
            Some(300),
        ),
        (
            PageAction::Trigger,
            1,
            PagingState::Pending,
            70,
            300,
            Some(300),
        ),
    ] {
        incident.state_mut().paging.state = state;
        let found = outcome(&incident, action, epoch, at(now), at(due));
        assert_eq!(
            found,
            expected.map(at),
            "{action:?} {epoch} {state:?} {now}"
        );
    }
}
