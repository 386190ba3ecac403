//! A team may run without SLA, or without a status page: nothing of it is left in routes, pages and
//! the document, and nothing of it runs.

use std::time::Duration;

use incident_core::Month;
use incident_core::incident::{Command, Publish};
use incident_core::port::CreditQuery;
use reqwest::Method;
use serde_json::{Value, json};

use super::incident::hidden;
use super::{page_in, submit};
use crate::over_http::harness::{ADMIN, RESPONDER, Server, VIEWER, context};

/// Sends a request past the check that the document describes it: this server has fewer routes.
async fn asked(server: &Server, method: Method, path: &str) -> (u16, Value) {
    let body = (method != Method::GET).then(|| b"{}".to_vec());
    let response = server.response(method, ADMIN, path, &[], body).await;
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// Asserts that routes are answered as paths that never existed.
async fn must_be_unknown(server: &Server, routes: &[(Method, String)]) {
    for (method, path) in routes {
        let area = path.split('/').nth(1).unwrap();
        let nothing = format!("/{area}/no/such/route/at/all");
        let unknown = asked(server, method.clone(), &nothing).await;
        assert_eq!(unknown.0, 404, "{nothing}");
        let found = asked(server, method.clone(), path).await;
        assert_eq!(found, unknown, "{method} {path}");
    }
}

/// Asserts that no page has one of these words, in any language.
async fn must_be_silent(server: &Server, token: &str, pages: &[&str], words: &[&str]) {
    for path in pages {
        for language in ["en", "fr", "de"] {
            let shown = page_in(server, token, path, language).await;
            assert_eq!(shown.status, 200, "{path}: {}", shown.text);
            for word in words {
                let at = shown.text.find(word);
                let near = at.map(|at| shown.text.get(at.saturating_sub(80)..));
                assert!(at.is_none(), "{path} {language} {word}: {near:?}");
            }
        }
    }
}

/// Returns the paths of the document of this server.
async fn documented(server: &Server) -> Vec<String> {
    let (status, document) = asked(server, Method::GET, "/openapi.json").await;
    assert_eq!(status, 200);
    let paths = document["paths"].as_object().unwrap();
    paths.keys().cloned().collect()
}

/// Declares an incident of a tenant, and ends it after an outage that earns a credit.
async fn over(server: &Server) -> String {
    let body = json!({"severity": "SEV2", "affected_tenants": ["tenant-fr"], "affected_services": ["api"]});
    let path = server.declare(&body).await;
    server.clock.advance(Duration::from_hours(5));
    let update = json!({"message": "fixed", "status": "resolved"});
    let updates = format!("{path}/updates");
    server.post(RESPONDER, &updates, &update).await.is(201);
    path
}

async fn rows(server: &Server) -> usize {
    let all = CreditQuery::default();
    let rows = server.store.credits(&all, Duration::from_secs(5)).await;
    rows.unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_sla_nothing_of_it_is_left() {
    let server = Server::start_under("[sla]\nenabled = false").await;
    let path = over(&server).await;
    let web = path.trim_start_matches("/sys");
    let id = path.rsplit('/').next().unwrap();
    let own = |rest: &str| format!("{path}{rest}");
    must_be_unknown(
        &server,
        &[
            (Method::GET, own("/sla-impact")),
            (Method::GET, "/sys/sla/statements?month=2026-11".to_owned()),
            (Method::GET, "/sys/sla/credits".to_owned()),
            (Method::POST, "/sys/sla/credits/recompute".to_owned()),
            (Method::POST, format!("/sys/sla/credits/{id}/approve")),
            (Method::POST, format!("/sys/sla/credits/{id}/waive")),
            (Method::GET, "/sys/sla/billing?period=2026-11".to_owned()),
            (Method::POST, format!("/sys/sla/billing/{id}/resend")),
            (Method::GET, "/sla".to_owned()),
            (Method::GET, "/sla/tenant-fr".to_owned()),
            (Method::POST, "/sla/credits/review".to_owned()),
            (Method::POST, "/sla/credits/decide".to_owned()),
            (Method::POST, "/sla/credits/recompute".to_owned()),
        ],
    )
    .await;
    let words = ["/sla", "SLA", "redit", "voirs", "utschrift", "card-sla"];
    let drill = server.declare(&json!({"mode": "drill"})).await;
    let drill = drill.trim_start_matches("/sys");
    let edit = format!("{web}/edit");
    let pages = [
        "/",
        "/incidents",
        "/incidents/new",
        web,
        drill,
        &edit,
        "/about",
    ];
    for token in [VIEWER, ADMIN] {
        let open = if token == VIEWER {
            &pages[..2]
        } else {
            &pages[..]
        };
        must_be_silent(&server, token, open, &words).await;
    }
    let paths = documented(&server).await;
    assert!(!paths.iter().any(|path| path.contains("sla")), "{paths:?}");
    assert!(paths.iter().any(|path| path == "/public/status/active"));
    // No row was written by the resolution, a correction or the background passes.
    let earlier = json!({"started_at": "2026-11-20T20:00:00Z"});
    server.patch(ADMIN, &path, &earlier).await.is(200);
    let engine = server.incidents();
    assert_eq!(engine.worker().approve_credits().await.unwrap(), 0);
    assert_eq!(engine.worker().issue_credits().await.unwrap(), 0);
    let month: Month = "2026-11".parse().unwrap();
    let refused = engine.credits().recompute(&context(), month).await;
    assert!(format!("{refused:?}").contains("no_sla"), "{refused:?}");
    assert!(
        engine
            .reports()
            .check_figures(month)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(rows(&server).await, 0);
    assert_eq!(server.get(ADMIN, &path).await.is(200)["status"], "resolved");
    server.stop().await;
    // The same incident with SLA has its row and its pages.
    let server = Server::start_under("[sla]\nenabled = true").await;
    let path = over(&server).await;
    assert_eq!(rows(&server).await, 1);
    server
        .get(ADMIN, &format!("{path}/sla-impact"))
        .await
        .is(200);
    let shown = page_in(&server, ADMIN, path.trim_start_matches("/sys"), "en").await;
    assert!(shown.text.contains("card-sla") && shown.text.contains("href=\"/sla\""));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_status_page_nothing_of_it_is_left() {
    let server = Server::start_under("[status_page]\nenabled = false").await;
    let path = server.declare(&json!({"affected_services": ["api"]})).await;
    let web = path.trim_start_matches("/sys");
    must_be_unknown(
        &server,
        &[
            (Method::POST, format!("{path}/public")),
            (Method::GET, "/public/status/active".to_owned()),
            (Method::GET, "/status".to_owned()),
            (
                Method::GET,
                "/status/incidents/0190a000-0000-7000-8000-000000000000".to_owned(),
            ),
            (Method::GET, format!("{web}/publish")),
            (Method::POST, format!("{web}/publish")),
        ],
    )
    .await;
    let drill = server.declare(&json!({"mode": "drill"})).await;
    let drill = drill.trim_start_matches("/sys");
    let edit = format!("{web}/edit");
    let words = [
        "/status\"",
        "/status/",
        "/public",
        "/publish",
        "public_message",
        "card-customers",
        "tatus page",
        "age d’état",
        "tatusseite",
        "ublish",
        "eröffentlich",
    ];
    let pages = [
        "/",
        "/incidents",
        "/incidents/new",
        web,
        drill,
        &edit,
        "/about",
    ];
    for token in [RESPONDER, ADMIN] {
        must_be_silent(&server, token, &pages, &words).await;
    }
    let paths = documented(&server).await;
    assert!(
        !paths.iter().any(|path| path.contains("public")),
        "{paths:?}"
    );
    assert!(paths.iter().any(|path| path == "/sys/sla/credits"));
    // An update goes out without a question about customers.
    let shown = page_in(&server, RESPONDER, web, "en").await;
    let (key, updates) = (hidden(&shown, "key"), format!("{web}/updates"));
    let typed = [
        ("key", key),
        ("message", "on it"),
        ("status", "investigating"),
    ];
    let sent = submit(&server, RESPONDER, &updates, &typed).await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    // A host that calls the engine itself cannot publish either, and may hide.
    let id = path.rsplit('/').next().unwrap().parse().unwrap();
    let publish = |public| {
        let publish = Publish {
            public,
            title: None,
            message: None,
        };
        Command::Publish(publish)
    };
    let engine = server.incidents();
    let refused = engine.act(&context(), id, &publish(true)).await;
    assert!(
        format!("{refused:?}").contains("no_status_page"),
        "{refused:?}"
    );
    assert!(engine.act(&context(), id, &publish(false)).await.is_ok());
    assert!(!engine.get(id).await.unwrap().status_page.public);
    server.stop().await;
}
