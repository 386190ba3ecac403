//! Media types and codings of bodies, and the headers of every response.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::Method;
use serde_json::{Value, json};

use crate::over_http::harness::{ADMIN, Answer, COMMANDER, RESPONDER, Server, VIEWER};
use crate::over_http::raw::{Raw, request};
use crate::over_http::troubled::AWAY;

const USAGE: &str = "/sys/usage-events";
const PUBLIC: &str = "/public/status/active";
const JSON: (&str, &str) = ("content-type", "application/json");
const LINES: (&str, &str) = ("content-type", "application/x-ndjson");
const GZIP: (&str, &str) = ("content-encoding", "gzip");

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn event(user: usize) -> Value {
    json!({"tenant_id": "t", "user_id": format!("u{user}"), "service": "api",
        "occurred_at": "2026-11-20T22:30:00Z"})
}

fn lines(count: usize) -> String {
    (0..count)
        .map(|user| format!("{}\n", event(user)))
        .collect()
}

async fn usage(server: &Server, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
    let body = Some(body.into());
    server
        .send(Method::POST, RESPONDER, USAGE, headers, body)
        .await
}

/// L6: a byte order mark before JSON is ignored on every route that reads JSON.
#[tokio::test(flavor = "multi_thread")]
async fn a_byte_order_mark_is_ignored() {
    let server = Server::start().await;
    let path = server.declare(&json!({})).await;
    let suggestion = json!({"service": "api", "tenant": "t", "signal": "5xx",
        "observed_at": "2026-11-20T22:59:00Z"});
    for (method, route, body, status) in [
        (
            Method::POST,
            "/sys/incidents".to_owned(),
            json!({"title": "x", "severity": "SEV4"}),
            201,
        ),
        (
            Method::POST,
            format!("{path}/updates"),
            json!({"message": "x"}),
            201,
        ),
        (Method::POST, format!("{path}/acknowledge"), json!({}), 200),
        (Method::PATCH, path.clone(), json!({"title": "y"}), 200),
        (
            Method::POST,
            "/sys/incidents/suggestions".to_owned(),
            suggestion,
            201,
        ),
        (Method::POST, USAGE.to_owned(), json!([event(1)]), 202),
    ] {
        let with = format!("\u{feff}{body}").into_bytes();
        let answer = server.send(method, ADMIN, &route, &[], Some(with)).await;
        assert_eq!(answer.status, status, "{route}: {}", answer.text);
    }
    let answer = usage(&server, &[LINES], format!("\u{feff}{}", lines(3))).await;
    assert_eq!(answer.is(202)["accepted"], 3);
    // In the middle it is not white space.
    let answer = usage(
        &server,
        &[LINES],
        format!("{}\u{feff}{}", lines(1), lines(1)),
    )
    .await;
    assert_eq!(answer.json()["line"], 2);
    answer.problem(422);
    server.stop().await;
}

/// L6: the common media types of newline-delimited JSON are accepted; the response to others names
/// them.
#[tokio::test(flavor = "multi_thread")]
async fn lines_are_known_by_their_usual_names() {
    let server = Server::start().await;
    for kind in [
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonlines",
        "application/jsonlines",
        "Application/NDJSON; charset=utf-8",
    ] {
        let answer = usage(&server, &[("content-type", kind)], lines(2)).await;
        assert_eq!(answer.is(202)["accepted"], 2, "{kind}");
    }
    for kind in ["text/plain", "application/json-seq", "application/xml"] {
        let answer = usage(&server, &[("content-type", kind)], lines(2)).await;
        let detail = answer.json()["detail"].to_string();
        assert!(detail.contains("application/json") && detail.contains("application/x-ndjson"));
        answer.problem(415);
    }
    server.stop().await;
}

/// L6: gzip is decoded for usage events, both arrays and lines, up to the same limits; other
/// codings get a 415 that names the accepted ones.
#[tokio::test(flavor = "multi_thread")]
async fn gzip_is_decoded_for_usage_events() {
    let server = Server::start().await;
    let array = Value::from((0..1_000).map(event).collect::<Vec<_>>()).to_string();
    for coding in ["gzip", "GZIP", "x-gzip"] {
        let coded = ("content-encoding", coding);
        let answer = usage(&server, &[JSON, coded], gzip(array.as_bytes())).await;
        assert_eq!(answer.is(202)["accepted"], 1_000);
        let answer = usage(&server, &[LINES, coded], gzip(lines(12_000).as_bytes())).await;
        assert_eq!(answer.is(202)["accepted"], 12_000);
    }
    // Log shippers append members.
    let members = [gzip(lines(2).as_bytes()), gzip(lines(3).as_bytes())].concat();
    assert_eq!(
        usage(&server, &[LINES, GZIP], members).await.is(202)["accepted"],
        5
    );
    // A key stands for the events, whatever their coding.
    let key = ("idempotency-key", "one");
    usage(&server, &[JSON, GZIP, key], gzip(array.as_bytes()))
        .await
        .is(202);
    let again = usage(&server, &[JSON, key], array.clone()).await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));

    let blank = vec![b' '; 40 << 20];
    usage(&server, &[JSON, GZIP], gzip(&blank))
        .await
        .problem(413);
    let long = format!("{}{}", lines(1), "x".repeat(3 << 20));
    let answer = usage(&server, &[LINES, GZIP], gzip(long.as_bytes())).await;
    assert_eq!(answer.json()["line"], 2);
    answer.problem(413);
    let mut cut = gzip(lines(9_000).as_bytes());
    cut.truncate(cut.len() - 5);
    let answer = usage(&server, &[LINES, GZIP], cut.clone()).await;
    assert_eq!(answer.json()["accepted"], 5_000, "earlier batches stay");
    answer.problem(400);
    usage(&server, &[JSON, GZIP], cut).await.problem(400);
    usage(&server, &[JSON, GZIP], array.clone())
        .await
        .problem(400);
    for coding in ["br", "zstd", "deflate", "gzip, gzip", "c4n4ry"] {
        let coded = ("content-encoding", coding);
        for kind in [JSON, LINES] {
            let answer = usage(&server, &[kind, coded], array.clone()).await;
            assert_eq!(answer.header("accept-encoding"), Some("gzip"));
            assert!(answer.text.contains("gzip") && !answer.text.contains("c4n4ry"));
            answer.problem(415);
        }
    }
    let coded = Some(gzip(br#"{"title": "x", "severity": "SEV4"}"#));
    let answer = server
        .send(Method::POST, ADMIN, "/sys/incidents", &[GZIP], coded)
        .await;
    assert_eq!(answer.header("accept-encoding"), Some("identity"));
    assert!(
        answer.text.contains("no Content-Encoding"),
        "{}",
        answer.text
    );
    answer.problem(415);
    server.stop().await;
}

/// L7: pages of any origin may read public data, including errors and a 304, and may send a
/// preflight.
#[tokio::test(flavor = "multi_thread")]
async fn pages_of_others_read_public_data() {
    let (server, store) = Server::troubled().await;
    let origin = ("origin", "https://status.example");
    let context = async |method: Method, path: &str, headers: &[(&str, &str)]| {
        let headers: Vec<_> = headers.iter().copied().chain([origin]).collect();
        server.send(method, "", path, &headers, None).await
    };
    let first = context(Method::GET, PUBLIC, &[]).await;
    let tag = first.header("etag").unwrap().to_owned();
    for (method, path, headers, status) in [
        (Method::GET, PUBLIC, vec![], 200),
        (Method::HEAD, PUBLIC, vec![], 200),
        (Method::GET, PUBLIC, vec![("if-none-match", &*tag)], 304),
        (Method::POST, PUBLIC, vec![], 405),
        (Method::DELETE, PUBLIC, vec![], 405),
        (Method::GET, "/public/status/unknown", vec![], 404),
        (Method::PUT, "/public/unknown", vec![], 404),
    ] {
        let answer = context(method.clone(), path, &headers).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some("*"),
            "{method} {path}"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    assert_eq!(
        context(Method::POST, PUBLIC, &[]).await.header("allow"),
        Some("GET, HEAD, OPTIONS")
    );
    let wanted = [
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "if-none-match"),
    ];
    for headers in [&wanted[..], &[]] {
        let answer = context(Method::OPTIONS, PUBLIC, headers).await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""));
        for (name, value) in [
            ("access-control-allow-origin", "*"),
            ("access-control-allow-headers", "*"),
            ("access-control-allow-methods", "GET, HEAD, OPTIONS"),
            ("allow", "GET, HEAD, OPTIONS"),
        ] {
            assert_eq!(answer.header(name), Some(value));
        }
    }
    for (token, path) in [
        (VIEWER, "/sys/incidents"),
        ("", "/healthz"),
        ("", "/sys/incidents"),
    ] {
        let answer = server.send(Method::GET, token, path, &[origin], None).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
    }
    server.public_cache().invalidate();
    store.is_in(AWAY);
    let answer = context(Method::GET, PUBLIC, &[]).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    answer.problem(503);
    // Such a URI never reaches a route.
    let mut long = Raw::to(server.address()).await;
    let line = format!("GET {PUBLIC}?{}", "x".repeat(40_000));
    long.send(request(&line, "", &[], "")).await;
    let answer = long.answer().await.unwrap();
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    answer.problem(414);
    server.stop().await;
}

/// S16: no response may be sniffed as another type, and responses that need a token must not be
/// cached, including tables and figures.
#[tokio::test(flavor = "multi_thread")]
async fn answers_are_neither_sniffed_nor_cached() {
    let server = Server::start().await;
    let path = server.declare(&json!({})).await;
    let csv = "/sys/sla/statements?month=2026-11&format=csv";
    for (method, token, route, status, is_stored) in [
        (Method::GET, VIEWER, "/sys/incidents", 200, false),
        (Method::GET, VIEWER, &*path, 200, false),
        (Method::GET, VIEWER, csv, 200, false),
        (Method::GET, VIEWER, "/metrics", 404, false),
        (Method::GET, "", "/sys/incidents", 401, false),
        (Method::GET, "", "/metrics", 401, false),
        (Method::GET, VIEWER, "/sys/audit", 403, false),
        (Method::GET, VIEWER, "/sys/nothing", 404, false),
        (Method::DELETE, VIEWER, "/sys/incidents", 405, false),
        (Method::OPTIONS, VIEWER, "/sys/incidents", 405, false),
        (Method::POST, COMMANDER, "/sys/incidents", 400, false),
        (Method::GET, "", "/healthz", 200, false),
        (Method::GET, "", "/readyz", 200, false),
        (Method::GET, "", "/nothing", 404, false),
        (Method::POST, "", "/hooks/opsgenie", 404, false),
        (Method::GET, "", PUBLIC, 200, true),
    ] {
        let body = (method == Method::POST).then(|| b"{".to_vec());
        let answer = server.send(method, token, route, &[], body).await;
        assert_eq!(answer.status, status, "{route}: {}", answer.text);
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{route}"
        );
        let cache = answer.header("cache-control").unwrap();
        assert_eq!(cache == "no-store", !is_stored, "{route}: {cache}");
    }
    server.stop().await;
}

/// S16: a problem does not repeat the invalid value, in whichever field, query, header or path it
/// is.
#[tokio::test(flavor = "multi_thread")]
async fn problems_repeat_no_value() {
    let server = Server::start().await;
    let path = server
        .declare(&json!({"started_at": "2026-11-20T22:00:00Z"}))
        .await;
    let mut refused = 0;
    let mut look = |answer: Answer, what: String| {
        let shown = format!("{} {:?}", answer.text, answer.headers);
        if answer.status >= 400 {
            refused += 1;
            assert!(
                !shown.contains("c4n4ry") && !shown.contains("66700667"),
                "{what}: {shown}"
            );
        }
    };
    let create = json!({"title": "x", "severity": "SEV4"});
    let bodies = [
        (
            Method::POST,
            "/sys/incidents".to_owned(),
            create.clone(),
            vec![
                "title",
                "severity",
                "summary",
                "affected_services",
                "affected_tenants",
                "started_at",
                "detected_at",
                "responder",
                "eta",
                "mode",
                "environment",
                "source",
                "suggestion_id",
                "alert_key",
                "page",
                "tracker_url",
                "labels",
                "users_hit_percent",
                "revenue_per_hour",
                "next_update_due_at",
                "impact_ended_at",
                "resolved_at",
            ],
        ),
        (
            Method::PATCH,
            path.clone(),
            json!({}),
            vec![
                "title",
                "severity",
                "eta",
                "responder",
                "affected_tenants",
                "affected_services",
                "labels",
                "tracker_url",
                "started_at",
            ],
        ),
        (
            Method::POST,
            format!("{path}/updates"),
            json!({"message": "x"}),
            vec![
                "message",
                "status",
                "severity",
                "eta",
                "occurred_at",
                "kind",
                "impact_ended_at",
                "reason",
                "corrects",
                "merged_into",
                "public_message",
                "comms_sent",
            ],
        ),
        (
            Method::POST,
            format!("{path}/public"),
            json!({"public": true}),
            vec!["public", "title", "message"],
        ),
        (
            Method::POST,
            format!("{path}/page"),
            json!({"reason": "x"}),
            vec!["reason", "rule"],
        ),
        (
            Method::POST,
            format!("{path}/post-mortem"),
            json!({}),
            vec!["url"],
        ),
        (
            Method::POST,
            "/sys/incidents/suggestions".to_owned(),
            json!({"service": "api",
            "tenant": "t", "signal": "x", "observed_at": "2026-11-20T22:59:00Z"}),
            vec!["service", "tenant", "signal", "observed_at", "evidence"],
        ),
        (
            Method::POST,
            "/sys/sla/credits/recompute".to_owned(),
            json!({}),
            vec!["from", "to", "month", "tenant"],
        ),
    ];
    let values = [
        json!("c4n4ry\u{0}"),
        json!("c4n4ry, expected c4n4ry"),
        json!(66_700_667),
        json!(66_700_667.5),
        json!(["c4n4ry\n"]),
        json!([[["c4n4ry"]]]),
        json!({"a": ["c4n4ry"]}),
        json!("c4n4ry".repeat(5_000)),
    ];
    for (method, route, good, fields) in bodies {
        for field in fields {
            for value in &values {
                let mut body = good.clone();
                body[field] = value.clone();
                let sent = Some(body.to_string().into_bytes());
                let answer = server.send(method.clone(), ADMIN, &route, &[], sent).await;
                look(answer, format!("{route} {field}"));
            }
        }
    }
    for field in [
        "tenant_id",
        "user_id",
        "service",
        "occurred_at",
        "endpoint",
        "failed",
    ] {
        for value in &values {
            let mut one = event(1);
            one[field] = value.clone();
            look(
                usage(&server, &[JSON], json!([one]).to_string()).await,
                format!("usage {field}"),
            );
            look(
                usage(&server, &[LINES], one.to_string()).await,
                format!("line {field}"),
            );
        }
    }
    for (route, names) in [
        (
            "/sys/incidents",
            &[
                "status", "severity", "tenant", "service", "q", "from", "to", "limit", "cursor",
            ][..],
        ),
        (
            "/sys/audit",
            &["incident", "actor", "from", "limit", "cursor"],
        ),
        ("/sys/sla/statements", &["month", "tenant", "format"]),
        ("/sys/sla/credits", &["state", "tenant", "incident"]),
        (
            &*format!("{path}/affected-users"),
            &["services", "failed_only", "method"],
        ),
        (&*format!("{path}/updates"), &["after_seq", "limit"]),
    ] {
        for name in names {
            for value in [
                "c4n4ry%00",
                "c4n4ry",
                "%FFc4n4ry",
                "66700667.5",
                "%0Ac4n4ry",
            ] {
                let answer = server.get(ADMIN, &format!("{route}?{name}={value}")).await;
                look(answer, format!("{route} {name}"));
            }
        }
    }
    for (name, value) in [
        ("if-match", "c4n4ry"),
        ("idempotency-key", "c4n4ry c4n4ry"),
        ("content-type", "text/c4n4ry"),
        ("content-encoding", "c4n4ry"),
        ("authorization", "c4n4ry c4n4ry"),
    ] {
        let sent = Some(create.to_string().into_bytes());
        let token = if name == "authorization" { "" } else { ADMIN };
        let answer = server
            .send(
                Method::POST,
                token,
                "/sys/incidents",
                &[(name, value)],
                sent,
            )
            .await;
        assert!(answer.status >= 400, "{name}");
        look(answer, name.to_owned());
    }
    for route in [
        "/c4n4ry",
        "/sys/c4n4ry",
        "/public/c4n4ry",
        "/sys/incidents/c4n4ry",
        "/sys/incidents/c4n4ry/updates",
        "/sys/sla/credits/c4n4ry/approve",
        "/sys/pages/c4n4ry/retry",
        "/sys/sla/billing/c4n4ry/resend",
        "/hooks/c4n4ry",
    ] {
        for method in [Method::GET, Method::POST] {
            look(
                server
                    .send(method, ADMIN, route, &[], Some(b"{}".to_vec()))
                    .await,
                route.to_owned(),
            );
        }
    }
    assert!(refused > 400, "{refused} were refused");
    server.stop().await;
}
