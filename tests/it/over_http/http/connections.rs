//! Connections: their deadlines, their number, and responses to malformed requests.

use std::time::{Duration, Instant};

use incident_axum::WebhookSettings;
use incident_console::console::ConsoleBuilder;
use incident_console::server::Limits;
use incident_pagers::inbound::WebhookSecret;
use serde_json::json;

use crate::over_http::harness::{ADMIN, COMMANDER, RESPONDER, Server, VIEWER};
use crate::over_http::raw::{Raw, announced, request};
use crate::over_http::troubled::HANGS;

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";

fn limited(limits: Limits) -> ConsoleBuilder {
    let secret = |text: &str| vec![WebhookSecret::new(text).unwrap()];
    ConsoleBuilder {
        limits,
        hooks: WebhookSettings {
            pagerduty: secret("the-secret-of-this-webhook"),
            ..WebhookSettings::default()
        },
        ..ConsoleBuilder::default()
    }
}

/// Time for the server to notice that a response is written.
const SETTLED: Duration = Duration::from_millis(200);

/// Returns a well-formed but invalid signature.
fn signature() -> String {
    format!("x-pagerduty-signature: v1={}", "0".repeat(64))
}

/// L3: silent, half-sent and trickled requests end at their deadlines; if a request had begun,
/// there is a response.
#[tokio::test(flavor = "multi_thread")]
async fn silent_clients_are_answered_or_disconnected() {
    let limits = Limits {
        head: Duration::from_secs(1),
        body: Duration::from_millis(1_500),
        idle: Duration::from_secs(5),
        ..Limits::default()
    };
    let server = Server::start_with(limited(limits)).await;
    let open = async || Raw::to(server.address()).await;
    let mut silent = open().await;
    assert!(silent.is_closed().await >= limits.head);

    let mut half = open().await;
    half.send("GET /healthz HTT").await;
    let answer = half.answer().await.unwrap();
    assert_eq!(answer.header("connection"), Some("close"));
    answer.problem(408);
    half.is_closed().await;

    // Each byte arrives in time, but the head does not.
    let mut trickle = open().await;
    for byte in HEALTH.bytes().take(12) {
        trickle.sends(&[byte]).await;
        tokio::time::sleep(limits.head / 8).await;
    }
    trickle.answer().await.unwrap().problem(408);

    // The time between two requests may exceed that for a head.
    let mut idle = open().await;
    idle.send(HEALTH).await;
    idle.answer().await.unwrap().is(200);
    tokio::time::sleep(limits.head * 2).await;
    idle.send(HEALTH).await;
    idle.answer().await.unwrap().is(200);
    idle.send("GET").await;
    idle.answer().await.unwrap().problem(408);
    let mut idle = open().await;
    idle.send(HEALTH).await;
    idle.answer().await.unwrap().is(200);
    assert!(idle.is_closed().await >= limits.idle);

    for (line, token, headers) in [
        (
            "POST /sys/incidents",
            COMMANDER,
            vec!["content-type: application/json"],
        ),
        (
            "POST /sys/usage-events",
            RESPONDER,
            vec!["content-type: application/json"],
        ),
        ("POST /hooks/pagerduty", "", vec![]),
    ] {
        let signature = signature();
        let headers: Vec<&str> = headers.into_iter().chain([signature.as_str()]).collect();
        let mut body = open().await;
        body.send(announced(line, token, &headers, 1_000)).await;
        body.send("[").await;
        body.answer().await.unwrap().problem(408);
        body.is_closed().await;
    }
    let lines = ["content-type: application/x-ndjson"];
    let mut stream = open().await;
    stream
        .send(announced(
            "POST /sys/usage-events",
            RESPONDER,
            &lines,
            1_000,
        ))
        .await;
    stream.send("\n\n\n").await;
    let answer = stream.answer().await.unwrap();
    assert_eq!(
        (
            answer.json()["line"].clone(),
            answer.json()["accepted"].clone()
        ),
        (json!(3), json!(0))
    );
    answer.problem(408);

    // A body that makes progress has no time limit.
    let event = json!({"tenant_id": "t", "user_id": "u", "service": "api",
        "occurred_at": "2026-11-20T22:30:00Z"})
    .to_string();
    let mut slow = open().await;
    slow.send(announced(
        "POST /sys/usage-events",
        RESPONDER,
        &lines,
        5 * event.len() + 5,
    ))
    .await;
    for _ in 0..5 {
        tokio::time::sleep(limits.body / 3).await;
        slow.send(format!("{event}\n")).await;
    }
    assert_eq!(slow.answer().await.unwrap().is(202)["accepted"], 5);
    server.stop().await;
}

/// L3: a client that never reads its responses is disconnected.
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_read_no_answer_are_disconnected() {
    let limits = Limits {
        write: Duration::from_millis(300),
        ..Limits::default()
    };
    let server = Server::start_with(limited(limits)).await;
    // A public page of about 80 KB, which is cheap to send.
    let path = server.declare(&json!({})).await;
    let public = json!({"public": true, "title": "Errors"});
    let shown = format!("{path}/public");
    server.post(COMMANDER, &shown, &public).await.is(200);
    for _ in 0..20 {
        let update = json!({"message": "x", "public_message": "x".repeat(4_000)});
        server.update(COMMANDER, &path, &update).await;
    }
    let mut deaf = Raw::to(server.address()).await;
    let many = 2_000;
    let requests = request("GET /public/status/active", "", &[], "").repeat(many);
    // Either all of them are sent, or the server closes before that.
    let sent = deaf.sends(requests.as_bytes());
    let _ = tokio::time::timeout(Duration::from_secs(10), sent).await;
    tokio::time::sleep(limits.write * 10).await;
    let read = String::from_utf8_lossy(&deaf.rest().await)
        .matches("HTTP/1.1 200")
        .count();
    assert!(read < many, "{read} answers of {many}");
    server.stop().await;
}

/// L3, S1: at the cap, the connections that have waited longest without a request are evicted:
/// silent ones, half heads and half bodies first, then used ones, and those of known callers last.
#[tokio::test(flavor = "multi_thread")]
async fn at_the_connection_limit_the_longest_idle_is_closed() {
    let limits = Limits {
        connections: Some(8),
        ..Limits::default()
    };
    let server = Server::start_with(limited(limits)).await;
    let open = async || Raw::to(server.address()).await;
    let (mut known, mut used) = (open().await, open().await);
    known
        .send(request("GET /sys/incidents", VIEWER, &[], ""))
        .await;
    known.answer().await.unwrap().is(200);
    used.send(HEALTH).await;
    used.answer().await.unwrap().is(200);
    tokio::time::sleep(SETTLED).await;
    let mut waiting = Vec::new();
    for number in 0..24 {
        let mut one = open().await;
        let text = match number % 4 {
            0 => String::new(),
            1 => "GET /healthz HTTP/1.1\r\nx: ".to_owned(),
            // Refused before its body arrives.
            2 => announced("POST /sys/incidents", "", &[], 100) + "{",
            _ => announced("POST /hooks/pagerduty", "", &[&signature()], 100) + "{",
        };
        one.send(text).await;
        waiting.push(one);
    }
    for _ in 0..20 {
        let mut fresh = open().await;
        fresh.send(HEALTH).await;
        fresh.answer().await.unwrap().is(200);
    }
    for one in &mut waiting[..10] {
        // A refused one may have received its response.
        one.rest().await;
    }
    let body = r#"{"title": "API down", "severity": "SEV1"}"#;
    known
        .send(request("POST /sys/incidents", ADMIN, &[], body))
        .await;
    let path = known.answer().await.unwrap();
    let path = format!("/sys/incidents/{}", path.is(201)["id"].as_str().unwrap());
    server.paged(&path, "accepted").await;
    server.stop().await;
}

/// S1: used connections make room for new ones, before those of known callers.
#[tokio::test(flavor = "multi_thread")]
async fn used_connections_are_closed_before_authenticated_ones() {
    let limits = Limits {
        connections: Some(4),
        ..Limits::default()
    };
    let server = Server::start_with(limited(limits)).await;
    let open = async || Raw::to(server.address()).await;
    let mut known = open().await;
    known
        .send(request("GET /sys/incidents", VIEWER, &[], ""))
        .await;
    known.answer().await.unwrap().is(200);
    let mut used = Vec::new();
    for _ in 0..6 {
        let mut one = open().await;
        one.send(HEALTH).await;
        one.answer().await.unwrap().is(200);
        // The response may arrive before the server knows that it was written.
        tokio::time::sleep(SETTLED).await;
        used.push(one);
    }
    for one in &mut used[..3] {
        one.is_closed().await;
    }
    for one in &mut used[3..] {
        assert!(one.is_open().await);
    }
    assert!(known.is_open().await);
    server.stop().await;
}

/// L3: if every connection has a running request, the new one is closed at once.
#[tokio::test(flavor = "multi_thread")]
async fn connections_with_a_running_request_are_never_evicted() {
    let limits = Limits {
        connections: Some(2),
        ..Limits::default()
    };
    let (server, store) = Server::troubled_with(limited(limits)).await;
    let mut busy = Vec::new();
    store.is_in(HANGS);
    for _ in 0..2 {
        let mut one = Raw::to(server.address()).await;
        one.send(request("GET /sys/incidents", VIEWER, &[], ""))
            .await;
        busy.push(one);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut third = Raw::to(server.address()).await;
    assert!(third.is_closed().await < Duration::from_secs(5));
    for one in &mut busy {
        assert!(one.is_open().await);
    }
    server.stop().await;
}

/// L8: malformed requests get a problem like all others, and the connection is closed.
#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_are_answered_with_a_problem() {
    let server = Server::start().await;
    let long = "x".repeat(70_000);
    let head = |line: &str| format!("{line}\r\nhost: x\r\n\r\n");
    let cases: [(Vec<u8>, u16); 13] = [
        (b"nonsense\r\n\r\n".to_vec(), 400),
        (b"GET\r\n\r\n".to_vec(), 400),
        (head("GET /healthz HTTP/7.0").into(), 400),
        (head("GET /heal thz HTTP/1.1").into(), 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n".to_vec(), 400),
        (
            b"GET / HTTP/1.1\r\nhost: x\r\na\0b: 1\r\n\r\n".to_vec(),
            400,
        ),
        (
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: two\r\n\r\n".to_vec(),
            400,
        ),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), 400),
        // TLS to a plain-text port.
        (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
            400,
        ),
        (head(&format!("GET /{long} HTTP/1.1")).into(), 414),
        (
            head(&format!("GET /public/status/active?{long} HTTP/1.1")).into(),
            414,
        ),
        (
            format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", long.repeat(7)).into(),
            431,
        ),
        (
            format!("GET / HTTP/1.1\r\n{}\r\n", "x: 1\r\n".repeat(101)).into(),
            431,
        ),
    ];
    for (bytes, status) in &cases {
        // Alone, after a valid request, and behind one that has no response yet.
        for before in ["", "after", "behind"] {
            let mut one = Raw::to(server.address()).await;
            if before == "after" {
                one.send(HEALTH).await;
                one.answer().await.unwrap().is(200);
            }
            let ahead = if before == "behind" { HEALTH } else { "" };
            one.sends(&[ahead.as_bytes(), bytes].concat()).await;
            if before == "behind" {
                one.answer().await.unwrap().is(200);
            }
            let answer = one.answer().await.unwrap();
            let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]);
            // A long URI that arrives together with another request cannot be distinguished from
            // long fields.
            if !(before == "behind" && *status == 414) {
                assert_eq!(answer.status, *status, "{before}: {shown}");
            }
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
            assert_eq!(answer.header("connection"), Some("close"));
            assert!(answer.header("date").is_some());
            let status = answer.status;
            answer.problem(status);
        }
    }
    let mut one = Raw::to(server.address()).await;
    one.send(format!("HEAD / HTTP/1.1\r\nx: {long}\r\n\r\n"))
        .await;
    let answer = one.head().await.unwrap();
    assert_eq!(answer.status, 431);
    assert!(one.rest().await.is_empty());
    // Invalid chunks are detected when the body is read.
    let chunked = [
        "transfer-encoding: chunked",
        "content-type: application/json",
    ];
    let mut one = Raw::to(server.address()).await;
    one.send(request("POST /sys/incidents", ADMIN, &chunked, ""))
        .await;
    one.send("zz\r\n").await;
    one.answer().await.unwrap().problem(400);
    server.stop().await;
}

/// A client that is refused early and keeps sending receives the response, not a reset (RFC 9112,
/// 9.6).
#[tokio::test(flavor = "multi_thread")]
async fn an_early_refusal_reaches_a_client_that_still_sends() {
    let server = Server::start_with(limited(Limits::default())).await;
    let length = 10_000_000;
    let piece = vec![b'x'; 100_000];
    let json = "content-type: application/json";
    let lines = "content-type: application/x-ndjson";
    for (line, token, kind, status) in [
        ("POST /sys/incidents", "", json, 401),
        ("POST /sys/incidents", "wrong-token-0123456789", json, 401),
        ("POST /sys/usage-events", VIEWER, json, 403),
        ("POST /sys/nothing", ADMIN, json, 404),
        ("PUT /public/status/active", "", json, 405),
        ("POST /sys/incidents", ADMIN, json, 413),
        ("POST /sys/usage-events", ADMIN, lines, 413),
        (
            "POST /sys/usage-events",
            ADMIN,
            "content-type: text/plain",
            415,
        ),
        ("POST /hooks/pagerduty", "", json, 401),
    ] {
        for _ in 0..5 {
            let mut one = Raw::to(server.address()).await;
            one.send(announced(line, token, &[kind], length)).await;
            let mut sent = 0;
            while sent < length && one.sends(&piece).await {
                sent += piece.len();
            }
            assert_eq!(sent, length, "{line} {status}");
            let answer = one.answer().await.unwrap();
            assert_eq!(answer.header("connection"), Some("close"), "{line}");
            answer.problem(status);
            one.is_closed().await;
        }
    }
    server.stop().await;
}

/// A small body that was refused unread does not cost the connection; a client that sends `Expect`
/// does not send its body.
#[tokio::test(flavor = "multi_thread")]
async fn a_small_refused_body_keeps_the_connection() {
    let server = Server::start().await;
    let mut one = Raw::to(server.address()).await;
    let body = format!("{{\"title\": \"{}\"}}", "x".repeat(2_000));
    for _ in 0..3 {
        one.send(request("POST /sys/incidents", "", &[], &body))
            .await;
        let answer = one.answer().await.unwrap();
        assert_eq!(answer.header("connection"), None);
        answer.problem(401);
    }
    one.send(HEALTH).await;
    one.answer().await.unwrap().is(200);
    let expect = ["expect: 100-continue", "content-type: application/json"];
    one.send(announced("POST /sys/incidents", "", &expect, 20))
        .await;
    let answer = one.answer().await.unwrap();
    assert_eq!(answer.header("connection"), Some("close"));
    answer.problem(401);
    let started = Instant::now();
    let mut one = Raw::to(server.address()).await;
    let body = r#"{"title": "x", "severity": "SEV4"}"#;
    one.send(announced("POST /sys/incidents", ADMIN, &expect, body.len()))
        .await;
    assert_eq!(one.head().await.unwrap().status, 100);
    one.send(body).await;
    one.answer().await.unwrap().is(201);
    assert!(started.elapsed() < Duration::from_secs(5));
    server.stop().await;
}
