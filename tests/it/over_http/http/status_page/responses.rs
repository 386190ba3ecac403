//! The responses with the status page, withdrawn data, and data that it never shows.

use std::collections::BTreeSet;
use std::io::Read;
use std::time::Duration;

use flate2::read::GzDecoder;
use reqwest::Method;
use serde_json::json;

use super::{PAGE, browse, declare, page_of, post, publish, shown};
use crate::over_http::harness::{ADMIN, RESPONDER, Server};
use crate::over_http::troubled::{AWAY, NONE, UNKNOWN};

#[tokio::test(flavor = "multi_thread")]
async fn pages_have_strong_tags_by_language_and_coding() {
    let server = Server::start().await;
    let path = declare(&server, "SEV2", Some("API errors")).await;
    let incident = page_of(&server, &path).await;
    let mut tags = BTreeSet::new();
    for page in [PAGE, incident.as_str()] {
        for language in ["en", "fr"] {
            let plain = browse(&server, page, &[("accept-language", language)]).await;
            let both = [
                ("accept-language", language),
                ("accept-encoding", "br, gzip;q=0.8"),
            ];
            let all = [("accept", "text/html"), both[0], both[1]];
            let zipped = server.response(Method::GET, "", page, &all, None).await;
            assert_eq!(zipped.headers()["content-encoding"], "gzip");
            let headers = zipped.headers().clone();
            let bytes = zipped.bytes().await.unwrap();
            assert_eq!(headers["content-length"], bytes.len().to_string());
            let mut text = String::new();
            GzDecoder::new(&bytes[..])
                .read_to_string(&mut text)
                .unwrap();
            assert_eq!(text, plain.text);
            assert!(bytes.len() < text.len());
            assert_eq!(plain.header("content-encoding"), None);
            for headers in [&plain.headers, &headers] {
                assert_eq!(
                    headers["cache-control"],
                    "public, max-age=60, stale-if-error=60"
                );
                assert_eq!(headers["vary"], "accept-encoding, accept-language");
                assert_eq!(headers["content-type"], "text/html; charset=utf-8");
                let tag = headers["etag"].to_str().unwrap().to_owned();
                assert!(tag.starts_with('"'), "{tag} is not strong");
                tags.insert(tag);
            }
            let tag = headers["etag"].to_str().unwrap();
            let known = [all[1], all[2], ("if-none-match", tag)];
            let again = server.send(Method::GET, "", page, &known, None).await;
            assert_eq!((again.status, again.text.as_str()), (304, ""));
            for name in ["etag", "cache-control", "vary"] {
                assert_eq!(again.headers[name], headers[name], "{name}");
            }
            // That of another coding is another one.
            let other = [all[1], ("if-none-match", tag)];
            assert_eq!(
                server
                    .send(Method::GET, "", page, &other, None)
                    .await
                    .status,
                200
            );
        }
        let head = server.response(Method::HEAD, "", page, &[], None).await;
        let get = server.response(Method::GET, "", page, &[], None).await;
        for name in [
            "etag",
            "content-length",
            "content-type",
            "content-security-policy",
        ] {
            assert_eq!(head.headers()[name], get.headers()[name], "{name}");
        }
        assert!(head.bytes().await.unwrap().is_empty());
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let refused = server.send(method, "", page, &[], None).await;
            assert_eq!(refused.header("allow"), Some("GET,HEAD"));
            refused.problem(405);
        }
    }
    assert_eq!(tags.len(), 8);
    server.stop().await;
}

/// A12: data withdrawn here is gone with the next request, and while the store is away there is no
/// page instead of one that may show it.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_withdrawn_is_never_shown_again() {
    let (server, store) = Server::troubled().await;
    let path = declare(&server, "SEV2", Some("API errors")).await;
    let entry = post(
        &server,
        &path,
        json!({"public_message": "customer 4711 is hit"}),
    )
    .await;
    let incident = page_of(&server, &path).await;
    for page in [PAGE, incident.as_str()] {
        assert!(shown(&server, page).await.contains("4711"));
    }
    let redact = format!("{path}/updates/{}/redact", entry["seq"]);
    let reason = json!({"reason": "a name"});
    server.post(ADMIN, &redact, &reason).await.is(200);
    for page in [PAGE, incident.as_str()] {
        let page = shown(&server, page).await;
        assert!(!page.contains("4711") && page.contains("API errors"));
    }
    publish(&server, &path, &json!({"public": false})).await;
    assert!(!shown(&server, PAGE).await.contains("API errors"));
    browse(&server, &incident, &[]).await.must_be_page(404);

    // A commit of unknown outcome may have withdrawn something.
    publish(&server, &path, &json!({"public": true})).await;
    for page in [PAGE, incident.as_str()] {
        assert!(shown(&server, page).await.contains("API errors"));
    }
    store.is_in(UNKNOWN);
    let hide = json!({"public": false});
    let hidden = server
        .post(RESPONDER, &format!("{path}/public"), &hide)
        .await;
    hidden.problem(503);
    store.is_in(AWAY);
    for page in [PAGE, incident.as_str()] {
        let refused = browse(&server, page, &[("accept-language", "fr")]).await;
        assert_eq!(refused.header("retry-after"), Some("2"));
        assert_eq!(refused.header("cache-control"), Some("no-store"));
        assert!(
            refused.text.contains("ne peut pas être affiché")
                && !refused.text.contains("API errors")
        );
        refused.must_be_page(503);
        server.get("", page).await.problem(503);
    }
    store.is_in(NONE);
    server.stop().await;
}

/// H9: ids that are unknown, hidden, internal or no ids at all are answered alike.
#[tokio::test(flavor = "multi_thread")]
async fn ids_that_are_not_public_are_answered_alike() {
    let server = Server::start().await;
    let path = declare(&server, "SEV2", Some("API errors")).await;
    let hidden = page_of(&server, &path).await;
    publish(&server, &path, &json!({"public": false})).await;
    let internal = path.rsplit('/').next().unwrap();
    let mut seen = BTreeSet::new();
    for page in [
        hidden.clone(),
        format!("/status/incidents/{internal}"),
        "/status/incidents/0190a000-0000-4000-8000-000000000000".to_owned(),
        "/status/incidents/0190A000000040008000000000000000".to_owned(),
        "/status/incidents/x".to_owned(),
        "/status/incidents/%ff".to_owned(),
    ] {
        let answer = browse(&server, &page, &[]).await;
        assert!(answer.text.contains("There is no such incident"), "{page}");
        seen.insert(answer.text.clone());
        answer.must_be_page(404);
        server.get("", &page).await.problem(404);
    }
    assert_eq!(seen.len(), 1);
    server.stop().await;
}

/// An incident of any age has its page, and one that was merged leads to that which shows it.
#[tokio::test(flavor = "multi_thread")]
async fn old_incidents_have_their_page_and_merged_ones_lead_on() {
    let server = Server::start().await;
    let old = declare(&server, "SEV2", Some("API errors")).await;
    post(
        &server,
        &old,
        json!({"status": "resolved", "public_message": "It is over."}),
    )
    .await;
    let old = page_of(&server, &old).await;
    server.clock.advance(Duration::from_secs(400 * 24 * 3_600));
    assert!(!shown(&server, PAGE).await.contains("API errors"));
    for _ in 0..2 {
        let page = shown(&server, &old).await;
        assert!(
            page.contains("It is over.") && page.contains("20 Nov 2026"),
            "{page}"
        );
    }
    let (first, second) = (
        declare(&server, "SEV2", Some("first")).await,
        declare(&server, "SEV2", Some("second")).await,
    );
    let (from, to) = (
        page_of(&server, &first).await,
        page_of(&server, &second).await,
    );
    let into = second.rsplit('/').next().unwrap();
    post(
        &server,
        &first,
        json!({"status": "merged", "merged_into": into}),
    )
    .await;
    for query in ["", "?lang=de"] {
        let answer = browse(&server, &format!("{from}{query}"), &[]).await;
        let id = to.rsplit('/').next().unwrap();
        assert_eq!(
            answer.header("location"),
            Some(format!("{id}{query}").as_str())
        );
        assert_eq!(answer.status, 307);
    }
    assert!(shown(&server, &to).await.contains("second"));
    server.stop().await;
}
