use std::time::Duration;

use super::{name, with};
use crate::Timestamp;
use crate::actor::Actor;
use crate::incident::report::report;
use crate::incident::{Event, Incident, State, Status, VendorReport};
use crate::paging::{AlertSeen, InboundPolicy, Paging, PagingState, VendorEvent, VendorEventKind};
use crate::policy::Policy;
use crate::testing::an_incident;

/// The consequence of a report.
#[derive(Debug, PartialEq, Eq)]
enum Follows {
    Taken,
    Over,
    /// An entry: about an earlier page, the state of the alert, and if no one is called any more.
    Entry(bool, Option<AlertSeen>, bool),
    Nothing,
    Refused,
}

fn decided(incident: &Incident, report_of: &VendorReport) -> Follows {
    let (_, anna, now) = an_incident();
    let by = Actor::clone(&anna);
    match report(incident, report_of, &by, now, &Policy::default()) {
        Err(_) => Follows::Refused,
        Ok(events) => match events.as_slice() {
            [] => Follows::Nothing,
            [Event::Acknowledged { .. }] => Follows::Taken,
            [Event::Updated(_)] => Follows::Over,
            [
                Event::Observed {
                    statement: said,
                    alert,
                    deserted_at,
                    ..
                },
            ] => {
                let earlier = said.as_str().starts_with("about an earlier page");
                Follows::Entry(earlier, *alert, deserted_at.is_some())
            }
            other => panic!("{other:?}"),
        },
    }
}

pub(super) fn report_of(what: VendorEventKind) -> VendorReport {
    VendorReport {
        event: VendorEvent {
            vendor: name("pagerduty"),
            event_id: name("e-1"),
            dedup_key: None,
            vendor_id: None,
            what,
            by: None,
            at: None,
            digest: [0; 32],
            echo: false,
        },
        rule: None,
        polled_epoch: None,
        policy: InboundPolicy {
            acknowledge: true,
            resolve: true,
        },
    }
}

/// Sets the second page of an incident, begun a minute before now.
fn second_page(state: &mut State) {
    let begun = state.declared_at.saturating_sub(Duration::from_secs(60));
    state.paging = Paging {
        state: PagingState::Accepted,
        ..Paging::pending(2, begun)
    };
}

fn at(seconds_ago: u64) -> Option<Timestamp> {
    let (_, _, now) = an_incident();
    Some(now.saturating_sub(Duration::from_secs(seconds_ago)))
}

#[test]
fn an_acknowledgement_takes_the_incident_where_it_may() {
    let acknowledged = report_of(VendorEventKind::Acknowledged);
    assert_eq!(decided(&with(|_| {}), &acknowledged), Follows::Taken);
    let entry = Follows::Entry(false, Some(AlertSeen::Open), false);
    let mut may_not = acknowledged.clone();
    may_not.policy.acknowledge = false;
    assert_eq!(decided(&with(|_| {}), &may_not), entry);
    let taken = with(|state| {
        state.acknowledged_at = Some(state.declared_at);
        state.paging.acknowledged = true;
    });
    assert_eq!(decided(&taken, &acknowledged), entry);
    let of_rule = VendorReport {
        rule: Some("management".parse().unwrap()),
        ..acknowledged.clone()
    };
    assert_eq!(decided(&with(|_| {}), &of_rule), entry);
    let over = with(|state| state.status = Status::Resolved);
    assert_eq!(decided(&over, &acknowledged), entry);
    let closed = with(|state| state.status = Status::Closed);
    assert_eq!(decided(&closed, &acknowledged), Follows::Refused);
}

#[test]
fn a_resolution_ends_it_where_it_may_and_deserts_it_otherwise() {
    let resolution = report_of(VendorEventKind::Resolved);
    assert_eq!(decided(&with(|_| {}), &resolution), Follows::Over);
    let mut may_not = resolution;
    may_not.policy.resolve = false;
    let closed = Some(AlertSeen::Closed);
    assert_eq!(
        decided(&with(|_| {}), &may_not),
        Follows::Entry(false, closed, true)
    );
    let taken = with(|state| {
        state.acknowledged_at = Some(state.declared_at);
        state.paging.acknowledged = true;
    });
    assert_eq!(
        decided(&taken, &may_not),
        Follows::Entry(false, closed, false)
    );
    // A note leaves no one uncalled.
    let note = report_of(VendorEventKind::Noted("seen".to_owned()));
    assert_eq!(
        decided(&with(|_| {}), &note),
        Follows::Entry(false, None, false)
    );
}

#[test]
fn what_is_older_than_the_page_is_about_an_earlier_one() {
    let earlier = Follows::Entry(true, None, false);
    let report_at = |at| {
        let mut report = report_of(VendorEventKind::Resolved);
        report.event.at = at;
        report
    };
    let second = with(second_page);
    // The page began 60 s ago.
    assert_eq!(decided(&second, &report_at(at(61))), earlier);
    assert_eq!(decided(&second, &report_at(at(60))), Follows::Over);
    assert_eq!(decided(&second, &report_at(None)), Follows::Over);
    // A report cannot be about a page before the first one.
    let first = with(|state| state.paging.begun_at = at(60));
    assert_eq!(decided(&first, &report_at(at(600))), Follows::Over);
    // Reopened, and not paged since.
    let unpaged = with(|state| {
        second_page(state);
        state.paging.state = PagingState::None;
    });
    assert_eq!(decided(&unpaged, &report_at(None)), earlier);
    // Never paged.
    let never = with(|state| state.paging = Paging::none());
    assert_eq!(decided(&never, &report_at(None)), Follows::Over);
}

#[test]
fn an_answer_counts_for_the_page_that_was_asked_about() {
    let answer = |what, asked_of| VendorReport {
        polled_epoch: Some(asked_of),
        ..report_of(what)
    };
    let seen = with(|state| {
        second_page(state);
        state.paging.confirmed_at = at(30);
    });
    assert_eq!(
        decided(&seen, &answer(VendorEventKind::Resolved, 1)),
        Follows::Nothing
    );
    assert_eq!(
        decided(&seen, &answer(VendorEventKind::Resolved, 2)),
        Follows::Over
    );
    // The alert of this page was never seen: it may be the closed one of the page before.
    let unseen = with(second_page);
    let deserted = Follows::Entry(false, Some(AlertSeen::Closed), true);
    assert_eq!(
        decided(&unseen, &answer(VendorEventKind::Resolved, 2)),
        deserted
    );
    // There is no page before the first one; and a webhook reports an event, not a state.
    assert_eq!(
        decided(&with(|_| {}), &answer(VendorEventKind::Resolved, 1)),
        Follows::Over
    );
    assert_eq!(
        decided(&unseen, &report_of(VendorEventKind::Resolved)),
        Follows::Over
    );
    // Known already: the alert was seen closed, the incident is acknowledged, or it ended.
    let closed = with(|state| state.paging.closed_there_at = at(5));
    assert_eq!(
        decided(&closed, &answer(VendorEventKind::Resolved, 1)),
        Follows::Nothing
    );
    let taken = with(|state| {
        state.acknowledged_at = Some(state.declared_at);
        state.paging.acknowledged = true;
    });
    assert_eq!(
        decided(&taken, &answer(VendorEventKind::Acknowledged, 1)),
        Follows::Nothing
    );
    assert_eq!(
        decided(&with(|_| {}), &answer(VendorEventKind::Acknowledged, 1)),
        Follows::Taken
    );
    let over = with(|state| state.status = Status::Resolved);
    assert_eq!(
        decided(&over, &answer(VendorEventKind::Resolved, 1)),
        Follows::Nothing
    );
    // A webhook that repeats a known state is an entry.
    let repeated = Follows::Entry(false, Some(AlertSeen::Open), false);
    assert_eq!(
        decided(&taken, &report_of(VendorEventKind::Acknowledged)),
        repeated
    );
}
