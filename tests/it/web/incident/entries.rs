//! An entry of a timeline: its proof, its correction, the erasure of its text.

use serde_json::json;

use super::super::{page, page_in, submit};
use super::{HOSTILE, any, between, declared, led_to, must_be_refused};
use crate::over_http::harness::{ADMIN, COMMANDER, RESPONDER, Server, VIEWER};

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_and_its_entry_lead_to_each_other() {
    let server = Server::start().await;
    let (path, web) = any(&server).await;
    server.paged(&path, "accepted").await;
    let wrong = server
        .update(COMMANDER, &path, &json!({"message": "release 412"}))
        .await;
    let seq = wrong["seq"].as_u64().unwrap();
    let entry = page(&server, RESPONDER, &format!("{web}/entries/{seq}")).await;
    assert!(entry.text.contains(wrong["hash"].as_str().unwrap()));
    let correct = format!("{web}?corrects={seq}#update");
    assert!(entry.text.contains(&correct), "{}", entry.text);
    let shown = page(&server, RESPONDER, &format!("{web}?corrects={seq}")).await;
    assert!(shown.text.contains(&format!("You correct entry {seq}.")));
    let corrects = seq.to_string();
    let fields = [("message", "release 411"), ("corrects", corrects.as_str())];
    let done = submit(&server, RESPONDER, &format!("{web}/updates"), &fields).await;
    let by = led_to(&done).rsplit("#e").next().unwrap().to_owned();
    let shown = page(&server, VIEWER, &web).await;
    let old = between(&shown, &format!("<li id=\"e{seq}\">"), "</li>");
    assert!(old.contains("release 412") && old.contains(&format!("corrected by entry {by}")));
    let new = between(&shown, &format!("<li id=\"e{by}\">"), "</li>");
    assert!(new.contains(&format!("corrects entry {seq}")), "{new}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_sees_what_an_erasure_takes_and_nobody_else_is_offered_it() {
    let server = Server::start().await;
    let (path, web) = any(&server).await;
    server.paged(&path, "accepted").await;
    server
        .patch(COMMANDER, &path, &json!({"cause": "the key hunter2"}))
        .await
        .is(200);
    let public = json!({"public": true, "title": "hunter2 for all", "message": "hunter2 again"});
    server
        .post(COMMANDER, &format!("{path}/public"), &public)
        .await
        .is(200);
    let entries = server
        .pages(VIEWER, &format!("{path}/updates?limit=50"))
        .await;
    let seq_of = |kind: &str| {
        let found = entries.iter().find(|one| one["kind"] == kind);
        found.unwrap()["seq"].as_u64().unwrap()
    };
    let (change, visibility) = (seq_of("change"), seq_of("visibility"));
    let address = |seq: u64| format!("{web}/entries/{seq}");
    assert!(
        !page(&server, COMMANDER, &address(change))
            .await
            .text
            .contains("Erase")
    );
    let shown = page(&server, ADMIN, &address(change)).await;
    assert!(
        shown
            .text
            .contains("These fields of the incident are emptied with it: Cause.")
    );
    let shown = page(&server, ADMIN, &address(visibility)).await;
    assert!(
        shown
            .text
            .contains("The title for customers is erased with it.")
    );
    assert!(
        shown
            .text
            .contains("1 text that customers read is erased with it.")
    );
    let shown = page(&server, ADMIN, &address(1)).await;
    assert!(
        shown.text.contains("emptied with it: Title, Summary."),
        "{}",
        shown.text
    );
    let redact = format!("{}/redact", address(change));
    let refused = submit(&server, COMMANDER, &redact, &[("reason", "a secret")]).await;
    assert_eq!(refused.status, 403);
    let refused = submit(&server, ADMIN, &redact, &[("reason", "")]).await;
    must_be_refused(&refused, 422, "reason", "hunter2");
    let fields = [("key", "r1"), ("reason", "a secret")];
    for _ in 0..2 {
        let done = submit(&server, ADMIN, &redact, &fields).await;
        assert_eq!(led_to(&done), format!("{web}#e{change}"));
    }
    let shown = page(&server, VIEWER, &web).await;
    assert!(!shown.text.contains("the key hunter2"));
    assert!(shown.text.contains("The text was erased."));
    assert!(shown.text.contains("Chain verified up to entry"));
    // What is erased cannot be erased again.
    assert!(
        !page(&server, ADMIN, &address(change))
            .await
            .text
            .contains("Erase")
    );
    server.stop().await;
}

/// A letter to users stands in the timeline in the words of the reader.
#[tokio::test(flavor = "multi_thread")]
async fn a_letter_to_users_is_told_in_the_language_of_the_reader() {
    let server = Server::start().await;
    let (path, web) = declared(
        &server,
        &json!({"data_loss": {"state": "confirmed"}, "severity": "SEV3"}),
    )
    .await;
    let notified = format!("{path}/affected-users/notified");
    let note = json!({"note": HOSTILE});
    server.post(RESPONDER, &notified, &note).await.is(200);
    for (language, entry, fact) in [
        (
            "en",
            "notified the users whose data was lost",
            "Affected users notified",
        ),
        (
            "fr",
            "a informé les utilisateurs dont des données sont perdues",
            "Utilisateurs touchés informés",
        ),
        (
            "de",
            "hat die Nutzer benachrichtigt, deren Daten verloren gingen",
            "Betroffene Nutzer benachrichtigt",
        ),
    ] {
        let shown = page_in(&server, RESPONDER, &web, language).await;
        for words in [entry, fact] {
            assert!(shown.text.contains(words), "{words}: {}", shown.text);
        }
        assert!(!shown.text.contains("affected users notified: "));
        assert!(!shown.text.contains("<script>alert"));
    }
    server.stop().await;
}
