//! Lists of tenants and services: a decision normalizes them, wherever they come from.

use super::{asked, paged};
use crate::incident::declare::{NewIds, declare};
use crate::incident::{
    Affected, AffectedTenant, Change, Command, Declare, Event, Incident, Refusal, decide,
};
use crate::policy::Policy;
use crate::testing::an_incident;
use crate::{IncidentId, PublicId};

fn tenant(name: &str, from: Option<&str>, until: Option<&str>) -> AffectedTenant {
    AffectedTenant {
        tenant_id: name.parse().unwrap(),
        from: from.map(|time| time.parse().unwrap()),
        until: until.map(|time| time.parse().unwrap()),
    }
}

fn declared(asked: &Declare) -> Result<Incident, Refusal> {
    let (_, anna, now) = an_incident();
    let ids = NewIds {
        id: IncidentId::from_uuid(uuid::Uuid::from_u128(1)),
        public_id: PublicId::from_uuid(uuid::Uuid::from_u128(2)),
        number: 1,
    };
    declare(asked, &anna, ids, Vec::new(), now, &Policy::default())
}

fn changed(change: Change) -> Result<Vec<Event>, Refusal> {
    let (incident, now) = paged();
    let (_, anna, _) = an_incident();
    let command = Command::Change(vec![change]);
    decide(&incident, &command, &anna, now, &Policy::default())
}

/// Returns the field that a declaration and a change both refuse.
fn refused(list: Vec<AffectedTenant>) -> String {
    let list = Affected::These(list.into());
    let field = |refusal| match refusal {
        Refusal::Invalid(invalid) => invalid.field().to_owned(),
        Refusal::WrongState { code, .. } => code.to_owned(),
    };
    let new = Declare {
        affected_tenants: list.clone(),
        ..asked()
    };
    let of_change = field(changed(Change::AffectedTenants(list)).unwrap_err());
    assert_eq!(field(declared(&new).unwrap_err()), of_change);
    of_change
}

#[test]
fn lists_that_nobody_checked_are_put_in_order() {
    let whole = |name| tenant(name, None, None);
    let (one, two) = (whole("club-a"), whole("club-b"));
    let list = Affected::These([two.clone(), one.clone(), two.clone()].into());
    let in_order = Affected::These([one, two].into());
    let new = Declare {
        affected_tenants: list.clone(),
        ..asked()
    };
    assert_eq!(declared(&new).unwrap().affected_tenants, in_order);
    let events = changed(Change::AffectedTenants(list)).unwrap();
    assert_eq!(
        events,
        [Event::Changed(Change::AffectedTenants(in_order.clone()))]
    );
    // A list that is in order is not copied.
    let Ok(Affected::These(same)) = in_order.normalized() else {
        panic!("not a list");
    };
    assert_eq!(same.as_ptr(), in_order.list().unwrap().as_ptr());
    let services = ["web", "api", "web"].map(|one| one.parse().unwrap());
    let events = changed(Change::AffectedServices(services.to_vec())).unwrap();
    let sorted = ["api", "web"].map(|one| one.parse().unwrap());
    let sorted = Change::AffectedServices(sorted.to_vec());
    assert_eq!(events, [Event::Changed(sorted)]);
}

#[test]
fn lists_that_nobody_checked_are_refused_by_name() {
    let many = (0..10_001).map(|n| tenant(&format!("club-{n:05}"), None, None));
    assert_eq!(refused(many.clone().collect()), "affected_tenants");
    // In any order.
    assert_eq!(refused(many.rev().collect()), "affected_tenants");
    let (from, until) = (Some("2026-11-20T22:00:00Z"), Some("2026-11-20T21:00:00Z"));
    let backwards = vec![tenant("club", from, until)];
    assert_eq!(refused(backwards), "affected_tenants/0/until");
}
