//! Rights that commands need, and the events that they lead to.

use std::time::Duration;

use serde_json::json;

use super::{paged, resolved, with};
use crate::actor::Action;
use crate::incident::decide::rights_for;
use crate::incident::times::not_future;
use crate::incident::{
    CancelReason, Change, Command, Event, Facts, FieldDelta, Incident, Level, Mode, Priority,
    Publish, Refusal, Severity, Status, Update, decide,
};
use crate::policy::Policy;
use crate::testing::an_incident;
use crate::timeline::EntryKind;
use crate::{HttpsUrl, PublicText, ServiceId, Statement, Text, Timestamp};

fn statement(text: &str) -> Statement {
    Statement::new(text).unwrap()
}

fn decided(incident: &Incident, command: &Command) -> Result<Vec<Event>, Refusal> {
    let (_, anna, now) = an_incident();
    decide(incident, command, &anna, now, &Policy::default())
}

/// Returns the pointer of an invalid value or the code of a wrong state.
fn refusal(found: Result<Vec<Event>, Refusal>) -> String {
    match found {
        Err(Refusal::Invalid(invalid)) => invalid.field().to_owned(),
        Err(Refusal::WrongState { code, .. }) => code.to_owned(),
        other => panic!("not refused: {other:?}"),
    }
}

/// In whichever order they come: a severity restarts the clock of updates.
#[test]
fn a_due_time_given_with_a_severity_holds() {
    let (mut incident, _, now) = an_incident();
    let due = now.saturating_add(Duration::from_secs(7));
    let change = Command::Change(vec![
        Change::NextUpdateDueAt(Some(due)),
        Change::Severity(Severity::Sev1),
    ]);
    for event in decided(&incident, &change).unwrap() {
        incident.apply(&event, 2, now, &Policy::default());
    }
    assert_eq!(incident.severity, Severity::Sev1);
    assert_eq!(incident.next_update_due_at, Some(due));
}

fn to(status: Status, occurred_at: Option<Timestamp>) -> Command {
    Command::Update(Box::new(Update {
        status: Some(status),
        occurred_at,
        ..Update::new(statement("as seen"))
    }))
}

#[test]
fn a_clock_may_be_ahead_by_its_tolerance_and_no_more() {
    let (_, now) = paged();
    let last = now.saturating_add(Duration::from_secs(60));
    assert!(not_future("detected_at", last, now).is_ok());
    let beyond = last.saturating_add(Duration::from_millis(1));
    assert_eq!(
        not_future("detected_at", beyond, now).unwrap_err().field(),
        "detected_at"
    );
}

#[test]
fn no_time_that_is_set_lies_in_the_future() {
    let (incident, now) = paged();
    let beyond = now.saturating_add(Duration::from_secs(61));
    for (field, change) in [
        ("detected_at", Change::DetectedAt(Some(beyond))),
        ("started_at", Change::StartedAt(beyond)),
        ("impact_ended_at", Change::ImpactEndedAt(Some(beyond))),
    ] {
        let found = decided(&incident, &Command::Change(vec![change]));
        assert_eq!(refusal(found), field);
    }
    let detected = Change::DetectedAt(Some(now));
    assert_eq!(
        decided(&incident, &Command::Change(vec![detected.clone()])),
        Ok(vec![Event::Changed(detected)])
    );
}

#[test]
fn what_has_ended_is_corrected_with_a_right_of_its_own() {
    let of_kind = |kind| {
        Command::Update(Box::new(Update {
            kind,
            ..Update::new(statement("it was the disk"))
        }))
    };
    let change = || vec![Change::Urgency(Some(Level::High))];
    let long = Command::ChangeLong {
        changes: change(),
        reason: statement("it was that long"),
    };
    let (live, _) = paged();
    let (_, anna, _) = an_incident();
    let closed = with(|state| state.status = Status::Closed);
    for (command, corrects) in [
        (Command::Change(change()), true),
        (long, true),
        (of_kind(Some(EntryKind::Correction)), true),
        (of_kind(Some(EntryKind::Update)), false),
        (of_kind(None), false),
        (Command::Acknowledge { at: None }, false),
    ] {
        let needed =
            |incident| rights_for(incident, &command, &anna).contains(&Action::CorrectEnded);
        assert!(!needed(&live), "{command:?}");
        assert_eq!(needed(&closed), corrects, "{command:?}");
    }
}

#[test]
fn a_post_mortem_is_linked_once() {
    let link = |url: &str| Command::LinkPostMortem {
        url: HttpsUrl::new(url).unwrap(),
    };
    let (mut incident, anna, now) = an_incident();
    let first = decided(&incident, &link("https://wiki.example/1")).unwrap();
    assert!(
        matches!(first.as_slice(), [Event::PostMortemLinked { by, .. }] if *by == anna),
        "{first:?}"
    );
    incident.apply(&first[0], 2, now, &Policy::default());
    assert_eq!(
        decided(&incident, &link("https://wiki.example/1")),
        Ok(Vec::new())
    );
    let other = decided(&incident, &link("https://wiki.example/2")).unwrap();
    assert_eq!(other.len(), 1);
}

#[test]
fn a_mitigation_is_not_before_the_start() {
    let (_, now) = paged();
    let begun = with(|state| state.started_at = now.saturating_sub(Duration::from_secs(60)));
    let before = Some(now.saturating_sub(Duration::from_secs(61)));
    let found = decided(&begun, &to(Status::Mitigated, before));
    assert_eq!(refusal(found), "occurred_at");
    // A cause may be identified before the impact began.
    assert!(decided(&begun, &to(Status::Identified, before)).is_ok());
}

#[test]
fn a_close_is_after_the_resolution_and_has_its_post_mortem() {
    let (_, now) = paged();
    let earlier = |seconds| Some(now.saturating_sub(Duration::from_secs(seconds)));
    let minor = with(|state| {
        resolved(state);
        state.severity = Severity::Sev3;
        state.resolved_at = earlier(60);
    });
    for (at, taken) in [(60, true), (0, true), (61, false)] {
        let found = decided(&minor, &to(Status::Closed, earlier(at)));
        assert_eq!(found.is_ok(), taken, "{at}: {found:?}");
    }
    let major = with(|state| {
        resolved(state);
        state.severity = Severity::Sev1;
        state.resolved_at = earlier(60);
    });
    let found = decided(&major, &to(Status::Closed, None));
    assert_eq!(refusal(found), "post_mortem_missing");
}

#[test]
fn publishing_what_is_published_does_nothing() {
    let title = |text: &str| Some(PublicText::new(text).unwrap());
    let shown = with(|state| {
        state.status_page.public = true;
        state.status_page.title = title("API slow");
    });
    let publish = |public, title, message| {
        Command::Publish(Publish {
            public,
            title,
            message,
        })
    };
    for (command, events) in [
        (publish(true, None, None), 0),
        (publish(true, title("API slow"), None), 0),
        (publish(true, title("API down"), None), 1),
        (publish(true, None, title("We know")), 1),
        (publish(false, None, None), 1),
    ] {
        let found = decided(&shown, &command).unwrap();
        assert_eq!(found.len(), events, "{command:?}");
    }
    let drill = with(|state| state.mode = Mode::Drill);
    let found = decided(&drill, &publish(true, None, None));
    assert_eq!(refusal(found), "drill_not_public");
    assert_eq!(decided(&drill, &publish(false, None, None)), Ok(Vec::new()));
}

#[test]
fn reasons_are_read_as_they_are_written() {
    for reason in [
        CancelReason::FalsePositive,
        CancelReason::Duplicate,
        CancelReason::External,
        CancelReason::Superseded,
    ] {
        assert_eq!(CancelReason::parse(reason.name()), Ok(reason));
    }
    assert_eq!(CancelReason::parse("bored").unwrap_err().field(), "reason");
}

#[test]
fn a_priority_needs_impact_and_urgency() {
    let facts = |impact, urgency| Facts {
        impact,
        urgency,
        ..Facts::default()
    };
    let high = Some(Level::High);
    assert_eq!(
        facts(high, high).priority(),
        Some(Priority::of(Level::High, Level::High))
    );
    assert_eq!(facts(None, high).priority(), None);
    assert_eq!(facts(high, None).priority(), None);
}

/// A priority that a person set holds until it is cleared, whatever the facts say meanwhile.
#[test]
fn a_priority_that_was_set_holds_until_it_is_cleared() {
    let (mut incident, anna, now) = an_incident();
    let policy = Policy::default();
    let mut change = |changes: Vec<Change>| {
        let events = decide(&incident, &Command::Change(changes), &anna, now, &policy).unwrap();
        for event in &events {
            incident.apply(event, 2, now, &policy);
        }
        (events.len(), incident.priority())
    };
    let levels = |impact, urgency| vec![Change::Impact(impact), Change::Urgency(urgency)];
    let (low, high) = (Some(Level::Low), Some(Level::High));
    let set = |priority| vec![Change::Priority(priority)];
    assert_eq!(change(set(Some(Priority::P1))), (1, Some(Priority::P1)));
    assert_eq!(change(levels(low, low)), (2, Some(Priority::P1)));
    assert_eq!(change(set(Some(Priority::P1))), (0, Some(Priority::P1)));
    assert_eq!(change(set(None)), (1, Some(Priority::P4)));
    assert_eq!(change(levels(high, low)), (1, Some(Priority::P3)));
    assert_eq!(change(set(None)), (0, Some(Priority::P3)));
}

#[test]
fn a_change_reads_as_a_sentence() {
    let delta = |from, to, added: &[&str], removed: &[&str]| FieldDelta {
        field: "affected_services".to_owned(),
        from,
        to,
        added: added.iter().map(|one| json!(one)).collect(),
        removed: removed.iter().map(|one| json!(one)).collect(),
    };
    for (delta, sentence) in [
        (delta(None, json!("x"), &[], &[]), "affected_services: x"),
        (
            delta(Some(json!(null)), json!(2), &[], &[]),
            "affected_services: none -> 2",
        ),
        (
            delta(None, json!(null), &["api", "web"], &[]),
            "affected_services: added api, web",
        ),
        (
            delta(None, json!(null), &[], &["api"]),
            "affected_services: removed api",
        ),
        (
            delta(None, json!(null), &["web"], &["api"]),
            "affected_services: added web; removed api",
        ),
    ] {
        assert_eq!(delta.sentence(), sentence);
    }
    let text = Change::Cause(Some(Text::new("a key").unwrap()));
    let (incident, _) = paged();
    assert_eq!(text.delta(&incident).from, None, "no free text is repeated");
    // A list is recorded by its difference, even if nothing was removed.
    let services = vec![ServiceId::new("api").unwrap()];
    let delta = Change::AffectedServices(services).delta(&incident);
    assert_eq!((delta.from, delta.to), (None, json!(null)));
    assert_eq!((delta.added, delta.removed), (vec![json!("api")], vec![]));
}

#[test]
fn an_eta_is_now_at_the_earliest() {
    let (incident, now) = paged();
    for (millis, taken) in [(0, true), (1, false)] {
        let eta = now.saturating_sub(Duration::from_millis(millis));
        let found = decided(&incident, &Command::Change(vec![Change::Eta(Some(eta))]));
        assert_eq!(found.is_ok(), taken, "{found:?}");
    }
}
