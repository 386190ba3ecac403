use std::time::Duration;

use super::{name, paged, with};
use crate::effect::{Effect, effects_of};
use crate::incident::alert::AlertRepeated;
use crate::incident::{
    CancelReason, Ending, Escalation, Event, Incident, Mode, Scope, Severity, State, Status,
    Transition, Updated,
};
use crate::outbox::MessageBody;
use crate::paging::{FailoverPolicy, PageAction, Paging, PagingState, TargetId, test_key};
use crate::policy::Policy;
use crate::testing::a_page;
use crate::timeline::EntryKind;
use crate::{Statement, Text, Timestamp, Title};

#[test]
fn somebody_has_it_until_it_pages_again() {
    let taken = |epoch: u32, acknowledged: bool, at: Option<Timestamp>| {
        let incident = with(|state| {
            state.acknowledged_at = at;
            state.paging.epoch = epoch;
            state.paging.acknowledged = acknowledged;
        });
        incident.is_acknowledged()
    };
    let (_, now) = paged();
    assert!(!taken(1, false, None));
    assert!(!taken(1, false, Some(now)));
    assert!(taken(1, true, Some(now)));
    // Never paged.
    assert!(taken(0, false, Some(now)));
    assert!(!taken(0, false, None));
}

#[test]
fn what_does_not_count_says_why() {
    let excluded = |change: &dyn Fn(&mut State)| with(|state| change(state)).excluded();
    assert_eq!(excluded(&|_| {}), None);
    for (why, change) in [
        (
            "drill",
            &(|state: &mut State| state.mode = Mode::Drill) as &dyn Fn(&mut State),
        ),
        ("staging", &|state| state.environment = name("staging")),
        ("cancelled", &|state| {
            state.ending = Some(Ending::Cancelled(CancelReason::External))
        }),
        ("merged", &|state| {
            state.ending = Some(Ending::MergedInto(state.id))
        }),
    ] {
        assert_eq!(excluded(change).as_deref(), Some(why));
    }
}

#[test]
fn names_are_those_of_the_wire() {
    for mode in [Mode::Live, Mode::Retrospective, Mode::Drill] {
        assert_eq!(serde_json::to_value(mode).unwrap(), mode.name());
    }
    for scope in [Scope::All, Scope::Regions, Scope::Segments] {
        assert_eq!(serde_json::to_value(scope).unwrap(), scope.name());
    }
}

#[test]
fn a_frozen_page_gets_the_words_of_now() {
    let (mut incident, _) = paged();
    incident.state_mut().title = Title::new("[redacted]").unwrap();
    incident.state_mut().summary = Text::default();
    let mut body = MessageBody::Page(a_page(PageAction::Trigger));
    body.redact(&incident);
    assert_eq!(body.kind(), "page");
    let MessageBody::Page(page) = body else {
        panic!("no page");
    };
    assert_eq!(
        (page.title.as_str(), page.summary.as_str()),
        ("[redacted]", "")
    );
}

#[test]
fn pages_follow_each_other_with_what_they_may_have_left_open() {
    let (_, now) = paged();
    let mut first = Paging::pending(1, now);
    assert_eq!(
        (first.epoch, first.begun_at, first.was_begun()),
        (1, Some(now), true)
    );
    first.touched = vec![TargetId::new("pagerduty").unwrap()];
    first.possible_double_wakes = 2;
    let later = now.saturating_add(Duration::from_secs(60));
    let second = first.next(later);
    assert_eq!((second.epoch, second.begun_at), (2, Some(later)));
    assert_eq!((second.touched.len(), second.possible_double_wakes), (1, 2));
    for (state, begun) in [
        (PagingState::None, false),
        (PagingState::Superseded, false),
        (PagingState::Accepted, true),
        (PagingState::GivenUp, true),
    ] {
        assert_eq!(
            Paging {
                state,
                ..first.clone()
            }
            .was_begun(),
            begun,
            "{state:?}"
        );
    }
}

#[test]
fn what_wakes_people_waits_two_seconds_at_most() {
    assert_eq!(
        FailoverPolicy::high_urgency().backoff.cap,
        Duration::from_secs(2)
    );
    let target = TargetId::new("pagerduty").unwrap();
    assert_eq!(test_key(&target), "sys-pager-test:pagerduty");
}

fn updated(from: Status, to: Status) -> Event {
    Event::Updated(Box::new(Updated {
        kind: EntryKind::Update,
        message: Statement::new("x").unwrap(),
        reason: None,
        occurred_at: paged().1,
        transition: Some(Transition {
            from,
            to,
            ending: None,
        }),
        changes: Vec::new(),
        comms_sent: None,
        public_message: None,
        corrects: None,
    }))
}

fn effects(event: &Event, before: &Incident, after: &Incident) -> Vec<Effect> {
    effects_of(event, before, after, &Policy::default())
}

#[test]
fn an_end_calls_off_every_page_that_was_begun() {
    let escalated = |state: PagingState| Escalation {
        rule: "management".parse().unwrap(),
        requested_at: paged().1,
        requested_by: crate::PersonName::new("anna").unwrap(),
        paging: Paging {
            state,
            ..Paging::pending(1, paged().1)
        },
    };
    let before = with(|state| {
        state.escalations = vec![escalated(PagingState::Accepted)];
    });
    let mut after = before.clone();
    after.state_mut().status = Status::Resolved;
    let event = updated(Status::Investigating, Status::Resolved);
    let expected = [
        Effect::NotifyTargets(PageAction::Resolve),
        Effect::CallOffEscalation("management".parse().unwrap()),
        Effect::RecomputeCredits,
    ];
    assert_eq!(effects(&event, &before, &after), expected);
    let never = with(|state| {
        state.paging = Paging::none();
        state.escalations = vec![escalated(PagingState::None)];
    });
    let mut after = never.clone();
    after.state_mut().status = Status::Resolved;
    assert_eq!(effects(&event, &never, &after), [Effect::RecomputeCredits]);
}

#[test]
fn a_repeat_pages_once_where_it_has_to() {
    let repeated = |pages| {
        Event::AlertRepeated(AlertRepeated {
            key: name("cpu"),
            count: 2,
            raised: None,
            noted: true,
            pages,
        })
    };
    let (incident, _) = paged();
    assert_eq!(
        effects(&repeated(true), &incident, &incident),
        [Effect::Page]
    );
    assert_eq!(effects(&repeated(false), &incident, &incident), []);
    assert!(repeated(true).raises_version());
    assert!(!repeated(false).raises_version());
    // A repeat that raises the severity pages because of that, and not twice.
    let informs = with(|state| {
        state.severity = Severity::Sev3;
    });
    let mut worse = informs.clone();
    worse.state_mut().severity = Severity::Sev1;
    let found = effects(&repeated(true), &informs, &worse);
    assert_eq!(
        found,
        [Effect::NotifyTargets(PageAction::Resolve), Effect::Page]
    );
}

#[test]
fn only_a_reopening_begins_another_outage() {
    let policy = Policy::default();
    let start = |state: &mut State| state.resolved_at = Some(state.declared_at);
    let mut reopened = with(|state| {
        start(state);
        state.status = Status::Resolved;
    });
    let now = paged().1;
    reopened.apply(
        &updated(Status::Resolved, Status::Investigating),
        2,
        now,
        &policy,
    );
    assert!(reopened.reopened_at.is_some() && reopened.resolved_at.is_none());
    let mut back = with(|state| state.status = Status::Mitigated);
    back.apply(
        &updated(Status::Mitigated, Status::Investigating),
        2,
        now,
        &policy,
    );
    assert_eq!(back.reopened_at, None);
}

#[test]
fn only_what_is_urgent_or_unended_passes_by_paging() {
    use crate::actor::Action;
    use crate::incident::Declare;
    use crate::incident::declare::rights_for_declare;
    let needs = |asked: &Declare| rights_for_declare(asked).contains(&Action::DeclareUnpaged);
    let asked = super::asked();
    assert!(!needs(&asked));
    assert!(needs(&Declare {
        page: Some(false),
        ..asked.clone()
    }));
    let minor = Declare {
        severity: Severity::Sev3,
        page: Some(false),
        ..asked.clone()
    };
    assert!(!needs(&minor));
    let past = Declare {
        mode: Mode::Retrospective,
        ..asked.clone()
    };
    assert!(needs(&past));
    let now = paged().1;
    for ended in [
        Declare {
            resolved_at: Some(now),
            ..past.clone()
        },
        Declare {
            impact_ended_at: Some(now),
            ..past
        },
    ] {
        assert!(!needs(&ended));
    }
    assert!(!needs(&Declare {
        mode: Mode::Drill,
        page: Some(false),
        ..asked
    }));
}
