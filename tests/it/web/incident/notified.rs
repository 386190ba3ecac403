//! People who have to be notified of lost or leaked data: the forms that record it, and the export.

use std::time::Duration;

use serde_json::json;

use super::super::{must_not_be_english, page, page_in, submit, submit_in};
use super::{HARMLESS, HOSTILE, any, between, declared, hidden, led_to, must_be_refused};
use crate::over_http::harness::{ADMIN, BILLING, COMMANDER, RESPONDER, Server, VIEWER};

/// An incident whose data was lost and may have leaked.
async fn lost_and_leaked(server: &Server) -> (String, String) {
    let facts = json!({"severity": "SEV3", "data_loss": {"state": "confirmed"},
        "data_leak": {"state": "suspected"}, "affected_tenants": ["tenant-fr"],
        "started_at": "2026-11-20T22:00:00Z"});
    declared(server, &facts).await
}

const USERS: &str = "/affected-users/notified";
const AUTHORITY: &str = "/authority/notified";
const EXPORT: &str = "/affected-users/export";

#[tokio::test(flavor = "multi_thread")]
async fn who_has_to_be_notified_stands_with_what_is_due() {
    let server = Server::start().await;
    let (_, web) = lost_and_leaked(&server).await;
    server.clock.advance(Duration::from_hours(2));
    for (language, users, authority, left, export) in [
        (
            "en",
            "Record that users were notified",
            "Record that the authority was notified",
            "in 2\u{a0}d 22\u{a0}h",
            "Export affected users (CSV)",
        ),
        (
            "fr",
            "Noter que les utilisateurs sont prévenus",
            "Noter que l’autorité est prévenue",
            "dans 2\u{a0}j 22\u{a0}h",
            "Exporter les utilisateurs touchés (CSV)",
        ),
        (
            "de",
            "Benachrichtigung der Nutzer festhalten",
            "Benachrichtigung der Behörde festhalten",
            "in 2\u{a0}T 22\u{a0}h",
            "Betroffene Nutzer exportieren (CSV)",
        ),
    ] {
        let shown = page_in(&server, COMMANDER, &web, language).await;
        let card = between(&shown, "id=\"card-due\"", "</section>");
        assert!(
            card.contains(&format!("href=\"{web}{USERS}\">{users}</a>")),
            "{card}"
        );
        assert!(
            card.contains(&format!("href=\"{web}{AUTHORITY}\">{authority}</a>")),
            "{card}"
        );
        assert!(
            card.contains(left) && card.contains("datetime=\"2026-11-23T23:00:00Z\""),
            "{card}"
        );
        assert!(
            card.contains(&format!("href=\"{web}{EXPORT}\">{export}</a>")),
            "{card}"
        );
        assert!(!card.contains("<form"), "no form in a live region: {card}");
        if language != "en" {
            must_not_be_english(&shown);
        }
    }
    // What a role may not do is not offered.
    for token in [VIEWER, BILLING] {
        let shown = page(&server, token, &web).await;
        for path in [USERS, AUTHORITY, EXPORT] {
            assert!(!shown.text.contains(path), "{path}");
        }
        for path in [USERS, AUTHORITY] {
            let form = format!("{web}{path}");
            assert_eq!(page(&server, token, &form).await.status, 403);
            let sent = submit(&server, token, &form, &[("note", "x")]).await;
            assert_eq!(sent.status, 403);
        }
    }
    let shown = page(&server, RESPONDER, &web).await;
    assert!(shown.text.contains(USERS) && !shown.text.contains(EXPORT));
    let (_, other) = any(&server).await;
    let shown = page(&server, ADMIN, &other).await;
    for path in [USERS, AUTHORITY, EXPORT] {
        assert!(!shown.text.contains(path), "{path}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_is_recorded_once_with_its_person() {
    let server = Server::start().await;
    let (path, web) = lost_and_leaked(&server).await;
    for (part, what, fact) in [
        (
            USERS,
            "notified the users whose data was lost",
            "Affected users notified",
        ),
        (
            AUTHORITY,
            "notified the authority of the leak of data",
            "Authority notified",
        ),
    ] {
        let form = format!("{web}{part}");
        let shown = page(&server, RESPONDER, &form).await;
        assert!(
            shown.text.contains("This page sends nothing."),
            "{}",
            shown.text
        );
        let has_deadline = shown.text.contains("Deadline <strong>in 3\u{a0}d")
            && shown.text.contains("datetime=\"2026-11-23T23:00:00Z\"");
        assert_eq!(has_deadline, part == AUTHORITY, "{}", shown.text);
        let (key, seen) = (hidden(&shown, "key"), hidden(&shown, "seen"));
        for wrong in ["", " ", "\u{200b}"] {
            let sent = [("key", key), ("seen", seen), ("note", wrong)];
            let refused = submit(&server, RESPONDER, &form, &sent).await;
            must_be_refused(&refused, 422, "note", "name=\"note\"");
        }
        let sent = [("key", key), ("seen", seen), ("note", HOSTILE)];
        for _ in 0..2 {
            let done = submit(&server, RESPONDER, &form, &sent).await;
            assert_eq!(led_to(&done), format!("{web}#card-facts"));
        }
        let shown = page(&server, VIEWER, &web).await;
        assert_eq!(shown.text.matches(what).count(), 1, "{}", shown.text);
        assert!(shown.text.contains(HARMLESS));
        let facts = between(&shown, "id=\"card-facts\"", "</section>");
        let (_, line) = facts.split_once(fact).unwrap();
        assert!(
            line.split("</dd>").next().unwrap().contains("anna") && line.contains("<time"),
            "{facts}"
        );
        // Nobody is reminded of it any more; a further record is still possible.
        let shown = page(&server, RESPONDER, &web).await;
        let due = shown.text.split_once("id=\"card-due\"");
        let due = due.map_or("", |(_, rest)| rest.split("</section>").next().unwrap());
        assert!(!due.contains(part), "{due}");
        let again = page(&server, COMMANDER, &form).await;
        assert!(
            again.text.contains("anna recorded it already, 23:00."),
            "{}",
            again.text
        );
    }
    let shown = server.get(VIEWER, &path).await.is(200);
    assert_eq!(shown["affected_users_notified_by"], "anna");
    assert_eq!(shown["authority_notified_by"], "anna");
    server.stop().await;
}

/// Two people write at the same time: the second one learns of the first, and loses nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_somebody_else_made_meanwhile_is_shown_first() {
    let server = Server::start().await;
    for (language, words) in [
        ("en", "carl recorded it while you wrote"),
        ("fr", "carl l’a noté pendant votre saisie"),
        ("de", "carl hat es festgehalten, während Sie schrieben"),
    ] {
        let (path, web) = lost_and_leaked(&server).await;
        for part in [USERS, AUTHORITY] {
            let form = format!("{web}{part}");
            let shown = page_in(&server, RESPONDER, &form, language).await;
            let (key, seen) = (hidden(&shown, "key"), hidden(&shown, "seen"));
            // A change of something else stops nobody.
            server
                .update(COMMANDER, &path, &json!({"message": "still looking"}))
                .await;
            let done = submit(&server, COMMANDER, &form, &[("note", "mine")]).await;
            assert_eq!(done.status, 303, "{}", done.text);
            let sent = [("key", key), ("seen", seen), ("note", "a letter to 12")];
            let stale = submit_in(&server, RESPONDER, &form, &sent, language).await;
            must_be_refused(&stale, 412, "note", "a letter to 12");
            assert!(stale.text.contains(words), "{words}: {}", stale.text);
            let (key, seen) = (hidden(&stale, "key"), hidden(&stale, "seen"));
            let again = [("key", key), ("seen", seen), ("note", "a letter to 12")];
            for _ in 0..2 {
                let done = submit(&server, RESPONDER, &form, &again).await;
                assert_eq!(done.status, 303, "{}", done.text);
            }
        }
        let shown = page(&server, VIEWER, &web).await;
        assert_eq!(
            shown.text.matches("a letter to 12").count(),
            2,
            "{}",
            shown.text
        );
        // The first record stays the one that the facts name.
        let shown = server.get(VIEWER, &path).await.is(200);
        assert_eq!(shown["affected_users_notified_by"], "carl");
    }
    server.stop().await;
}

/// The fact was corrected, or never stated: nothing is recorded, and the text stays.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_recorded_where_no_data_was_lost() {
    let server = Server::start().await;
    let (path, web) = lost_and_leaked(&server).await;
    let seen: Vec<String> = {
        let mut all = Vec::new();
        for part in [USERS, AUTHORITY] {
            let shown = page(&server, RESPONDER, &format!("{web}{part}")).await;
            all.push(hidden(&shown, "seen").to_owned());
        }
        all
    };
    let none = json!({"data_loss": {"state": "suspected"}, "data_leak": {"state": "none"}});
    server.patch(RESPONDER, &path, &none).await.is(200);
    for (language, loss, leak) in [
        (
            "en",
            "No loss of data is confirmed",
            "No leak of data is suspected",
        ),
        (
            "fr",
            "Aucune perte de données n’est confirmée",
            "Aucune fuite de données n’est soupçonnée",
        ),
        (
            "de",
            "Kein Datenverlust ist bestätigt",
            "Kein Datenleck ist vermutet",
        ),
    ] {
        for ((part, words), seen) in [(USERS, loss), (AUTHORITY, leak)].into_iter().zip(&seen) {
            let form = format!("{web}{part}");
            let shown = page_in(&server, RESPONDER, &form, language).await;
            assert!(shown.text.contains(words), "{words}: {}", shown.text);
            assert!(!shown.text.contains("name=\"note\""), "{}", shown.text);
            let sent = [("seen", seen.as_str()), ("note", "typed")];
            let refused = submit_in(&server, RESPONDER, &form, &sent, language).await;
            must_be_refused(&refused, 409, "note", "typed");
            assert!(refused.text.contains(words), "{words}: {}", refused.text);
        }
    }
    for path in [USERS, AUTHORITY, EXPORT] {
        let missing = format!("/incidents/0190a000-0000-7000-8000-000000000000{path}");
        assert_eq!(page(&server, ADMIN, &missing).await.status, 404);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_exported_from_the_page() {
    let server = Server::start().await;
    let (path, web) = lost_and_leaked(&server).await;
    let event = json!([{"tenant_id": "tenant-fr", "user_id": "zoe", "service": "api",
        "occurred_at": "2026-11-20T22:30:00Z"}]);
    let sent = server.post(ADMIN, "/sys/usage-events", &event).await;
    assert_eq!(sent.status, 202, "{}", sent.text);
    let export = format!("{web}{EXPORT}");
    let form = page(&server, COMMANDER, &format!("{web}{USERS}")).await;
    assert!(
        form.text.contains(&format!("href=\"{export}\"")),
        "{}",
        form.text
    );
    let table = page(&server, COMMANDER, &export).await;
    assert_eq!(table.status, 200, "{}", table.text);
    assert_eq!(
        table.header("content-type"),
        Some("text/csv; charset=utf-8")
    );
    assert_eq!(
        table.text.lines().collect::<Vec<_>>(),
        ["tenant_id,user_id", "tenant-fr,zoe"]
    );
    // Who may not, and an incident that lost nothing, are answered with a page.
    let refused = page(&server, RESPONDER, &export).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.starts_with("<!doctype html>"));
    let none = json!({"data_loss": {"state": "suspected"}});
    server.patch(RESPONDER, &path, &none).await.is(200);
    let refused = page(&server, COMMANDER, &export).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text.starts_with("<!doctype html>"));
    server.stop().await;
}
