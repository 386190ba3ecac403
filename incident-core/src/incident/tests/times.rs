use std::time::Duration;

use super::{paged, with};
use crate::incident::{
    Affected, AffectedTenant, CancelReason, Change, Command, Declare, Event, Incident, Refusal,
    Severity, State, Status, decide, declare,
};
use crate::policy::Policy;
use crate::testing::an_incident;
use crate::{Timestamp, Window};

fn at(minutes_ago: u64) -> Timestamp {
    let (_, now) = paged();
    now.saturating_sub(Duration::from_secs(60 * minutes_ago))
}

fn changed(incident: &Incident, change: Change) -> Result<Vec<Event>, Refusal> {
    let (_, anna, now) = an_incident();
    decide(
        incident,
        &Command::Change(vec![change]),
        &anna,
        now,
        &Policy::default(),
    )
}

/// Creates an incident that began two hours ago, was over an hour ago and was reopened half an hour
/// ago.
fn reopened(change: impl FnOnce(&mut State)) -> Incident {
    with(|state| {
        state.started_at = at(120);
        state.earlier = vec![Window::new(at(120), at(60)).unwrap()];
        state.reopened_at = Some(at(30));
        change(state);
    })
}

#[test]
fn a_start_is_not_after_the_end() {
    let over = with(|state| {
        state.started_at = at(120);
        state.status = Status::Resolved;
        state.resolved_at = Some(at(60));
    });
    for (start, taken) in [(61, true), (60, true), (59, false)] {
        let found = changed(&over, Change::StartedAt(at(start)));
        assert_eq!(found.is_ok(), taken, "{start}: {found:?}");
    }
    let mitigated = with(|state| {
        state.started_at = at(120);
        state.mitigated_at = Some(at(60));
    });
    assert!(changed(&mitigated, Change::StartedAt(at(59))).is_err());
    let live = with(|state| state.started_at = at(120));
    assert!(changed(&live, Change::StartedAt(at(1))).is_ok());
}

/// A15: the first outage of a reopened incident keeps some length.
#[test]
fn a_start_leaves_something_of_the_first_outage() {
    for (start, taken) in [(180, true), (61, true), (60, false), (20, false)] {
        let found = changed(&reopened(|_| {}), Change::StartedAt(at(start)));
        assert_eq!(found.is_ok(), taken, "{start}: {found:?}");
    }
    // Its first outage had no length, and is not among the earlier intervals.
    let of_no_length = reopened(|state| state.started_at = at(125));
    assert!(changed(&of_no_length, Change::StartedAt(at(180))).is_err());
    let never_over = reopened(|state| state.earlier = Vec::new());
    assert!(changed(&never_over, Change::StartedAt(at(180))).is_err());
}

/// A15: a tenant's times are near the outage.
#[test]
fn times_of_a_tenant_are_near_the_outage() {
    let day = 24 * 60;
    let over = with(|state| {
        state.started_at = at(100 * day);
        state.status = Status::Resolved;
        state.resolved_at = Some(at(90 * day));
    });
    let part = |from: Option<u64>, until: Option<u64>| {
        let one = AffectedTenant {
            tenant_id: "fr".parse().unwrap(),
            from: from.map(at),
            until: until.map(at),
        };
        Affected::these(vec![one]).unwrap()
    };
    for (from, until, taken) in [
        (None, None, true),
        (Some(95), None, true),
        (Some(59), None, true),
        (Some(58), None, false),
        (None, Some(131), true),
        (None, Some(132), false),
        (Some(200), Some(95), true),
    ] {
        let tenants = part(from.map(|days| days * day), until.map(|days| days * day));
        let found = changed(&over, Change::AffectedTenants(tenants));
        assert_eq!(found.is_ok(), taken, "{from:?} {until:?}: {found:?}");
    }
    let (_, now) = paged();
    let live = with(|state| state.started_at = at(60));
    for (seconds, taken) in [(60, true), (61, false)] {
        let from = now.saturating_add(Duration::from_secs(seconds));
        let one = AffectedTenant {
            tenant_id: "fr".parse().unwrap(),
            from: Some(from),
            until: None,
        };
        let tenants = Affected::these(vec![one]).unwrap();
        let found = changed(&live, Change::AffectedTenants(tenants.clone()));
        assert_eq!(found.is_ok(), taken, "{seconds}");
        // A row that was there before stays.
        let kept = with(|state| state.affected_tenants = tenants.clone());
        assert!(changed(&kept, Change::AffectedTenants(tenants)).is_ok());
    }
}

#[test]
fn one_that_is_entered_afterwards_begins_with_its_end() {
    let (_, now) = paged();
    let asked = Declare {
        mode: crate::incident::Mode::Retrospective,
        resolved_at: Some(now),
        ..super::asked()
    };
    let events = declare::first_events(&asked, now);
    assert!(
        matches!(
            events.as_slice(),
            [Event::Declared { .. }, Event::Updated(_)]
        ),
        "{events:?}"
    );
    let events = declare::first_events(&super::asked(), now);
    let declared = |overridden| vec![Event::Declared { overridden }];
    assert_eq!(events, declared(None));
    // A proposal that was followed is no override.
    for (proposed, overridden) in [
        (asked.severity, None),
        (Severity::Sev4, Some(Severity::Sev4)),
    ] {
        let asked = Declare {
            severity: asked.severity,
            proposed_severity: Some(proposed),
            ..super::asked()
        };
        assert_eq!(declare::first_events(&asked, now), declared(overridden));
    }
    for reason in [
        CancelReason::FalsePositive,
        CancelReason::Duplicate,
        CancelReason::External,
        CancelReason::Superseded,
    ] {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.name());
    }
}
