//! Suggestions of monitoring, and the incident that already covers them.

use serde_json::{Value, json};

use crate::over_http::harness::{ADMIN, COMMANDER, Server};

async fn suggested(server: &Server, service: &str, tenant: &str, signal: &str) -> Value {
    let said = json!({"service": service, "tenant": tenant, "signal": signal,
        "observed_at": "2026-11-20T22:00:00Z"});
    let answer = server
        .post(ADMIN, "/sys/incidents/suggestions", &said)
        .await;
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
    answer.json()
}

/// A suggestion names the live incident of the same service and tenant, and no other one.
#[tokio::test(flavor = "multi_thread")]
async fn a_suggestion_names_the_live_incident_of_its_service_and_tenant() {
    let server = Server::start().await;
    let hit = json!({"severity": "SEV4", "affected_services": ["api"], "affected_tenants": ["fr"]});
    let ended = server.declare(&hit).await;
    let over = json!({"message": "over", "status": "resolved"});
    server.update(COMMANDER, &ended, &over).await;
    let none = suggested(&server, "api", "fr", "5xx").await;
    assert_eq!(none["live_incident_id"], Value::Null, "{none}");

    let live = server.declare(&hit).await;
    let id = live.rsplit('/').next().unwrap();
    for (service, tenant, named) in [
        ("api", "fr", true),
        ("web", "fr", false),
        ("api", "de", false),
    ] {
        let suggestion = suggested(&server, service, tenant, "latency").await;
        let expected = if named { json!(id) } else { Value::Null };
        assert_eq!(
            suggestion["live_incident_id"], expected,
            "{service} {tenant}: {suggestion}"
        );
    }
    // A suggestion that existed before names it from now on.
    let again = suggested(&server, "api", "fr", "5xx").await;
    assert_eq!(again["id"], none["id"]);
    assert_eq!(again["live_incident_id"], id);
    server.stop().await;
}

/// The list has every suggestion, newest first, with its live incident and its state.
#[tokio::test(flavor = "multi_thread")]
async fn suggestions_are_listed_with_their_incident_and_state() {
    let server = Server::start().await;
    let first = suggested(&server, "api", "fr", "5xx").await;
    let hit = json!({"severity": "SEV4", "affected_services": ["web"], "affected_tenants": ["fr"]});
    let live = server.declare(&hit).await;
    server.clock.advance(std::time::Duration::from_secs(1));
    let second = suggested(&server, "web", "fr", "5xx").await;
    let list = server.pages(ADMIN, "/sys/incidents/suggestions").await;
    let ids: Vec<&Value> = list.iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, [&second["id"], &first["id"]]);
    let incident = live.rsplit('/').next().unwrap();
    assert_eq!(list[0]["live_incident_id"], incident, "{list:?}");
    assert_eq!(list[1]["live_incident_id"], Value::Null, "{list:?}");
    server.stop().await;
}
