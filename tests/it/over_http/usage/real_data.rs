//! Real input: an access log as usage events, and a published history as retrospective incidents.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::over_http::harness::{COMMANDER, RESPONDER, Server, VIEWER, shared};

/// Parses a line of the combined log format into a usage event; `None` if the line is cut off.
fn event(line: &str) -> Option<Value> {
    let (user, rest) = line.split_once(' ')?;
    let (_, rest) = rest.split_once('[')?;
    let (time, rest) = rest.split_once("] \"")?;
    let (request, rest) = rest.split_once("\" ")?;
    let path = request.split(' ').nth(1)?;
    let status: u16 = rest.split(' ').next()?.parse().ok()?;
    // A complete line ends with two more quoted fields.
    if line.matches('"').count() != 6 || !line.ends_with('"') {
        return None;
    }
    let segments: Vec<&str> = path.split('?').next()?.split('/').collect();
    let tenant = if segments.len() > 2 && !segments[1].is_empty() {
        segments[1]
    } else {
        "(root)"
    };
    let month = ["Jan", "Feb", "Mar", "Apr", "May"]
        .iter()
        .position(|name| *name == &time[3..6])?
        + 1;
    let at = format!(
        "{}-{month:02}-{}T{}{}:{}",
        &time[7..11],
        &time[..2],
        &time[12..20],
        &time[21..24],
        &time[24..26]
    );
    Some(
        json!({"tenant_id": tenant, "user_id": user, "service": "web", "occurred_at": at, "failed": status >= 500, "endpoint": null}),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_requests_give_the_counted_users_in_every_window() {
    let (Some(log), Some(expected)) = (
        shared("apache-logs/apache_logs"),
        shared("apache-logs/expected.json"),
    ) else {
        return;
    };
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let events: Vec<Value> = log.lines().filter_map(event).collect();
    assert_eq!(events.len(), 9_999);
    let server = Server::start().await;
    for batch in events.chunks(4_000) {
        server
            .post(RESPONDER, "/sys/usage-events", &Value::from(batch))
            .await
            .is(202);
    }
    for (name, window) in expected["windows"].as_object().unwrap() {
        let truth: BTreeMap<&str, u64> = window["per_tenant"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(tenant, row)| (tenant.as_str(), row["users"].as_u64().unwrap()))
            .collect();
        let tenants: Vec<&str> = truth.keys().copied().chain(["nobody"]).collect();
        let path = server.declare(&json!({"mode": "retrospective", "started_at": window["start"], "affected_tenants": tenants})).await;
        let end = json!({"message": "over", "status": "resolved", "occurred_at": window["end"]});
        server.update(COMMANDER, &path, &end).await;
        let report = server
            .get(VIEWER, &format!("{path}/affected-users"))
            .await
            .is(200);
        assert_eq!(
            report["total_unique_users"], window["distinct_users"],
            "{name}"
        );
        let counted: BTreeMap<&str, u64> = report["by_tenant"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                (
                    row["tenant_id"].as_str().unwrap(),
                    row["unique_users"].as_u64().unwrap(),
                )
            })
            .collect();
        assert_eq!(counted.get("nobody"), Some(&0));
        assert!(
            truth
                .iter()
                .all(|(tenant, users)| counted[tenant] == *users),
            "{name}: {counted:?}"
        );
    }
    server.stop().await;
}

/// Converts a published status into ours; `None` for one that changes nothing.
fn status(theirs: &str) -> Option<&str> {
    ["investigating", "identified", "monitoring"]
        .contains(&theirs)
        .then_some(theirs)
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_published_incidents_give_the_computed_outage_and_credit() {
    let (Some(history), Some(expected)) = (
        shared("github-status/incidents.json"),
        shared("github-status/expected.json"),
    ) else {
        return;
    };
    let (history, expected): (Value, Value) = (
        serde_json::from_str(&history).unwrap(),
        serde_json::from_str(&expected).unwrap(),
    );
    let published: BTreeMap<&str, &Value> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["id"].as_str().unwrap(), one))
        .collect();
    let ended: Vec<&Value> = expected["incidents"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["duration_ms"].is_u64())
        .collect();
    // Every eighteenth of them: all years, both eras, every tier.
    let chosen: Vec<&Value> = ended
        .iter()
        .step_by(ended.len() / 50)
        .take(50)
        .copied()
        .collect();
    assert_eq!(chosen.len(), 50);
    let server = Server::start().await;
    let mut tiers = BTreeMap::new();
    for truth in chosen {
        let theirs = published[truth["id"].as_str().unwrap()];
        let path = server
            .declare(&json!({"title": theirs["name"], "severity": "SEV3", "mode": "retrospective", "started_at": truth["start"], "affected_tenants": ["github"]}))
            .await;
        let mut updates: Vec<&Value> = theirs["incident_updates"]
            .as_array()
            .unwrap()
            .iter()
            .collect();
        updates.sort_by_key(|update| update["created_at"].as_str().unwrap().to_owned());
        for update in &updates {
            let body = json!({"message": update["body"], "occurred_at": update["created_at"], "status": status(update["status"].as_str().unwrap())});
            let answer = server
                .post(COMMANDER, &format!("{path}/updates"), &body)
                .await;
            assert_eq!(answer.status, 201, "{}: {}", theirs["id"], answer.text);
        }
        let end = json!({"message": "resolved", "status": "resolved", "occurred_at": truth["end"]});
        server.update(COMMANDER, &path, &end).await;
        let report = server
            .get(VIEWER, &format!("{path}/sla-impact"))
            .await
            .is(200);
        let row = &report["rows"][0];
        assert_eq!(row["outage_ms"], truth["duration_ms"], "{}", truth["id"]);
        assert_eq!(
            row["credit_percent"],
            truth["credit_pct"].to_string(),
            "{}",
            truth["id"]
        );
        *tiers
            .entry(truth["credit_pct"].as_u64().unwrap())
            .or_insert(0) += 1;
        // The texts are returned byte for byte.
        let entries = server
            .get(VIEWER, &format!("{path}/updates?limit=200"))
            .await
            .is(200);
        let messages: Vec<&Value> = entries["items"]
            .as_array()
            .unwrap()
            .iter()
            .skip(1)
            .map(|entry| &entry["message"])
            .collect();
        assert!(
            updates
                .iter()
                .zip(messages)
                .all(|(update, message)| update["body"] == *message),
            "{}",
            truth["id"]
        );
    }
    assert!(tiers.len() >= 3, "{tiers:?}");
    assert!(server.pager.sent().is_empty());
    server.stop().await;
}
