//! Webhook deliveries: authenticated before they are read, answered in time, applied once.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use incident_axum::WebhookSettings;
use incident_console::console::ConsoleBuilder;
use incident_core::actor::{Actor, Caller, Role};
use incident_core::engine::{Alarm, Error, Incidents, Ingested, RequestContext};
use incident_core::incident::{Declare, Severity};
use incident_core::paging::VendorEvent;
use incident_core::testing::ManualClock;
use incident_pagers::inbound::{InboundWebhook, WebhookSecret, read_pagerduty};
use incident_pagers::testing::Webhooks;
use reqwest::Method;
use serde_json::{Value, json};

use crate::over_http::harness::{ADMIN, Answer, RESPONDER, Server, VIEWER, at, storage};
use crate::over_http::raw::{Raw, announced};
use crate::over_http::troubled::{HANGS, STUCK};

const SECRET: &str = "the-secret-of-this-webhook";
const TOKEN: &str = "the-token-of-this-webhook";
const MEBIBYTE: usize = 1024 * 1024;

fn open_hooks() -> ConsoleBuilder {
    let secret = |text: &str| vec![WebhookSecret::new(text).unwrap()];
    let hooks = WebhookSettings {
        pagerduty: secret(SECRET),
        opsgenie: secret(TOKEN),
        ..WebhookSettings::default()
    };
    ConsoleBuilder {
        hooks,
        ..ConsoleBuilder::default()
    }
}

fn event(path: &str, change: impl FnOnce(&mut Value)) -> String {
    let id = path.rsplit('/').next().unwrap();
    let mut body = json!({"event": {"id": "01FK", "event_type": "incident.escalated",
        "agent": {"type": "user_reference", "summary": "Ben"},
        "data": {"id": "Q1", "incident_key": format!("sys-incident:{id}")}}});
    change(&mut body["event"]);
    body.to_string()
}

async fn deliver(server: &Server, body: &str) -> Answer {
    let signature = Webhooks::sign(SECRET, body.as_bytes());
    let headers = [("x-pagerduty-signature", signature.as_str())];
    let body = Some(body.as_bytes().to_vec());
    server
        .send(Method::POST, "", "/hooks/pagerduty", &headers, body)
        .await
}

/// S2: a delivery without a plausible signature is refused before its body arrives.
#[tokio::test(flavor = "multi_thread")]
async fn unsigned_deliveries_are_refused_before_their_body() {
    let server = Server::start_with(open_hooks()).await;
    let zeros = "0".repeat(64);
    for (route, header) in [
        ("pagerduty", "x: 1".to_owned()),
        ("pagerduty", "x-pagerduty-signature: v1=00".to_owned()),
        ("pagerduty", format!("x-pagerduty-signature: v2={zeros}")),
        (
            "pagerduty",
            format!("x-pagerduty-signature: v1={}", zeros.replace('0', "x")),
        ),
        ("opsgenie", "x: 1".to_owned()),
        ("opsgenie", "authorization: Bearer wrong".to_owned()),
        ("opsgenie", "x-webhook-token: wrong".to_owned()),
    ] {
        let mut one = Raw::to(server.address()).await;
        let line = format!("POST /hooks/{route}");
        one.send(announced(&line, "", &[&header], MEBIBYTE)).await;
        one.answer().await.unwrap().problem(401);
    }
    server.stop().await;
}

/// S2: the bodies of unauthenticated deliveries share 16 MiB; beyond that they get 503. Other
/// bodies have memory of their own, and the memory is released.
#[tokio::test(flavor = "multi_thread")]
async fn unverified_bodies_share_a_small_budget() {
    let server = Server::start_with(open_hooks()).await;
    let signature = format!("x-pagerduty-signature: v1={}", "0".repeat(64));
    let body = vec![b'x'; MEBIBYTE - 1];
    let mut held = Vec::new();
    let mut refused = 0;
    for _ in 0..24 {
        let mut one = Raw::to(server.address()).await;
        one.send(announced(
            "POST /hooks/pagerduty",
            "",
            &[&signature],
            MEBIBYTE,
        ))
        .await;
        one.sends(&body).await;
        held.push(one);
    }
    let array = Some(format!("[{}]", " ".repeat(15 * MEBIBYTE)).into_bytes());
    let usage = server.send(Method::POST, RESPONDER, "/sys/usage-events", &[], array);
    usage.await.is(202);
    // Sixteen of a mebibyte less a byte fit, and time out after five seconds.
    for one in &mut held {
        let answer = one.answer().await.unwrap();
        match answer.status {
            503 => refused += 1,
            _ => _ = answer.problem(408),
        }
    }
    assert!((8..24).contains(&refused), "{refused}");
    drop(held);
    let path = server.declare(&json!({})).await;
    let started = Instant::now();
    loop {
        let answer = deliver(&server, &event(&path, |_| {})).await;
        if answer.status == 202 {
            break;
        }
        assert_eq!(answer.header("retry-after"), Some("2"));
        answer.problem(503);
        assert!(started.elapsed() < Duration::from_secs(10));
    }
    server.stop().await;
}

/// S19: while the store hangs a delivery gets 503 within 2 s: PagerDuty waits for 5 s.
#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_deferred_in_time_while_the_store_hangs() {
    let (server, store) = Server::troubled_with(open_hooks()).await;
    let path = server.declare(&json!({})).await;
    let id = path.rsplit('/').next().unwrap();
    let opsgenie = json!({"action": "AddNote", "alert":
        {"alias": format!("sys-incident:{id}"), "note": "x", "username": "ben"}});
    for trouble in [HANGS, STUCK] {
        store.is_in(trouble);
        for vendor in ["pagerduty", "opsgenie"] {
            let started = Instant::now();
            let answer = if vendor == "pagerduty" {
                deliver(&server, &event(&path, |_| {})).await
            } else {
                let body = Some(opsgenie.to_string().into_bytes());
                let headers = [("x-webhook-token", TOKEN)];
                server
                    .send(Method::POST, "", "/hooks/opsgenie", &headers, body)
                    .await
            };
            let took = started.elapsed();
            assert!(took < Duration::from_secs(2), "{vendor}: {took:?}");
            assert_eq!(answer.header("retry-after"), Some("2"));
            answer.problem(503);
        }
    }
    store.is_in(crate::over_http::troubled::NONE);
    server.stop().await;
}

/// S16: an event without a time counts as of now and is applied once, however late it is
/// redelivered.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_a_time_is_taken_once() {
    let server = Server::start_with(open_hooks()).await;
    let path = server.declare(&json!({})).await;
    let body = event(&path, |_| {});
    let entries_of = async || {
        let updates = format!("{path}/updates?limit=200");
        let list = server.get(VIEWER, &updates).await.is(200);
        let entries = list["items"].as_array().unwrap().clone();
        let by = entries
            .into_iter()
            .filter(|entry| entry["author"] == "pagerduty:Ben");
        by.map(|entry| entry["occurred_at"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(deliver(&server, &body).await.is(202)["result"], "applied");
    for days in [0, 1, 7, 30, 400, 1_000] {
        server.clock.advance(Duration::from_secs(days * 86_400));
        assert_eq!(deliver(&server, &body).await.is(202)["result"], "duplicate");
        assert_eq!(
            entries_of().await,
            ["2026-11-20T23:00:00Z"],
            "{days} days later"
        );
    }
    server.stop().await;
}

/// S16: a redelivered event with other content, another incident or another person gets 409 and has
/// no effect.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_event_with_another_body_is_refused() {
    let server = Server::start_with(open_hooks()).await;
    let (path, other) = (
        server.declare(&json!({})).await,
        server.declare(&json!({})).await,
    );
    let body = event(&path, |_| {});
    deliver(&server, &body).await.is(202);
    // White space does not matter.
    deliver(
        &server,
        &body
            .replace(':', ": ")
            .replace("sys-incident: ", "sys-incident:"),
    )
    .await
    .is(202);
    let change = |name: &'static str, value: Value| event(&path, |event| event[name] = value);
    for changed in [
        change("event_type", json!("incident.acknowledged")),
        change(
            "agent",
            json!({"type": "user_reference", "summary": "Mallory"}),
        ),
        change("occurred_at", json!("2026-11-20T22:00:00Z")),
        event(&path, |event| {
            event["data"]["assignees"] = json!([{"summary": "Mallory"}])
        }),
        event(&path, |event| event["data"]["title"] = json!("more")),
        event(&other, |_| {}),
    ] {
        for _ in 0..2 {
            let answer = deliver(&server, &changed).await;
            assert_eq!(answer.json()["code"], "event_changed", "{changed}");
            answer.problem(409);
        }
    }
    for path in [&path, &other] {
        let entries = server.get(ADMIN, &format!("{path}/updates")).await.text;
        assert!(!entries.contains("Mallory") && !entries.contains("acknowledged at"));
    }
    deliver(&server, &body).await.is(202);
    server.stop().await;
}

/// S16: it also raises an alarm.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_changed_raises_an_alarm() {
    let (storage, _database) = storage().await;
    let alarms: Arc<Mutex<Vec<Alarm>>> = Arc::default();
    let seen = Arc::clone(&alarms);
    let incidents = Incidents::builder(storage.store)
        .pager(Arc::new(incident_pagers::LogPager::default()))
        .clock(Arc::new(ManualClock::at(at("2026-11-20T23:00:00Z"))))
        .on_event(move |notice| seen.lock().unwrap().extend(notice.alarm.clone()))
        .build()
        .unwrap();
    let context = RequestContext::new(Caller {
        actor: Actor::person("anna".parse().unwrap()),
        role: Role::Commander,
    });
    let declare = Declare::new("API down".parse().unwrap(), Severity::Sev3);
    let id = incidents
        .declare(&context, &declare)
        .await
        .unwrap()
        .incident
        .id;
    let path = format!("/{id}");
    let heard = |body: &str| -> VendorEvent {
        let InboundWebhook::Event(heard) = read_pagerduty(body.as_bytes()).unwrap() else {
            panic!("it is of interest");
        };
        *heard
    };
    let first = heard(&event(&path, |_| {}));
    for repeated in [false, true] {
        let outcome = incidents.signals().vendor_event(&first).await.unwrap();
        assert!(matches!(outcome, Ingested::Applied { repeated: same, .. } if same == repeated));
    }
    assert_eq!(*alarms.lock().unwrap(), []);
    let changed = heard(&event(&path, |event| {
        event["agent"]["summary"] = json!("Mallory")
    }));
    let refused = incidents.signals().vendor_event(&changed).await;
    assert!(
        matches!(refused, Err(Error::IdempotencyKeyMismatch)),
        "{refused:?}"
    );
    let expected = Alarm::EventChanged {
        incident_id: id,
        vendor: "pagerduty".parse().unwrap(),
        event_id: "01FK".parse().unwrap(),
    };
    assert_eq!(*alarms.lock().unwrap(), [expected]);
}
