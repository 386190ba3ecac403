//! Bounds without a refusal: long lists of tenants, accumulating refusals, and unused suggestions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use incident_core::actor::Role;
use incident_core::commit::{Commit, SuggestionWrite};
use incident_core::engine::{Error, Incidents, MAX_OPEN_SUGGESTIONS, MAX_OUTAGES, RequestContext};
use incident_core::incident::limits::MAX_SHAPERS;
use incident_core::incident::{Change, Command, Refusal};
use incident_core::port::{TenantDirectory, UsageError};
use incident_core::suggestion::{SUGGESTION_TTL, Suggest, Suggestion};
use incident_core::testing::caller;
use incident_core::{Month, SuggestionId, TenantId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::over_http::harness::{ADMIN, BILLING, COMMANDER, RESPONDER, Server, VIEWER};

/// L1: the whole list of tenants has a route of its own, in pages, and is replaced as a whole.
#[tokio::test(flavor = "multi_thread")]
async fn all_tenants_of_an_incident_are_paged() {
    let server = Server::start().await;
    let part = |n: usize| json!({"tenant_id": format!("tenant {n:03}"), "from": "2026-11-20T22:00:00Z", "until": null});
    let mut rows: Vec<Value> = (0..450).map(part).collect();
    // Two parts of one tenant are on two pages.
    let late = json!({"tenant_id": "tenant 199", "from": "2026-11-20T21:00:00Z", "until": "2026-11-20T21:30:00Z"});
    rows.insert(199, late);
    let path = server
        .declare(&json!({"started_at": "2026-11-20T20:00:00Z", "affected_tenants": rows}))
        .await;
    for limit in [7, 200] {
        let found = server
            .pages(VIEWER, &format!("{path}/tenants?limit={limit}"))
            .await;
        assert_eq!(found, rows, "{limit}");
    }
    let first = server.get(VIEWER, &format!("{path}/tenants")).await.is(200);
    assert_eq!(first["affected_tenants_total"], 451);
    assert_eq!(first["items"].as_array().unwrap().len(), 50);
    // A cursor continues after its row, whatever the list has become.
    let cursor = first["next_cursor"].as_str().unwrap();
    let fewer = json!({"affected_tenants": ["tenant 010", "tenant 049", "tenant 050", "x"]});
    let patched = server.patch(RESPONDER, &path, &fewer).await.is(200);
    assert_eq!(patched["affected_tenants_total"], 4);
    let rest = server
        .get(VIEWER, &format!("{path}/tenants?cursor={cursor}"))
        .await
        .is(200);
    let names: Vec<&str> = rest["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["tenant_id"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["tenant 050", "x"]);
    // An incident that affects all tenants has no list.
    server
        .patch(RESPONDER, &path, &json!({"affected_tenants": "all"}))
        .await
        .is(200);
    let none = server.get(VIEWER, &format!("{path}/tenants")).await.is(200);
    assert_eq!(
        none,
        json!({"items": [], "affected_tenants_total": null, "next_cursor": null})
    );
    let item = &server.get(VIEWER, "/sys/incidents").await.is(200)["items"][0];
    assert_eq!(
        (&item["affected_tenants"], &item["affected_tenants_total"]),
        (&json!("all"), &Value::Null)
    );
    for (cursor, status) in [("x", 422), ("AAAA", 422)] {
        server
            .get(VIEWER, &format!("{path}/tenants?cursor={cursor}"))
            .await
            .problem(status);
    }
    server
        .get(
            VIEWER,
            "/sys/incidents/0190a000-0000-7000-8000-000000000000/tenants",
        )
        .await
        .problem(404);
    server.stop().await;
}

/// Returns the audited refusals of an actor: the count of each action, and the details of the
/// summary entries.
async fn refusals(server: &Server, actor: &str) -> (BTreeMap<String, usize>, Vec<Value>) {
    let (mut actions, mut counted) = (BTreeMap::new(), Vec::new());
    let audit = server
        .get(ADMIN, &format!("/sys/audit?actor={actor}&limit=200"))
        .await
        .is(200);
    for entry in audit["items"].as_array().unwrap() {
        if entry["outcome"] == "denied" {
            let action = entry["action"].as_str().unwrap().to_owned();
            if action == "denied_calls" {
                counted.push(entry["detail"].clone());
            }
            *actions.entry(action).or_default() += 1;
        }
    }
    (actions, counted)
}

/// S11: after five refused calls of one actor in a minute the rest is counted, and summarized in
/// one entry, separately for each actor.
#[tokio::test(flavor = "multi_thread")]
async fn repeated_refusals_are_one_audit_entry() {
    let server = Server::start().await;
    let body = json!({"title": "x", "severity": "SEV1"});
    for _ in 0..50 {
        server
            .post(VIEWER, "/sys/incidents", &body)
            .await
            .problem(403);
    }
    for _ in 0..10 {
        server.get(VIEWER, "/sys/audit").await.problem(403);
    }
    server
        .post(BILLING, "/sys/incidents", &body)
        .await
        .problem(403);
    let (actions, _) = refusals(&server, "vera").await;
    assert_eq!(actions, BTreeMap::from([("declare".to_owned(), 5)]));
    assert_eq!(refusals(&server, "bill").await.0["declare"], 1);
    // The minute is over: the entry is written by itself, or with the next refusal.
    server.clock.advance(Duration::from_secs(60));
    server.incidents().worker().note_denials().await.unwrap();
    let (actions, counted) = refusals(&server, "vera").await;
    assert_eq!((actions["declare"], actions["denied_calls"]), (5, 1));
    assert_eq!(
        (&counted[0]["count"], &counted[0]["actions"]),
        (&json!("55"), &json!("read_audit=10,declare=45"))
    );
    for _ in 0..8 {
        server
            .post(VIEWER, "/sys/incidents", &body)
            .await
            .problem(403);
    }
    server.clock.advance(Duration::from_secs(61));
    server
        .post(VIEWER, "/sys/incidents", &body)
        .await
        .problem(403);
    let (actions, counted) = refusals(&server, "vera").await;
    assert_eq!((actions["declare"], counted.len()), (11, 2));
    assert_eq!(counted[1]["count"], "3");
    // The counts at the end of the process are not lost.
    for _ in 0..9 {
        server
            .post(VIEWER, "/sys/incidents", &body)
            .await
            .problem(403);
    }
    server.incidents().worker().finish().await.unwrap();
    assert_eq!(refusals(&server, "vera").await.1[2]["count"], "5");
    server.get(ADMIN, "/sys/audit/verify").await.is(200);
    server.stop().await;
}

/// S10: the number of open suggestions is limited; a new one is refused until some are closed.
#[tokio::test(flavor = "multi_thread")]
async fn open_suggestions_are_limited() {
    let server = Server::start().await;
    let now = server.incidents().reports().now();
    let suggestion = |n: u64| Suggestion {
        id: SuggestionId::from_uuid(Uuid::from_u64_pair(5, n)),
        request: Suggest {
            service: "api".parse().unwrap(),
            tenant: format!("tenant-{n}").parse().unwrap(),
            signal: "x".parse().unwrap(),
            observed_at: now,
            evidence: None,
        },
        received_at: now,
        used: false,
        dismissed_at: None,
    };
    let filling = (0..4).map(|part| {
        let store = server.store.clone();
        let mine: Vec<Suggestion> = (1..MAX_OPEN_SUGGESTIONS)
            .filter(|n| n % 4 == part)
            .map(suggestion)
            .collect();
        tokio::spawn(async move {
            for one in mine {
                let commit = Commit {
                    suggestion: Some(SuggestionWrite::Open(one)),
                    ..Commit::default()
                };
                store.commit(commit, Duration::from_secs(5)).await.unwrap();
            }
        })
    });
    for one in filling.collect::<Vec<_>>() {
        one.await.unwrap();
    }
    let suggest = async |tenant: &str| {
        let body = json!({"service": "api", "tenant": tenant, "signal": "x", "observed_at": "2026-11-20T22:00:00Z"});
        server
            .post(RESPONDER, "/sys/incidents/suggestions", &body)
            .await
    };
    suggest("the last one").await.is(201);
    let refused = suggest("one too many").await;
    assert_eq!(refused.json()["code"], "too_many_suggestions");
    refused.problem(409);
    // One is used, or all expire.
    let used = suggestion(1).id.to_string();
    let body = json!({"title": "x", "severity": "SEV4", "suggestion_id": used});
    server
        .post(COMMANDER, "/sys/incidents", &body)
        .await
        .is(201);
    suggest("instead").await.is(201);
    suggest("one too many").await.problem(409);
    server
        .clock
        .advance(SUGGESTION_TTL + Duration::from_secs(1));
    suggest("one too many").await.is(201);
    server.stop().await;
}

/// A directory with this many tenants.
struct Everybody(usize);

#[async_trait::async_trait]
impl TenantDirectory for Everybody {
    async fn tenants(&self, _timeout: Duration) -> Result<Vec<TenantId>, UsageError> {
        let name = |n: usize| TenantId::new(&format!("tenant-{n:06}")).unwrap();
        Ok((0..self.0).map(name).collect())
    }
}

/// S10: statements of all tenants are limited to a number of outages; statements of one tenant are
/// not affected.
#[tokio::test(flavor = "multi_thread")]
async fn statements_of_all_tenants_hold_a_limited_number_of_outages() {
    let server = Server::start().await;
    for _ in 0..3 {
        server
            .declare(&json!({"severity": "SEV4", "affected_tenants": "all"}))
            .await;
    }
    server.clock.advance(Duration::from_secs(60));
    let asked = |tenants: usize| {
        Incidents::builder(server.store.clone())
            .clock(server.clock.clone())
            .directory(Arc::new(Everybody(tenants)))
            .build()
            .unwrap()
    };
    let month: Month = "2026-11".parse().unwrap();
    let fits = MAX_OUTAGES / 3;
    let made = asked(fits).reports().statements(month, None).await.unwrap();
    assert_eq!(made.len(), fits);
    drop(made);
    let too_many = asked(fits + 1);
    match too_many.reports().statements(month, None).await {
        Err(Error::Refused(Refusal::Invalid(wrong))) => assert_eq!(wrong.field(), "tenant"),
        other => panic!("{:?}", other.map(|made| made.len())),
    }
    let one = TenantId::new("tenant-000007").unwrap();
    assert_eq!(
        too_many
            .reports()
            .statements(month, Some(&one))
            .await
            .unwrap()
            .len(),
        1
    );
    server.stop().await;
}

/// S10: all people who shaped the inputs of credits are stored, so their number is limited; those
/// among them can continue.
#[tokio::test(flavor = "multi_thread")]
async fn people_who_shape_the_credits_of_an_incident_are_limited() {
    let server = Server::start().await;
    let path = server
        .declare(&json!({"severity": "SEV4", "page": false}))
        .await;
    let id = path.rsplit('/').next().unwrap().parse().unwrap();
    let move_start = async |person: usize, second: usize| {
        let at = format!(
            "2026-11-20T2{}:{:02}:{:02}Z",
            second / 3_600,
            second / 60 % 60,
            second % 60
        );
        let change = Command::Change(vec![Change::StartedAt(at.parse().unwrap())]);
        let context =
            RequestContext::new(caller(&format!("person-{person}"), Role::Responder).unwrap());
        server.incidents().act(&context, id, &change).await
    };
    // Including the person who declared it.
    for person in 1..MAX_SHAPERS {
        move_start(person, person).await.unwrap();
    }
    let refused = move_start(MAX_SHAPERS, 1).await.unwrap_err();
    let Error::Refused(Refusal::WrongState { code, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(code, "too_many_people");
    let done = move_start(1, 0).await.unwrap();
    assert_eq!(done.incident.shaped_by.len(), MAX_SHAPERS);
    // Changes that do not affect a figure are open to everyone.
    let note = json!({"message": "looking"});
    server.update(COMMANDER, &path, &note).await;
    server.stop().await;
}
