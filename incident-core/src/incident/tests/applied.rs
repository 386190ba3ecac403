//! Traces of events in the state of an incident and in its entries.

use std::time::Duration;

use super::{paged, with};
use crate::actor::{Actor, ActorKind};
use crate::incident::alert::AlertRepeated;
use crate::incident::{Change, Event, FieldDelta, Incident, Mode, Severity, Updated};
use crate::paging::{AlertSeen, VendorEventKind};
use crate::policy::Policy;
use crate::timeline::{EntryDraft, EntryKind};
use crate::{PersonName, Statement, Text, Timestamp};

fn applied(incident: &Incident, event: &Event, now: Timestamp) -> Incident {
    let mut after = incident.clone();
    after.apply(event, 2, now, &Policy::default());
    after
}

fn acknowledged(by: &str, kind: ActorKind) -> Event {
    let (_, now) = paged();
    Event::Acknowledged {
        at: now,
        by: Actor {
            name: PersonName::new(by).unwrap(),
            kind,
        },
    }
}

#[test]
fn who_acknowledges_first_responds_if_it_is_a_person() {
    let (declared, now) = paged();
    let name = |text: &str| Some(PersonName::new(text).unwrap());
    // The declaring person is responsible until another one is named.
    let by_bo = applied(&declared, &acknowledged("bo", ActorKind::Person), now);
    assert_eq!(by_bo.responder, name("anna"));
    let incident = with(|state| state.responder = None);
    let by_bo = applied(&incident, &acknowledged("bo", ActorKind::Person), now);
    assert_eq!(
        (&by_bo.responder, &by_bo.acknowledged_by),
        (&name("bo"), &name("bo"))
    );
    let later = now.saturating_add(Duration::from_secs(60));
    let by_both = applied(&by_bo, &acknowledged("cy", ActorKind::Person), later);
    assert_eq!(
        (&by_both.responder, &by_both.acknowledged_by),
        (&name("bo"), &name("bo"))
    );
    assert_eq!(by_both.acknowledged_at, Some(now));
    let by_vendor = applied(
        &incident,
        &acknowledged("pagerduty", ActorKind::Integration),
        now,
    );
    assert_eq!(
        (&by_vendor.responder, by_vendor.paging.acknowledged),
        (&None, true)
    );
}

#[test]
fn an_update_is_due_while_it_is_live_and_told_as_it_goes() {
    let (live, now) = paged();
    let raised = Event::Changed(Change::Severity(Severity::Sev1));
    let every = with(|state| state.severity = Severity::Sev1);
    let every = every.policy(&Policy::default()).update_every().unwrap();
    let due = |incident: &Incident| applied(incident, &raised, now).next_update_due_at;
    assert_eq!(due(&live), Some(now.saturating_add(every)));
    assert_eq!(due(&with(super::resolved)), None);
    assert_eq!(due(&with(|state| state.mode = Mode::Retrospective)), None);
    assert!(due(&with(|state| state.mode = Mode::Drill)).is_some());
}

#[test]
fn an_entry_stands_at_the_time_at_which_it_happened() {
    let (incident, now) = paged();
    let earlier = now.saturating_sub(Duration::from_secs(90));
    let (_, anna, _) = crate::testing::an_incident();
    let entry = |event: &Event| EntryDraft::of(event, &incident, &anna, now).unwrap();
    let taken = entry(&Event::Acknowledged {
        at: earlier,
        by: anna.clone(),
    });
    assert_eq!((taken.occurred_at, taken.recorded_at), (earlier, now));
    let heard = entry(&Event::Observed {
        statement: Statement::new("pagerduty says so").unwrap(),
        occurred_at: earlier,
        alert: Some(AlertSeen::Open),
        rule: None,
        deserted_at: None,
    });
    assert_eq!((heard.occurred_at, heard.recorded_at), (earlier, now));
    let changed = entry(&Event::Changed(Change::Cause(Some(
        Text::new("disk").unwrap(),
    ))));
    assert_eq!((changed.occurred_at, changed.recorded_at), (now, now));
}

/// An entry holds the changed fields as data, and not in its sentence alone: the shaper of a credit
/// is found by them.
#[test]
fn an_entry_names_the_fields_that_changed() {
    let (incident, now) = paged();
    let (_, anna, _) = crate::testing::an_incident();
    let raise = || Change::Severity(Severity::Sev1);
    let mut updated = Updated {
        kind: EntryKind::Update,
        message: Statement::new("worse").unwrap(),
        reason: None,
        occurred_at: now,
        transition: None,
        changes: vec![raise()],
        comms_sent: None,
        public_message: None,
        corrects: None,
    };
    let repeated = AlertRepeated {
        key: super::name("cpu"),
        count: 2,
        raised: Some(Severity::Sev1),
        noted: true,
        pages: false,
    };
    let fields = |event: &Event| -> Vec<FieldDelta> {
        EntryDraft::of(event, &incident, &anna, now)
            .unwrap()
            .changes
    };
    let expected = vec![raise().delta(&incident)];
    assert_eq!(fields(&Event::Changed(raise())), expected);
    assert_eq!(fields(&Event::Updated(Box::new(updated.clone()))), expected);
    assert_eq!(fields(&Event::AlertRepeated(repeated)), expected);
    updated.changes.clear();
    assert_eq!(fields(&Event::Updated(Box::new(updated))), []);
}

#[test]
fn the_declaration_tells_the_status_that_it_began_with() {
    let (incident, now) = paged();
    let (_, anna, _) = crate::testing::an_incident();
    let declared = |overridden| {
        let event = Event::Declared { overridden };
        EntryDraft::of(&event, &incident, &anna, now).unwrap()
    };
    let draft = declared(None);
    assert_eq!(
        (draft.kind, draft.status_from),
        (EntryKind::Declaration, None)
    );
    assert_eq!(draft.status_to, Some(incident.status));
    // The severity that was proposed is named before what people wrote, so that it is never cut.
    let draft = declared(Some(Severity::Sev4));
    let lines: Vec<&str> = draft.message.as_str().lines().collect();
    let expected = format!("SEV4 was proposed, declared as {}", incident.severity);
    assert_eq!(lines.get(1), Some(&expected.as_str()), "{lines:?}");
    let delta = draft
        .changes
        .iter()
        .find(|one| one.field == "proposed_severity");
    assert_eq!(delta.unwrap().to, "SEV4");
}

#[test]
fn a_report_needs_the_right_to_acknowledge_where_it_does() {
    use crate::actor::Action;
    use crate::incident::Command;
    use crate::incident::decide::rights_for;
    let (incident, _) = paged();
    let (_, anna, _) = crate::testing::an_incident();
    for (what, may, expected) in [
        (
            VendorEventKind::Acknowledged,
            true,
            vec![Action::Update, Action::Acknowledge],
        ),
        (VendorEventKind::Acknowledged, false, vec![Action::Update]),
        (VendorEventKind::Resolved, true, vec![Action::Update]),
    ] {
        let mut report = super::reports::report_of(what);
        report.policy.acknowledge = may;
        let rights = rights_for(&incident, &Command::Report(Box::new(report)), &anna);
        assert_eq!(rights, expected);
    }
}

#[test]
fn marks_are_read_as_they_are_written_and_nothing_else_is() {
    use crate::timeline::StateMarks;
    let (incident, _) = paged();
    let marks = StateMarks::of(&incident);
    let text = format!("{marks:?}");
    assert_eq!(serde_json::to_value(marks).unwrap(), text);
    let read = |text: &str| serde_json::from_value::<StateMarks>(text.into());
    assert_eq!(read(&text).unwrap(), marks);
    let upper = format!("A{}", &text[1..]);
    let other = format!("g{}", &text[1..]);
    let long = format!("{text}00");
    for wrong in ["", &text[2..], &long, &upper, &other] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_test_page_is_the_page_under_a_key_of_the_target() {
    use crate::paging::{PageAction, PageEvent, TargetId, test_event, test_key};
    let page = crate::testing::a_page(PageAction::Trigger);
    let target = TargetId::new("pagerduty").unwrap();
    let later = page.occurred_at.saturating_add(Duration::from_secs(60));
    let test = test_event(&page, &target, PageAction::Resolve, later);
    let expected = PageEvent {
        action: PageAction::Resolve,
        dedup_key: test_key(&target),
        occurred_at: later,
        ..page.clone()
    };
    assert_eq!(test, expected);
    assert!(test.dedup_key != page.dedup_key && test.occurred_at != page.occurred_at);
}
