//! Shutdown: within ten seconds, whatever clients, store and vendors do.

use std::time::{Duration, Instant};

use incident_axum::WebhookSettings;
use incident_console::console::ConsoleBuilder;
use incident_pagers::inbound::WebhookSecret;
use incident_pagers::testing::{Fault, MockVendor};
use serde_json::json;

use crate::over_http::harness::{ADMIN, RESPONDER, Server, VIEWER};
use crate::over_http::raw::{Raw, announced, request};
use crate::over_http::troubled::{HANGS, STUCK};

const TEN: Duration = Duration::from_secs(10);
const LINES: &str = "content-type: application/x-ndjson";

async fn stops_in(server: Server) -> Duration {
    let started = Instant::now();
    server.stop().await;
    started.elapsed()
}

/// S5, L3: silent clients, half heads, half bodies, ongoing uploads and clients that do not read do
/// not delay the stop; an upload gets 503.
#[tokio::test(flavor = "multi_thread")]
async fn clients_do_not_hold_up_the_stop() {
    let secret = vec![WebhookSecret::new("the-secret-of-this-webhook").unwrap()];
    let parts = ConsoleBuilder {
        hooks: WebhookSettings {
            pagerduty: secret,
            ..WebhookSettings::default()
        },
        ..ConsoleBuilder::default()
    };
    let server = Server::start_with(parts).await;
    let address = server.address();
    let signature = format!("x-pagerduty-signature: v1={}", "0".repeat(64));
    let mut held = Vec::new();
    for text in [
        String::new(),
        "GET /heal".to_owned(),
        announced("POST /hooks/pagerduty", "", &[&signature], 1_000) + "{",
        announced("POST /sys/usage-events", RESPONDER, &[LINES], 1 << 30) + "\n",
        request("GET /healthz", "", &[], "").repeat(50_000),
    ] {
        let mut one = Raw::to(address).await;
        let sending = one.sends(text.as_bytes());
        let _ = tokio::time::timeout(Duration::from_secs(2), sending).await;
        held.push(one);
    }
    let upload = tokio::spawn(async move {
        let mut one = Raw::to(address).await;
        one.send(announced(
            "POST /sys/usage-events",
            RESPONDER,
            &[LINES],
            1 << 40,
        ))
        .await;
        let event = json!({"tenant_id": "t", "user_id": "u", "service": "api",
            "occurred_at": "2026-11-20T22:30:00Z"});
        let lines = format!("{event}\n").repeat(100);
        while one.sends(lines.as_bytes()).await {
            if !one.is_open().await {
                break;
            }
        }
        one
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let took = stops_in(server).await;
    assert!(took < TEN, "{took:?}");
    upload.await.unwrap();
    let stream = held.get_mut(3).unwrap();
    let answer = stream.answer().await.unwrap();
    assert_eq!(
        (&answer.json()["line"], &answer.json()["accepted"]),
        (&json!(1), &json!(0))
    );
    assert!(answer.header("retry-after").is_some());
    answer.problem(503);
}

/// S5: neither reads nor writes that hang in the store delay the stop.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_hangs_does_not_hold_up_the_stop() {
    for trouble in [HANGS, STUCK] {
        let (server, store) = Server::troubled().await;
        let path = server.declare(&json!({})).await;
        store.is_in(trouble);
        let mut waiting = Vec::new();
        for text in [
            request("GET /sys/incidents", VIEWER, &[], ""),
            request(
                "POST /sys/incidents",
                ADMIN,
                &[],
                r#"{"title": "x", "severity": "SEV1"}"#,
            ),
            request(
                &format!("POST {path}/updates"),
                ADMIN,
                &[],
                r#"{"message": "x"}"#,
            ),
            request(
                &format!("POST {path}/updates"),
                ADMIN,
                &[],
                r#"{"message": "y"}"#,
            ),
        ] {
            let mut one = Raw::to(server.address()).await;
            one.send(text).await;
            waiting.push(one);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        let took = stops_in(server).await;
        assert!(took < TEN, "{trouble}: {took:?}");
    }
}

/// S5: nor do vendors that do not respond; a request that they may have received is repeated by the
/// next process under the same key.
#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_hangs_does_not_hold_up_the_stop() {
    let vendor = MockVendor::pagerduty().await.unwrap();
    vendor.plan(|_| Fault::BlackHole);
    let server = Server::paging_by(&[
        (
            "PAGERDUTY_ROUTING_KEY",
            "0123456789abcdef0123456789abcdef".to_owned(),
        ),
        ("PAGERDUTY_URL", vendor.base_url().to_string()),
    ])
    .await;
    for _ in 0..3 {
        let body = json!({"title": "API down", "severity": "SEV1"});
        server.post(ADMIN, "/sys/incidents", &body).await.is(201);
    }
    while vendor.requests().len() < 3 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = stops_in(server).await;
    assert!(took < TEN, "{took:?}");
}
