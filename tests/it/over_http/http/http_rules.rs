//! Rules of all routes: tokens, roles, idempotency keys, conditions, lists, the public page,
//! stopping.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::over_http::harness::{ADMIN, BILLING, COMMANDER, RESPONDER, Server, VIEWER};

#[tokio::test(flavor = "multi_thread")]
async fn tokens_and_roles() {
    let server = Server::start().await;
    let path = server.declare(&json!({})).await;
    for token in ["", "unknown-token-0123456789"] {
        for route in ["/sys/incidents", "/sys/unknown", &path] {
            let answer = server.get(token, route).await;
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            answer.problem(401);
        }
    }
    // Open routes ignore a token, even a wrong one.
    server
        .get("unknown-token-0123456789", "/public/status/active")
        .await
        .is(200);
    let update =
        |status: &str| json!({"message": "x", "status": status, "reason": "false_positive"});
    let updates = format!("{path}/updates");
    for (token, route, body, status) in [
        (
            VIEWER,
            "/sys/incidents",
            json!({"title": "x", "severity": "SEV3"}),
            403,
        ),
        (BILLING, "/sys/usage-events", json!([]), 403),
        (
            RESPONDER,
            &format!("{path}/updates/1/redact"),
            json!({"reason": "x"}),
            403,
        ),
        (RESPONDER, &updates, update("cancelled"), 403),
        (
            RESPONDER,
            &updates,
            json!({"message": "x", "severity": "SEV3"}),
            403,
        ),
        (
            RESPONDER,
            "/sys/incidents",
            json!({"title": "x", "severity": "SEV1", "page": false}),
            403,
        ),
        (
            RESPONDER,
            &updates,
            json!({"message": "x", "severity": "SEV1"}),
            201,
        ),
    ] {
        assert_eq!(
            server.post(token, route, &body).await.status,
            status,
            "{route} {body}"
        );
    }
    server.get(RESPONDER, "/sys/audit").await.problem(403);
    server.get(VIEWER, "/sys/audit").await.problem(403);
    let audit = server.get(BILLING, "/sys/audit?actor=vera").await.is(200);
    let denied: Vec<_> = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                entry["action"].as_str().unwrap(),
                entry["outcome"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(denied, [("declare", "denied"), ("read_audit", "denied")]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_routes_and_methods_are_problems() {
    let server = Server::start().await;
    server.get("", "/nothing").await.problem(404);
    server.get(ADMIN, "/sys/nothing").await.problem(404);
    server
        .get(ADMIN, "/sys/incidents/not-an-id")
        .await
        .problem(404);
    server.get(ADMIN, "/sys/incidents/%ff").await.problem(404);
    server
        .get(ADMIN, "/sys/incidents/0190a000-0000-7000-8000-000000000000")
        .await
        .problem(404);
    let path = server.declare(&json!({})).await;
    server
        .post(
            ADMIN,
            &format!("{path}/updates/99/redact"),
            &json!({"reason": "x"}),
        )
        .await
        .problem(404);
    for (method, route) in [
        (Method::DELETE, "/sys/incidents"),
        (Method::POST, "/public/status/active"),
        (Method::PUT, "/healthz"),
    ] {
        let answer = server.send(method, ADMIN, route, &[], None).await;
        assert!(answer.header("allow").is_some(), "{route}");
        answer.problem(405);
    }
    server.get("", "/healthz").await.is(200);
    server.get("", "/readyz").await.is(200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_makes_a_request_happen_once() {
    let server = Server::start().await;
    let body = json!({"title": "once", "severity": "SEV3"})
        .to_string()
        .into_bytes();
    let declare = |token, key, body: &[u8]| {
        let (server, body) = (&server, body.to_vec());
        async move {
            server
                .send(
                    Method::POST,
                    token,
                    "/sys/incidents",
                    &[("idempotency-key", key)],
                    Some(body),
                )
                .await
        }
    };
    let all = futures(&server, &body).await;
    let first = declare(RESPONDER, "k", &body).await;
    assert_eq!(first.header("idempotent-replayed"), Some("true"));
    let first = first.is(201);
    assert!(all.iter().all(|id| *id == first["id"]));
    let other = json!({"title": "another", "severity": "SEV3"}).to_string();
    declare(RESPONDER, "k", other.as_bytes()).await.problem(422);
    // Keys are separate for each actor; a refusal is not stored.
    assert_ne!(
        declare(COMMANDER, "k", &body).await.is(201)["id"],
        first["id"]
    );
    declare(RESPONDER, "r", b"{\"title\":\"\"}")
        .await
        .problem(422);
    declare(RESPONDER, "r", &body).await.is(201);
    declare(RESPONDER, "with blank", &body).await.problem(400);
    server.clock.advance(Duration::from_secs(24 * 3600));
    assert_ne!(
        declare(RESPONDER, "k", &body).await.is(201)["id"],
        first["id"]
    );

    // The entry of an update is returned again, but not written again.
    let path = format!("/sys/incidents/{}", first["id"].as_str().unwrap());
    let update = json!({"message": "one"}).to_string().into_bytes();
    let route = format!("{path}/updates");
    let once = server
        .send(
            Method::POST,
            RESPONDER,
            &route,
            &[("idempotency-key", "u")],
            Some(update.clone()),
        )
        .await
        .is(201);
    // Later entries are not part of the response.
    let another = json!({"message": "two"});
    server.post(RESPONDER, &route, &another).await.is(201);
    let twice = server
        .send(
            Method::POST,
            RESPONDER,
            &route,
            &[("idempotency-key", "u")],
            Some(update),
        )
        .await
        .is(201);
    assert_eq!(once, twice);
    server.stop().await;
}

/// Sends eight simultaneous requests with one key; returns their responses' ids.
async fn futures(server: &Server, body: &[u8]) -> Vec<serde_json::Value> {
    let mut running = Vec::new();
    for _ in 0..8 {
        let (url, body) = (server.url("/sys/incidents"), body.to_vec());
        running.push(tokio::spawn(async move {
            let request = reqwest::Client::builder()
                .no_proxy()
                .build()
                .unwrap()
                .post(url)
                .bearer_auth(RESPONDER);
            let request = request
                .header("idempotency-key", "k")
                .header("content-type", "application/json")
                .body(body);
            let response = request.send().await.unwrap();
            assert_eq!(response.status().as_u16(), 201);
            response.json::<serde_json::Value>().await.unwrap()["id"].clone()
        }));
    }
    let mut ids = Vec::new();
    for one in running {
        ids.push(one.await.unwrap());
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_guards_a_write() {
    let server = Server::start().await;
    let path = server.declare(&json!({})).await;
    server.paged(&path, "accepted").await;
    let shown = server.get(VIEWER, &path).await;
    assert_eq!(
        shown.header("etag"),
        Some("\"1\""),
        "page outcomes do not raise the version"
    );
    let patch = |tag, title: &str| {
        let (server, path, body) = (
            &server,
            &path,
            json!({"title": title}).to_string().into_bytes(),
        );
        async move {
            server
                .send(
                    Method::PATCH,
                    RESPONDER,
                    path,
                    &[("if-match", tag)],
                    Some(body),
                )
                .await
        }
    };
    let changed = patch("\"1\"", "second").await;
    assert_eq!(changed.header("etag"), Some("\"2\""));
    patch("\"1\"", "third").await.problem(412);
    patch("W/\"2\"", "third").await.problem(412);
    patch("2", "third").await.problem(400);
    patch("*", "third").await.is(200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_page_and_filter() {
    let server = Server::start().await;
    for n in 0..7 {
        server.clock.advance(Duration::from_secs(1));
        let severity = if n % 2 == 0 { "SEV3" } else { "SEV4" };
        server.declare(&json!({"title": format!("Incident {n}"), "severity": severity, "affected_tenants": [format!("t{}", n % 3)]})).await;
    }
    let mut seen = Vec::new();
    let mut next = String::new();
    loop {
        let list = server
            .get(VIEWER, &format!("/sys/incidents?limit=3{next}"))
            .await
            .is(200);
        seen.extend(
            list["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["title"].as_str().unwrap().to_owned()),
        );
        match list["next_cursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(
        seen,
        (0..7)
            .rev()
            .map(|n| format!("Incident {n}"))
            .collect::<Vec<_>>()
    );
    assert_eq!(
        server
            .get(
                VIEWER,
                &format!("/sys/incidents?limit=3&severity=SEV3{next}")
            )
            .await
            .problem(422)
            .as_deref(),
        Some("/cursor")
    );
    let count = |query: &'static str| {
        let server = &server;
        async move {
            server
                .get(VIEWER, &format!("/sys/incidents?{query}"))
                .await
                .is(200)["items"]
                .as_array()
                .unwrap()
                .len()
        }
    };
    assert_eq!(count("severity=P3").await, 4);
    assert_eq!(count("tenant=t1").await, 2);
    assert_eq!(count("q=iNCIDENT+5").await, 1);
    assert_eq!(count("status=resolved").await, 0);
    assert_eq!(count("service=api&status=all").await, 7);
    for (query, status, field) in [
        ("status=open", 422, "/status"),
        ("severity=SEV9", 422, "/severity"),
        ("cursor=x", 422, "/cursor"),
        ("limit=0", 422, "/limit"),
        ("limit=many", 400, "/limit"),
        ("colour=red", 422, "/colour"),
        (
            "from=2026-11-21T00:00:00Z&to=2026-11-20T00:00:00Z",
            422,
            "/to",
        ),
    ] {
        assert_eq!(
            server
                .get(VIEWER, &format!("/sys/incidents?{query}"))
                .await
                .problem(status)
                .as_deref(),
            Some(field),
            "{query}"
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_page_is_cached_and_follows_every_switch() {
    let server = Server::start().await;
    let path = server.declare(&json!({})).await;
    let first = server.get("", "/public/status/active").await;
    assert_eq!(
        first.header("cache-control"),
        Some("public, max-age=60, stale-if-error=60")
    );
    let tag = first.header("etag").unwrap().to_owned();
    let again = server
        .send(
            Method::GET,
            "",
            "/public/status/active",
            &[("if-none-match", &tag)],
            None,
        )
        .await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    for public in [true, false, true] {
        server
            .post(
                RESPONDER,
                &format!("{path}/public"),
                &json!({"public": public, "title": "Errors"}),
            )
            .await
            .is(200);
        let page = server.get("", "/public/status/active").await.is(200);
        assert_eq!(
            page["incidents"].as_array().unwrap().len(),
            usize::from(public)
        );
        assert_eq!(
            page["status"]["indicator"],
            if public { "major" } else { "none" }
        );
    }
    assert_ne!(
        server.get("", "/public/status/active").await.header("etag"),
        Some(tag.as_str())
    );
    let drill = server.declare(&json!({"mode": "drill"})).await;
    server
        .post(
            RESPONDER,
            &format!("{drill}/public"),
            &json!({"public": true}),
        )
        .await
        .problem(409);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_does_not_undo_its_command() {
    let server = Server::start().await;
    for n in 0..50 {
        let body = json!({"title": format!("Impatient {n}"), "severity": "SEV4"}).to_string();
        let mut socket = tokio::net::TcpStream::connect(server.address())
            .await
            .unwrap();
        let request = format!(
            "POST /sys/incidents HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {RESPONDER}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        if n % 2 == 0 {
            let mut byte = [0; 1];
            let _ = socket.read(&mut byte).await;
        }
    }
    let list = server.get(VIEWER, "/sys/incidents?limit=200").await.is(200);
    let path = server.declare(&json!({})).await;
    for item in list["items"].as_array().unwrap() {
        let entries = server
            .get(
                VIEWER,
                &format!(
                    "/sys/incidents/{}/timeline/verify",
                    item["id"].as_str().unwrap()
                ),
            )
            .await
            .is(200);
        assert_eq!(entries["valid"], true);
    }
    server.get(VIEWER, &path).await.is(200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_sends_every_page_that_was_accepted() {
    let server = Server::start().await;
    for _ in 0..30 {
        server.declare(&json!({})).await;
    }
    let pager = server.pager.clone();
    server.stop().await;
    assert_eq!(pager.wakes(), 30);
}
