//! The reference scenario, run through the routes: once with 38 minutes of outage, and once with
//! exactly 45.

use std::fmt;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, header};
use http_body_util::BodyExt;
use incident_axum::IncidentApi;
use incident_core::Timestamp;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::console::Console;

const MINUTE: Duration = Duration::from_secs(60);
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
/// Distinct users with calls during the outage.
const HIT: u64 = 1_247;
/// Distinct users in the same window of an ordinary week.
const USUAL: u64 = 1_310;
/// Age of the outage's start; enough for both variants.
const AGO: Duration = Duration::from_secs(60 * 60);

/// The log of the scenario.
#[derive(Debug)]
pub struct Story {
    lines: Vec<String>,
    /// The id of the incident of 38 minutes.
    pub incident: String,
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines.join("\n"))
    }
}

/// A failed demo.
#[derive(Debug, thiserror::Error)]
#[error("demo failed: {0}")]
pub struct DemoError(String);

/// Plays both variants.
///
/// # Errors
/// Fails if a route answers against its contract.
pub async fn play(api: &IncidentApi, token: &str) -> Result<Story, DemoError> {
    let client = DemoClient {
        router: api.router(),
        token,
    };
    let now = api.incidents().reports().now();
    let mut story = Story {
        lines: vec![
            "The reference scenario".to_owned(),
            "======================".to_owned(),
        ],
        incident: String::new(),
    };
    let start = now.saturating_sub(AGO);
    client.feed("tenant-fr", start, 38 * MINUTE).await?;
    client.feed("tenant-de", start, 45 * MINUTE).await?;
    story.incident = variant(&client, &mut story.lines, "tenant-fr", start, 38).await?;
    story.lines.push(String::new());
    variant(&client, &mut story.lines, "tenant-de", start, 45).await?;
    Ok(story)
}

/// Returns commands to copy that show the result.
#[must_use]
pub fn addresses(console: &Console, story: &Story, token: &str) -> String {
    let (base, id) = (format!("http://{}", console.address), &story.incident);
    let get = |path: String| format!("  curl -H 'Authorization: Bearer {token}' '{base}{path}'\n");
    format!(
        "\nTry it (Ctrl-C to stop):\n  curl {base}/public/status/active\n{}{}{}{}{}{}",
        get("/sys/incidents?status=all".to_owned()),
        get(format!("/sys/incidents/{id}")),
        get(format!("/sys/incidents/{id}/updates")),
        get(format!("/sys/incidents/{id}/affected-users")),
        get(format!("/sys/incidents/{id}/sla-impact")),
        get("/sys/audit".to_owned()),
    )
}

/// Plays the scenario once and returns the id of the incident.
async fn variant(
    client: &DemoClient<'_>,
    lines: &mut Vec<String>,
    tenant: &str,
    start: Timestamp,
    minutes: u32,
) -> Result<String, DemoError> {
    lines.push(format!("{minutes} minutes of outage for {tenant}"));
    let id = declare(client, lines, tenant, start).await?;
    let path = format!("/sys/incidents/{id}");
    let paging = client.accepted(&id).await?;
    lines.push(format!(
        "  paged       {} through `{}`, key {}",
        text(&paging, "state"),
        text(&paging, "target"),
        text(&paging, "dedup_key")
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
    report(client, lines, &path).await?;
    Ok(id)
}

/// Declares an incident from a suggestion and returns its id.
async fn declare(
    client: &DemoClient<'_>,
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
    client: &DemoClient<'_>,
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
    client: &DemoClient<'_>,
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
    client: &DemoClient<'_>,
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
        "  verified    {} entries of the timeline, valid: {}",
        field(&verdict, "entries"),
        field(&verdict, "valid")
    ));
    Ok(())
}

struct DemoClient<'a> {
    router: Router,
    token: &'a str,
}

impl DemoClient<'_> {
    async fn get(&self, path: &str) -> Result<Value, DemoError> {
        self.send(Method::GET, path, &Value::Null, 200).await
    }

    async fn post(&self, path: &str, body: &Value, expected: u16) -> Result<Value, DemoError> {
        self.send(Method::POST, path, body, expected).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        expected: u16,
    ) -> Result<Value, DemoError> {
        let failed = |error: &dyn fmt::Display| DemoError(format!("{path}: {error}"));
        let body = if body.is_null() {
            Body::empty()
        } else {
            Body::from(body.to_string())
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|error| failed(&error))?;
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .map_err(|error| failed(&error))?;
        let status = response.status().as_u16();
        let bytes = response
            .into_body()
            .collect()
            .await
            .map_err(|error| failed(&error))?
            .to_bytes();
        if status != expected {
            return Err(failed(&format!(
                "expected {expected}, got {status}: {}",
                String::from_utf8_lossy(&bytes)
            )));
        }
        serde_json::from_slice(&bytes).map_err(|error| failed(&error))
    }

    /// Sends usage as a gateway would report it: the users of the outage, some of them twice and
    /// one just outside the window, and four ordinary weeks before it.
    async fn feed(
        &self,
        tenant: &str,
        start: Timestamp,
        outage: Duration,
    ) -> Result<(), DemoError> {
        let event = |user: u64, at: Timestamp| {
            json!({"tenant_id": tenant, "user_id": format!("{tenant}-user-{user}"),
            "service": "api", "occurred_at": at, "failed": true, "endpoint": "/v1/orders"})
        };
        let spread = |user: u64, of: u64, from: Timestamp| {
            let us = u64::try_from(outage.as_micros()).unwrap_or(0) / of * user;
            from.saturating_add(Duration::from_micros(us))
        };
        let mut events: Vec<Value> = (0..HIT)
            .map(|user| event(user, spread(user, HIT, start)))
            .collect();
        events.extend((0..HIT).step_by(3).map(|user| event(user, start)));
        events.push(event(HIT, start.saturating_add(outage)));
        for week in 1..=4 {
            let from = start.saturating_sub(WEEK * week);
            events.extend((0..USUAL).map(|user| event(user, spread(user, USUAL, from))));
        }
        self.post("/sys/usage-events", &Value::Array(events), 202)
            .await
            .map(|_| ())
    }

    /// Waits at most 5 s for the page to be accepted.
    async fn accepted(&self, id: &str) -> Result<Value, DemoError> {
        for _ in 0..100 {
            let incident = self.get(&format!("/sys/incidents/{id}")).await?;
            let paging = field(&incident, "paging");
            if text(paging, "state") == "accepted" {
                return Ok(paging.clone());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(DemoError("the page was not accepted within 5 s".to_owned()))
    }
}

fn field<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&Value::Null)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    field(value, name).as_str().unwrap_or("none")
}
