//! The public page: order, ends, bounds, merges, and its behaviour while the store fails.

use std::time::{Duration, Instant};

use incident_core::actor::Role;
use incident_core::commit::{Commit, IncidentWrite};
use incident_core::engine::RequestContext;
use incident_core::incident::{Command, Incident, Update};
use incident_core::testing::caller;
use incident_core::{IncidentId, PublicText};
use reqwest::Method;
use serde_json::{Value, json};

use crate::over_http::harness::{ADMIN, Answer, COMMANDER, RESPONDER, Server, VIEWER};
use crate::over_http::troubled::{AWAY, HANGS, NONE, UNKNOWN};

const PAGE: &str = "/public/status/active";

async fn page(server: &Server) -> Value {
    server.get("", PAGE).await.is(200)
}

async fn declare_public(server: &Server, severity: &str) -> String {
    let path = server
        .declare(&json!({"severity": severity, "page": false}))
        .await;
    publish(server, &path, true).await;
    path
}

async fn publish(server: &Server, path: &str, public: bool) {
    let body = json!({"public": public});
    server
        .post(RESPONDER, &format!("{path}/public"), &body)
        .await
        .is(200);
}

async fn update(server: &Server, path: &str, body: Value) -> Value {
    let mut body = body;
    body["message"] = "internal".into();
    server.update(COMMANDER, path, &body).await
}

fn lines(page: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    page["incidents"][0]["updates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (text(&line["body"]), text(&line["status"])))
        .collect()
}

fn id_of(path: &str) -> IncidentId {
    path.rsplit('/').next().unwrap().parse().unwrap()
}

/// Rewrites a stored state, bypassing the engine.
async fn rewrite(server: &Server, path: &str, change: impl FnOnce(&mut Value)) {
    let timeout = Duration::from_secs(5);
    let before = server
        .store
        .load(id_of(path), timeout)
        .await
        .unwrap()
        .unwrap();
    let mut state = serde_json::to_value(&*before).unwrap();
    state["revision"] = (before.revision.0 + 1).into();
    change(&mut state);
    let after: Incident = serde_json::from_value(state).unwrap();
    let commit = Commit {
        writes: vec![IncidentWrite {
            after: after.into(),
            expected: Some(before.revision),
            entries: Vec::new(),
        }],
        ..Commit::default()
    };
    server.store.commit(commit, timeout).await.unwrap();
}

/// P6: updates with the times 21:00, 23:00 and then, late, 22:00.
#[tokio::test(flavor = "multi_thread")]
async fn lines_stand_at_their_time_with_the_status_that_held_then() {
    let server = Server::start().await;
    let path = declare_public(&server, "SEV2").await;
    for (at, status, text) in [
        ("2026-11-20T21:00:00Z", Some("investigating"), "first"),
        ("2026-11-20T23:00:00Z", Some("mitigated"), "third"),
        ("2026-11-20T22:00:00Z", None, "second"),
    ] {
        let body = json!({"occurred_at": at, "status": status, "public_message": text});
        let body = match status {
            Some(_) => body,
            None => json!({"occurred_at": at, "public_message": text}),
        };
        rewrite(&server, &path, |state| {
            state["started_at"] = "2026-11-20T20:00:00Z".into()
        })
        .await;
        update(&server, &path, body).await;
    }
    let found = lines(&page(&server).await);
    let expected = [
        ("third", "monitoring"),
        ("second", "investigating"),
        ("first", "investigating"),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(body, status)| ((*body).to_owned(), (*status).to_owned()))
        .collect();
    assert_eq!(found, expected);
    server.stop().await;
}

/// P5: the closing message of a cancelled incident is shown for a day.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_incident_shows_its_last_words_for_a_day() {
    let server = Server::start().await;
    for (said, shown) in [
        (Some("It was a false alarm."), "It was a false alarm."),
        (None, "This incident has been closed."),
    ] {
        let path = declare_public(&server, "SEV1").await;
        let cancel =
            json!({"status": "cancelled", "reason": "false_positive", "public_message": said});
        let cancel = match said {
            Some(_) => cancel,
            None => json!({"status": "cancelled", "reason": "false_positive"}),
        };
        update(&server, &path, cancel).await;
        let found = page(&server).await;
        assert_eq!(found["status"]["indicator"], "none");
        assert_eq!(found["incidents"][0]["status"], "resolved");
        assert_eq!(lines(&found)[0], (shown.to_owned(), "resolved".to_owned()));
        // As another process would read it from the store.
        let asked = || async { server.incidents().reports().public_page().await };
        server.clock.advance(Duration::from_secs(24 * 3_600 - 1));
        assert_eq!(asked().await.unwrap().incidents.len(), 1);
        server.clock.advance(Duration::from_secs(1));
        assert_eq!(asked().await.unwrap().incidents.len(), 0);
    }
    // An old incident whose time of cancellation was not recorded.
    let path = declare_public(&server, "SEV1").await;
    update(
        &server,
        &path,
        json!({"status": "cancelled", "reason": "false_positive"}),
    )
    .await;
    rewrite(&server, &path, |state| {
        state.as_object_mut().unwrap().remove("cancelled_at");
    })
    .await;
    assert!(
        server
            .incidents()
            .reports()
            .public_page()
            .await
            .unwrap()
            .incidents
            .is_empty()
    );
    server.stop().await;
}

/// L2: after 10,000 public updates the page and the state are still bounded. Fewer updates on
/// PostgreSQL in the short tier.
#[tokio::test(flavor = "multi_thread")]
async fn many_public_updates_leave_a_small_page_and_a_small_state() {
    let long = std::env::var_os("INCIDENT_TEST_LONG").is_some();
    let posts: u64 = if crate::ON_POSTGRES && !long {
        300
    } else {
        10_000
    };
    let server = Server::start().await;
    let path = declare_public(&server, "SEV2").await;
    let context = RequestContext::new(caller("anna", Role::Responder).unwrap());
    for n in 1..=posts {
        let mut update = Update::new("internal".parse().unwrap());
        update.public_message =
            Some(PublicText::new(&format!("{n:05} {}", "x".repeat(3_050))).unwrap());
        server.clock.advance(Duration::from_secs(1));
        let command = Command::Update(Box::new(update));
        server
            .incidents()
            .act(&context, id_of(&path), &command)
            .await
            .unwrap();
    }
    let answer = server.get("", PAGE).await;
    assert!(
        answer.text.len() < 96 * 1024 + 1_024,
        "{}",
        answer.text.len()
    );
    let shown = answer.is(200)["incidents"][0].clone();
    let newest = shown["updates"].as_array().unwrap();
    assert_eq!(
        newest.len() as u64 + shown["updates_omitted"].as_u64().unwrap(),
        posts
    );
    // Same result on every store: whole lines of 3 KB up to 96 KB.
    assert_eq!(newest.len(), 31);
    for (line, n) in newest.iter().zip((1..=posts).rev()) {
        assert!(
            line["body"]
                .as_str()
                .unwrap()
                .starts_with(&format!("{n:05} x"))
        );
    }
    let kept = server.incidents().get(id_of(&path)).await.unwrap();
    assert_eq!(kept.status_page.updates.len(), 53);
    assert_eq!(kept.status_page.dropped.lines, posts - 53);
    assert!(serde_json::to_vec(&*kept).unwrap().len() < 180 * 1024);
    // The timeline has all of them.
    // The rules that fired beside them are entries of the policy.
    assert!(kept.last_seq >= posts + 2);
    server.stop().await;
}

/// L5: invisible texts are refused with the name of the field, and so are texts longer than the
/// public limit. Stored ones stay readable.
#[tokio::test(flavor = "multi_thread")]
async fn invisible_texts_are_refused_with_the_field() {
    let server = Server::start().await;
    let path = declare_public(&server, "SEV2").await;
    let refused = async |path: &str, body: Value, pointer: &str| {
        let answer = server.post(ADMIN, path, &body).await;
        assert_eq!(answer.problem(422).as_deref(), Some(pointer), "{body}");
    };
    for nothing in [
        "\u{200b}",
        "\u{feff}\u{2060}",
        "\u{3164}",
        " \u{ad} ",
        "\u{e0041}",
        "\u{2800}",
    ] {
        let create = json!({"title": nothing, "severity": "SEV3"});
        refused("/sys/incidents", create, "/title").await;
        for (field, value, pointer) in [
            ("responder", json!(nothing), "/responder"),
            ("environment", json!(nothing), "/environment"),
            ("alert_key", json!(nothing), "/alert_key"),
            ("failure_class", json!(nothing), "/failure_class"),
            (
                "affected_services",
                json!(["api", nothing]),
                "/affected_services/1",
            ),
            (
                "affected_tenants",
                json!(["t", nothing]),
                "/affected_tenants/1",
            ),
            ("labels", json!({nothing: "x"}), "/labels"),
        ] {
            let mut create = json!({"title": "x", "severity": "SEV3"});
            create[field] = value;
            refused("/sys/incidents", create, pointer).await;
        }
        let updates = format!("{path}/updates");
        refused(&updates, json!({"message": nothing}), "/message").await;
        let with = |field: &str| json!({"message": "x", field: nothing});
        refused(&updates, with("public_message"), "/public_message").await;
        refused(&updates, with("reason"), "/reason").await;
        let sent = json!({"channel": nothing, "audience": "internal", "summary": ""});
        refused(
            &updates,
            json!({"message": "x", "comms_sent": sent}),
            "/comms_sent/channel",
        )
        .await;
        let public = format!("{path}/public");
        refused(&public, json!({"public": true, "title": nothing}), "/title").await;
        refused(
            &public,
            json!({"public": true, "message": nothing}),
            "/message",
        )
        .await;
        refused(
            &format!("{path}/page"),
            json!({"reason": nothing}),
            "/reason",
        )
        .await;
        refused(
            &format!("{updates}/1/redact"),
            json!({"reason": nothing}),
            "/reason",
        )
        .await;
        let title = server.patch(ADMIN, &path, &json!({"title": nothing})).await;
        assert_eq!(title.problem(422).as_deref(), Some("/title"));
        let suggest = json!({"service": "api", "tenant": nothing, "signal": "x", "observed_at": "2026-11-20T22:00:00Z"});
        refused("/sys/incidents/suggestions", suggest, "/tenant").await;
    }
    let long = "x".repeat(4_097);
    let body = json!({"message": "x", "public_message": long});
    refused(&format!("{path}/updates"), body, "/public_message").await;
    update(&server, &path, json!({"public_message": "x".repeat(4_096)})).await;
    // Stored before there was a limit.
    rewrite(&server, &path, |state| {
        state["face"]["updates"][0]["body"] = "y".repeat(16 * 1024).into();
        state["face"]["title"] = "\u{200b}".into();
        state["title"] = "\u{200b}".into();
        state["affected_tenants"] = json!([{"tenant_id": "\u{2800}", "from": null, "until": null}]);
    })
    .await;
    server.get(VIEWER, &path).await.is(200);
    server.get(VIEWER, "/sys/incidents").await.is(200);
    publish(&server, &path, false).await;
    publish(&server, &path, true).await;
    assert_eq!(lines(&page(&server).await)[0].0.len(), 16 * 1024);
    update(&server, &path, json!({"status": "resolved"})).await;
    server.stop().await;
}

/// P5: the lines of a merged incident are read from that incident: corrections, redactions and
/// hiding there affect the page.
#[tokio::test(flavor = "multi_thread")]
async fn lines_of_a_merged_incident_follow_what_happens_to_it() {
    let server = Server::start().await;
    let source = declare_public(&server, "SEV1").await;
    let first = update(
        &server,
        &source,
        json!({"status": "identified", "public_message": "secret"}),
    )
    .await;
    let second = update(&server, &source, json!({"public_message": "worng"})).await;
    server.clock.advance(Duration::from_secs(60));
    let target = declare_public(&server, "SEV1").await;
    let into = id_of(&target);
    let merge = json!({"status": "merged", "merged_into": into});
    update(&server, &source, merge).await;
    rewrite(&server, &target, |state| {
        state["face"]["merged"] = json!([id_of(&source)]);
        state["face"]["public"] = true.into();
    })
    .await;
    // The commit above bypassed the engine.
    publish(&server, &target, false).await;
    publish(&server, &target, true).await;
    let found = page(&server).await;
    assert_eq!(found["incidents"].as_array().unwrap().len(), 1);
    assert_eq!(found["status"]["indicator"], "critical");
    let bodies =
        |page: &Value| -> Vec<String> { lines(page).into_iter().map(|line| line.0).collect() };
    assert_eq!(bodies(&found), ["worng", "secret"]);
    assert_eq!(lines(&found)[0].1, "identified");
    let correction =
        json!({"kind": "correction", "corrects": second["seq"], "public_message": "right"});
    update(&server, &source, correction).await;
    assert_eq!(bodies(&page(&server).await), ["right", "secret"]);
    let redact = format!("{source}/updates/{}/redact", first["seq"]);
    server
        .post(ADMIN, &redact, &json!({"reason": "wrong"}))
        .await
        .is(200);
    let after = server.get("", PAGE).await;
    assert!(!after.text.contains("secret"), "{}", after.text);
    publish(&server, &source, false).await;
    assert!(lines(&page(&server).await).is_empty());
    server.stop().await;
}

/// A12: data withdrawn by a commit of unknown outcome is gone with the next request.
#[tokio::test(flavor = "multi_thread")]
async fn texts_withdrawn_with_an_unknown_outcome_are_not_shown() {
    let (server, store) = Server::troubled().await;
    let path = declare_public(&server, "SEV2").await;
    let entry = update(
        &server,
        &path,
        json!({"public_message": "customer 4711 is hit"}),
    )
    .await;
    assert!(server.get("", PAGE).await.text.contains("4711"));
    let redact = format!("{path}/updates/{}/redact", entry["seq"]);
    store.is_in(UNKNOWN);
    server
        .post(ADMIN, &redact, &json!({"reason": "a name"}))
        .await
        .problem(503);
    store.is_in(NONE);
    assert!(!server.get("", PAGE).await.text.contains("4711"));
    assert_eq!(
        page(&server).await["incidents"].as_array().unwrap().len(),
        1
    );
    store.is_in(UNKNOWN);
    let hide = json!({"public": false});
    server
        .post(RESPONDER, &format!("{path}/public"), &hide)
        .await
        .problem(503);
    store.is_in(NONE);
    assert!(
        page(&server).await["incidents"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    // If the store cannot be read either, there is no page instead of the old one.
    publish(&server, &path, true).await;
    assert_eq!(
        page(&server).await["incidents"].as_array().unwrap().len(),
        1
    );
    store.is_in(UNKNOWN);
    server
        .post(RESPONDER, &format!("{path}/public"), &hide)
        .await
        .problem(503);
    store.is_in(AWAY);
    let refused = server.get("", PAGE).await;
    assert_eq!(refused.header("retry-after"), Some("2"));
    assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
    refused.problem(503);
    store.is_in(NONE);
    server.stop().await;
}

/// A11: while the store hangs, requests wait together and not for long; after that they do not
/// wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_hangs_holds_no_request_of_the_public() {
    let (server, store) = Server::troubled().await;
    declare_public(&server, "SEV2").await;
    assert_eq!(
        page(&server).await["incidents"].as_array().unwrap().len(),
        1
    );
    store.is_in(HANGS);
    // The page is less than a minute old: all requests get it at once.
    let asked = Instant::now();
    for _ in 0..20 {
        page(&server).await;
    }
    assert!(asked.elapsed() < Duration::from_secs(2));
    // After a change it must not be served any more.
    server.public_cache().invalidate();
    let asked = Instant::now();
    let all: Vec<Answer> = together(&server, 8).await;
    assert!(
        asked.elapsed() < Duration::from_secs(7),
        "{:?}",
        asked.elapsed()
    );
    assert!(all.iter().all(|answer| answer.status == 503));
    let asked = Instant::now();
    for _ in 0..20 {
        server.get("", PAGE).await.problem(503);
    }
    assert!(asked.elapsed() < Duration::from_secs(2));
    // The page recovers by itself.
    store.is_in(NONE);
    let mut status = 0;
    for _ in 0..100 {
        status = server.get("", PAGE).await.status;
        if status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(status, 200);
    server.stop().await;
}

async fn together(server: &Server, count: usize) -> Vec<Answer> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut asked = Vec::new();
    for _ in 0..count {
        let (client, url) = (client.clone(), server.url(PAGE));
        asked.push(tokio::spawn(async move {
            let answer = client.get(url).send().await.unwrap();
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            let text = answer.text().await.unwrap();
            Answer {
                status,
                headers,
                text,
            }
        }));
    }
    let mut answers = Vec::new();
    for one in asked {
        answers.push(one.await.unwrap());
    }
    answers
}

/// A12: equal content has an equal tag at every replica, whatever their clocks and times of
/// reading.
#[tokio::test(flavor = "multi_thread")]
async fn equal_content_has_an_equal_tag_and_anybody_may_read_it() {
    let (one, other) = (Server::start().await, Server::start().await);
    other.clock.advance(Duration::from_secs(5));
    let (first, second) = (one.get("", PAGE).await, other.get("", PAGE).await);
    let tag = first.header("etag").unwrap().to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    assert_eq!(second.header("etag"), Some(tag.as_str()));
    assert_ne!(first.text, second.text);
    assert_eq!(first.header("access-control-allow-origin"), Some("*"));
    for sent in [
        tag.clone(),
        tag.trim_start_matches("W/").to_owned(),
        format!("\"x\", {tag}"),
    ] {
        let again = other
            .send(Method::GET, "", PAGE, &[("if-none-match", &sent)], None)
            .await;
        assert_eq!(again.status, 304, "{sent}");
        assert_eq!(again.header("access-control-allow-origin"), Some("*"));
    }
    // The time of new content is that of its last change.
    let path = declare_public(&one, "SEV2").await;
    let shown = page(&one).await;
    assert_eq!(shown["generated_at"], shown["incidents"][0]["updated_at"]);
    one.clock.advance(Duration::from_secs(30));
    publish(&one, &path, false).await;
    assert_eq!(page(&one).await["generated_at"], "2026-11-20T23:00:30Z");
    one.stop().await;
    other.stop().await;
}
