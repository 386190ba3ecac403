//! Paging again, escalating, linking the post-mortem.

use std::collections::BTreeMap;
use std::sync::Arc;

use incident_console::console::ConsoleBuilder;
use incident_core::port::Pager;
use incident_core::testing::RecordingPager;
use serde_json::json;

use super::super::{page, page_in, submit};
use super::{any, key_of, led_to, must_be_refused};
use crate::over_http::harness::{COMMANDER, RESPONDER, Server, VIEWER};

#[tokio::test(flavor = "multi_thread")]
async fn who_is_paged_is_said_before() {
    let manager: Arc<dyn Pager> = Arc::new(RecordingPager::named("managers").unwrap());
    let rules = [("management", vec![manager]), ("security", Vec::new())];
    let rules = rules.map(|(rule, pagers)| (rule.parse().unwrap(), pagers));
    let parts = ConsoleBuilder {
        escalations: BTreeMap::from(rules),
        ..ConsoleBuilder::default()
    };
    let server = Server::start_with(parts).await;
    let (path, web) = any(&server).await;
    server.paged(&path, "accepted").await;
    let form = format!("{web}/page");
    let shown = page(&server, RESPONDER, &form).await;
    for part in [
        "Pages on-call through recorder.",
        "High urgency: this wakes somebody.",
        "Last page: accepted.",
        "Through managers",
        "No pager: the rule is noted in the timeline",
    ] {
        assert!(shown.text.contains(part), "{part}: {}", shown.text);
    }
    let french = page_in(&server, RESPONDER, &form, "fr").await;
    assert!(
        french.text.contains("Alerte l’astreinte par recorder."),
        "{}",
        french.text
    );
    let wakes = server.pager.wakes();
    let refused = submit(
        &server,
        RESPONDER,
        &form,
        &[("reason", " "), ("rule", "management")],
    )
    .await;
    must_be_refused(&refused, 422, "reason", "value=\"management\" checked");
    let refused = submit(
        &server,
        RESPONDER,
        &form,
        &[("reason", "x"), ("rule", "nobody")],
    )
    .await;
    must_be_refused(&refused, 422, "rule", "value=\"x\"");
    let key = key_of(&server, RESPONDER, &form).await;
    let fields = [
        ("key", key.as_str()),
        ("reason", "second pair of eyes"),
        ("rule", ""),
    ];
    let first = submit(&server, RESPONDER, &form, &fields).await;
    let entry = led_to(&first).to_owned();
    assert_eq!(
        led_to(&submit(&server, RESPONDER, &form, &fields).await),
        entry
    );
    server.paged(&path, "accepted").await;
    let shown = page(&server, VIEWER, &web).await;
    assert_eq!(
        shown.text.matches("paged on-call again").count(),
        1,
        "{}",
        shown.text
    );
    assert!(shown.text.contains("second pair of eyes"));
    assert!(server.pager.sent().len() as u64 > wakes);
    let fields = [("reason", "data may be lost"), ("rule", "security")];
    led_to(&submit(&server, RESPONDER, &form, &fields).await);
    let shown = page(&server, VIEWER, &web).await;
    assert!(
        shown.text.contains("escalated by the rule security"),
        "{}",
        shown.text
    );
    // One that has ended pages nobody, and the page says so.
    let resolved = json!({"message": "x", "status": "resolved"});
    server.update(COMMANDER, &path, &resolved).await;
    let shown = page(&server, RESPONDER, &form).await;
    assert!(
        shown
            .text
            .contains("Only an active incident can page somebody.")
    );
    assert!(!shown.text.contains("Page now"));
    let refused = submit(&server, RESPONDER, &form, &[("reason", "x")]).await;
    assert_eq!(refused.status, 409);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_mortem_is_linked() {
    let server = Server::start().await;
    let (path, web) = any(&server).await;
    let form = format!("{web}/post-mortem");
    let refused = submit(
        &server,
        RESPONDER,
        &form,
        &[("url", "http://wiki.example/1")],
    )
    .await;
    must_be_refused(&refused, 422, "url", "http://wiki.example/1");
    let url = "https://wiki.example/post-mortems/1";
    let fields = [("key", "p1"), ("url", url)];
    for _ in 0..2 {
        let done = submit(&server, RESPONDER, &form, &fields).await;
        assert_eq!(led_to(&done), format!("{web}#card-links"));
    }
    let shown = page(&server, VIEWER, &web).await;
    assert!(
        shown
            .text
            .contains(&format!("<a href=\"{url}\" rel=\"noopener\"")),
        "{}",
        shown.text
    );
    assert!(shown.text.contains("post-mortem linked"));
    assert!(!shown.text.contains("A post-mortem is needed"));
    let incident = server.get(VIEWER, &path).await.is(200);
    assert_eq!(incident["post_mortem"]["url"], url);
    let shown = page(&server, RESPONDER, &form).await;
    assert!(shown.text.contains(&format!("Linked now: {url}")));
    server.stop().await;
}
