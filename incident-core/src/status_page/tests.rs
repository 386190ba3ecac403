//! Bounds and ends of the public page.

mod by_time;
mod history;
mod merged;

use std::sync::Arc;

use super::*;
use crate::incident::{CancelReason, Command, Ending, Event, Incident, Severity, Update, decide};
use crate::incident::{DroppedUpdates, MAX_PUBLIC_UPDATES, Status, StatusPageUpdate};
use crate::policy::Policy;
use crate::{Statement, Timestamp};
use by_time::{anna, declared, minute, text, updated};

pub(super) fn public_one(n: u128, severity: Severity) -> Incident {
    let mut incident = declared(n);
    let state = incident.state_mut();
    state.severity = severity;
    state.status_page.public = true;
    incident
}

/// Applies an update as the engine does.
pub(super) fn post(
    incident: &mut Incident,
    at: Timestamp,
    to: Option<Status>,
    said: Option<&str>,
) -> u64 {
    let mut event = updated(at, to, said.map(text));
    if let (Some(transition), Some(Status::Cancelled)) = (&mut event.transition, to) {
        transition.ending = Some(Ending::Cancelled(CancelReason::parse("duplicate").unwrap()));
    }
    apply(incident, &Event::Updated(Box::new(event)))
}

pub(super) fn apply(incident: &mut Incident, event: &Event) -> u64 {
    let seq = incident.last_seq + 1;
    incident.state_mut().last_seq = seq;
    incident.apply(event, seq, minute(500 + seq), &Policy::default());
    seq
}

pub(super) fn page_of(
    incidents: Vec<Incident>,
    sources: &[Arc<Incident>],
    now: Timestamp,
) -> PublicPage {
    let mut chosen = Chosen::for_page(now);
    chosen.add(incidents.into_iter().map(Arc::new));
    chosen.page(sources, &PublicNames::default())
}

pub(super) fn bodies(incident: &Incident, sources: &[Arc<Incident>]) -> Vec<String> {
    let shown = public_incident(incident, sources, &PublicNames::default()).unwrap();
    let lines = shown.updates.iter();
    lines.map(|line| line.body.to_string()).collect()
}

/// P6: the trial itself. Updates of 21:00 and 23:00, and then a late one of 22:00.
#[test]
fn a_late_line_stands_at_its_time_with_the_status_that_held_then() {
    let mut incident = public_one(1, Severity::Sev2);
    post(
        &mut incident,
        minute(0),
        Some(Status::Investigating),
        Some("a"),
    );
    post(
        &mut incident,
        minute(120),
        Some(Status::Mitigated),
        Some("c"),
    );
    post(&mut incident, minute(60), None, Some("b"));
    let shown = public_incident(&incident, &[], &PublicNames::default()).unwrap();
    let lines: Vec<_> = shown
        .updates
        .iter()
        .map(|line| (line.body.as_str(), line.status))
        .collect();
    assert_eq!(
        lines,
        [
            ("c", PublicStatus::Monitoring),
            ("b", PublicStatus::Investigating),
            ("a", PublicStatus::Investigating)
        ]
    );
    // A change of status that is entered late changes the status after it.
    post(&mut incident, minute(30), Some(Status::Identified), None);
    let shown = public_incident(&incident, &[], &PublicNames::default()).unwrap();
    assert_eq!(shown.updates[1].status, PublicStatus::Identified);
}

/// L2: the stored state and the page stay small, however many updates are posted.
#[test]
fn ten_thousand_lines_leave_a_small_state_and_a_small_page() {
    let mut incident = public_one(1, Severity::Sev1);
    post(&mut incident, minute(0), Some(Status::Identified), None);
    let long = "x".repeat(4 * 1024);
    let mut sizes = Vec::new();
    for n in 1..=10_000u64 {
        let body = if n % 2 == 0 { &long } else { "short" };
        post(&mut incident, minute(n), None, Some(body));
        if n % 1_000 == 0 {
            sizes.push(serde_json::to_vec(&incident).unwrap().len());
        }
    }
    assert!(sizes.iter().all(|size| *size < 200 * 1024), "{sizes:?}");
    let spread = sizes.iter().max().unwrap() - sizes.iter().min().unwrap();
    assert!(spread < 6 * 1024, "{sizes:?}");
    let dropped = incident.status_page.dropped;
    let kept = u64::try_from(incident.status_page.updates.len()).unwrap();
    assert_eq!(kept + dropped.lines, 10_001);
    let page = page_of(vec![incident], &[], minute(10_001));
    let shown = &page.incidents[0];
    let seen = u64::try_from(shown.updates.len()).unwrap();
    assert!((20..=50).contains(&seen), "{seen}");
    assert_eq!(seen + shown.updates_omitted, 10_001);
    assert!(serde_json::to_vec(&page).unwrap().len() < PAGE_BYTES + 1024);
    // The change of status is no longer stored; the status it led to still holds.
    assert!(
        shown
            .updates
            .iter()
            .all(|line| line.status == PublicStatus::Identified)
    );
}

/// L2: a correction or redaction of a dropped update changes nothing else.
#[test]
fn corrections_and_redactions_of_dropped_lines_change_nothing() {
    let mut incident = public_one(1, Severity::Sev1);
    let first = post(&mut incident, minute(0), None, Some("old"));
    for n in 1..=100 {
        post(&mut incident, minute(n), None, Some("newer"));
    }
    let before = incident.status_page.clone();
    let mut correction = updated(minute(200), None, Some(text("corrected")));
    correction.corrects = Some(first);
    let by = apply(&mut incident, &Event::Updated(Box::new(correction)));
    for seq in [first, by] {
        apply(&mut incident, &Event::Redacted { seq });
    }
    assert_eq!(incident.status_page.updates, before.updates);
    assert_eq!(incident.status_page.dropped, before.dropped);
    // A correction of an update that never was public is an update of its own.
    let internal = post(&mut incident, minute(201), None, None);
    let mut correction = updated(minute(202), None, Some(text("now public")));
    correction.corrects = Some(internal);
    apply(&mut incident, &Event::Updated(Box::new(correction)));
    assert_eq!(bodies(&incident, &[])[0], "now public");
}

/// L2: stored updates have no gaps: when space is freed, updates older than a dropped one are not
/// stored again, and the status before them still holds.
#[test]
fn a_line_older_than_a_dropped_one_is_dropped_at_once() {
    let mut incident = public_one(1, Severity::Sev1);
    post(&mut incident, minute(10), Some(Status::Identified), None);
    let long = "x".repeat(4 * 1024);
    let mut last = 0;
    for n in 11..=60 {
        last = post(&mut incident, minute(n), None, Some(&long));
    }
    assert_eq!(incident.status_page.updates.len(), 40);
    for seq in last - 5..=last {
        apply(&mut incident, &Event::Redacted { seq });
    }
    let dropped = incident.status_page.dropped.lines;
    post(&mut incident, minute(5), None, Some("too late"));
    post(&mut incident, minute(55), None, Some("in time"));
    assert_eq!(incident.status_page.dropped.lines, dropped + 1);
    let shown = public_incident(&incident, &[], &PublicNames::default()).unwrap();
    let said = |body: &str| shown.updates.iter().any(|line| line.body.as_str() == body);
    assert!(said("in time") && !said("too late"));
    let identified = |line: &PublicUpdate| line.status == PublicStatus::Identified;
    assert!(shown.updates.iter().all(identified));
}

/// Dropped updates count only if the page showed them.
#[test]
fn only_lines_that_show_count_among_those_that_are_dropped() {
    let line = |seq: u64, status: Status, transition: bool, body: Option<&str>| StatusPageUpdate {
        seq,
        at: minute(seq),
        status,
        transition,
        body: body.map(text),
        body_seq: seq,
    };
    for (line, shows) in [
        (line(1, Status::Identified, false, None), false),
        (line(1, Status::Identified, true, None), true),
        (line(1, Status::Identified, false, Some("we know")), true),
        (line(1, Status::Merged, true, None), false),
        (line(1, Status::Merged, true, Some("one of many")), true),
    ] {
        let mut dropped = DroppedUpdates::default();
        dropped.add(&line);
        assert_eq!(dropped.lines, u64::from(shows), "{line:?}");
    }
    // Of two at one moment the first that is dropped stays: they come in their order.
    let mut dropped = DroppedUpdates::default();
    dropped.add(&line(3, Status::Identified, true, None));
    dropped.add(&line(2, Status::Mitigated, true, None));
    dropped.add(&line(4, Status::Resolved, false, None));
    assert_eq!(dropped.status, Some(Status::Identified));
    assert_eq!(dropped.newest, Some((minute(4), 4)));
    assert_eq!((dropped.last_seq, dropped.lines), (4, 2));
}

/// A host that caches the page by `changed_at` notices every visible change.
#[test]
fn a_change_that_the_page_shows_touches_it() {
    use crate::incident::Change;
    for (change, touches) in [
        (Change::Severity(Severity::Sev3), true),
        (Change::Eta(Some(minute(900))), true),
        (Change::StartedAt(minute(1)), true),
        (Change::AffectedServices(Vec::new()), true),
        (Change::Cause(None), false),
    ] {
        let mut incident = public_one(1, Severity::Sev1);
        let before = incident.status_page.changed_at;
        apply(&mut incident, &Event::Changed(change.clone()));
        assert_eq!(
            incident.status_page.changed_at != before,
            touches,
            "{change:?}"
        );
    }
}

/// P6: a correction that also changes the status is both.
#[test]
fn a_correction_with_a_change_of_status_shows_the_change() {
    let mut incident = public_one(1, Severity::Sev1);
    let first = post(&mut incident, minute(0), None, Some("worng"));
    let mut both = updated(minute(5), Some(Status::Resolved), Some(text("right")));
    both.corrects = Some(first);
    apply(&mut incident, &Event::Updated(Box::new(both)));
    assert_eq!(
        bodies(&incident, &[]),
        ["This incident has been resolved.", "right"]
    );
}

/// L2: a state that was written before updates were bounded is read, and bounded at its next write.
#[test]
fn states_of_before_are_read_and_bounded_at_their_next_write() {
    let mut incident = public_one(1, Severity::Sev1);
    for n in 0..500 {
        incident.state_mut().status_page.update(
            &updated(minute(n), None, Some(text(&"y".repeat(2_000)))),
            n + 1,
            minute(n),
            Status::Triage,
        );
    }
    let mut json = serde_json::to_value(&incident).unwrap();
    assert!(json["face"].get("dropped").is_none() && json.get("cancelled_at").is_none());
    json["face"].as_object_mut().unwrap().remove("merged");
    let mut read: Incident = serde_json::from_value(json).unwrap();
    assert_eq!(read.status_page.updates.len(), 500);
    let page = page_of(vec![read.clone()], &[], minute(501));
    assert_eq!(
        page.incidents[0].updates.len() as u64 + page.incidents[0].updates_omitted,
        500
    );
    read.state_mut().last_seq = 500;
    post(&mut read, minute(600), None, Some("z"));
    assert_eq!(
        read.status_page.updates.len() as u64,
        MAX_PUBLIC_UPDATES as u64
    );
    assert_eq!(
        read.status_page.dropped.lines,
        501 - MAX_PUBLIC_UPDATES as u64
    );
}

/// The worst first, then the newest; every live incident counts for the indicator.
#[test]
fn the_page_holds_so_many_incidents_and_counts_the_rest() {
    let mut all = Vec::new();
    for n in 1..=70u128 {
        let severity = if n % 2 == 0 {
            Severity::Sev3
        } else {
            Severity::Sev2
        };
        let mut one = public_one(n, severity);
        one.state_mut().started_at = minute(u64::try_from(n).unwrap() / 3);
        post(&mut one, minute(90), Some(Status::Investigating), None);
        if severity == Severity::Sev2 {
            post(&mut one, minute(100), Some(Status::Resolved), None);
        }
        all.push(one);
    }
    let page = page_of(all.clone(), &[], minute(101));
    assert_eq!((page.incidents.len(), page.incidents_omitted), (50, 20));
    // All live ones are SEV3; some of them are not on the page.
    assert_eq!(page.status.indicator, Indicator::Minor);
    let places: Vec<_> = page
        .incidents
        .iter()
        .map(|one| {
            (
                std::cmp::Reverse(one.impact),
                std::cmp::Reverse(one.started_at),
                one.id,
            )
        })
        .collect();
    assert!(places.is_sorted());
    all.reverse();
    assert_eq!(page_of(all.clone(), &[], minute(101)), page);
    // An incident that is not on the page counts as well.
    for one in &mut all {
        one.state_mut().severity = Severity::Sev1;
    }
    let mut quiet = public_one(99, Severity::Sev4);
    post(&mut quiet, minute(90), Some(Status::Investigating), None);
    for one in &mut all {
        one.state_mut().status = Status::Resolved;
        one.state_mut().resolved_at = Some(minute(100));
    }
    all.push(quiet);
    let page = page_of(all, &[], minute(101));
    assert!(
        page.incidents
            .iter()
            .all(|one| one.impact == Indicator::Critical)
    );
    assert_eq!(
        (page.status.indicator, page.incidents_omitted),
        (Indicator::Minor, 21)
    );
}

/// At least the newest update of each, cut if those alone do not fit; else whole updates in the
/// order of the page.
#[test]
fn lines_fit_and_are_whole_unless_the_newest_alone_do_not_fit() {
    let many = |count: u128, lines: u64, body: &str| -> Vec<Incident> {
        (1..=count)
            .map(|n| {
                let mut one = public_one(n, Severity::Sev1);
                for at in 0..lines {
                    post(&mut one, minute(at), None, Some(body));
                }
                one
            })
            .collect()
    };
    let size = |page: &PublicPage| -> usize {
        let lines = page.incidents.iter().flat_map(|one| &one.updates);
        lines
            .map(|line| serde_json::to_vec(line).unwrap().len())
            .sum()
    };
    let page = page_of(many(10, 60, &"a".repeat(1_000)), &[], minute(100));
    assert!(size(&page) <= PAGE_BYTES && size(&page) > PAGE_BYTES - 2_000);
    assert_eq!(page.incidents[0].updates.len(), 50);
    assert_eq!(page.incidents[0].updates_omitted, 10);
    let last = page.incidents.last().unwrap();
    assert_eq!((last.updates.len(), last.updates_omitted), (1, 59));
    let cut = |page: &PublicPage| {
        page.incidents
            .iter()
            .filter(|one| one.updates[0].truncated)
            .count()
    };
    assert_eq!(cut(&page), 0);

    // To the byte, with the comma of each update: 48 times 2,048 are 98,304.
    let one_letter = page_of(many(1, 1, "a"), &[], minute(100));
    let rest = 2_048 - size(&one_letter);
    for (letters, expected) in [(rest, 0), (rest + 1, 48)] {
        let page = page_of(many(48, 1, &"a".repeat(letters)), &[], minute(100));
        assert_eq!(cut(&page), expected);
    }

    let page = page_of(many(50, 3, &"é".repeat(2_000)), &[], minute(100));
    assert_eq!(cut(&page), 50);
    for one in &page.incidents {
        let body = one.updates[0].body.as_str();
        assert!(body.chars().count() == TRUNCATED_CHARS && body.ends_with('…'));
        assert_eq!((one.updates.len(), one.updates_omitted), (1, 2));
    }
    let json = serde_json::to_value(&page).unwrap();
    assert_eq!(json["incidents"][0]["updates"][0]["truncated"], true);
    // Short updates are never cut.
    let page = page_of(many(50, 3, &"é".repeat(800)), &[], minute(100));
    assert_eq!(cut(&page), 0);
    let json = serde_json::to_value(&page).unwrap();
    assert!(
        json["incidents"][0]["updates"][0]
            .get("truncated")
            .is_none()
    );
    assert_eq!(json["incidents_omitted"], 0);
}

/// P5: the last update of a cancelled incident stays for a day and does not change the indicator.
#[test]
fn a_cancelled_incident_shows_its_last_words_for_a_day() {
    for (said, shown) in [
        (Some("It was a false alarm."), "It was a false alarm."),
        (None, "This incident has been closed."),
    ] {
        let mut incident = public_one(1, Severity::Sev1);
        post(&mut incident, minute(0), Some(Status::Identified), None);
        post(&mut incident, minute(10), Some(Status::Cancelled), said);
        assert_eq!(incident.cancelled_at, Some(minute(10)));
        assert_eq!(incident.over_at(), Some(minute(10)));
        let page = page_of(vec![incident.clone()], &[], minute(10 + 24 * 60 - 1));
        assert_eq!(page.status.indicator, Indicator::None);
        let one = &page.incidents[0];
        assert_eq!(one.status, PublicStatus::Resolved);
        assert_eq!(
            (one.updates[0].status, one.updates[0].body.as_str()),
            (PublicStatus::Resolved, shown)
        );
        assert!(
            page_of(vec![incident.clone()], &[], minute(10 + 24 * 60))
                .incidents
                .is_empty()
        );
        // Incidents that were cancelled by an earlier version have no time of cancellation.
        incident.state_mut().cancelled_at = None;
        assert!(
            page_of(vec![incident], &[], minute(11))
                .incidents
                .is_empty()
        );
    }
}

/// `cancelled_at` is the time that was given, not that of the entry.
#[test]
fn cancelling_keeps_the_time_it_happened() {
    let (mut incident, now) = (declared(1), minute(1));
    let mut update = Update::to_status(Statement::new("no").unwrap(), Status::Cancelled);
    update.reason = Some(Statement::new("false_positive").unwrap());
    update.occurred_at = Some(now);
    let later = now.saturating_add(Duration::from_secs(600));
    let command = Command::Update(Box::new(update));
    let events = decide(&incident, &command, &anna(), later, &Policy::default()).unwrap();
    for event in &events {
        incident.apply(event, 2, later, &Policy::default());
    }
    assert_eq!(incident.cancelled_at, Some(now));
}
