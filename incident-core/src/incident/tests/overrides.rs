//! Overrides of the policy, in everything that is decided about an incident.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{paged, with};
use crate::effect::{Effect, effects_of};
use crate::incident::{
    Affected, AffectedTenant, Change, Command, Declare, Event, Incident, Severity, Status, Update,
    decide,
};
use crate::paging::Urgency;
use crate::policy::{Policy, PolicyOverride, SeverityPolicy};
use crate::{Statement, TenantId};

fn tenant() -> TenantId {
    "tenant-strict".parse().unwrap()
}

fn hit() -> Affected {
    Affected::these(vec![AffectedTenant::whole(tenant())]).unwrap()
}

/// A policy in which SEV3 and SEV4 are as SEV1 for one tenant, and SEV1 and SEV2 page no one.
fn policy() -> Policy {
    let strict = Policy::default().sev1;
    let lax = SeverityPolicy {
        page: false,
        page_on_raise: false,
        post_mortem_required: false,
        ..Policy::default().sev4
    };
    let severities = Severity::ALL.map(|severity| match severity {
        Severity::Sev1 | Severity::Sev2 => (severity, lax.clone()),
        Severity::Sev3 | Severity::Sev4 => (severity, strict.clone()),
    });
    Policy {
        overrides: vec![PolicyOverride {
            service: None,
            tenant: Some(tenant()),
            severities: BTreeMap::from(severities),
        }],
        ..Policy::default()
    }
}

fn message() -> Statement {
    Statement::new("rolled back").unwrap()
}

#[test]
fn the_page_of_a_declaration_follows_the_override() {
    let declare = |severity, tenants: Affected| Declare {
        affected_tenants: tenants,
        ..Declare::new("API down".parse().unwrap(), severity)
    };
    let policy = policy();
    assert!(declare(Severity::Sev2, Affected::default()).pages(&policy));
    assert!(!declare(Severity::Sev2, hit()).pages(&policy));
    assert!(declare(Severity::Sev3, hit()).pages(&policy));
    // The choice of the creator is above both.
    let chosen = Declare {
        page: Some(true),
        ..declare(Severity::Sev2, hit())
    };
    assert!(chosen.pages(&policy));
}

#[test]
fn raises_reopens_and_urgency_follow_the_override() {
    let policy = policy();
    let of = |severity, tenants: &Affected| {
        with(|state| {
            state.severity = severity;
            state.affected_tenants = tenants.clone();
            state.paging.acknowledged = false;
            state.acknowledged_at = None;
        })
    };
    let raised = |tenants: &Affected| {
        let (before, after) = (of(Severity::Sev4, tenants), of(Severity::Sev3, tenants));
        let event = Event::Changed(Change::Severity(Severity::Sev3));
        effects_of(&event, &before, &after, &policy)
    };
    // Both severities wake people for the tenant, so the open alert only gets the new severity; for
    // others none does.
    assert_eq!(raised(&hit()), [Effect::Reprioritise]);
    assert_eq!(raised(&Affected::default()), [Effect::Reprioritise]);
    let (low, high) = (of(Severity::Sev2, &hit()), of(Severity::Sev3, &hit()));
    assert_eq!(low.policy(&policy).urgency(), Urgency::Low);
    assert_eq!(high.policy(&policy).urgency(), Urgency::High);
    let reopened = |tenants: &Affected| {
        let before = with(|state| {
            super::resolved(state);
            state.severity = Severity::Sev3;
            state.affected_tenants = tenants.clone();
        });
        let (_, now) = paged();
        let reopen = Update {
            reason: Some(message()),
            ..Update::to_status(message(), Status::Investigating)
        };
        let (_, by, _) = crate::testing::an_incident();
        let events = decide(&before, &reopen.into(), &by, now, &policy).unwrap();
        let mut after = before.clone();
        after.apply(&events[0], 3, now, &policy);
        effects_of(&events[0], &before, &after, &policy).contains(&Effect::Page)
    };
    assert!(reopened(&hit()) && !reopened(&Affected::default()));
}

#[test]
fn closing_and_updates_follow_the_override() {
    let policy = policy();
    let (_, now) = paged();
    let (_, by, _) = crate::testing::an_incident();
    let close: Command = Update::to_status(message(), Status::Closed).into();
    let closed = |severity, tenants: &Affected| {
        let incident = with(|state| {
            super::resolved(state);
            state.severity = severity;
            state.affected_tenants = tenants.clone();
        });
        decide(&incident, &close, &by, now, &policy).is_ok()
    };
    assert!(!closed(Severity::Sev2, &Affected::default()) && closed(Severity::Sev2, &hit()));
    assert!(closed(Severity::Sev3, &Affected::default()) && !closed(Severity::Sev3, &hit()));

    // A tenant that is added brings its promise; a change that brings none leaves the clock alone.
    let due = |incident: &Incident, change: Change| {
        let mut after = incident.clone();
        after.apply(&Event::Changed(change), 3, now, &policy);
        after.next_update_due_at
    };
    let earlier = now.saturating_sub(Duration::from_secs(60));
    let incident = with(|state| {
        state.severity = Severity::Sev3;
        state.next_update_due_at = Some(earlier);
    });
    let quarter = now.saturating_add(Duration::from_secs(15 * 60));
    let add = Change::AffectedTenants(hit());
    assert_eq!(due(&incident, add), Some(quarter));
    let same = Change::AffectedTenants(Affected::default());
    assert_eq!(due(&incident, same), Some(earlier));
}
