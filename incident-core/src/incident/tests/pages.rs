//! Retries of pages, and pages because of a worse severity.

use super::{paged, with};
use crate::MessageId;
use crate::effect::{Effect, effects_of};
use crate::incident::page::retry;
use crate::incident::{
    Change, Event, Incident, Mode, Refusal, Retried, RetryOf, Severity, State, Status,
};
use crate::paging::{PageAction, Paging, PagingState};
use crate::policy::Policy;

fn given_up(action: PageAction, epoch: u32) -> RetryOf {
    RetryOf {
        message: MessageId::from_uuid(uuid::Uuid::from_u128(1)),
        of: Retried::Page {
            rule: None,
            action,
            epoch,
        },
    }
}

/// A notice is tried again whether the incident is active or has ended: whether its condition still holds is
/// seen when it is sent.
#[test]
fn a_notice_that_was_given_up_goes_out_again_unless_the_incident_was_cancelled() {
    let notice = RetryOf {
        message: MessageId::from_uuid(uuid::Uuid::from_u128(1)),
        of: Retried::Notice {
            rule: "sev1-declared".parse().unwrap(),
            group: "cto".parse().unwrap(),
        },
    };
    let (live, _) = paged();
    let over = with(super::resolved);
    let cancelled = with(|state| state.status = Status::Cancelled);
    for (incident, wanted) in [(&live, true), (&over, true), (&cancelled, false)] {
        let found = retry(incident, std::slice::from_ref(&notice));
        assert_eq!(found.is_ok(), wanted, "{found:?}");
    }
}

#[test]
fn what_was_given_up_goes_out_again_while_it_is_wanted() {
    let (live, _) = paged();
    let acknowledged = with(|state| state.paging.acknowledged = true);
    let over = with(super::resolved);
    for (incident, action, wanted) in [
        (&live, PageAction::Trigger, true),
        (&live, PageAction::Acknowledge, true),
        (&live, PageAction::Reprioritise, true),
        (&live, PageAction::Resolve, false),
        (&acknowledged, PageAction::Trigger, false),
        (&acknowledged, PageAction::Acknowledge, true),
        (&over, PageAction::Trigger, false),
        (&over, PageAction::Acknowledge, false),
        (&over, PageAction::Reprioritise, false),
        (&over, PageAction::Resolve, true),
    ] {
        let found = retry(incident, &[given_up(action, 1)]);
        assert_eq!(found.is_ok(), wanted, "{action:?}: {found:?}");
        // A message of another page is not.
        let found = retry(incident, &[given_up(action, 2)]);
        assert!(
            matches!(found, Err(Refusal::WrongState { .. })),
            "{found:?}"
        );
    }
}

/// Returns the effects of becoming a SEV1.
fn raised(change: impl FnOnce(&mut State)) -> Vec<Effect> {
    let before = with(|state| {
        state.severity = Severity::Sev3;
        change(state);
    });
    effects_of_severity(&before, Severity::Sev1)
}

fn effects_of_severity(before: &Incident, to: Severity) -> Vec<Effect> {
    let mut after = before.clone();
    after.state_mut().severity = to;
    let event = Event::Changed(Change::Severity(to));
    effects_of(&event, before, &after, &Policy::default())
}

#[test]
fn a_worse_incident_that_nobody_has_pages_anew() {
    let (_, now) = paged();
    let pages = |effects: &[Effect]| effects.contains(&Effect::Page);
    assert!(pages(&raised(|_| {})));
    assert!(pages(&raised(|state| state.paging = Paging::none())));
    assert!(!pages(&raised(|state| {
        state.acknowledged_at = Some(now);
        state.paging.acknowledged = true;
    })));
    assert!(!pages(&raised(super::resolved)));
    assert!(!pages(&raised(|state| state.mode = Mode::Drill)));
    // Its page woke someone already.
    let loud = with(|state| state.severity = Severity::Sev2);
    assert!(!pages(&effects_of_severity(&loud, Severity::Sev1)));
    // An incident that is over before or after wakes no one.
    let (live, _) = paged();
    let mut quiet = live.clone();
    quiet.state_mut().severity = Severity::Sev3;
    let mut over = live;
    over.state_mut().severity = Severity::Sev1;
    over.state_mut().status = Status::Resolved;
    let event = Event::Changed(Change::Severity(Severity::Sev1));
    assert!(!pages(&effects_of(
        &event,
        &quiet,
        &over,
        &Policy::default()
    )));
}

#[test]
fn a_raise_pages_where_the_policy_says_so() {
    let before = with(|state| state.severity = Severity::Sev3);
    let mut after = before.clone();
    after.state_mut().severity = Severity::Sev1;
    let event = Event::Changed(Change::Severity(Severity::Sev1));
    for (page, on_raise, pages) in [
        (true, true, true),
        (true, false, false),
        (false, true, false),
        (false, false, false),
    ] {
        let mut policy = Policy::default();
        policy.sev1.page = page;
        policy.sev1.page_on_raise = on_raise;
        let effects = effects_of(&event, &before, &after, &policy);
        assert_eq!(effects.contains(&Effect::Page), pages, "{page} {on_raise}");
    }
}

#[test]
fn vendors_hear_of_another_severity_while_their_alert_is_open() {
    let (live, _) = paged();
    let tell = |before: &Incident| {
        effects_of_severity(before, Severity::Sev3).contains(&Effect::Reprioritise)
    };
    assert!(tell(&live));
    let never = with(|state| state.paging.state = PagingState::None);
    assert!(!tell(&never));
}
