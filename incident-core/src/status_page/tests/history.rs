//! The history of fourteen days, and one incident by itself.

use std::sync::Arc;
use std::time::Duration;

use super::super::*;
use super::by_time::text;
use super::{apply, post, public_one};
use crate::Timestamp;
use crate::incident::{Ending, Event, Incident, Severity, Status};

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Noon of the last day.
fn noon() -> Timestamp {
    time("2026-11-20T12:00:00Z")
}

/// Returns an incident that started at a time, and ended at another.
fn spanning(n: u128, severity: Severity, start: &str, end: Option<&str>) -> Incident {
    let mut incident = public_one(n, severity);
    post(
        &mut incident,
        time(start),
        Some(Status::Investigating),
        None,
    );
    if let Some(end) = end {
        post(&mut incident, time(end), Some(Status::Resolved), None);
    }
    let state = incident.state_mut();
    state.started_at = time(start);
    state.resolved_at = end.map(time);
    incident
}

fn history_of(incidents: Vec<Incident>, now: Timestamp) -> PublicHistory {
    let mut chosen = Chosen::for_history(now);
    chosen.add(incidents.into_iter().map(Arc::new));
    chosen.history(&[], &PublicNames::default())
}

fn numbers<'a>(incidents: impl IntoIterator<Item = &'a HistoryIncident>) -> Vec<u128> {
    let ids = incidents.into_iter().map(|one| one.incident.id);
    ids.map(|id| id.uuid().as_u128()).collect()
}

#[test]
fn live_ones_come_first_then_those_that_ended_last() {
    let history = history_of(
        vec![
            spanning(
                1,
                Severity::Sev1,
                "2026-11-10T10:00:00Z",
                Some("2026-11-10T11:00:00Z"),
            ),
            spanning(
                2,
                Severity::Sev4,
                "2026-11-09T10:00:00Z",
                Some("2026-11-12T11:00:00Z"),
            ),
            spanning(3, Severity::Sev3, "2026-11-20T10:00:00Z", None),
            spanning(4, Severity::Sev2, "2026-11-01T10:00:00Z", None),
            spanning(5, Severity::Sev3, "2026-11-20T11:00:00Z", None),
        ],
        noon(),
    );
    assert_eq!(numbers(&history.incidents), [4, 5, 3, 2, 1]);
    assert_eq!(numbers(history.live()), [4, 5, 3]);
    assert_eq!(history.status.indicator, Indicator::Major);
    assert_eq!(
        history.incidents[3].ended_at,
        Some(time("2026-11-12T11:00:00Z"))
    );
    assert_eq!(history.incidents_omitted, 0);
}

/// The oldest day begins at midnight, UTC: thirteen days before the one of now.
#[test]
fn the_history_begins_with_a_whole_day() {
    let ended = |end: &str| {
        let one = spanning(1, Severity::Sev2, "2026-10-01T10:00:00Z", Some(end));
        history_of(vec![one], noon()).incidents.len()
    };
    assert_eq!(ended("2026-11-07T00:00:00.000001Z"), 1);
    // An end is exclusive: midnight is the end of the day before.
    assert_eq!(ended("2026-11-07T00:00:00Z"), 0);
    // So does the last microsecond of the current day.
    let one = spanning(
        1,
        Severity::Sev2,
        "2026-11-06T10:00:00Z",
        Some("2026-11-07T01:00:00Z"),
    );
    let last = time("2026-11-20T23:59:59.999999Z");
    assert_eq!(history_of(vec![one.clone()], last).incidents.len(), 1);
    assert_eq!(
        history_of(vec![one], time("2026-11-21T00:00:00Z"))
            .incidents
            .len(),
        0
    );
}

#[test]
fn days_are_those_of_utc_and_each_incident_is_on_the_day_of_its_start() {
    let history = history_of(
        vec![
            spanning(
                1,
                Severity::Sev2,
                "2026-11-19T23:59:59.999999Z",
                Some("2026-11-20T00:30:00Z"),
            ),
            spanning(
                2,
                Severity::Sev2,
                "2026-11-20T00:00:00Z",
                Some("2026-11-20T00:10:00Z"),
            ),
            spanning(3, Severity::Sev3, "2026-11-20T09:00:00Z", None),
            // Before the oldest day, and over on the second one.
            spanning(
                4,
                Severity::Sev1,
                "2026-10-01T00:00:00Z",
                Some("2026-11-08T00:00:01Z"),
            ),
            // Over at midnight: no incident of the day that begins.
            spanning(
                5,
                Severity::Sev1,
                "2026-11-10T10:00:00Z",
                Some("2026-11-11T00:00:00Z"),
            ),
        ],
        noon(),
    );
    let days = history.days(noon());
    let starts: Vec<String> = days.iter().map(|day| day.start.to_string()).collect();
    assert_eq!(starts.len(), 14);
    assert_eq!(
        starts.first().map(String::as_str),
        Some("2026-11-20T00:00:00Z")
    );
    assert_eq!(
        starts.last().map(String::as_str),
        Some("2026-11-07T00:00:00Z")
    );
    let of = |start: &str| {
        let day = days.iter().find(|day| day.start == time(start)).unwrap();
        (numbers(day.incidents.iter().copied()), day.continued)
    };
    assert_eq!(of("2026-11-20T00:00:00Z"), (vec![3, 2], 1));
    assert_eq!(of("2026-11-19T00:00:00Z"), (vec![1], 0));
    assert_eq!(of("2026-11-11T00:00:00Z"), (vec![], 0));
    assert_eq!(of("2026-11-10T00:00:00Z"), (vec![5], 0));
    assert_eq!(of("2026-11-08T00:00:00Z"), (vec![], 1));
    assert_eq!(of("2026-11-07T00:00:00Z"), (vec![4], 0));
    let all: usize = days.iter().map(|day| day.incidents.len()).sum();
    assert_eq!(all, history.incidents.len(), "each on one day");
}

/// A live incident of any age is on a day, and goes on through all later ones.
#[test]
fn an_old_live_incident_goes_on_through_every_day() {
    let old = spanning(1, Severity::Sev3, "2026-01-01T00:00:00Z", None);
    let history = history_of(vec![old], noon());
    let days = history.days(noon());
    let (last, others) = days.split_last().unwrap();
    assert_eq!(
        (numbers(last.incidents.iter().copied()), last.continued),
        (vec![1], 0)
    );
    assert!(
        others
            .iter()
            .all(|day| day.incidents.is_empty() && day.continued == 1)
    );
}

#[test]
fn there_are_no_days_before_1970() {
    let first = Timestamp::MIN.saturating_add(Duration::from_secs(60));
    let history = history_of(Vec::new(), first);
    let starts: Vec<_> = history.days(first).iter().map(|day| day.start).collect();
    assert_eq!(starts, [Timestamp::MIN]);
}

#[test]
fn hidden_and_merged_incidents_and_old_ones_are_not_in_the_history() {
    let mut hidden = spanning(1, Severity::Sev1, "2026-11-20T10:00:00Z", None);
    hidden.state_mut().status_page.public = false;
    let mut merged = spanning(2, Severity::Sev1, "2026-11-20T10:00:00Z", None);
    merged.state_mut().status = Status::Merged;
    let old = spanning(
        3,
        Severity::Sev1,
        "2026-10-01T10:00:00Z",
        Some("2026-10-01T11:00:00Z"),
    );
    let history = history_of(vec![hidden, merged, old], noon());
    assert!(history.incidents.is_empty());
    assert_eq!(history.status.indicator, Indicator::None);
}

#[test]
fn the_history_holds_so_many_incidents_and_counts_the_rest() {
    let mut all: Vec<Incident> = (1..=60)
        .map(|n| {
            let end = noon().saturating_sub(Duration::from_secs(60 * u64::try_from(n).unwrap()));
            spanning(
                n,
                Severity::Sev1,
                "2026-11-19T10:00:00Z",
                Some(&end.to_string()),
            )
        })
        .collect();
    // A live one stays, however small it is.
    all.push(spanning(99, Severity::Sev4, "2026-11-20T10:00:00Z", None));
    let history = history_of(all.clone(), noon());
    assert_eq!(
        (history.incidents.len(), history.incidents_omitted),
        (PAGE_INCIDENTS, 11)
    );
    let expected: Vec<u128> = std::iter::once(99).chain(1..50).collect();
    assert_eq!(numbers(&history.incidents), expected);
    all.reverse();
    assert_eq!(history_of(all, noon()), history);
}

#[test]
fn the_texts_of_the_history_fit() {
    let mut all = Vec::new();
    for n in 1..=40 {
        let mut one = spanning(n, Severity::Sev1, "2026-11-20T10:00:00Z", None);
        for minute in 0..20 {
            let at = time("2026-11-20T10:00:00Z").saturating_add(Duration::from_secs(60 * minute));
            post(&mut one, at, None, Some(&"x".repeat(2_000)));
        }
        all.push(one);
    }
    let history = history_of(all, noon());
    let lines = history
        .incidents
        .iter()
        .flat_map(|one| &one.incident.updates);
    let bytes: usize = lines
        .map(|line| serde_json::to_vec(line).unwrap().len())
        .sum();
    assert!(bytes <= PAGE_BYTES, "{bytes}");
    for one in &history.incidents {
        let shown = u64::try_from(one.incident.updates.len()).unwrap();
        assert_eq!(shown + one.incident.updates_omitted, 21);
    }
}

/// One incident by itself has no age limit, and the bounds of a page.
#[test]
fn one_incident_is_shown_at_any_age_with_what_fits() {
    let names = PublicNames::default();
    let mut old = spanning(
        1,
        Severity::Sev2,
        "1999-01-01T10:00:00Z",
        Some("1999-01-01T11:00:00Z"),
    );
    for n in 0..60 {
        let at = time("1999-01-01T10:00:00Z").saturating_add(Duration::from_secs(n));
        post(&mut old, at, None, Some("Still looking."));
    }
    let view = single_incident(&old, &[], &names).unwrap();
    assert_eq!(view.ended_at, Some(time("1999-01-01T11:00:00Z")));
    assert_eq!(view.incident.updates.len(), PAGE_LINES);
    assert_eq!(view.incident.updates_omitted, 62 - 50);
    let live = spanning(2, Severity::Sev2, "2026-11-20T10:00:00Z", None);
    assert_eq!(single_incident(&live, &[], &names).unwrap().ended_at, None);

    let mut hidden = old.clone();
    hidden.state_mut().status_page.public = false;
    assert_eq!(single_incident(&hidden, &[], &names), None);
    let mut merged = old.clone();
    let mut event = super::by_time::updated(noon(), None, Some(text("Part of another.")));
    event.transition = Some(crate::incident::Transition {
        from: merged.status,
        to: Status::Merged,
        ending: Some(Ending::MergedInto(live.id)),
    });
    apply(&mut merged, &Event::Updated(Box::new(event)));
    assert_eq!(single_incident(&merged, &[], &names), None);
}
