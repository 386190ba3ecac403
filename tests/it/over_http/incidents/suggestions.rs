//! Suggestions of monitoring, and the incident that already covers them.

use std::time::Duration;

use incident_core::suggestion::SUGGESTION_TTL;
use reqwest::Method;
use serde_json::{Value, json};

use crate::over_http::harness::{ADMIN, COMMANDER, RESPONDER, Server};

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
    server.clock.advance(Duration::from_secs(1));
    let second = suggested(&server, "web", "fr", "5xx").await;
    let list = server.pages(ADMIN, "/sys/incidents/suggestions").await;
    let ids: Vec<&Value> = list.iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, [&second["id"], &first["id"]]);
    let incident = live.rsplit('/').next().unwrap();
    assert_eq!(list[0]["live_incident_id"], incident, "{list:?}");
    assert_eq!(list[1]["live_incident_id"], Value::Null, "{list:?}");
    server.stop().await;
}

/// A dismissed suggestion is audited once, stands for its pair for an hour, and cannot be declared
/// from.
#[tokio::test(flavor = "multi_thread")]
async fn a_suggestion_is_dismissed_for_an_hour() {
    let server = Server::start().await;
    let open = suggested(&server, "api", "fr", "5xx").await;
    let id = open["id"].as_str().unwrap();
    let path = format!("/sys/incidents/suggestions/{id}/dismiss");
    let body = json!({});
    for nth in 0..2 {
        let dismissed = server.post(RESPONDER, &path, &body).await.is(200);
        assert_eq!(dismissed["state"], "dismissed", "{nth}");
        assert_eq!(dismissed["id"], id);
    }
    let audit = server.get(ADMIN, "/sys/audit").await.is(200);
    let entries = audit["items"].as_array().unwrap();
    let about = |one: &&Value| one["action"] == "dismiss_suggestion";
    let about: Vec<&Value> = entries.iter().filter(about).collect();
    assert_eq!(about.len(), 1, "{entries:?}");
    let detail = json!({"service": "api", "suggestion_id": id, "tenant": "fr"});
    assert_eq!(about[0]["detail"], detail);

    let refused = json!({"title": "x", "severity": "SEV4", "suggestion_id": id});
    let refused = server.post(COMMANDER, "/sys/incidents", &refused).await;
    let problem = refused.is(409);
    assert_eq!(problem["code"], "suggestion_not_open");
    assert_eq!(problem["detail"], "the suggestion is dismissed");

    let repeated = suggested(&server, "api", "fr", "5xx").await;
    assert_eq!(repeated["id"], id);
    assert_eq!(repeated["state"], "dismissed");
    let hour = Duration::from_secs(60 * 60);
    server.clock.advance(hour - Duration::from_secs(1));
    assert_eq!(suggested(&server, "api", "fr", "5xx").await["id"], id);
    server.clock.advance(Duration::from_secs(1));
    let fresh = suggested(&server, "api", "fr", "5xx").await;
    assert_ne!(fresh["id"], id);
    assert_eq!(fresh["state"], "open");
    server.stop().await;
}

/// A suggestion that was used, has expired or does not exist is not dismissed.
#[tokio::test(flavor = "multi_thread")]
async fn only_open_suggestions_are_dismissed() {
    let server = Server::start().await;
    let used = suggested(&server, "api", "fr", "5xx").await;
    let old = suggested(&server, "api", "de", "5xx").await;
    let from = json!({"severity": "SEV4", "suggestion_id": used["id"]});
    server.declare(&from).await;
    server.clock.advance(SUGGESTION_TTL);
    for (suggestion, why) in [(&used, "used"), (&old, "expired")] {
        let id = suggestion["id"].as_str().unwrap();
        let path = format!("/sys/incidents/suggestions/{id}/dismiss");
        let problem = server.post(COMMANDER, &path, &json!({})).await.is(409);
        assert_eq!(problem["detail"], format!("the suggestion is {why}"));
    }
    for id in ["0190a000-0000-7000-8000-000000000001", "x", "%ff"] {
        let path = format!("/sys/incidents/suggestions/{id}/dismiss");
        let problem = server.post(COMMANDER, &path, &json!({})).await.is(404);
        assert_eq!(problem["detail"], "suggestion not found");
    }
    server.stop().await;
}

/// A repeat of a dismissal under its key is the same response, and one with another meaning is
/// refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_dismissal_is_remembered_under_its_key() {
    let server = Server::start().await;
    let one = suggested(&server, "api", "fr", "5xx").await;
    let other = suggested(&server, "api", "de", "5xx").await;
    let send = async |suggestion: &Value| {
        let id = suggestion["id"].as_str().unwrap();
        let path = format!("/sys/incidents/suggestions/{id}/dismiss");
        let headers = [
            ("idempotency-key", "k1"),
            ("content-type", "application/json"),
        ];
        let body = Some(b"{}".to_vec());
        server
            .send(Method::POST, COMMANDER, &path, &headers, body)
            .await
    };
    let first = send(&one).await.is(200);
    let again = send(&one).await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.is(200), first);
    send(&other).await.is(422);
    server.stop().await;
}
