use super::{name, with};
use crate::effect::{Effect, effects_of};
use crate::incident::merge::take_in;
use crate::incident::{
    Affected, AffectedTenant, Event, Incident, Mode, Refusal, Severity, State, TookIn,
};
use crate::paging::Paging;
use crate::policy::Policy;
use crate::{IncidentId, PersonName, TenantId, Timestamp, Window};
use uuid::Uuid;

fn at(text: &str) -> Timestamp {
    format!("2026-11-20T{text}:00Z").parse().unwrap()
}

/// Creates an incident of a tenant from `start` until `end`, if it has ended.
fn incident(n: u64, tenant: &str, start: &str, end: Option<&str>) -> Incident {
    with(|state| {
        state.id = IncidentId::from_uuid(Uuid::from_u64_pair(7 << 12, n));
        state.started_at = at(start);
        state.started_at_assumed = false;
        state.impact_ended_at = end.map(at);
        let tenant = AffectedTenant::whole(TenantId::new(tenant).unwrap());
        state.affected_tenants = Affected::these(vec![tenant]).unwrap();
    })
}

fn changed(mut incident: Incident, change: impl FnOnce(&mut State)) -> Incident {
    change(incident.state_mut());
    incident
}

fn taken(target: &Incident, source: &Incident) -> TookIn {
    let mut events = take_in(target, source).unwrap();
    let Some(Event::TookIn(taken)) = events.pop() else {
        panic!("{events:?}");
    };
    *taken
}

/// Returns the target after the merge.
fn merged(target: &Incident, source: &Incident) -> Incident {
    let event = Event::TookIn(Box::new(taken(target, source)));
    let mut after = target.clone();
    after.apply(&event, 9, at("23:00"), &Policy::default());
    after
}

#[test]
fn only_the_live_and_alike_take_in() {
    let (target, source) = (
        incident(1, "fr", "10:00", None),
        incident(2, "de", "11:00", None),
    );
    assert!(take_in(&target, &source).is_ok());
    let drill = changed(source.clone(), |state| state.mode = Mode::Drill);
    let staging = changed(source.clone(), |state| state.environment = name("staging"));
    for other in [drill, staging] {
        let refused = take_in(&target, &other);
        assert!(matches!(refused, Err(Refusal::Invalid(_))), "{refused:?}");
    }
    let ended = changed(target, super::resolved);
    let refused = take_in(&ended, &source);
    assert!(
        matches!(refused, Err(Refusal::WrongState { .. })),
        "{refused:?}"
    );
}

#[test]
fn the_outage_is_that_of_both_and_each_tenant_keeps_its_own() {
    // From 10:00 to 10:30, and from 11:00 on.
    let target = incident(1, "fr", "11:00", None);
    let source = incident(2, "de", "10:00", Some("10:30"));
    let after = merged(&target, &source);
    let first = Window::new(at("10:00"), at("10:30")).unwrap();
    assert_eq!(after.started_at, at("10:00"));
    assert_eq!(
        (after.earlier.as_slice(), after.reopened_at),
        ([first].as_slice(), Some(at("11:00")))
    );
    assert_eq!(after.impact_ended_at, None);
    let times = |tenant: &str| {
        let list = after.affected_tenants.list().unwrap();
        let one = list
            .iter()
            .find(|one| one.tenant_id.as_str() == tenant)
            .unwrap();
        (one.from, one.until)
    };
    assert_eq!(times("fr"), (Some(at("11:00")), None));
    assert_eq!(times("de"), (None, Some(at("10:30"))));
    // Both over, one inside of the other: one outage, and nothing was reopened.
    let long = incident(1, "fr", "10:00", Some("12:00"));
    let short = incident(2, "de", "10:30", Some("11:00"));
    let after = merged(&long, &short);
    assert_eq!((after.started_at, after.reopened_at), (at("10:00"), None));
    assert_eq!(after.impact_ended_at, Some(at("12:00")));
    assert_eq!(after.earlier, []);
}

#[test]
fn a_start_is_assumed_where_nobody_stated_it() {
    let assumed = |one: Incident| changed(one, |state| state.started_at_assumed = true);
    let (early, late) = (
        incident(1, "fr", "10:00", None),
        incident(2, "de", "11:00", None),
    );
    for (target, source, expected) in [
        (early.clone(), assumed(late.clone()), false),
        (assumed(early.clone()), late.clone(), true),
        (assumed(late.clone()), early.clone(), false),
        (late, assumed(early), true),
    ] {
        assert_eq!(merged(&target, &source).started_at_assumed, expected);
    }
}

#[test]
fn people_alerts_and_the_unanswered_page_carry_over() {
    let target = changed(incident(1, "fr", "10:00", None), |state| {
        state.alert_key = Some(name("cpu"))
    });
    let source = changed(incident(2, "de", "10:00", None), |state| {
        state.alert_key = Some(name("disk"));
        state.merged_alerts = vec![name("cpu")];
        state.shaped_by = [PersonName::new("bo").unwrap()].into();
    });
    let after = merged(&target, &source);
    assert_eq!(after.merged_alerts, [name("disk")]);
    assert!(after.shaped_by.contains(&PersonName::new("bo").unwrap()));
    assert!(taken(&target, &source).was_paging);
    let quiet = changed(source.clone(), |state| state.paging = Paging::none());
    assert!(!taken(&target, &quiet).was_paging);
    let answered = changed(source, |state| {
        state.acknowledged_at = Some(state.declared_at);
        state.paging.acknowledged = true;
    });
    assert!(!taken(&target, &answered).was_paging);
}

/// The page of the other one is resolved with it: if neither was acknowledged, the target pages.
#[test]
fn the_target_pages_where_the_unanswered_page_of_the_other_ends() {
    let silent = |state: &mut State| state.paging = Paging::none();
    let (target, source) = (
        incident(1, "fr", "10:00", None),
        incident(2, "de", "10:00", None),
    );
    let informs = |one: Incident| {
        changed(one, |state| {
            silent(state);
            state.severity = Severity::Sev3;
        })
    };
    let answered = changed(target.clone(), |state| {
        silent(state);
        state.acknowledged_at = Some(state.declared_at);
    });
    for (what, target, source, expected) in [
        ("both paged", target.clone(), source.clone(), [].as_slice()),
        (
            "silent",
            changed(target.clone(), silent),
            source.clone(),
            &[Effect::Page],
        ),
        (
            "both silent",
            changed(target.clone(), silent),
            changed(source.clone(), silent),
            &[],
        ),
        ("answered", answered, source.clone(), &[]),
        // It is raised as well, and pages once.
        ("raised", informs(target), source, &[Effect::Page]),
    ] {
        let event = Event::TookIn(Box::new(taken(&target, &source)));
        let policy = Policy::default();
        let mut after = target.clone();
        after.apply(&event, 9, at("23:00"), &policy);
        let found = effects_of(&event, &target, &after, &policy);
        let pages: Vec<Effect> = found
            .into_iter()
            .filter(|one| *one == Effect::Page)
            .collect();
        assert_eq!(pages, expected, "{what}");
    }
}

#[test]
fn the_entry_names_what_was_taken_over() {
    let (target, source) = (
        incident(1, "fr", "11:00", None),
        incident(2, "de", "10:00", None),
    );
    let (_, anna, now) = crate::testing::an_incident();
    let events = take_in(&target, &source).unwrap();
    let draft = crate::timeline::EntryDraft::of(&events[0], &target, &anna, now).unwrap();
    let fields: Vec<_> = draft.changes.iter().map(|one| one.field.as_str()).collect();
    assert!(fields.contains(&"started_at"), "{fields:?}");
    assert!(fields.contains(&"affected_tenants"), "{fields:?}");
}
