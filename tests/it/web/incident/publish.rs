//! Publishing an incident, and hiding it: what customers will read is shown first.

use serde_json::json;

use super::super::{page, submit};
use super::{any, between, declared, hidden, led_to};
use crate::over_http::harness::{COMMANDER, RESPONDER, Server, VIEWER};

#[tokio::test(flavor = "multi_thread")]
async fn exactly_what_was_seen_is_published() {
    let server = Server::start().await;
    let (path, web) = any(&server).await;
    let form = format!("{web}/publish");
    let shown = page(&server, RESPONDER, &form).await;
    // The neutral title, by the public name of the service.
    let preview = between(&shown, "Customers will read exactly this", "</form>");
    assert!(preview.contains("Service disruption: API"), "{preview}");
    assert!(preview.contains("No update yet."));
    let (key, seen) = (
        hidden(&shown, "key").to_owned(),
        hidden(&shown, "seen").to_owned(),
    );
    let typed = [
        ("key", key.as_str()),
        ("seen", seen.as_str()),
        ("title", "Some requests fail"),
        ("message", "We look into it."),
    ];
    let shown = submit(&server, RESPONDER, &form, &typed).await;
    assert_eq!(shown.status, 200);
    assert!(shown.text.contains("Look at it again, then publish."));
    let preview = between(&shown, "Customers will read exactly this", "</form>");
    assert!(preview.contains("Some requests fail") && preview.contains("We look into it."));
    assert_eq!(server.get(VIEWER, &path).await.is(200)["public"], false);
    let seen = hidden(&shown, "seen").to_owned();
    let confirmed = [typed[0], ("seen", seen.as_str()), typed[2], typed[3]];
    for _ in 0..2 {
        let done = submit(&server, RESPONDER, &form, &confirmed).await;
        assert_eq!(led_to(&done), format!("{web}#card-customers"));
    }
    let public = server.get("", "/public/status/active").await.is(200);
    assert_eq!(public["incidents"][0]["title"], "Some requests fail");
    assert_eq!(
        public["incidents"][0]["updates"].as_array().unwrap().len(),
        1
    );
    // The page of the incident shows the same text as the public page.
    let shown = page(&server, VIEWER, &web).await;
    let card = between(&shown, "id=\"card-customers\"", "</section>");
    assert!(
        card.contains("Some requests fail") && card.contains("We look into it."),
        "{card}"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_publishes_nothing() {
    let server = Server::start().await;
    let (path, web) = any(&server).await;
    let form = format!("{web}/publish");
    let shown = page(&server, RESPONDER, &form).await;
    let seen = hidden(&shown, "seen").to_owned();
    let fields = [("seen", seen.as_str()), ("step", "preview")];
    let shown = submit(&server, RESPONDER, &form, &fields).await;
    assert_eq!(shown.status, 200);
    assert!(!shown.text.contains("Look at it again"));
    assert_eq!(server.get(VIEWER, &path).await.is(200)["public"], false);
    // Too long a text is refused beside its field, and is still there.
    let long = "é".repeat(2_100);
    let refused = submit(&server, RESPONDER, &form, &[("message", long.as_str())]).await;
    super::must_be_refused(&refused, 422, "message", &long);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hiding_says_what_disappears_and_needs_no_text() {
    let server = Server::start().await;
    let (path, web) = any(&server).await;
    let form = format!("{web}/publish");
    let public = json!({"public": true, "message": "We look into it."});
    server
        .post(COMMANDER, &format!("{path}/public"), &public)
        .await
        .is(200);
    let shown = page(&server, RESPONDER, &form).await;
    assert!(shown.text.contains("Hide it from the status page"));
    assert!(shown.text.contains("We look into it."));
    let done = submit(
        &server,
        RESPONDER,
        &form,
        &[("key", "h1"), ("step", "hide")],
    )
    .await;
    led_to(&done);
    assert_eq!(server.get(VIEWER, &path).await.is(200)["public"], false);
    let shown = page(&server, VIEWER, &web).await;
    assert!(
        shown
            .text
            .contains("Nothing: this incident is not on the status page.")
    );
    assert!(
        shown
            .text
            .contains("A text for customers is written and waits")
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_is_not_published() {
    let server = Server::start().await;
    let (_, web) = declared(&server, &json!({"mode": "drill"})).await;
    let shown = page(&server, COMMANDER, &web).await;
    assert!(shown.text.contains("This is a drill"));
    assert!(!shown.text.contains(&format!("{web}/publish")));
    let refused = submit(&server, COMMANDER, &format!("{web}/publish"), &[]).await;
    assert_eq!(refused.status, 409);
    assert!(
        refused.text.contains("a drill cannot be published"),
        "{}",
        refused.text
    );
    server.stop().await;
}
