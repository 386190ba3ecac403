//! The form for updates, and the acknowledgement.

use serde_json::json;

use super::super::{page, submit};
use super::{HARMLESS, HOSTILE, any, between, hidden, led_to, must_be_refused};
use crate::over_http::harness::{Answer, COMMANDER, RESPONDER, Server, VIEWER};
use crate::over_http::newest::newest_by_people;
use crate::over_http::troubled::{AWAY, NONE};

/// Returns the key of the form for updates on a page.
fn update_key(page: &Answer) -> String {
    let form = between(page, "id=\"update\"", "</form>");
    let (_, key) = form.split_once("name=\"key\" value=\"").unwrap();
    key.split('"').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_is_posted_once_and_leads_to_its_entry() {
    let server = Server::start().await;
    let (path, web) = any(&server).await;
    server.paged(&path, "accepted").await;
    let key = update_key(&page(&server, RESPONDER, &web).await);
    let fields = [
        ("key", key.as_str()),
        ("message", "found it\r\nin the logs"),
        ("status", "identified"),
        ("eta", "2026-11-21T01:00"),
        ("next_update_due_at", "2026-11-20T23:45"),
        ("comms_audience", "internal"),
        ("comms_channel", "#ops"),
    ];
    let form = format!("{web}/updates");
    let posted = submit(&server, RESPONDER, &form, &fields).await;
    let entry = led_to(&posted).to_owned();
    assert!(entry.starts_with(&format!("{web}#e")), "{entry}");
    // Pressed twice, it is one update.
    let again = submit(&server, RESPONDER, &form, &fields).await;
    assert_eq!(led_to(&again), entry);
    let incident = server.get(VIEWER, &path).await.is(200);
    assert_eq!(incident["status"], "identified");
    assert_eq!(incident["eta"], "2026-11-21T01:00:00Z");
    assert_eq!(incident["next_update_due_at"], "2026-11-20T23:45:00Z");
    let entries = server
        .pages(VIEWER, &format!("{path}/updates?limit=50"))
        .await;
    let messages = entries
        .iter()
        .filter(|one| one["message"] == "found it\nin the logs");
    let messages: Vec<_> = messages.collect();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["comms_sent"]["channel"], "#ops");
    assert_eq!(
        messages[0]["comms_sent"]["summary"],
        "found it\nin the logs"
    );
    let due = entries
        .iter()
        .filter(|one| one["changes"][0]["field"] == "next_update_due_at");
    assert_eq!(due.count(), 1);
    // The same key with other words: nothing is sent, the words stay, and the key is a new one.
    let other = [("key", key.as_str()), ("message", "other words")];
    let refused = submit(&server, RESPONDER, &form, &other).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(refused.text.contains("This form was sent already"));
    assert!(refused.text.contains("other words"));
    let form_of = between(&refused, "id=\"update\"", "</form>");
    assert!(!form_of.contains(&key), "{form_of}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_stand_beside_their_fields_and_the_text_stays() {
    let server = Server::start().await;
    let (_, web) = any(&server).await;
    let form = format!("{web}/updates");
    let typed = HOSTILE;
    let kept = HARMLESS.split("\\u").next().unwrap();
    for (field, wrong, status) in [
        ("message", "  ", ""),
        ("message", "a\0b", ""),
        ("eta", "tomorrow", ""),
        ("eta", "2026-11-20T22:00", ""),
        ("corrects", "first", ""),
        ("corrects", "99", ""),
        ("comms_channel", "", ""),
        ("occurred_at", "2026-12-01T00:00", ""),
        ("cancel_reason", "", "cancelled"),
        ("merged_into", "", "merged"),
        (
            "merged_into",
            "0190a000-0000-7000-8000-000000000000",
            "merged",
        ),
        ("impact_ended_at", "2026-11-21T09:00", "resolved"),
    ] {
        let mut fields = vec![
            (field, wrong),
            ("public_message", typed),
            ("status", status),
        ];
        if field != "message" {
            fields.push(("message", "looking"));
        }
        if field == "comms_channel" {
            fields.push(("comms_audience", "customers"));
        }
        let refused = submit(&server, COMMANDER, &form, &fields).await;
        let expected = if refused.status == 404 { 404 } else { 422 };
        must_be_refused(&refused, expected, field, kept);
        assert!(!refused.text.contains("<script>alert"));
        // The form is the one that was sent: its menu shows the chosen status.
        if !status.is_empty() {
            let chosen = format!("<option value=\"{status}\" selected>");
            assert!(refused.text.contains(&chosen), "{field}: {}", refused.text);
        }
    }
    // What is wrong with no field stands on top.
    let closed = [("message", "done"), ("status", "closed")];
    let refused = submit(&server, COMMANDER, &form, &closed).await;
    assert_eq!(refused.status, 409);
    assert!(
        refused
            .text
            .contains("a triage incident cannot become closed"),
        "{}",
        refused.text
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_follows_the_life_of_an_incident() {
    let server = Server::start().await;
    let (other, _) = any(&server).await;
    let (path, web) = any(&server).await;
    let form = format!("{web}/updates");
    let post =
        async |token: &str, fields: &[(&str, &str)]| submit(&server, token, &form, fields).await;
    let resolved = [
        ("message", "fixed"),
        ("status", "resolved"),
        ("impact_ended_at", "2026-11-20T23:00"),
        // Fields of other statuses are not sent with it.
        ("cancel_reason", "duplicate"),
        ("reason", "x"),
        ("merged_into", "nonsense"),
    ];
    led_to(&post(RESPONDER, &resolved).await);
    let shown = page(&server, COMMANDER, &web).await;
    let statuses = between(&shown, "id=\"status\"", "</select>");
    assert!(
        statuses.contains("investigating") && statuses.contains("closed"),
        "{statuses}"
    );
    assert!(!statuses.contains("identified"), "{statuses}");
    let reopened = [("message", "it is back"), ("status", "investigating")];
    must_be_refused(
        &post(COMMANDER, &reopened).await,
        422,
        "reason",
        "it is back",
    );
    let reopened = [reopened[0], reopened[1], ("reason", "errors again")];
    led_to(&post(COMMANDER, &reopened).await);
    let shown = page(&server, VIEWER, &web).await;
    assert!(
        shown.text.contains("Reason:</span> errors again"),
        "{}",
        shown.text
    );
    // Merged into the other one, both pages say so.
    let id = other.rsplit('/').next().unwrap();
    let merged = [
        ("message", "the same"),
        ("status", "merged"),
        ("merged_into", id),
    ];
    led_to(&post(COMMANDER, &merged).await);
    let shown = page(&server, COMMANDER, &web).await;
    assert!(shown.text.contains("Merged into another incident"));
    assert!(
        shown
            .text
            .contains(&format!("/incidents/{id}\">Open it</a>"))
    );
    assert!(shown.text.contains("Note what was done"));
    let kept = page(&server, VIEWER, other.trim_start_matches("/sys")).await;
    assert!(kept.text.contains("took in incident #2"), "{}", kept.text);
    // What was done afterwards can be noted, and nothing else.
    let note = [("message", "cleaned up"), ("kind", "action")];
    led_to(&post(RESPONDER, &note).await);
    assert_eq!(newest_by_people(&server, &path).await["kind"], "action");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_incident_says_why_in_the_language_of_the_reader() {
    let server = Server::start().await;
    let (_, web) = any(&server).await;
    let fields = [
        ("message", "nothing"),
        ("status", "cancelled"),
        ("cancel_reason", "false_positive"),
    ];
    led_to(&submit(&server, COMMANDER, &format!("{web}/updates"), &fields).await);
    let shown = super::super::page_in(&server, VIEWER, &web, "de").await;
    assert!(
        shown.text.contains("Abgebrochen: es war nichts."),
        "{}",
        shown.text
    );
    assert!(shown.text.contains("Grund:</span> es war nichts"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_customers_will_read_is_shown_before_it_is_published() {
    let server = Server::start().await;
    let (path, web) = any(&server).await;
    let form = format!("{web}/updates");
    let public = json!({"public": true, "title": "Some requests fail"});
    server
        .post(COMMANDER, &format!("{path}/public"), &public)
        .await
        .is(200);
    let count = async || {
        server
            .pages(VIEWER, &format!("{path}/updates?limit=50"))
            .await
            .len()
    };
    server.paged(&path, "accepted").await;
    let before = count().await;
    let key = update_key(&page(&server, RESPONDER, &web).await);
    let text = "A fix is <on> its way.";
    let fields = [
        ("key", key.as_str()),
        ("message", "internal words"),
        ("public_message", text),
    ];
    let preview = submit(&server, RESPONDER, &form, &fields).await;
    assert_eq!(preview.status, 200, "{}", preview.text);
    assert_eq!(count().await, before, "nothing was posted");
    let seen_part = between(&preview, "This is what customers will read", "</form>");
    assert!(seen_part.contains("Some requests fail"), "{seen_part}");
    assert!(seen_part.contains("A fix is &lt;on&gt; its way."));
    assert!(seen_part.contains("Post update and show it to customers"));
    let mains = preview.text.matches("class=\"primary\"").count();
    assert_eq!(mains, 1, "the acknowledgement is not the main button now");
    let seen = hidden(&preview, "seen").to_owned();
    assert_eq!(update_key(&preview), key);
    // Other words than those that were seen are shown again.
    let changed = [
        fields[0],
        fields[1],
        ("public_message", "Other."),
        ("seen", seen.as_str()),
    ];
    let preview = submit(&server, RESPONDER, &form, &changed).await;
    assert_eq!(preview.status, 200);
    let confirmed = [fields[0], fields[1], fields[2], ("seen", seen.as_str())];
    let posted = submit(&server, RESPONDER, &form, &confirmed).await;
    let entry = led_to(&posted).to_owned();
    let again = submit(&server, RESPONDER, &form, &confirmed).await;
    assert_eq!(led_to(&again), entry);
    assert_eq!(count().await, before + 1);
    let page_of = server.get("", "/public/status/active").await.is(200);
    assert_eq!(page_of["incidents"][0]["updates"][0]["body"], text);
    // A new status alone shows a standard sentence, so it is shown first as well.
    let moved = [("message", "found"), ("status", "identified")];
    let preview = submit(&server, RESPONDER, &form, &moved).await;
    assert!(
        preview.text.contains("The cause has been identified."),
        "{}",
        preview.text
    );
    assert_eq!(count().await, before + 1);
    // What changes nothing for customers is posted at once.
    led_to(&submit(&server, RESPONDER, &form, &[("message", "note")]).await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_is_one_however_often_it_is_sent() {
    let server = Server::start().await;
    let (path, web) = any(&server).await;
    let shown = page(&server, RESPONDER, &web).await;
    assert!(shown.text.contains("id=\"acknowledge-button\""));
    let form = format!("{web}/acknowledge");
    for _ in 0..2 {
        let done = submit(&server, RESPONDER, &form, &[("key", "k1")]).await;
        assert_eq!(led_to(&done), web);
    }
    let entries = server
        .pages(VIEWER, &format!("{path}/updates?limit=50"))
        .await;
    let acknowledged = entries
        .iter()
        .filter(|one| one["kind"] == "acknowledgement");
    assert_eq!(acknowledged.count(), 1);
    let shown = page(&server, RESPONDER, &web).await;
    assert!(!shown.text.contains("id=\"acknowledge-button\""));
    // One that has ended cannot be acknowledged: the page says so.
    let resolved = json!({"message": "x", "status": "resolved"});
    let (path, web) = any(&server).await;
    server.update(COMMANDER, &path, &resolved).await;
    let refused = submit(&server, RESPONDER, &format!("{web}/acknowledge"), &[]).await;
    assert_eq!(refused.status, 409);
    assert!(
        refused
            .text
            .contains("only an active incident can be acknowledged")
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_outlives_a_store_that_is_away() {
    let (server, store) = Server::troubled().await;
    let (path, web) = any(&server).await;
    let fields = [("key", "k1"), ("message", "words that took an hour")];
    let form = format!("{web}/updates");
    store.is_in(AWAY);
    let kept = submit(&server, RESPONDER, &form, &fields).await;
    assert_eq!(kept.status, 503);
    assert!(kept.text.contains("Your text is safe"), "{}", kept.text);
    assert_eq!(hidden(&kept, "message"), "words that took an hour");
    assert_eq!(hidden(&kept, "key"), "k1");
    assert!(kept.text.contains(&format!("action=\"{form}\"")));
    store.is_in(NONE);
    led_to(&submit(&server, RESPONDER, &form, &fields).await);
    let entries = server
        .pages(VIEWER, &format!("{path}/updates?limit=50"))
        .await;
    assert!(
        entries
            .iter()
            .any(|one| one["message"] == "words that took an hour")
    );
    server.stop().await;
}
