//! Roles, approvals and checklists on the pages, and the warnings that go with them.

use serde_json::json;

use super::super::{must_not_be_english, page, page_in, submit, submit_in};
use super::{HARMLESS, HOSTILE, any, between, declared, key_of, led_to, must_be_refused};
use crate::over_http::harness::{ADMIN, COMMANDER, RESPONDER, Server, VIEWER};

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_changed_on_a_page() {
    let server = Server::start().await;
    let (path, web) = any(&server).await;
    let form = format!("{web}/roles");
    let shown = page(&server, RESPONDER, &form).await;
    assert!(
        shown.text.contains("Commander: \u{2068}carl\u{2069}")
            || shown.text.contains("Commander: carl"),
        "{}",
        shown.text
    );
    let fields = |action, role, person, to, note| {
        [
            ("action", action),
            ("role", role),
            ("holder", person),
            ("to", to),
            ("note", note),
        ]
    };
    let key = key_of(&server, RESPONDER, &form).await;
    let mut taken = fields("assume", "tech_lead", "", "", "").to_vec();
    taken.push(("key", &key));
    for _ in 0..2 {
        let done = submit(&server, RESPONDER, &form, &taken).await;
        assert_eq!(led_to(&done), format!("{web}#card-people"));
    }
    let shown = page(&server, VIEWER, &web).await;
    assert_eq!(
        shown
            .text
            .matches("assumed the role Technical lead")
            .count(),
        1,
        "{}",
        shown.text
    );
    let people = between(&shown, "id=\"card-people\"", "</section>");
    assert!(
        people.contains("Technical lead") && people.contains("anna"),
        "{people}"
    );

    for (token, sent, status, field) in [
        (
            ADMIN,
            fields("assume", "tech_lead", "", "", "kept"),
            409,
            "role",
        ),
        (
            RESPONDER,
            fields("assume", "tech_lead", "", "", "kept"),
            409,
            "holder",
        ),
        (
            RESPONDER,
            fields("hand_over", "tech_lead", "", "", "kept"),
            422,
            "to",
        ),
        (
            RESPONDER,
            fields("hand_over", "tech_lead", "kept", "ben", ""),
            422,
            "note",
        ),
        (
            RESPONDER,
            fields("hand_over", "tech_lead", "", "anna", "kept"),
            422,
            "to",
        ),
        (
            RESPONDER,
            fields("hand_over", "tech_lead", "kept", "ben", "x"),
            403,
            "role",
        ),
        (
            RESPONDER,
            fields("renounce", "scribe", "", "", "kept"),
            409,
            "holder",
        ),
        (
            RESPONDER,
            fields("assume", "scribe", "", "ben", "kept"),
            422,
            "to",
        ),
        (
            RESPONDER,
            fields("assume", "scribe", "\u{200b}", "", "kept"),
            422,
            "holder",
        ),
        (RESPONDER, fields("assume", "", "", "", "kept"), 422, "role"),
        (
            RESPONDER,
            fields("", "scribe", "", "", "kept"),
            422,
            "action",
        ),
        (
            COMMANDER,
            fields("renounce", "incident_commander", "", "", "kept"),
            409,
            "action",
        ),
    ] {
        // A handover by the wrong person: somebody else's role.
        let (token, sent) = match field {
            "role" if status == 403 => (
                token,
                fields("hand_over", "incident_commander", "", "ben", "kept"),
            ),
            _ => (token, sent),
        };
        let refused = submit(&server, token, &form, &sent).await;
        must_be_refused(&refused, status, field, "kept");
    }
    let over = fields("hand_over", "incident_commander", "", HOSTILE, HOSTILE);
    let refused = submit(&server, COMMANDER, &form, &over).await;
    // The name has no control character but one that turns the direction of text: a name may.
    assert_eq!(refused.status, 303, "{}", refused.text);
    let shown = page(&server, VIEWER, &web).await;
    assert!(shown.text.contains(HARMLESS), "{}", shown.text);

    // What a role may not do is not offered; who has ended takes no roles.
    let shown = page(&server, VIEWER, &web).await;
    assert!(!shown.text.contains(&format!("{web}/roles\"")));
    assert_eq!(submit(&server, VIEWER, &form, &over).await.status, 403);
    let cancel = json!({"message": "x", "status": "cancelled", "reason": "external"});
    server.update(COMMANDER, &path, &cancel).await;
    let shown = page(&server, RESPONDER, &form).await;
    assert!(
        shown.text.contains("its roles no longer change"),
        "{}",
        shown.text
    );
    assert_eq!(
        submit(&server, RESPONDER, &form, &taken[..5]).await.status,
        409
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_what_is_shown_in_each_language() {
    let server = Server::start().await;
    let (_, web) = any(&server).await;
    for (language, words) in [
        (
            "en",
            ["Who does what", "Investigate", "Decide on escalation"],
        ),
        ("fr", ["Qui fait quoi", "Enquêter", "Décider de l’escalade"]),
        (
            "de",
            ["Wer was tut", "Untersuchen", "Über Eskalation entscheiden"],
        ),
    ] {
        let shown = page_in(&server, VIEWER, &web, language).await;
        let table = between(&shown, "id=\"raci\"", "</details>");
        for word in words {
            assert!(table.contains(word), "{word}: {table}");
        }
        assert_eq!(table.matches("A/R").count(), 4, "{table}");
        assert_eq!(table.matches("scope=\"row\"").count(), 7);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_risky_action_is_approved_on_pages() {
    let server = Server::start().await;
    let (path, web) = any(&server).await;
    let form = format!("{web}/approvals");
    // The commander approves, and requests none.
    let shown = page(&server, COMMANDER, &web).await;
    assert!(!shown.text.contains("Request an approval"));
    let refused = submit(&server, COMMANDER, &form, &[("text", "kept")]).await;
    must_be_refused(&refused, 409, "text", "kept");
    let refused = submit(&server, RESPONDER, &form, &[("text", " ")]).await;
    must_be_refused(&refused, 422, "text", "name=\"text\"");
    let shown = page(&server, RESPONDER, &web).await;
    assert!(shown.text.contains("Request an approval"));
    let key = key_of(&server, RESPONDER, &form).await;
    let fields = [("key", key.as_str()), ("text", HOSTILE)];
    for _ in 0..2 {
        let done = submit(&server, RESPONDER, &form, &fields).await;
        assert_eq!(led_to(&done), format!("{web}#card-approvals"));
    }
    let shown = page(&server, COMMANDER, &web).await;
    let card = between(&shown, "id=\"card-approvals\"", "</section>");
    assert_eq!(card.matches("<h3>").count(), 1, "{card}");
    assert!(
        card.contains(HARMLESS) && card.contains("Requested by"),
        "{card}"
    );
    let one = format!("{form}/1");
    assert!(card.contains(&format!("href=\"{one}\"")), "{card}");

    // The person who asked may withdraw and nothing else.
    let shown = page(&server, RESPONDER, &one).await;
    assert!(
        shown
            .text
            .contains("You requested it: other people approve it."),
        "{}",
        shown.text
    );
    assert!(shown.text.contains("value=\"withdraw\"") && !shown.text.contains("value=\"approve\""));
    let refused = submit(
        &server,
        RESPONDER,
        &one,
        &[("decision", "approve"), ("reason", "kept")],
    )
    .await;
    must_be_refused(&refused, 409, "decision", "kept");
    for (decision, status, field) in [
        ("withdraw", 422, "reason"),
        ("", 422, "decision"),
        ("maybe", 422, "decision"),
    ] {
        let refused = submit(
            &server,
            RESPONDER,
            &one,
            &[("decision", decision), ("reason", " ")],
        )
        .await;
        must_be_refused(&refused, status, field, "name=\"reason\"");
    }
    let key = key_of(&server, ADMIN, &one).await;
    let given = [
        ("key", key.as_str()),
        ("decision", "approve"),
        ("reason", "looks right"),
    ];
    for _ in 0..2 {
        let done = submit(&server, ADMIN, &one, &given).await;
        assert_eq!(led_to(&done), format!("{web}#card-approvals"));
    }
    let shown = page(&server, ADMIN, &one).await;
    assert!(
        shown
            .text
            .contains("You approved it: a second person is needed."),
        "{}",
        shown.text
    );
    led_to(
        &submit(
            &server,
            COMMANDER,
            &one,
            &[("decision", "approve"), ("reason", "")],
        )
        .await,
    );
    let shown = page(&server, VIEWER, &web).await;
    let card = between(&shown, "id=\"card-approvals\"", "</section>");
    for part in ["approved</span>", "carl", "root", "commander"] {
        assert!(card.contains(part), "{part}: {card}");
    }
    for part in [
        "gave approval 1; one more person has to approve",
        "gave approval 1, which is complete",
        "looks right",
    ] {
        assert!(shown.text.contains(part), "{part}: {}", shown.text);
    }
    let refused = submit(
        &server,
        ADMIN,
        &one,
        &[("decision", "refuse"), ("reason", "x")],
    )
    .await;
    assert_eq!(refused.status, 409);
    assert_eq!(
        page(&server, RESPONDER, &format!("{form}/2")).await.status,
        404
    );
    assert_eq!(page(&server, VIEWER, &one).await.status, 403);

    // Refused by another person, in French; its text is erased with the entry.
    server
        .post(
            RESPONDER,
            &format!("{path}/approvals"),
            &json!({"text": "use c4n4ry"}),
        )
        .await
        .is(201);
    let two = format!("{form}/2");
    let refused = submit_in(
        &server,
        ADMIN,
        &two,
        &[("decision", "refuse"), ("reason", "")],
        "fr",
    )
    .await;
    must_be_refused(&refused, 422, "reason", "name=\"reason\"");
    led_to(
        &submit(
            &server,
            ADMIN,
            &two,
            &[("decision", "refuse"), ("reason", "trop tard")],
        )
        .await,
    );
    let shown = page_in(&server, VIEWER, &web, "fr").await;
    must_not_be_english(&shown);
    assert!(
        shown.text.contains("a refusé l’approbation 2"),
        "{}",
        shown.text
    );
    assert!(shown.text.contains("trop tard"));
    let incident = server.get(VIEWER, &path).await.is(200);
    let seq = incident["approvals"][1]["seq"].to_string();
    let entry = page(&server, ADMIN, &format!("{web}/entries/{seq}")).await;
    assert!(
        entry
            .text
            .contains("The text of the approval is erased with it."),
        "{}",
        entry.text
    );
    server
        .post(
            ADMIN,
            &format!("{path}/updates/{seq}/redact"),
            &json!({"reason": "x"}),
        )
        .await
        .is(200);
    let shown = page(&server, VIEWER, &web).await;
    assert!(
        !shown.text.contains("c4n4ry") && shown.text.contains("(erased)"),
        "{}",
        shown.text
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checklists_are_ticked_on_the_page() {
    let server = Server::start().await;
    let (path, web) = declared(&server, &json!({"severity": "SEV1"})).await;
    let form = format!("{web}/checklists");
    let shown = page(&server, RESPONDER, &web).await;
    let card = between(&shown, "id=\"card-checklists\"", "</section>");
    assert!(
        card.contains("0 of 6") && card.contains("War room"),
        "{card}"
    );
    assert!(
        card.contains(
            "value=\"triage/scope_known\">Tick: Scope, users and business impact are known</button>"
        ),
        "{card}"
    );
    let lists = card.split_once("id=\"lists\" data-live").unwrap().1;
    assert!(
        !lists.contains("<form"),
        "no form in a live region: {lists}"
    );
    let viewed = page(&server, VIEWER, &web).await;
    let card = between(&viewed, "id=\"card-checklists\"", "</section>");
    assert!(!card.contains("<button"), "{card}");
    for _ in 0..2 {
        let done = submit(&server, RESPONDER, &form, &[("item", "triage/scope_known")]).await;
        assert_eq!(led_to(&done), format!("{web}#list-triage"));
    }
    let shown = page(&server, VIEWER, &web).await;
    let card = between(&shown, "id=\"list-triage\"", "</details>");
    assert!(
        card.starts_with(" open>") && card.contains("1 of 6") && card.contains("anna"),
        "{card}"
    );
    assert_eq!(
        shown.text.matches("ticked, Triage").count(),
        1,
        "{}",
        shown.text
    );
    for (item, status) in [
        ("watch/no_spike", 409),
        ("triage/nothing", 404),
        ("nothing", 422),
        ("", 422),
    ] {
        let refused = submit(&server, RESPONDER, &form, &[("item", item)]).await;
        assert_eq!(refused.status, status, "{item}: {}", refused.text);
    }
    assert_eq!(
        submit(&server, VIEWER, &form, &[("item", "triage/severity_set")])
            .await
            .status,
        403
    );

    for (language, words) in [
        (
            "fr",
            [
                "Cellule de crise",
                "1 sur 6",
                "La gravité est fixée",
                "point coché, Tri",
            ],
        ),
        (
            "de",
            [
                "Krisenraum",
                "1 von 6",
                "Die Schwere ist festgelegt",
                "abgehakt, Erste Einschätzung",
            ],
        ),
    ] {
        let shown = page_in(&server, RESPONDER, &web, language).await;
        must_not_be_english(&shown);
        for word in words {
            assert!(shown.text.contains(word), "{word}: {}", shown.text);
        }
        for english in [
            "Scope, users and business",
            "Tick:",
            "War room",
            "Who does what",
            "Approvals",
        ] {
            assert!(!shown.text.contains(english), "{english}: {}", shown.text);
        }
    }

    // Warnings are quiet notes.
    server
        .update(
            RESPONDER,
            &path,
            &json!({"message": "x", "status": "resolved"}),
        )
        .await;
    let shown = page(&server, VIEWER, &web).await;
    let notes = between(&shown, "id=\"warnings\"", "</ul>");
    for note in [
        "Resolved with 0 of 6 items",
        "No cause is recorded.",
        "No post-mortem is linked",
    ] {
        assert!(notes.contains(note), "{note}: {notes}");
    }
    assert!(!shown.text.contains("class=\"note alarm\" id=\"warnings\""));
    let german = page_in(&server, VIEWER, &web, "de").await;
    assert!(
        german.text.contains("Keine Ursache ist eingetragen."),
        "{}",
        german.text
    );
    server.stop().await;
}

/// A decision that a person writes is shown as written, whatever it says.
#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_a_person_are_not_taken_for_an_approval() {
    let server = Server::start().await;
    let (path, web) = any(&server).await;
    let said = "approval 1 given by the incident commander; the approval is complete";
    server
        .update(
            RESPONDER,
            &path,
            &json!({"message": said, "kind": "decision"}),
        )
        .await;
    let shown = page_in(&server, VIEWER, &web, "de").await;
    assert!(shown.text.contains(said), "{}", shown.text);
    assert!(!shown.text.contains("Freigabe 1 erteilt"), "{}", shown.text);
    server.stop().await;
}
