//! A6, P5: rules of merging, and the data that a merge carries over.

use std::collections::BTreeMap;
use std::time::Duration;

use incident_core::actor::Role;
use incident_core::engine::{Incidents, RequestContext};
use incident_core::incident::{
    Affected, AffectedTenant, Change, Command, Declare, Incident, Severity, Status, Update,
    outage_by_tenant,
};
use incident_core::testing::{ManualClock, caller};
use incident_core::window::{Window, Windows};
use incident_core::{IncidentId, TenantId, Timestamp};
use incident_store_memory::MemoryStore;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::over_http::harness::{COMMANDER, RESPONDER, Server, VIEWER, at};

async fn merge(server: &Server, source: &str, target: &str) -> crate::over_http::harness::Answer {
    let into = target.rsplit('/').next().unwrap();
    let body = json!({"message": "the same outage", "status": "merged", "merged_into": into});
    server
        .post(COMMANDER, &format!("{source}/updates"), &body)
        .await
}

async fn update(server: &Server, path: &str, body: Value) {
    server.update(COMMANDER, path, &body).await;
}

/// A6: the target must be live and of the same mode and environment; a refused merge changes
/// nothing.
#[tokio::test]
async fn only_what_is_live_and_of_the_same_kind_takes_an_incident_in() {
    let server = Server::start().await;
    let own = server.declare(&json!({"severity": "SEV1"})).await;
    server.paged(&own, "accepted").await;
    for (what, more, then, expected) in [
        ("drill", json!({"mode": "drill"}), vec![], 422),
        (
            "retrospective",
            json!({"mode": "retrospective"}),
            vec![],
            422,
        ),
        ("staging", json!({"environment": "staging"}), vec![], 422),
        (
            "resolved",
            json!({}),
            vec![json!({"message": "x", "status": "resolved"})],
            409,
        ),
        (
            "closed",
            json!({"severity": "SEV3"}),
            vec![
                json!({"message": "x", "status": "resolved"}),
                json!({"message": "x", "status": "closed"}),
            ],
            409,
        ),
        (
            "cancelled",
            json!({}),
            vec![json!({"message": "x", "status": "cancelled", "reason": "duplicate"})],
            409,
        ),
    ] {
        let target = server.declare(&more).await;
        for body in then {
            update(&server, &target, body).await;
        }
        let refused = merge(&server, &own, &target).await;
        assert_eq!(refused.status, expected, "{what}: {}", refused.text);
        if expected == 422 {
            assert_eq!(refused.json()["errors"][0]["pointer"], "/merged_into");
        }
        let now = server.get(VIEWER, &own).await.is(200);
        assert_eq!(
            (&now["status"], &now["paging"]["state"]),
            (&json!("triage"), &json!("accepted")),
            "{what}"
        );
    }
    // A merged incident is no target, and a responder must not merge.
    let merged = server.declare(&json!({})).await;
    let target = server.declare(&json!({})).await;
    merge(&server, &merged, &target).await.is(201);
    assert_eq!(merge(&server, &own, &merged).await.status, 409);
    let body = json!({"message": "x", "status": "merged", "merged_into": target.rsplit('/').next().unwrap()});
    let responder = server
        .post(RESPONDER, &format!("{own}/updates"), &body)
        .await;
    assert_eq!(responder.status, 403);
    // Two drills, and two of staging.
    for more in [json!({"mode": "drill"}), json!({"environment": "staging"})] {
        let (one, other) = (server.declare(&more).await, server.declare(&more).await);
        merge(&server, &one, &other).await.is(201);
    }
    server.stop().await;
}

/// A6: a live SEV1 merged into a quiet SEV4: severity, start, services, and tenants with their
/// windows are carried over; on-call is paged, because the page of the source is resolved.
#[tokio::test]
async fn severity_start_and_tenants_carry_over_and_it_pages_where_it_got_worse() {
    let server = Server::start().await;
    let source = server
        .declare(&json!({"severity": "SEV1", "started_at": "2026-11-20T22:30:00Z", "affected_services": ["api", "login"], "affected_tenants": ["tenant-fr"]}))
        .await;
    let target = server
        .declare(&json!({"severity": "SEV4", "started_at": "2026-11-20T22:50:00Z", "affected_tenants": ["tenant-it"]}))
        .await;
    for path in [&source, &target] {
        server.paged(path, "accepted").await;
    }
    assert_eq!(server.pager.wakes(), 2);
    merge(&server, &source, &target).await.is(201);
    let now = server.get(VIEWER, &target).await.is(200);
    assert_eq!(
        (&now["severity"], &now["started_at"]),
        (&json!("SEV1"), &json!("2026-11-20T22:30:00Z"))
    );
    assert_eq!(now["affected_services"], json!(["api", "login"]));
    assert_eq!(
        now["affected_tenants"],
        json!([{"tenant_id": "tenant-fr", "from": null, "until": null}, {"tenant_id": "tenant-it", "from": "2026-11-20T22:50:00Z", "until": null}])
    );
    let paged = server.paged(&target, "accepted").await;
    assert_eq!(paged["paging"]["epoch"], 2);
    server.clock.advance(Duration::from_secs(30 * 60));
    update(
        &server,
        &target,
        json!({"message": "over", "status": "resolved"}),
    )
    .await;
    let report = server
        .get(VIEWER, &format!("{target}/sla-impact"))
        .await
        .is(200);
    let minutes: BTreeMap<&str, &str> = report["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["tenant_id"].as_str().unwrap(),
                row["outage_minutes"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        minutes,
        BTreeMap::from([("tenant-fr", "60"), ("tenant-it", "40")])
    );
    let source = server
        .get(VIEWER, &format!("{source}/sla-impact"))
        .await
        .is(200);
    assert_eq!(
        (&source["rows"], &source["excluded"]),
        (&json!([]), &json!("merged"))
    );
    server.stop().await;
}

/// A merge resolves the page of the source: if it was not acknowledged and the target has not
/// paged, the target is paged. Not if either was acknowledged.
#[tokio::test]
async fn a_page_that_nobody_answered_is_not_lost_in_a_merge() {
    for (source_taken, target_taken, again) in [
        (false, false, true),
        (true, false, false),
        (false, true, false),
    ] {
        let server = Server::start().await;
        let source = server.declare(&json!({"severity": "SEV1"})).await;
        server.paged(&source, "accepted").await;
        let target = server
            .declare(&json!({"severity": "SEV1", "page": false}))
            .await;
        for (path, taken) in [(&source, source_taken), (&target, target_taken)] {
            if taken {
                server
                    .post(RESPONDER, &format!("{path}/acknowledge"), &json!({}))
                    .await
                    .is(200);
            }
        }
        merge(&server, &source, &target).await.is(201);
        let state = if again { "accepted" } else { "none" };
        let now = server.paged(&target, state).await;
        assert_eq!(now["paging"]["epoch"], u64::from(again));
        assert_eq!(server.pager.wakes(), 1 + u64::from(again));
        server.stop().await;
    }
}

/// P5: a public SEV1 merged into a private one: the outage stays on the page, with its messages;
/// corrections and redactions at the source take effect.
#[tokio::test]
async fn the_public_page_follows_an_outage_through_a_merge() {
    let server = Server::start().await;
    let page = async || server.get("", "/public/status/active").await.is(200);
    let source = server.declare(&json!({"severity": "SEV1"})).await;
    let target = server.declare(&json!({"severity": "SEV2"})).await;
    let public = json!({"public": true, "title": "API unavailable", "message": "We see errors."});
    server
        .post(COMMANDER, &format!("{source}/public"), &public)
        .await
        .is(200);
    let before = page().await;
    assert_eq!(
        (
            &before["status"]["indicator"],
            before["incidents"].as_array().unwrap().len()
        ),
        (&json!("critical"), 1)
    );
    merge(&server, &source, &target).await.is(201);
    let after = page().await;
    assert_eq!(after["status"]["indicator"], "critical");
    let shown = &after["incidents"][0];
    assert_eq!(
        (
            &shown["title"],
            after["incidents"].as_array().unwrap().len()
        ),
        (&json!("API unavailable"), 1)
    );
    assert_ne!(shown["id"], before["incidents"][0]["id"]);
    let bodies = |page: &Value| -> Vec<String> {
        let updates = page["incidents"][0]["updates"].as_array().unwrap().iter();
        updates
            .map(|line| line["body"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(bodies(&after), ["We see errors."]);
    server.clock.advance(Duration::from_secs(60));
    update(
        &server,
        &target,
        json!({"message": "fix", "status": "mitigated", "public_message": "A fix is in."}),
    )
    .await;
    assert_eq!(bodies(&page().await), ["A fix is in.", "We see errors."]);
    let entries = server
        .get(VIEWER, &format!("{source}/updates"))
        .await
        .is(200);
    let entries = entries["items"].as_array().unwrap().iter();
    let mut said = entries.filter(|entry| entry["public_message"] == "We see errors.");
    let seq = said.next().unwrap()["seq"].clone();
    let correction = json!({"message": "wording", "kind": "correction", "corrects": seq, "public_message": "Logins fail."});
    update(&server, &source, correction).await;
    assert_eq!(bodies(&page().await), ["A fix is in.", "Logins fail."]);
    // Withdrawn with the target.
    server
        .post(
            COMMANDER,
            &format!("{target}/public"),
            &json!({"public": false}),
        )
        .await
        .is(200);
    assert_eq!(page().await["incidents"], json!([]));
    server.stop().await;
}

/// An interval of an outage, in minutes after the start of the test; open if it has no end.
type Interval = (u64, Option<u64>);

#[derive(Clone, Debug)]
struct Life {
    /// In order; only the last one may be open.
    intervals: Vec<Interval>,
    /// Tenants by number, each with its own bounds.
    tenants: Vec<(u8, Option<u64>, Option<u64>)>,
}

const MINUTES: u64 = 600;

fn life() -> impl Strategy<Value = Life> {
    let cuts = prop::collection::btree_set(1..MINUTES / 2, 1..7);
    let bounds = (
        0_u8..4,
        prop::option::of(0..MINUTES),
        prop::option::of(0..MINUTES),
    );
    let tenants = prop::collection::vec(bounds, 0..5);
    (cuts, tenants).prop_map(|(cuts, tenants)| {
        let cuts: Vec<u64> = cuts.into_iter().collect();
        let intervals = cuts.chunks(2).map(|cut| (cut[0], cut.get(1).copied()));
        let tenants = tenants
            .into_iter()
            .filter(|(_, from, until)| match (from, until) {
                (Some(from), Some(until)) => from < until,
                _ => true,
            });
        Life {
            intervals: intervals.collect(),
            tenants: tenants.collect(),
        }
    })
}

fn minute(minute: u64) -> Timestamp {
    at("2026-11-20T10:00:00Z").saturating_add(Duration::from_secs(minute * 60))
}

fn tenant(number: u8) -> TenantId {
    TenantId::new(&format!("tenant-{number}")).unwrap()
}

struct World {
    incidents: Incidents,
    context: RequestContext,
}

impl World {
    fn new() -> Self {
        let incidents = Incidents::builder(std::sync::Arc::new(MemoryStore::default()))
            .clock(std::sync::Arc::new(ManualClock::at(minute(MINUTES))))
            .build()
            .unwrap();
        Self {
            incidents,
            context: RequestContext::new(caller("carl", Role::Admin).unwrap()),
        }
    }

    /// Plays a life and leaves the incident live: the end of its last interval, if it has one, is
    /// stated as the end of the impact.
    async fn live(&self, life: &Life) -> IncidentId {
        let mut asked = Declare::new("down".parse().unwrap(), Severity::Sev3);
        asked.started_at = Some(minute(life.intervals[0].0));
        let tenants = life
            .tenants
            .iter()
            .map(|(number, from, until)| AffectedTenant {
                tenant_id: tenant(*number),
                from: from.map(minute),
                until: until.map(minute),
            });
        asked.affected_tenants = Affected::these(tenants.collect()).unwrap();
        let id = self
            .incidents
            .declare(&self.context, &asked)
            .await
            .unwrap()
            .incident
            .id;
        for (place, (start, end)) in life.intervals.iter().enumerate() {
            if place > 0 {
                let mut reopen = Update::to_status("back".parse().unwrap(), Status::Investigating);
                reopen.reason = Some("again".parse().unwrap());
                reopen.occurred_at = Some(minute(*start));
                self.act(id, Command::Update(Box::new(reopen))).await;
            }
            let Some(end) = end else { continue };
            if place + 1 < life.intervals.len() {
                let mut resolve = Update::to_status("over".parse().unwrap(), Status::Resolved);
                resolve.occurred_at = Some(minute(*end));
                self.act(id, Command::Update(Box::new(resolve))).await;
            } else {
                let ended = Change::ImpactEndedAt(Some(minute(*end)));
                self.act(id, Command::Change(vec![ended])).await;
            }
        }
        id
    }

    async fn act(&self, id: IncidentId, command: Command) {
        self.incidents
            .act(&self.context, id, &command)
            .await
            .unwrap();
    }

    async fn outage_of(&self, id: IncidentId) -> (Windows, BTreeMap<TenantId, Windows>) {
        let incident = self.incidents.get(id).await.unwrap();
        outages(&incident)
    }
}

fn outages(incident: &Incident) -> (Windows, BTreeMap<TenantId, Windows>) {
    let outage = incident.outage(minute(MINUTES));
    let tenants = outage_by_tenant(&outage, incident.affected_tenants.list().unwrap());
    let tenants = tenants.into_iter().map(|one| (one.tenant, one.windows));
    (outage, tenants.collect())
}

fn both(one: Option<&Windows>, other: Option<&Windows>) -> Windows {
    let windows = |set: Option<&Windows>| set.map_or_else(Vec::new, |set| set.as_slice().to_vec());
    let all: Vec<Window> = [windows(one), windows(other)].concat();
    all.into_iter().collect()
}

/// Checks that a merge neither loses nor adds a minute: the outage of the target is the union of
/// both, and each tenant is affected while either incident affected it.
async fn nothing_is_lost(source: &Life, target: &Life) -> Result<(), TestCaseError> {
    let world = World::new();
    let (source, target) = (world.live(source).await, world.live(target).await);
    let (from, into) = (world.outage_of(source).await, world.outage_of(target).await);
    let mut update = Update::to_status("the same".parse().unwrap(), Status::Merged);
    update.merged_into = Some(target);
    world.act(source, Command::Update(Box::new(update))).await;
    let after = world.outage_of(target).await;
    prop_assert_eq!(&after.0, &both(Some(&from.0), Some(&into.0)));
    for number in 0..4 {
        let name = tenant(number);
        let expected = both(from.1.get(&name), into.1.get(&name));
        let found = both(after.1.get(&name), None);
        prop_assert_eq!(found, expected, "{}", name);
    }
    Ok(())
}

proptest! {
    /// A6: windows per tenant are carried over.
    #[test]
    fn a_merge_loses_and_invents_no_minute(source in life(), target in life()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(nothing_is_lost(&source, &target))?;
    }
}
