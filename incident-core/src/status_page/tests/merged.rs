//! Merged incidents on the public page.

use std::sync::Arc;

use super::super::*;
use super::by_time::{minute, text, updated};
use super::{apply, bodies, page_of, post, public_one};
use crate::IncidentId;
use crate::incident::{Ending, Event, Incident, Publish, Severity, Status, Transition};
use crate::incident::{MAX_PUBLIC_SOURCES, StatusPageEntry};

fn merge(source: &mut Incident, target: &mut Incident, said: Option<&str>) {
    let mut event = updated(minute(50), None, said.map(text));
    event.transition = Some(Transition {
        from: source.status,
        to: Status::Merged,
        ending: Some(Ending::MergedInto(target.id)),
    });
    apply(source, &Event::Updated(Box::new(event)));
    target
        .state_mut()
        .status_page
        .take_in(source.id, &source.status_page, minute(50));
}

/// P5: a merge leaves the outage on the page.
#[test]
fn a_merge_makes_the_target_public_with_the_lines_of_the_source() {
    let mut source = public_one(1, Severity::Sev1);
    source.state_mut().status_page.title = Some(text("Logins fail"));
    post(
        &mut source,
        minute(1),
        Some(Status::Identified),
        Some("We know why."),
    );
    post(&mut source, minute(3), None, Some("Almost there."));
    let mut target = public_one(2, Severity::Sev1);
    target.state_mut().status_page.public = false;
    post(&mut target, minute(2), Some(Status::Investigating), None);
    merge(&mut source, &mut target, None);
    let page = page_of(
        vec![source.clone(), target.clone()],
        &[Arc::new(source.clone())],
        minute(60),
    );
    assert_eq!(page.status.indicator, Indicator::Critical);
    assert_eq!(page.incidents.len(), 1, "a merged one is not shown");
    let one = &page.incidents[0];
    assert_eq!(
        (one.id, one.title.as_str()),
        (target.status_page.id, "Logins fail")
    );
    assert_eq!(one.status, PublicStatus::Investigating);
    // Pages in other languages know which words are ours.
    let standard: Vec<_> = one.updates.iter().map(|line| line.standard).collect();
    assert_eq!(standard, [None, Some(StandardText::Investigating), None]);
    assert!(!one.has_standard_title);
    let lines: Vec<_> = one
        .updates
        .iter()
        .map(|line| (line.body.as_str(), line.status))
        .collect();
    assert_eq!(
        lines,
        [
            ("Almost there.", PublicStatus::Identified),
            (
                "We are investigating this incident.",
                PublicStatus::Investigating
            ),
            ("We know why.", PublicStatus::Identified),
        ]
    );
    // With a public text of its own the merge itself shows, under the status before it.
    let mut other = source.clone();
    other.state_mut().status = Status::Identified;
    merge(&mut other, &mut target, Some("Part of a larger outage."));
    let shown = public_incident(&target, &[Arc::new(other)], &PublicNames::default()).unwrap();
    assert_eq!(
        (shown.updates[0].body.as_str(), shown.updates[0].status),
        ("Part of a larger outage.", PublicStatus::Identified)
    );
}

/// P5: updates are read from the source, so a correction or redaction there shows here.
#[test]
fn corrections_and_redactions_at_the_source_reach_the_page() {
    let mut source = public_one(1, Severity::Sev1);
    let first = post(&mut source, minute(1), None, Some("secret"));
    let second = post(&mut source, minute(2), None, Some("worng"));
    let mut target = public_one(2, Severity::Sev1);
    merge(&mut source, &mut target, None);
    let sources = |source: &Incident| [Arc::new(source.clone())];
    assert_eq!(bodies(&target, &sources(&source)), ["worng", "secret"]);
    let before = public_incident(&target, &sources(&source), &PublicNames::default()).unwrap();
    apply(&mut source, &Event::Redacted { seq: first });
    let mut correction = updated(minute(55), None, Some(text("right")));
    correction.corrects = Some(second);
    apply(&mut source, &Event::Updated(Box::new(correction)));
    assert_eq!(bodies(&target, &sources(&source)), ["right"]);
    let after = public_incident(&target, &sources(&source), &PublicNames::default()).unwrap();
    assert!(after.updated_at > before.updated_at);
    // Once hidden, it contributes nothing.
    let hide = Publish {
        public: false,
        title: None,
        message: None,
    };
    apply(&mut source, &Event::Published(hide));
    assert!(bodies(&target, &sources(&source)).is_empty());
    assert!(!serde_json::to_string(&target).unwrap().contains("worng"));
}

/// P5: incidents merged into the source come along, the newest sources stay, and a source that is
/// not public contributes nothing.
#[test]
fn sources_are_named_once_and_the_newest_are_kept() {
    let ids = |entry: &StatusPageEntry| -> Vec<u128> {
        entry.merged.iter().map(|id| id.uuid().as_u128()).collect()
    };
    let mut target = public_one(100, Severity::Sev1).status_page.clone();
    target.public = false;
    let mut hidden = public_one(1, Severity::Sev1).status_page.clone();
    (hidden.public, hidden.title) = (false, Some(text("not for now")));
    hidden.merged = vec![IncidentId::from_uuid(uuid::Uuid::from_u128(50))];
    let id = |n| IncidentId::from_uuid(uuid::Uuid::from_u128(n));
    target.take_in(id(1), &hidden, minute(1));
    assert_eq!((target.public, &target.title), (false, &None));
    assert_eq!(ids(&target), [1]);
    let mut shown = hidden.clone();
    shown.public = true;
    target.take_in(id(2), &shown, minute(2));
    assert_eq!(ids(&target), [1, 50, 2]);
    // The title is read from the source each time, as the updates are.
    assert_eq!((target.public, &target.title), (true, &None));
    for n in 3..=30 {
        target.take_in(id(n), &public_one(n, Severity::Sev1).status_page, minute(3));
    }
    assert_eq!(ids(&target), (11..=30).collect::<Vec<_>>());
    target.take_in(id(15), &shown, minute(4));
    assert_eq!(ids(&target).last(), Some(&15));
    assert_eq!(ids(&target).len(), MAX_PUBLIC_SOURCES);
}
