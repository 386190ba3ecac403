//! The form for the fields of an incident.

use serde_json::json;

use super::super::{page, page_in, submit};
use super::{HARMLESS, HOSTILE, any, between, declared, hidden, led_to, must_be_refused};
use crate::over_http::harness::{Answer, COMMANDER, RESPONDER, Server, VIEWER};

/// Returns the hidden fields of the form on a page.
fn hidden_fields(shown: &Answer) -> Vec<(&'static str, String)> {
    ["key", "version", "marks"]
        .map(|name| (name, hidden(shown, name).to_owned()))
        .into()
}

/// Sends the form with its hidden fields and some that a person typed.
async fn send(
    server: &Server,
    token: &str,
    form: &str,
    hidden: &[(&'static str, String)],
    typed: &[(&str, &str)],
) -> Answer {
    let hidden = hidden.iter().map(|(name, value)| (*name, value.as_str()));
    let fields: Vec<(&str, &str)> = hidden.chain(typed.iter().copied()).collect();
    submit(server, token, form, &fields).await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_a_person_changed_is_changed() {
    let server = Server::start().await;
    let more = json!({"started_at": "2026-11-20T22:00:31.5Z", "affected_tenants":
        ["club-de", {"tenant_id": "club-fr", "until": "2026-11-20T22:30:00.25Z"}]});
    let (path, web) = declared(&server, &more).await;
    server.paged(&path, "accepted").await;
    let form = format!("{web}/edit");
    let shown = page(&server, RESPONDER, &form).await;
    assert!(
        shown
            .text
            .contains("club-fr until 2026-11-20T22:30:00.250Z"),
        "{}",
        shown.text
    );
    let hidden = hidden_fields(&shown);
    let typed = [
        ("title", "API is down"),
        ("severity", "SEV2"),
        ("started_at", "2026-11-20T22:00"),
        ("tenant_scope", "these"),
        (
            "affected_tenants",
            "club-de\r\nclub-fr until 2026-11-20T22:30:00.250Z",
        ),
        ("cause", "a leak"),
        ("data_loss", "suspected"),
        ("data_loss_note", "the last minute"),
        ("revenue_per_hour", "1250,50 EUR"),
        ("users_hit_percent", "12,5 %"),
        ("labels", "team: core\r\nregion: eu"),
        ("eta", "2026-11-21T02:00"),
        ("impact", "high"),
        ("channel", "#incident-7"),
        ("bridge_url", "https://call.example/7"),
        ("vendor_reference", "CASE-4711"),
        ("post_mortem_at", "2026-12-01T10:00"),
        ("data_leak", "confirmed"),
        ("data_leak_note", "a log"),
        ("customer_event_day", "true"),
        ("priority", "P1"),
    ];
    for _ in 0..2 {
        let done = send(&server, RESPONDER, &form, &hidden, &typed).await;
        assert!(led_to(&done).starts_with(&format!("{web}#e")));
    }
    let incident = server.get(VIEWER, &path).await.is(200);
    for (field, expected) in [
        ("title", json!("API is down")),
        // Seconds that the form does not show are still there.
        ("started_at", json!("2026-11-20T22:00:31.500Z")),
        ("cause", json!("a leak")),
        (
            "data_loss",
            json!({"state": "suspected", "note": "the last minute"}),
        ),
        (
            "revenue_per_hour",
            json!({"minor": 125_050, "currency": "EUR"}),
        ),
        ("users_hit_percent", json!("12.5")),
        ("labels", json!({"region": "eu", "team": "core"})),
        ("eta", json!("2026-11-21T02:00:00Z")),
        ("impact", json!("high")),
        ("channel", json!("#incident-7")),
        ("bridge_url", json!("https://call.example/7")),
        ("vendor_reference", json!("CASE-4711")),
        ("post_mortem_at", json!("2026-12-01T10:00:00Z")),
        ("data_leak", json!({"state": "confirmed", "note": "a log"})),
        ("customer_event_day", json!(true)),
        ("priority", json!("P1")),
        ("priority_overridden", json!(true)),
        ("version", json!(2)),
    ] {
        assert_eq!(incident[field], expected, "{field}");
    }
    let entries = server
        .pages(VIEWER, &format!("{path}/updates?limit=50"))
        .await;
    let changes = entries.iter().filter(|one| one["kind"] == "change").count();
    assert_eq!(changes, 15, "one entry for each field that changed");
    facts_are_shown(&server, &web).await;
    // A form in which nothing was changed makes no entry.
    let shown = page(&server, RESPONDER, &form).await;
    let done = send(
        &server,
        RESPONDER,
        &form,
        &hidden_fields(&shown),
        &[("title", "API is down")],
    )
    .await;
    assert_eq!(led_to(&done), web);
    // A field that is emptied is cleared.
    let emptied = [
        "cause",
        "channel",
        "bridge_url",
        "vendor_reference",
        "post_mortem_at",
        "customer_event_day",
        "priority",
    ];
    let mut typed = emptied.map(|name| (name, " ")).to_vec();
    typed.extend([("data_leak", ""), ("data_leak_note", "")]);
    let done = send(&server, RESPONDER, &form, &hidden_fields(&shown), &typed).await;
    led_to(&done);
    let incident = server.get(VIEWER, &path).await.is(200);
    for field in emptied.into_iter().chain(["data_leak"]) {
        assert!(incident[field].is_null(), "{field}");
    }
    server.stop().await;
}

/// The facts of the form stand on the page in the words of the reader; the call is a link.
async fn facts_are_shown(server: &Server, web: &str) {
    for (language, expected) in [
        (
            "en",
            [
                "leak confirmed: a log",
                "P1, set by a person",
                "Join the call",
                "Supplier’s reference",
                "Blocks a customer on the day of their event",
            ],
        ),
        (
            "fr",
            [
                "fuite confirmée: a log",
                "P1, fixée par une personne",
                "Rejoindre l’appel",
                "Référence du fournisseur",
                "Bloque un client le jour de son événement",
            ],
        ),
        (
            "de",
            [
                "Datenleck bestätigt: a log",
                "P1, von einer Person gesetzt",
                "Zur Telefonkonferenz",
                "Vorgang beim Lieferanten",
                "Blockiert einen Kunden am Tag seiner Veranstaltung",
            ],
        ),
    ] {
        let shown = page_in(server, VIEWER, web, language).await;
        for words in expected {
            assert!(shown.text.contains(words), "{words}: {}", shown.text);
        }
        for value in ["#incident-7", "CASE-4711", "\"https://call.example/7\""] {
            assert!(shown.text.contains(value), "{value}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_stand_beside_their_fields() {
    let server = Server::start().await;
    let (path, web) = any(&server).await;
    let form = format!("{web}/edit");
    let shown = page(&server, COMMANDER, &form).await;
    let hidden = hidden_fields(&shown);
    let kept = HARMLESS.split("\\u").next().unwrap();
    for (field, wrong) in [
        ("title", " "),
        ("severity", "SEV9"),
        ("responder", "\u{200b}"),
        ("tracker_url", "ftp://x"),
        ("affected_services", "a\u{7}"),
        ("affected_tenants", "\u{200b}"),
        ("started_at", "yesterday"),
        ("started_at", ""),
        ("detected_at", "2026-12-01T00:00"),
        ("impact_ended_at", "2026-11-20T20:00"),
        ("eta", "2026-11-20T20:00"),
        ("scope", "moon"),
        ("users_hit_percent", "120"),
        ("revenue_per_hour", "1000"),
        ("data_loss", ""),
        ("labels", "no colon"),
        ("channel", "\u{200b}"),
        ("bridge_url", "http://x"),
        ("vendor_reference", "\u{2800}"),
        ("post_mortem_at", "soon"),
        ("data_leak", ""),
        ("customer_event_day", "perhaps"),
        ("priority", "P9"),
    ] {
        let mut typed = vec![
            (field, wrong),
            ("symptom", HOSTILE),
            ("tenant_scope", "these"),
        ];
        match field {
            "data_loss" => typed.push(("data_loss_note", "a note")),
            "data_leak" => typed.push(("data_leak_note", "a note")),
            _ => {}
        }
        let refused = send(&server, COMMANDER, &form, &hidden, &typed).await;
        must_be_refused(&refused, 422, field, kept);
        assert!(!refused.text.contains("<script>alert"));
        // The form can be sent again as it is: version and marks are those of the first try.
        assert_eq!(super::hidden(&refused, "marks"), hidden[2].1);
        assert_eq!(super::hidden(&refused, "key"), hidden[0].1);
    }
    assert_eq!(server.get(VIEWER, &path).await.is(200)["version"], 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_writer_sees_both_versions_and_loses_no_text() {
    let server = Server::start().await;
    let (path, web) = any(&server).await;
    let form = format!("{web}/edit");
    let shown = page(&server, RESPONDER, &form).await;
    let hidden = hidden_fields(&shown);
    let other = json!({"title": "The other title", "cause": "the other cause", "symptom": "slow"});
    server.patch(COMMANDER, &path, &other).await.is(200);
    let typed = [
        ("title", "My <title>"),
        ("cause", ""),
        ("symptom", ""),
        ("summary", "my summary"),
        ("resolution", "my resolution"),
    ];
    let stale = send(&server, RESPONDER, &form, &hidden, &typed).await;
    assert_eq!(stale.status, 412, "{}", stale.text);
    let note = between(&stale, "role=\"alert\"", "</table>");
    assert!(note.contains("Somebody changed this incident while you wrote"));
    let row = between(&stale, "<a href=\"#title\">", "</tr>");
    assert!(
        row.contains("My &lt;title&gt;") && row.contains("The other title"),
        "{row}"
    );
    // Fields that only the other one changed have their value now; one's own texts are still there.
    assert!(
        stale
            .text
            .contains("Taken from the other person: Cause, Symptom."),
        "{}",
        stale.text
    );
    let area = |name: &str| between(&stale, &format!("<textarea id=\"{name}\""), "</textarea>");
    assert!(
        area("cause").ends_with("the other cause"),
        "{}",
        area("cause")
    );
    assert!(area("summary").ends_with("my summary"));
    assert!(area("resolution").ends_with("my resolution"));
    assert!(stale.text.contains("value=\"My &lt;title&gt;\""));
    let german = page_in(&server, RESPONDER, &form, "de").await;
    assert!(german.text.contains("Änderungen speichern"));
    assert!(!german.text.contains("Save changes"));
    // Sent again, it changes what the person meant, and nothing of the other one.
    let hidden = hidden_fields(&stale);
    let typed = [
        ("title", "My <title>"),
        ("cause", "the other cause"),
        ("symptom", "slow"),
        ("summary", "my summary"),
        ("resolution", "my resolution"),
    ];
    led_to(&send(&server, RESPONDER, &form, &hidden, &typed).await);
    let incident = server.get(VIEWER, &path).await.is(200);
    for (field, expected) in [
        ("title", "My <title>"),
        ("cause", "the other cause"),
        ("symptom", "slow"),
        ("summary", "my summary"),
        ("resolution", "my resolution"),
    ] {
        assert_eq!(incident[field], expected, "{field}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_too_long_for_a_form_is_left_alone() {
    let server = Server::start().await;
    let tenants: Vec<String> = (0..2_001).map(|nth| format!("tenant-{nth}")).collect();
    let (path, web) = declared(&server, &json!({"affected_tenants": tenants})).await;
    let form = format!("{web}/edit");
    let shown = page(&server, RESPONDER, &form).await;
    assert!(
        shown.text.contains("2,001 tenants are listed."),
        "{}",
        shown.text
    );
    assert!(!shown.text.contains("name=\"affected_tenants\""));
    let typed = [("title", "All of France")];
    led_to(&send(&server, RESPONDER, &form, &hidden_fields(&shown), &typed).await);
    let incident = server.get(VIEWER, &path).await.is(200);
    assert_eq!(incident["affected_tenants_total"], 2_001);
    // A responder is not offered a lower severity, and a refusal of the engine is shown.
    assert!(!between(&shown, "id=\"severity\"", "</select>").contains("SEV3"));
    let shown = page(&server, RESPONDER, &form).await;
    let typed = [("severity", "SEV4")];
    let refused = send(&server, RESPONDER, &form, &hidden_fields(&shown), &typed).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("lower_severity"), "{}", refused.text);
    server.stop().await;
}
