//! The audit trail has an entry for every write.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::console::roles::{cases, status_of};
use crate::over_http::harness::{ADMIN, COMMANDER, Server};

/// Usage events are platform data, not decisions of a caller.
const NOT_DECISIONS: [&str; 2] = ["POST /sys/usage-events", "POST /sys/classify"];

type Place = (String, u64);

/// Returns chain and number of an actor's entries, each with its action.
async fn done_by(server: &Server, actor: &str) -> BTreeSet<(Place, String)> {
    let path = format!("/sys/audit?actor={actor}&limit=200");
    let entries = server.pages(ADMIN, &path).await.into_iter();
    let done = entries.map(|entry| {
        assert_eq!(entry["outcome"], "allowed", "{entry}");
        let text = |field: &str| entry[field].as_str().unwrap().to_owned();
        let place = (text("chain"), entry["seq"].as_u64().unwrap());
        (place, text("action"))
    });
    done.collect()
}

/// Every successful write request of the role matrix leaves an entry of its caller, and so does a
/// repeated alert.
#[tokio::test(flavor = "multi_thread")]
async fn every_write_is_an_entry_of_its_callers() {
    let server = Server::start().await;
    let mut before = done_by(&server, "root").await;
    for case in cases() {
        if case.route.starts_with("GET ") || NOT_DECISIONS.contains(&case.route) {
            continue;
        }
        let status = status_of(&server, &case, ADMIN).await;
        let after = done_by(&server, "root").await;
        // Two incidents are declared for each request by another caller.
        let is_new = after.difference(&before).next().is_some();
        let is_done = (200..300).contains(&status);
        assert_eq!(is_new, is_done, "{} {}: {status}", case.route, case.with);
        before = after;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_of_an_alert_is_one_too() {
    let server = Server::start().await;
    let alert = json!({"title": "CPU", "severity": "SEV3", "alert_key": "cpu"});
    let mut seen = 0;
    for repeat in [false, true, true] {
        let answer = server.post(COMMANDER, "/sys/incidents", &alert).await;
        let incident: Value = answer.json();
        assert_eq!(incident["deduplicated"] == true, repeat, "{incident}");
        let entries = done_by(&server, "carl").await;
        assert_eq!(entries.len(), seen + 1, "{entries:?}");
        assert!(
            entries.iter().all(|(_, action)| action == "declare"),
            "{entries:?}"
        );
        seen = entries.len();
    }
    server.stop().await;
}

/// Usage events are not decisions, but the trail counts them by sender.
#[tokio::test(flavor = "multi_thread")]
async fn usage_events_are_counted_in_the_trail() {
    let server = Server::start().await;
    let event = |user: &str| {
        json!({"tenant_id": "fr", "user_id": user, "service": "api",
            "occurred_at": "2026-11-20T21:00:00Z", "failed": false})
        .to_string()
    };
    let body = [event("u1"), event("u2")].join("\n");
    let header = [("content-type", "application/x-ndjson")];
    let sent = server.send(
        reqwest::Method::POST,
        ADMIN,
        "/sys/usage-events",
        &header,
        Some(body.into_bytes()),
    );
    sent.await.is(202);
    let entries = server.pages(ADMIN, "/sys/audit?actor=root").await;
    let said: Vec<_> = entries
        .iter()
        .map(|entry| (&entry["action"], &entry["detail"]["events"]))
        .collect();
    assert_eq!(said, [(&json!("record_usage"), &json!("2"))]);
    server.stop().await;
}
