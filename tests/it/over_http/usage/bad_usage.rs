//! Invalid usage events: the field and the line are named, and nothing of a batch is written.

use reqwest::Method;
use serde_json::{Value, json};

use crate::over_http::harness::{RESPONDER, Server, VIEWER};

#[tokio::test(flavor = "multi_thread")]
async fn usage_events_are_taken_whole_or_line_by_line() {
    let server = Server::start().await;
    let good = json!({"tenant_id": "t", "user_id": "u", "service": "api", "occurred_at": "2026-11-20T22:30:00Z"});
    let bad = json!({"tenant_id": "t", "user_id": "", "service": "api", "occurred_at": "2026-11-20T22:30:00Z"});
    let answer = server
        .post(RESPONDER, "/sys/usage-events", &json!([good, bad]))
        .await;
    assert_eq!(answer.problem(422).as_deref(), Some("/1/user_id"));
    server
        .post(RESPONDER, "/sys/usage-events", &good)
        .await
        .problem(422);
    let lines = |body: String| {
        let server = &server;
        async move {
            server
                .send(
                    Method::POST,
                    RESPONDER,
                    "/sys/usage-events",
                    &[("content-type", "application/x-ndjson")],
                    Some(body.into_bytes()),
                )
                .await
        }
    };
    assert_eq!(
        lines(format!("{good}\n\n{good}\r\n{good}")).await.is(202)["accepted"],
        3
    );
    let mut many = format!("{good}\n").repeat(5_001);
    many.push_str("{\"tenant_id\":\n");
    let broken = lines(many).await;
    assert_eq!(broken.status, 422);
    assert_eq!(
        (
            broken.json()["line"].clone(),
            broken.json()["accepted"].clone()
        ),
        (json!(5_002), json!(5_000))
    );
    server.stop().await;
}

/// Invalid events, in an array and in line 7 of 6,000: the field and the line are named, and
/// nothing of the batch is stored.
#[tokio::test(flavor = "multi_thread")]
async fn usage_events_that_do_not_fit_are_refused_by_name() {
    let server = Server::start().await;
    let good = json!({"tenant_id": "t", "user_id": "u", "service": "api", "occurred_at": "2026-11-20T22:30:00Z"});
    let with = |field: &str, value: Value| {
        let mut event = good.clone();
        event[field] = value;
        event
    };
    let without = |field: &str| {
        let mut event = good.clone();
        event.as_object_mut().unwrap().remove(field);
        event
    };
    let ten_megabytes = "x".repeat(10_000_000);
    for (event, field) in [
        (without("tenant_id"), "tenant_id"),
        (without("user_id"), "user_id"),
        (without("service"), "service"),
        (without("occurred_at"), "occurred_at"),
        (with("tenant_id", json!("")), "tenant_id"),
        (with("user_id", json!(7)), "user_id"),
        (with("user_id", json!(null)), "user_id"),
        (with("user_id", json!("a\u{0}b")), "user_id"),
        (with("user_id", json!(ten_megabytes)), "user_id"),
        (
            with("occurred_at", json!("1969-12-31T23:59:59Z")),
            "occurred_at",
        ),
        (
            with("occurred_at", json!("10000-01-01T00:00:00Z")),
            "occurred_at",
        ),
        (with("occurred_at", json!("yesterday")), "occurred_at"),
        (with("occurred_at", json!(1_700_000_000)), "occurred_at"),
        (with("failed", json!("no")), "failed"),
        (with("endpoint", json!(["/"])), "endpoint"),
    ] {
        let answer = server
            .post(RESPONDER, "/sys/usage-events", &json!([good, event]))
            .await;
        assert_eq!(
            answer.problem(422).as_deref(),
            Some(&*format!("/1/{field}"))
        );
        let lines: String = (1..=6_000)
            .map(|line| format!("{}\n", if line == 7 { &event } else { &good }))
            .collect();
        let answer = server
            .send(
                Method::POST,
                RESPONDER,
                "/sys/usage-events",
                &[("content-type", "application/x-ndjson")],
                Some(lines.into_bytes()),
            )
            .await;
        // A line without an end within a mebibyte is too large.
        let is_long = event["user_id"]
            .as_str()
            .is_some_and(|user| user.len() > 1 << 20);
        assert_eq!(
            answer.status,
            if is_long { 413 } else { 422 },
            "{}",
            answer.text
        );
        let told = answer.json();
        assert_eq!((&told["line"], &told["accepted"]), (&json!(7), &json!(0)));
        if !is_long {
            assert_eq!(told["errors"][0]["pointer"], format!("/{field}"), "{told}");
        }
    }
    let incident = server
        .declare(&json!({"affected_tenants": ["t"], "started_at": "2026-11-20T22:00:00Z"}))
        .await;
    let users = server
        .get(VIEWER, &format!("{incident}/affected-users"))
        .await
        .is(200);
    assert_eq!(users["total_unique_users"], 0);
    server.stop().await;
}
