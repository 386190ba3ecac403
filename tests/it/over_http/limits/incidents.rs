//! Limits of one incident.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::listed;
use super::table::Row;
use crate::over_http::harness::{COMMANDER, RESPONDER, Server};

listed! {
    "labels" => labels,
    "name of a label" => label_name,
    "value of a label" => label_value,
    "services" => services,
    "tenants" => tenants,
    "title" => title,
    "a text" => texts,
    "a text for the public" => public_texts,
    "a name" => names,
    "a web address" => addresses,
    "all fields together" => size,
    "months of an outage" => months,
    "reopenings" => reopenings,
}

/// Returns the body of a declaration with additional fields.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is made where it is handed over"
)]
fn body(more: Value) -> Value {
    let mut body = json!({"title": "x", "severity": "SEV4"});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    body
}

/// Tries a field at its limit and one beyond, in a declaration and in a change.
async fn field(server: &Server, row: &Row, name: &str, of: impl Fn(usize) -> Value) {
    let most = row.number();
    let at = json!({name: of(most)});
    let beyond = json!({name: of(most + 1)});
    let taken = server
        .post(RESPONDER, "/sys/incidents", &body(at.clone()))
        .await
        .is(201);
    let path = format!("/sys/incidents/{}", taken["id"].as_str().unwrap());
    let refused = server
        .post(RESPONDER, "/sys/incidents", &body(beyond.clone()))
        .await;
    row.refuses(refused, "a creation");
    server.patch(RESPONDER, &path, &at).await.is(200);
    row.refuses(server.patch(RESPONDER, &path, &beyond).await, "a change");
}

async fn labels(server: &Server, row: &Row) {
    field(server, row, "labels", |count| {
        (0..count)
            .map(|n| (format!("label-{n}"), json!("x")))
            .collect()
    })
    .await;
}

async fn label_name(server: &Server, row: &Row) {
    field(
        server,
        row,
        "labels",
        |bytes| json!({"l".repeat(bytes): "x"}),
    )
    .await;
}

async fn label_value(server: &Server, row: &Row) {
    field(
        server,
        row,
        "labels",
        |bytes| json!({"team": "x".repeat(bytes)}),
    )
    .await;
}

async fn services(server: &Server, row: &Row) {
    field(server, row, "affected_services", |count| {
        (0..count).map(|n| json!(format!("service-{n}"))).collect()
    })
    .await;
}

async fn tenants(server: &Server, row: &Row) {
    field(server, row, "affected_tenants", |count| {
        (0..count).map(|n| json!(format!("tenant-{n}"))).collect()
    })
    .await;
}

async fn title(server: &Server, row: &Row) {
    field(server, row, "title", |characters| {
        json!("é".repeat(characters))
    })
    .await;
}

async fn texts(server: &Server, row: &Row) {
    let text = |bytes: usize| "x".repeat(bytes);
    let most = row.number();
    field(server, row, "summary", |bytes| json!(text(bytes))).await;
    for name in [
        "symptom",
        "impact_text",
        "cause",
        "resolution",
        "next_steps",
    ] {
        server
            .post(
                RESPONDER,
                "/sys/incidents",
                &body(json!({name: text(most)})),
            )
            .await
            .is(201);
        let beyond = body(json!({name: text(most + 1)}));
        let refused = server.post(RESPONDER, "/sys/incidents", &beyond).await;
        row.refuses_at(refused, &format!("/{name}"));
    }
    let loss = |bytes| body(json!({"data_loss": {"state": "suspected", "note": text(bytes)}}));
    server
        .post(RESPONDER, "/sys/incidents", &loss(most))
        .await
        .is(201);
    let refused = server
        .post(RESPONDER, "/sys/incidents", &loss(most + 1))
        .await;
    row.refuses_at(refused, "/data_loss/note");
    let leak = |bytes| body(json!({"data_leak": {"state": "suspected", "note": text(bytes)}}));
    server
        .post(RESPONDER, "/sys/incidents", &leak(most))
        .await
        .is(201);
    let refused = server
        .post(RESPONDER, "/sys/incidents", &leak(most + 1))
        .await;
    row.refuses_at(refused, "/data_leak/note");
    let updates = format!(
        "{}/updates",
        server.declare(&json!({"severity": "SEV4"})).await
    );
    let sent = |bytes| {
        let summary = text(bytes);
        let sent = json!({"channel": "#ops", "audience": "internal", "summary": summary});
        json!({"message": "x", "comms_sent": sent})
    };
    let message = |bytes| json!({"message": text(bytes)});
    let reason = |bytes| json!({"message": "x", "reason": text(bytes)});
    for (fits, beyond, pointer) in [
        (message(most), message(most + 1), "/message"),
        (reason(most), reason(most + 1), "/reason"),
        (sent(most), sent(most + 1), "/comms_sent/summary"),
    ] {
        server.post(RESPONDER, &updates, &fits).await.is(201);
        row.refuses_at(server.post(RESPONDER, &updates, &beyond).await, pointer);
    }
    let suggested = |bytes| {
        json!({"service": "api", "tenant": format!("t{bytes}"), "signal": "x",
        "observed_at": "2026-11-20T22:00:00Z", "evidence": text(bytes)})
    };
    let route = "/sys/incidents/suggestions";
    server
        .post(RESPONDER, route, &suggested(most))
        .await
        .is(201);
    row.refuses_at(
        server.post(RESPONDER, route, &suggested(most + 1)).await,
        "/evidence",
    );
}

async fn public_texts(server: &Server, row: &Row) {
    let most = row.number();
    let path = server.declare(&json!({"severity": "SEV4"})).await;
    let text = |bytes: usize| "x".repeat(bytes);
    let update = |bytes| json!({"message": "x", "public_message": text(bytes)});
    let updates = format!("{path}/updates");
    server
        .post(RESPONDER, &updates, &update(most))
        .await
        .is(201);
    row.refuses(
        server.post(RESPONDER, &updates, &update(most + 1)).await,
        "an update",
    );
    let public = format!("{path}/public");
    for name in ["title", "message"] {
        let publish = |bytes| json!({"public": true, name: text(bytes)});
        server
            .post(RESPONDER, &public, &publish(most))
            .await
            .is(200);
        let refused = server.post(RESPONDER, &public, &publish(most + 1)).await;
        row.refuses_at(refused, &format!("/{name}"));
    }
}

async fn names(server: &Server, row: &Row) {
    let most = row.number();
    let name = |bytes: usize| json!("n".repeat(bytes));
    field(server, row, "responder", name).await;
    for field in ["environment", "alert_key", "failure_class"] {
        let of = |bytes| body(json!({field: name(bytes)}));
        server
            .post(RESPONDER, "/sys/incidents", &of(most))
            .await
            .is(201);
        let refused = server
            .post(RESPONDER, "/sys/incidents", &of(most + 1))
            .await;
        row.refuses_at(refused, &format!("/{field}"));
    }
    for field in ["affected_services", "affected_tenants"] {
        let of = |bytes| body(json!({field: [name(bytes)]}));
        server
            .post(RESPONDER, "/sys/incidents", &of(most))
            .await
            .is(201);
        let refused = server
            .post(RESPONDER, "/sys/incidents", &of(most + 1))
            .await;
        row.refuses_at(refused, &format!("/{field}/0"));
    }
    let event = json!({"tenant_id": "t", "user_id": "u", "service": "s", "occurred_at": "2026-11-20T22:00:00Z"});
    for field in ["tenant_id", "user_id", "service"] {
        let of = |bytes| {
            let mut event = event.clone();
            event[field] = name(bytes);
            json!([event])
        };
        server
            .post(RESPONDER, "/sys/usage-events", &of(most))
            .await
            .is(202);
        let refused = server
            .post(RESPONDER, "/sys/usage-events", &of(most + 1))
            .await;
        row.refuses_at(refused, &format!("/0/{field}"));
    }
}

async fn addresses(server: &Server, row: &Row) {
    let address = |bytes: usize| {
        let start = "https://wiki.example/";
        json!(format!("{start}{}", "x".repeat(bytes - start.len())))
    };
    field(server, row, "tracker_url", address).await;
    let route = format!(
        "{}/post-mortem",
        server.declare(&json!({"severity": "SEV4"})).await
    );
    let of = |bytes| json!({"url": address(bytes)});
    server
        .post(RESPONDER, &route, &of(row.number()))
        .await
        .is(200);
    let refused = server.post(RESPONDER, &route, &of(row.number() + 1)).await;
    row.refuses_at(refused, "/url");
}

/// Returns a declaration whose fields have this total size in bytes.
fn of_size(bytes: usize) -> Value {
    let text = |bytes: usize| "x".repeat(bytes);
    let fact = || text(16 * 1024);
    let label = |n: usize| (format!("label-{n:02}"), json!(text(1_024 - 8)));
    // The title, the environment, and the declarer's name: as responder and in a role.
    let rest = "x".len() + "production".len() + 2 * "anna".len() + 6 * 16 * 1024 + 16 * 1_024;
    body(json!({
        "summary": text(bytes - rest),
        "symptom": fact(),
        "impact_text": fact(),
        "cause": fact(),
        "resolution": fact(),
        "next_steps": fact(),
        "data_loss": {"state": "none", "note": fact()},
        "labels": (0..16).map(label).collect::<Value>(),
    }))
}

async fn size(server: &Server, row: &Row) {
    let most = row.number();
    let made = server
        .post(RESPONDER, "/sys/incidents", &of_size(most))
        .await
        .is(201);
    let path = format!("/sys/incidents/{}", made["id"].as_str().unwrap());
    let beyond = of_size(most + 1);
    row.refuses(
        server.post(RESPONDER, "/sys/incidents", &beyond).await,
        "a creation",
    );
    let refused = server
        .patch(RESPONDER, &path, &json!({"title": "xx"}))
        .await;
    row.refuses_at(refused, "/title");
    server
        .patch(RESPONDER, &path, &json!({"cause": "short"}))
        .await
        .is(200);
    server
        .patch(RESPONDER, &path, &json!({"title": "xx"}))
        .await
        .is(200);
}

async fn months(server: &Server, row: &Row) {
    // The clock is in November 2026: returns the start of the first of this many months.
    let first = |months: usize| {
        let number = 2026 * 12 + 10 - (months - 1);
        format!("{:04}-{:02}-01T00:00:00Z", number / 12, number % 12 + 1)
    };
    let (fits, long) = (first(row.number()), first(row.number() + 1));
    let create = async |token, more: &Value| {
        server
            .post(token, "/sys/incidents", &body(more.clone()))
            .await
    };
    let path_of = |made: &Value| format!("/sys/incidents/{}", made["id"].as_str().unwrap());
    let taken = path_of(
        &create(RESPONDER, &json!({"started_at": fits}))
            .await
            .is(201),
    );
    let longer = json!({"started_at": long});
    row.refuses(create(RESPONDER, &longer).await, "a creation");
    row.refuses(server.patch(RESPONDER, &taken, &longer).await, "a change");
    // The length of an incident that has ended is fixed, however long ago it was.
    let ended =
        json!({"started_at": "1990-01-01T00:00:00Z", "impact_ended_at": "1990-01-02T00:00:00Z"});
    let old = path_of(&create(RESPONDER, &ended).await.is(201));
    for (body, path) in [
        (
            json!({"impact_ended_at": "2026-01-01T00:00:00Z"}),
            old.clone(),
        ),
        (
            json!({"message": "x", "impact_ended_at": "2026-01-01T00:00:00Z"}),
            format!("{old}/updates"),
        ),
    ] {
        let method = if path == old {
            Method::PATCH
        } else {
            Method::POST
        };
        let body = Some(body.to_string().into_bytes());
        let refused = server.send(method, RESPONDER, &path, &[], body).await;
        row.refuses_at(refused, "/impact_ended_at");
    }
    // A commander may exceed the limit with a reason; a responder may not even with one.
    let why = json!({"started_at": long, "reason": "an archive that was never readable"});
    server.patch(RESPONDER, &taken, &why).await.problem(403);
    create(RESPONDER, &why).await.problem(403);
    server.patch(COMMANDER, &taken, &why).await.is(200);
    create(COMMANDER, &longer).await.is(201);
    let made = path_of(&create(COMMANDER, &why).await.is(201));
    for path in [taken, made] {
        let entries = server
            .get(COMMANDER, &format!("{path}/updates"))
            .await
            .is(200);
        let told = |entry: &Value| {
            entry["kind"] == "decision" && entry["message"].as_str().unwrap().contains("an archive")
        };
        assert!(
            entries["items"].as_array().unwrap().iter().any(told),
            "{entries}"
        );
        // One that is already too long may be shortened, and may end.
        let end = json!({"impact_ended_at": "2026-10-20T22:00:00Z"});
        server.patch(RESPONDER, &path, &end).await.is(200);
    }
    let path = server.declare(&json!({})).await;
    let idle = json!({"title": "y", "reason": "because"});
    row.refuses_at(server.patch(COMMANDER, &path, &idle).await, "/reason");
}

async fn reopenings(server: &Server, row: &Row) {
    let path = server
        .declare(&json!({"severity": "SEV4", "started_at": "2026-11-20T22:00:00Z"}))
        .await;
    let updates = format!("{path}/updates");
    let to = |status: &str| json!({"message": "x", "status": status, "reason": "again"});
    let tick = || server.clock.advance(Duration::from_secs(1));
    for _ in 0..row.number() {
        for status in ["resolved", "investigating"] {
            tick();
            server.post(COMMANDER, &updates, &to(status)).await.is(201);
        }
    }
    tick();
    server
        .post(COMMANDER, &updates, &to("resolved"))
        .await
        .is(201);
    tick();
    row.refuses(
        server.post(COMMANDER, &updates, &to("investigating")).await,
        "an update",
    );
}
