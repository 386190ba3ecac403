//! The page of pagers: their state, dead letters, test pages.

use incident_core::outbox::DeadLetterFilter;
use incident_core::paging::{DeliveryResult, NotSentReason};
use serde_json::json;

use super::{after, must_not_be_english, page, page_in, submit};
use crate::over_http::harness::{Answer, RESPONDER, Server, VIEWER};

fn refused() -> DeliveryResult {
    DeliveryResult::NotSent(NotSentReason::Unauthorized.into())
}

/// Returns the fields of the test form of a page.
async fn test_form(server: &Server) -> Answer {
    page(server, RESPONDER, "/pagers").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_page_is_sent_once_and_each_target_has_its_result() {
    let server = Server::start().await;
    let form = test_form(&server).await;
    assert!(
        form.text.contains("Goes to recorder at the same time"),
        "{}",
        form.text
    );
    let key = after(&form, "name=\"key\" value=\"").to_owned();
    let fields = [("key", key.as_str()), ("urgency", "low")];
    let tested = submit(&server, RESPONDER, "/pagers/test", &fields).await;
    assert_eq!(tested.status, 200, "{}", tested.text);
    assert!(
        tested.text.contains("Urgency: Low") && tested.text.contains("✓ accepted"),
        "{}",
        tested.text
    );
    let again = submit(&server, RESPONDER, "/pagers/test", &fields).await;
    assert!(again.text.contains("✓ accepted"), "{}", again.text);
    assert_eq!(server.pager.sent().len(), 1);
    // Another one while it is open.
    server.clock.advance(std::time::Duration::from_secs(20));
    let early = submit(
        &server,
        RESPONDER,
        "/pagers/test",
        &[("key", "other"), ("urgency", "high")],
    )
    .await;
    assert_eq!(early.status, 429, "{}", early.text);
    assert!(
        early
            .text
            .contains("Another one can be sent in 40 seconds."),
        "{}",
        early.text
    );
    // The same key for another urgency.
    let reused = submit(
        &server,
        RESPONDER,
        "/pagers/test",
        &[("key", &key), ("urgency", "high")],
    )
    .await;
    assert_eq!(reused.status, 422, "{}", reused.text);
    let wrong = submit(
        &server,
        RESPONDER,
        "/pagers/test",
        &[("key", "third"), ("urgency", "<b>")],
    )
    .await;
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.text.contains("id=\"urgency-error\"") || wrong.text.contains("Urgency</a>"),
        "{}",
        wrong.text
    );
    assert_eq!(server.pager.sent().len(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_refuses_says_so_and_is_known_as_down() {
    let server = Server::start().await;
    server.pager.script([refused()]);
    let tested = submit(&server, RESPONDER, "/pagers/test", &[("key", "k")]).await;
    assert!(
        tested.text.contains("✕ not sent: rejected the key"),
        "{}",
        tested.text
    );
    let shown = page(&server, VIEWER, "/pagers").await;
    assert!(
        shown
            .text
            .contains("<strong class=\"sev1\">✕ down</strong>"),
        "{}",
        shown.text
    );
    assert!(shown.text.contains("rejected the key"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_shown_and_tried_again() {
    let server = Server::start().await;
    server.pager.script([refused()]);
    let path = server.declare(&json!({"title": "<b>down"})).await;
    server.paged(&path, "given_up").await;
    let shown = page(&server, RESPONDER, "/pagers").await;
    let id = path.rsplit('/').next().unwrap();
    assert!(
        shown.text.contains("page on-call") && shown.text.contains("recorder: rejected the key"),
        "{}",
        shown.text
    );
    assert!(shown.text.contains(&format!("href=\"/incidents/{id}\"")));
    assert!(shown.text.contains("&lt;b&gt;down"));
    let message = after(&shown, "name=\"message\" value=\"").to_owned();
    // A viewer sees it, and may not retry it.
    let viewed = page(&server, VIEWER, "/pagers").await;
    assert!(
        viewed.text.contains("recorder: rejected the key")
            && !viewed.text.contains("name=\"message\"")
    );
    let denied = submit(&server, VIEWER, "/pagers/retry", &[("message", &message)]).await;
    assert_eq!(denied.status, 403);
    assert_eq!(
        submit(&server, VIEWER, "/pagers/test", &[]).await.status,
        403
    );
    assert!(!viewed.text.contains("/pagers/test"));
    let retried = submit(
        &server,
        RESPONDER,
        "/pagers/retry",
        &[("message", &message)],
    )
    .await;
    assert_eq!(
        (retried.status, retried.header("location")),
        (303, Some("/pagers?retried=yes#dead-letters"))
    );
    server.paged(&path, "accepted").await;
    let left = server
        .incidents()
        .paging()
        .dead_letters(DeadLetterFilter::First(10))
        .await
        .unwrap();
    assert!(left.is_empty());
    for gone in [message.as_str(), "zz", ""] {
        let gone = submit(&server, RESPONDER, "/pagers/retry", &[("message", gone)]).await;
        assert_eq!(gone.status, 409, "{}", gone.text);
        assert!(
            gone.text.contains("no such dead letter any more"),
            "{}",
            gone.text
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_in_the_language_of_the_reader() {
    let server = Server::start().await;
    server.pager.script([refused()]);
    let path = server.declare(&json!({})).await;
    server.paged(&path, "given_up").await;
    for (language, title) in [("fr", "Alertes"), ("de", "Alarmierung")] {
        let shown = page_in(&server, RESPONDER, "/pagers", language).await;
        assert!(shown.text.contains(&format!("<h1>{title}</h1>")));
        must_not_be_english(&shown);
        for word in [
            "On-call",
            "Dead letters",
            "Send the",
            "Urgency",
            "Last failure",
            "rejected the key",
            "Try again",
        ] {
            assert!(!shown.text.contains(word), "{word}: {}", shown.text);
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_beyond_those_shown_are_counted() {
    let server = Server::start().await;
    // A pager that refuses each of these pages for what it says.
    let rejected = DeliveryResult::NotSent(NotSentReason::Rejected.into());
    server.pager.script(vec![rejected; 200]);
    let mut paths = Vec::new();
    for n in 0..51 {
        let path = server.declare(&json!({"title": format!("no {n}")})).await;
        paths.push(path);
    }
    for path in &paths {
        server.paged(path, "given_up").await;
    }
    let shown = page(&server, RESPONDER, "/pagers").await;
    assert_eq!(shown.text.matches("name=\"message\"").count(), 50);
    assert!(shown.text.contains("50 of 51 are shown."), "{}", shown.text);
    server.stop().await;
}
