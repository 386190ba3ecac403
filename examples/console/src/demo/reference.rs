//! The reference scenario, run through the routes: once with 38 minutes of outage, and once with
//! exactly 45.

use std::time::Duration;

use incident_core::Timestamp;
use serde_json::{Value, json};

use super::client::{DemoClient, DemoError, field, text};
use super::usage::{MINUTE, WEEK, within};

/// Distinct users with calls during the outage.
const HIT: u64 = 1_247;
/// Distinct users in the same window of an ordinary week.
const USUAL: u64 = 1_310;
/// Age of the outage's start; enough for both variants.
const AGO: Duration = Duration::from_secs(60 * 60);

/// Plays both variants on the clock's hour, and returns its log: all of the one that is credited,
/// and the figures of the other.
pub(super) async fn play(client: DemoClient<'_>, now: Timestamp) -> Result<Vec<String>, DemoError> {
    let start = now.saturating_sub(AGO);
    feed(client, "tenant-fr", start, 38 * MINUTE).await?;
    feed(client, "tenant-de", start, 45 * MINUTE).await?;
    let mut log = Vec::new();
    variant(client, &mut log, "tenant-fr", start, 38).await?;
    let is_figure = |line: &String| !line.starts_with(' ') || line.starts_with("  credited");
    log.retain(is_figure);
    variant(client, &mut log, "tenant-de", start, 45).await?;
    Ok(log)
}

/// Plays the scenario once.
async fn variant(
    client: DemoClient<'_>,
    lines: &mut Vec<String>,
    tenant: &str,
    start: Timestamp,
    minutes: u32,
) -> Result<(), DemoError> {
    lines.push(format!("{minutes} minutes of outage for {tenant}"));
    let id = declare(client, lines, tenant, start).await?;
    let path = format!("/sys/incidents/{id}");
    let paging = client.paged(&id, "accepted").await?;
    lines.push(format!(
        "  paged       {} through `{}`",
        text(&paging, "state"),
        text(&paging, "target")
    ));
    client
        .post(&format!("{path}/acknowledge"), &json!({}), 200)
        .await?;
    follow(client, lines, &path, start, minutes).await?;
    publish(client, lines, &path).await?;
    let link = json!({"url": format!("https://wiki.example/post-mortems/{id}")});
    client
        .post(&format!("{path}/post-mortem"), &link, 200)
        .await?;
    lines.push("  linked      the post-mortem".to_owned());
    report(client, lines, &path).await
}

/// Declares an incident from a suggestion and returns its id.
async fn declare(
    client: DemoClient<'_>,
    lines: &mut Vec<String>,
    tenant: &str,
    start: Timestamp,
) -> Result<String, DemoError> {
    let seen = json!({"service": "api", "tenant": tenant, "signal": "error_rate", "observed_at": start,
        "evidence": "5xx rate of api above 40 % for two minutes"});
    let suggestion = client
        .post("/sys/incidents/suggestions", &seen, 201)
        .await?;
    lines.push(format!("  suggested   api x {tenant}: error_rate"));
    let mut create = field(&suggestion, "draft").clone();
    if let Value::Object(draft) = &mut create {
        let title = format!("API errors for {tenant}");
        draft.insert("severity".to_owned(), json!("SEV2"));
        draft.insert("title".to_owned(), json!(title));
    }
    let incident = client.post("/sys/incidents", &create, 201).await?;
    lines.push(format!(
        "  declared    #{} {}: {}",
        field(&incident, "number"),
        text(&incident, "severity"),
        text(&incident, "title")
    ));
    Ok(text(&incident, "id").to_owned())
}

/// Posts the updates from the investigation to the end.
async fn follow(
    client: DemoClient<'_>,
    lines: &mut Vec<String>,
    path: &str,
    start: Timestamp,
    minutes: u32,
) -> Result<(), DemoError> {
    let at = |after: u32| start.saturating_add(after * MINUTE);
    for (status, after, message, public) in [
        (
            "investigating",
            4,
            "The database connection pool of api is exhausted.",
            "We are investigating API errors.",
        ),
        (
            "mitigation deployed",
            minutes - 6,
            "Pool size increased, workers restarted.",
            "A fix is in place and we are monitoring the results.",
        ),
        (
            "resolved",
            minutes,
            "Error rate is back to normal.",
            "The API is operating normally again.",
        ),
    ] {
        let update = json!({"message": message, "status": status, "occurred_at": at(after), "public_message": public});
        let entry = client
            .post(&format!("{path}/updates"), &update, 201)
            .await?;
        lines.push(format!(
            "  updated     {} -> {}: {message}",
            text(&entry, "status_from"),
            text(&entry, "status_to")
        ));
    }
    Ok(())
}

/// Publishes the incident on the public page.
async fn publish(
    client: DemoClient<'_>,
    lines: &mut Vec<String>,
    path: &str,
) -> Result<(), DemoError> {
    let publish = json!({"public": true, "title": "API errors"});
    client
        .post(&format!("{path}/public"), &publish, 200)
        .await?;
    let shown = client.get("/public/status/active").await?;
    let public = field(&shown, "incidents").as_array().map_or(0, Vec::len);
    lines.push(format!(
        "  published   {public} incident(s) on the public status page; indicator {}",
        text(field(&shown, "status"), "indicator")
    ));
    Ok(())
}

/// Reads the affected users and the credits, and verifies the timeline.
async fn report(
    client: DemoClient<'_>,
    lines: &mut Vec<String>,
    path: &str,
) -> Result<(), DemoError> {
    let users = client.get(&format!("{path}/affected-users")).await?;
    let row = field(&users, "by_tenant")
        .get(0)
        .cloned()
        .unwrap_or_default();
    lines.push(format!(
        "  counted     {} unique users hit; {} in the same hours of a normal week",
        field(&users, "total_unique_users"),
        field(&row, "baseline_unique_users"),
    ));
    let sla = client.get(&format!("{path}/sla-impact")).await?;
    let row = field(&sla, "rows").get(0).cloned().unwrap_or_default();
    lines.push(format!(
        "  credited    {} minutes for {}: {} % credit; target {} % {}",
        text(&row, "outage_minutes"),
        text(&row, "tenant_id"),
        text(&row, "credit_percent"),
        text(&sla, "target_percent"),
        if field(&row, "target_breached") == &json!(true) {
            "breached"
        } else {
            "met"
        },
    ));
    let verdict = client.get(&format!("{path}/timeline/verify")).await?;
    lines.push(format!(
        "  verified    the chain of the timeline, valid: {}",
        field(&verdict, "valid")
    ));
    Ok(())
}

/// Sends usage as a gateway would report it: the users of the outage, some of them twice and
/// one just outside the window, and four ordinary weeks before it.
async fn feed(
    client: DemoClient<'_>,
    tenant: &str,
    start: Timestamp,
    outage: Duration,
) -> Result<(), DemoError> {
    let event = |user: u64, at: Timestamp| {
        json!({"tenant_id": tenant, "user_id": format!("{tenant}-user-{user}"),
            "service": "api", "occurred_at": at, "failed": true, "endpoint": "/v1/orders"})
    };
    let spread = |user: u64, of: u64, from: Timestamp| within(from, outage, user, of);
    let mut events: Vec<Value> = (0..HIT)
        .map(|user| event(user, spread(user, HIT, start)))
        .collect();
    events.extend((0..HIT).step_by(3).map(|user| event(user, start)));
    events.push(event(HIT, start.saturating_add(outage)));
    for week in 1..=4 {
        let from = start.saturating_sub(WEEK * week);
        events.extend((0..USUAL).map(|user| event(user, spread(user, USUAL, from))));
    }
    client.record(&events).await
}
