//! Limits of requests.

use reqwest::Method;
use serde_json::{Value, json};

use super::listed;
use super::table::Row;
use crate::over_http::harness::{Answer, RESPONDER, Server};

listed! {
    "a body" => bodies,
    "an array of usage events" => arrays,
    "a line of NDJSON" => lines,
    "days of one request" => days,
    "an idempotency key" => keys,
}

async fn sent(server: &Server, route: &str, kind: &str, body: Vec<u8>) -> Answer {
    let headers = [("content-type", kind)];
    server
        .send(Method::POST, RESPONDER, route, &headers, Some(body))
        .await
}

/// Returns JSON padded with trailing spaces to this many bytes.
fn padded(json: &Value, bytes: usize) -> Vec<u8> {
    let mut body = json.to_string().into_bytes();
    body.resize(bytes, b' ');
    body
}

async fn bodies(server: &Server, row: &Row) {
    let body = json!({"title": "x", "severity": "SEV4"});
    let context = async |bytes| {
        sent(
            server,
            "/sys/incidents",
            "application/json",
            padded(&body, bytes),
        )
        .await
    };
    context(row.number()).await.is(201);
    row.refuses(context(row.number() + 1).await, "a creation");
}

fn event(second: u64, day: usize) -> Value {
    // From 1990 on, one day after the other.
    let start: incident_core::Timestamp = "1990-01-01T00:00:00Z".parse().unwrap();
    let seconds = u64::try_from(day).unwrap() * 86_400 + second;
    let at = start.saturating_add(std::time::Duration::from_secs(seconds));
    json!({"tenant_id": "t", "user_id": "u", "service": "s", "occurred_at": at})
}

async fn arrays(server: &Server, row: &Row) {
    let context = async |bytes| {
        let body = padded(&json!([event(0, 0)]), bytes);
        sent(server, "/sys/usage-events", "application/json", body).await
    };
    context(row.number()).await.is(202);
    row.refuses(context(row.number() + 1).await, "an array");
}

async fn lines(server: &Server, row: &Row) {
    let context = async |bytes| {
        let mut body = event(0, 0).to_string().into_bytes();
        body.push(b'\n');
        body.extend(padded(&event(1, 0), bytes));
        body.push(b'\n');
        sent(server, "/sys/usage-events", "application/x-ndjson", body).await
    };
    assert_eq!(context(row.number()).await.is(202)["accepted"], 2);
    let refused = context(row.number() + 1).await;
    assert_eq!(refused.json()["line"], 2);
    row.refuses(refused, "a stream");
}

async fn days(server: &Server, row: &Row) {
    let most = row.number();
    let all = |days: usize| (0..days).map(|day| event(0, day));
    let route = "/sys/usage-events";
    let array = async |days| {
        let body: Value = all(days).collect();
        sent(
            server,
            route,
            "application/json",
            body.to_string().into_bytes(),
        )
        .await
    };
    array(most).await.is(202);
    let refused = array(most + 1).await;
    row.refuses(refused, "an array");
    // A stream is one request, however many batches it makes.
    let stream = async |days: usize| {
        let line = |one: Value| format!("{one}\n");
        let fill = (0..6_000).map(|second| event(second, 0));
        let body: String = fill.chain(all(days)).map(line).collect();
        sent(server, route, "application/x-ndjson", body.into_bytes()).await
    };
    stream(most).await.is(202);
    let refused = stream(most + 1).await;
    let body = refused.json();
    assert_eq!(
        (&body["line"], &body["accepted"]),
        (&json!(6_000 + most + 1), &json!(5_000))
    );
    row.refuses_at(refused, "/occurred_at");
}

async fn keys(server: &Server, row: &Row) {
    let context = async |characters| {
        let body = json!({"title": "x", "severity": "SEV4"}).to_string();
        let headers = [("idempotency-key", &*"k".repeat(characters))];
        let body = Some(body.into_bytes());
        server
            .send(Method::POST, RESPONDER, "/sys/incidents", &headers, body)
            .await
    };
    context(row.number()).await.is(201);
    row.refuses(context(row.number() + 1).await, "a creation");
}
