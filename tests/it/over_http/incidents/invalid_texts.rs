//! Odd characters in every parameter, every text of every body, and every webhook delivery: refused
//! with the name of the field or accepted, and never reported as an outage. The same table holds in
//! memory and on PostgreSQL.

use incident_axum::WebhookSettings;
use incident_console::console::ConsoleBuilder;
use incident_pagers::inbound::WebhookSecret;
use incident_pagers::testing::{Delivered, Webhooks};
use reqwest::Method;
use serde_json::{Value, json};

use crate::over_http::harness::{ADMIN, Answer, Server};

const SECRET: &str = "the-secret-of-this-webhook";

/// All parameters of all lists. Invalid numbers among them get 400.
const PARAMETERS: [(&str, &[&str]); 9] = [
    (
        "/sys/incidents",
        &[
            "status", "severity", "tenant", "service", "q", "from", "to", "limit", "cursor",
        ],
    ),
    ("/sys/incidents/suggestions", &["limit", "cursor"]),
    ("{id}/updates", &["after_seq", "limit", "cursor"]),
    (
        "{id}/affected-users",
        &["services", "failed_only", "method"],
    ),
    (
        "{id}/affected-users/breakdown",
        &["services", "failed_only"],
    ),
    (
        "/sys/sla/credits",
        &["state", "tenant", "incident", "limit", "cursor"],
    ),
    (
        "/sys/sla/statements",
        &["month", "tenant", "format", "limit", "cursor"],
    ),
    ("/sys/sla/billing", &["period"]),
    (
        "/sys/audit",
        &["incident", "actor", "from", "limit", "cursor"],
    ),
];

/// Parameters that accept any text.
const TEXTS: [&str; 4] = ["tenant", "service", "q", "actor"];

fn expect(answer: Answer, statuses: &[u16], pointer: Option<&str>, what: &str) {
    assert!(statuses.contains(&answer.status), "{what}: {}", answer.text);
    if let Some(pointer) = pointer {
        let status = answer.status;
        assert_eq!(answer.problem(status).as_deref(), Some(pointer), "{what}");
    }
}

/// L4: `q=%00`, `tenant=`, `service=` and `actor=` with NUL used to fail with "the store is away"
/// on PostgreSQL.
#[tokio::test(flavor = "multi_thread")]
async fn invalid_parameters_never_look_like_an_outage() {
    let server = Server::start().await;
    let incident = server.declare(&json!({})).await;
    let long = "x".repeat(3_000);
    for (route, parameters) in PARAMETERS {
        let route = route.replace("{id}", &incident);
        for parameter in parameters {
            let get = |value: &str| {
                let path = format!("{route}?{parameter}={value}");
                let server = &server;
                async move { server.get(ADMIN, &path).await }
            };
            let number = matches!(*parameter, "limit" | "after_seq");
            let refused: &[u16] = if number { &[400] } else { &[422] };
            let pointer = format!("/{parameter}");
            for value in ["%00", "a%00b", "api%00", &long] {
                let what = format!(
                    "{route} {parameter}={}",
                    value.chars().take(9).collect::<String>()
                );
                expect(get(value).await, refused, Some(&pointer), &what);
            }
            // Characters that are allowed in a text, for parameters that take one: the end of the
            // Basic Multilingual Plane, beyond it, direction, invisible, a line break.
            let taken: &[u16] = match *parameter {
                "q" => &[200],
                text if TEXTS.contains(&text) => &[200, 422],
                _ => refused,
            };
            for value in [
                "%EF%BF%BE",
                "%F0%9D%84%9E",
                "%E2%80%AE",
                "%E2%80%8B",
                "%0A",
                "%25",
                "'",
            ] {
                expect(
                    get(value).await,
                    taken,
                    None,
                    &format!("{route} {parameter}={value}"),
                );
            }
            // An incomplete character and a surrogate are not valid text.
            for value in ["%ff", "%C3", "%ED%A0%80"] {
                expect(
                    get(value).await,
                    &[400],
                    None,
                    &format!("{route} {parameter}={value}"),
                );
            }
            // Numbers and times that no store can hold.
            for value in [
                "18446744073709551616",
                "-9223372036854775808",
                "9999-12-31T23:59:59.999999Z",
                "0001-01-01T00:00:00Z",
                "262144-01-01T00:00:00Z",
                "9999-12",
                "0000-01",
            ] {
                expect(
                    get(value).await,
                    &[200, 400, 422],
                    None,
                    &format!("{route} {parameter}={value}"),
                );
            }
        }
    }
    server.stop().await;
}

/// Collects the JSON pointers of all texts in a body.
fn texts(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(at.to_owned()),
        Value::Array(list) => {
            for (n, one) in list.iter().enumerate() {
                texts(one, &format!("{at}/{n}"), found);
            }
        }
        Value::Object(map) => {
            for (name, one) in map {
                texts(one, &format!("{at}/{name}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns a valid body with texts for every route that takes one.
fn bodies(incident: &str) -> Vec<(Method, String, Value)> {
    let time = "2026-11-20T22:00:00Z";
    let tenants = json!(["t", {"tenant_id": "t2", "from": time, "until": "2026-11-20T22:30:00Z"}]);
    let facts = json!({"symptom": "s", "impact_text": "i", "scope": "regions", "cause": "c", "resolution": "r",
        "next_steps": "n", "data_loss": {"state": "none", "note": "n"}, "data_leak": {"state": "none", "note": "n"},
        "channel": "#c", "bridge_url": "https://call.example/1", "vendor_reference": "v", "post_mortem_at": "2026-12-01T10:00:00Z", "users_hit_percent": "1.5", "failure_class": "f",
        "revenue_per_hour": {"minor": 1, "currency": "EUR"}, "impact": "high", "urgency": "high",
        "labels": {"team": "core"}, "tracker_url": "https://tracker.example/1", "responder": "anna"});
    let with_facts = |mut body: Value| {
        for (name, value) in facts.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    let create = with_facts(
        json!({"title": "x", "severity": "SEV4", "summary": "y", "affected_services": ["api"],
        "affected_tenants": tenants, "environment": "production", "alert_key": "k", "source": "team", "mode": "live",
        "started_at": time, "detected_at": time}),
    );
    let patch = with_facts(
        json!({"title": "x", "summary": "y", "affected_services": ["api"], "affected_tenants": tenants,
        "severity": "SEV3", "started_at": time}),
    );
    let update = json!({"message": "m", "public_message": "p", "reason": "r", "kind": "comms",
        "occurred_at": time, "comms_sent": {"channel": "c", "audience": "internal", "summary": "s"}});
    let on = |path: &str| format!("{incident}{path}");
    let events = json!([{"tenant_id": "t", "user_id": "u", "service": "api", "endpoint": "/x", "occurred_at": time}]);
    vec![
        (Method::POST, "/sys/incidents".to_owned(), create),
        (Method::PATCH, incident.to_owned(), patch),
        (Method::POST, on("/updates"), update),
        (Method::POST, on("/acknowledge"), json!({"at": time})),
        (
            Method::POST,
            on("/page"),
            json!({"reason": "r", "rule": "security"}),
        ),
        (
            Method::POST,
            on("/public"),
            json!({"public": true, "title": "t", "message": "m"}),
        ),
        (
            Method::POST,
            on("/post-mortem"),
            json!({"url": "https://docs.example/1"}),
        ),
        (
            Method::POST,
            on("/updates/1/redact"),
            json!({"reason": "r"}),
        ),
        (
            Method::POST,
            "/sys/incidents/suggestions".to_owned(),
            json!({"service": "api", "tenant": "t", "signal": "latency", "observed_at": time, "evidence": "e"}),
        ),
        (
            Method::POST,
            "/sys/pages/test".to_owned(),
            json!({"urgency": "low"}),
        ),
        (
            Method::POST,
            "/sys/sla/credits/recompute".to_owned(),
            json!({"month": "2026-11"}),
        ),
        (Method::POST, "/sys/usage-events".to_owned(), events),
    ]
}

/// L4, in bodies: NUL and a lone surrogate are refused with the name of the field, and so are texts
/// longer than any limit; accepted texts are stored.
#[tokio::test(flavor = "multi_thread")]
async fn invalid_body_texts_never_look_like_an_outage() {
    let server = Server::start().await;
    let incident = server.declare(&json!({"severity": "SEV3"})).await;
    let long = "x".repeat(70_000);
    for (method, path, body) in bodies(&incident) {
        let mut places = Vec::new();
        texts(&body, "", &mut places);
        assert!(!places.is_empty(), "{path}");
        // Unchanged it is accepted, unless the state of the incident forbids it.
        let sent = Some(body.to_string().into_bytes());
        let answer = server.send(method.clone(), ADMIN, &path, &[], sent).await;
        // No escalation rule is configured here.
        let well = answer.status < 300 || answer.status == 409 || path.ends_with("/page");
        assert!(well, "{method} {path}: {}", answer.text);
        for place in &places {
            let send = |text: String| {
                let mut odd = body.clone();
                // A marker, so that the raw escape can be written, which JSON writers do not do.
                *odd.pointer_mut(place).unwrap() = json!("the-odd-one");
                let sent = odd.to_string().replace("\"the-odd-one\"", &text);
                let (server, method, path) = (&server, method.clone(), &path);
                async move {
                    server
                        .send(method, ADMIN, path, &[], Some(sent.into_bytes()))
                        .await
                }
            };
            for (text, what) in [
                ("\"a\\u0000b\"".to_owned(), "NUL"),
                ("\"\\u0000\"".to_owned(), "only NUL"),
                ("\"a\\ud800\"".to_owned(), "a lone surrogate"),
                (
                    "\"\\udc00\\ud800\"".to_owned(),
                    "surrogates the wrong way round",
                ),
                (format!("\"{long}\""), "too long"),
            ] {
                let what = format!("{method} {path} {place}: {what}");
                expect(send(text).await, &[422], Some(place), &what);
            }
            for text in [
                "\"\\ufffe\"",
                "\"a\\ud834\\udd1e\"",
                "\"a\\u202eb\"",
                "\"a\\u007fb\"",
                "\"a\\\\u0000\"",
                "\"\\\\\"",
            ] {
                let answer = send(text.to_owned()).await;
                assert!(
                    answer.status < 500,
                    "{method} {path} {place} {text}: {}",
                    answer.text
                );
            }
        }
        // Names of members are texts, too.
        if body.get("labels").is_some() {
            for key in ["a\\u0000b", "\\ud800", &"k".repeat(300)] {
                let labels = format!("{{\"{key}\":\"x\"}}");
                let odd = json!({"labels": "the-odd-one", "title": "x", "severity": "SEV4"});
                let sent = odd
                    .to_string()
                    .replace("\"the-odd-one\"", &labels)
                    .into_bytes();
                let answer = server
                    .send(method.clone(), ADMIN, &path, &[], Some(sent))
                    .await;
                assert_eq!(answer.status, 422, "{method} {path} {key}: {}", answer.text);
            }
        }
    }
    server.stop().await;
}

/// L4, in headers: an invalid key is refused, and a valid one with odd characters is stored.
#[tokio::test(flavor = "multi_thread")]
async fn invalid_headers_never_look_like_an_outage() {
    let server = Server::start().await;
    let body = json!({"title": "x", "severity": "SEV4"}).to_string();
    let long = "k".repeat(256);
    for (name, value, expected) in [
        ("idempotency-key", "a'b\\u0000;--", 201),
        ("idempotency-key", "\u{e9}", 400),
        ("idempotency-key", &long, 400),
        ("if-match", "\"18446744073709551616\"", 201),
    ] {
        let body = Some(body.clone().into_bytes());
        let answer = server
            .send(
                Method::POST,
                ADMIN,
                "/sys/incidents",
                &[(name, value)],
                body,
            )
            .await;
        assert_eq!(answer.status, expected, "{name}: {value}: {}", answer.text);
    }
    server.stop().await;
}

/// L4, in webhooks: they get a success status, because a 503 would be redelivered for days.
#[tokio::test(flavor = "multi_thread")]
async fn invalid_characters_in_deliveries_never_look_like_an_outage() {
    let secret = vec![WebhookSecret::new(SECRET).unwrap()];
    let parts = ConsoleBuilder {
        hooks: WebhookSettings {
            pagerduty: secret.clone(),
            opsgenie: secret,
            ..WebhookSettings::default()
        },
        ..ConsoleBuilder::default()
    };
    let server = Server::start_with(parts).await;
    let incident = server.declare(&json!({"severity": "SEV1"})).await;
    server.paged(&incident, "accepted").await;
    let id = incident.rsplit('/').next().unwrap();
    let mut hook = Webhooks::to(server.url("/hooks/pagerduty"), SECRET).unwrap();
    let mut deliveries = 0;
    for kind in [
        "incident.annotated",
        "incident.acknowledged",
        "incident.reassigned",
        "incident.priority_updated",
    ] {
        let event = json!({"event": {"id": "01", "event_type": kind, "resource_type": "incident",
            "occurred_at": "2026-11-20T23:00:00Z", "agent": {"type": "user_reference", "summary": "Ben"},
            "data": {"id": "Q1", "type": "incident", "content": "c", "incident_key": format!("sys-incident:{id}"),
                "assignees": [{"summary": "Ann"}], "priority": {"summary": "P1"}}}});
        let mut places = Vec::new();
        texts(&event, "", &mut places);
        for place in places {
            for text in [
                "\"a\\u0000b\"",
                "\"\\ud800\"",
                "\"\\u0000\"",
                &format!("\"{}\"", "x".repeat(70_000)),
            ] {
                let mut odd = event.clone();
                // An event repeated with another body would be refused.
                deliveries += 1;
                odd["event"]["id"] = json!(format!("event {deliveries}"));
                *odd.pointer_mut(&place).unwrap() = json!("the-odd-one");
                let sent = odd.to_string().replace("\"the-odd-one\"", text);
                let what = format!(
                    "{kind} {place} {}",
                    text.chars().take(9).collect::<String>()
                );
                assert_eq!(hook.deliver(&sent).await, Delivered::Taken(202), "{what}");
            }
        }
    }
    let action = json!({"action": "AddNote", "source": {"type": "web"}, "alert": {"alertId": "a", "username": "ben",
        "alias": format!("sys-incident:{id}"), "note": "n", "owner": "o", "priority": "P1"}});
    let mut places = Vec::new();
    texts(&action, "", &mut places);
    for place in places {
        for text in ["\"a\\u0000b\"", "\"\\ud800\"", "\"\\u0000\""] {
            let mut odd = action.clone();
            *odd.pointer_mut(&place).unwrap() = json!("the-odd-one");
            let sent = odd
                .to_string()
                .replace("\"the-odd-one\"", text)
                .into_bytes();
            let headers = [("authorization", &*format!("Bearer {SECRET}"))];
            let answer = server
                .send(Method::POST, "", "/hooks/opsgenie", &headers, Some(sent))
                .await;
            assert_eq!(answer.status, 202, "{place} {text}: {}", answer.text);
        }
    }
    server.get(ADMIN, &incident).await.is(200);
    server.stop().await;
}

/// L5: invisible names are refused by their position in the request, however lists are sorted, also
/// in usage events.
#[tokio::test(flavor = "multi_thread")]
async fn invisible_names_are_refused_with_the_place() {
    let server = Server::start().await;
    let path = server.declare(&json!({"severity": "SEV4"})).await;
    for nothing in ["\u{200b}", "\u{2800}", "\u{17b5}", "\u{fffb}", "\u{1d173}"] {
        let title = json!({"title": nothing});
        let answer = server.patch(ADMIN, &path, &title).await;
        assert_eq!(answer.problem(422).as_deref(), Some("/title"));
        for field in ["affected_services", "affected_tenants"] {
            let change = json!({field: ["z", nothing, "a"]});
            let answer = server.patch(ADMIN, &path, &change).await;
            assert_eq!(answer.problem(422), Some(format!("/{field}/1")));
        }
        for field in ["tenant_id", "user_id", "service"] {
            let mut event = json!({"tenant_id": "t", "user_id": "u", "service": "s", "occurred_at": "2026-11-20T22:00:00Z"});
            let good = event.clone();
            event[field] = nothing.into();
            let route = "/sys/usage-events";
            let answer = server.post(ADMIN, route, &json!([good, event])).await;
            assert_eq!(answer.problem(422), Some(format!("/1/{field}")));
            let lines = format!("{good}\n{event}\n").into_bytes();
            let kind = [("content-type", "application/x-ndjson")];
            let answer = server
                .send(Method::POST, ADMIN, route, &kind, Some(lines))
                .await;
            assert_eq!(answer.json()["line"], 2);
            assert_eq!(answer.problem(422), Some(format!("/{field}")));
        }
        let waive = "/sys/sla/credits/0190a000-0000-7000-8000-000000000000/waive";
        let answer = server.post(ADMIN, waive, &json!({"reason": nothing})).await;
        answer.problem(422);
    }
    server.stop().await;
}
