//! Notes with ticks of checklists.

use super::super::{must_not_be_english, page, page_in, submit, submit_in};
use super::{HARMLESS, HOSTILE, any, between, hidden, led_to, must_be_refused};
use crate::over_http::harness::{COMMANDER, RESPONDER, Server, VIEWER};

const SCOPE: &str = "triage/scope_known";

#[tokio::test(flavor = "multi_thread")]
async fn a_tick_takes_a_note() {
    let server = Server::start().await;
    let (_, web) = any(&server).await;
    let form = format!("{web}/checklists");
    let shown = page(&server, RESPONDER, &web).await;
    let card = between(&shown, "id=\"card-checklists\"", "</section>");
    // The note stands before the lists, and outside of what follows changes. Enter ticks nothing:
    // the first button of the form is off.
    let (before, lists) = card.split_once("id=\"lists\" data-live").unwrap();
    assert!(
        before.contains("<label for=\"note\">Note") && before.contains("name=\"note\""),
        "{before}"
    );
    assert!(
        before.contains("<button disabled hidden></button>"),
        "{before}"
    );
    assert_eq!(before.matches("<button").count(), 1, "{before}");
    assert!(!lists.contains("<input") && !lists.contains("<form"));
    let tick = between(&shown, "id=\"tick\"", "</form>");
    let key = tick.split_once("name=\"key\" value=\"").unwrap().1;
    let key = key.split('"').next().unwrap().to_owned();
    let sent = [("key", key.as_str()), ("item", SCOPE), ("note", HOSTILE)];
    for _ in 0..2 {
        let done = submit(&server, RESPONDER, &form, &sent).await;
        assert_eq!(led_to(&done), format!("{web}#list-triage"));
    }
    let shown = page(&server, VIEWER, &web).await;
    let entry = between(&shown, "ticked, Triage", "</li>");
    assert!(entry.contains(HARMLESS), "{entry}");
    assert_eq!(shown.text.matches("ticked, Triage").count(), 1);
    assert!(
        !shown.text.contains("id=\"tick\""),
        "a viewer ticks nothing"
    );

    // One page ticks several items without a note, whatever its key did before.
    for item in ["triage/real_incident", "triage/severity_set"] {
        let sent = [("key", key.as_str()), ("item", item), ("note", " ")];
        let done = submit(&server, RESPONDER, &form, &sent).await;
        assert_eq!(led_to(&done), format!("{web}#list-triage"));
    }
    server.stop().await;
}

/// A note that would be lost is refused and stays, beside its field and in the language of the
/// reader.
#[tokio::test(flavor = "multi_thread")]
async fn a_note_that_is_not_taken_stays_in_its_field() {
    let server = Server::start().await;
    let (_, web) = any(&server).await;
    let form = format!("{web}/checklists");
    led_to(&submit(&server, COMMANDER, &form, &[("item", SCOPE)]).await);
    let long = "x".repeat(17_000);
    for (language, words) in [
        (
            "en",
            [
                "The item is ticked already.",
                "Choose the item to tick.",
                "This list does not apply now.",
            ],
        ),
        (
            "fr",
            [
                "Ce point est déjà coché.",
                "Choisissez le point à cocher.",
                "Cette liste ne s’applique pas maintenant.",
            ],
        ),
        (
            "de",
            [
                "Der Punkt ist schon abgehakt.",
                "Wählen Sie den Punkt, der abgehakt wird.",
                "Diese Liste gilt jetzt nicht.",
            ],
        ),
    ] {
        let cases = [(SCOPE, 409), ("", 422), ("watch/no_spike", 409)];
        for ((item, status), words) in cases.into_iter().zip(words) {
            let sent = [("key", "k"), ("item", item), ("note", "two regions")];
            let refused = submit_in(&server, RESPONDER, &form, &sent, language).await;
            must_be_refused(&refused, status, "note", "value=\"two regions\"");
            let card = between(&refused, "id=\"card-checklists\"", "</section>");
            assert!(card.contains(words), "{words}: {card}");
            if language != "en" {
                must_not_be_english(&refused);
            }
        }
        let sent = [("item", "triage/severity_set"), ("note", long.as_str())];
        let refused = submit_in(&server, RESPONDER, &form, &sent, language).await;
        must_be_refused(&refused, 422, "note", "xxxx");
        // The list stays open, so that the item is found again.
        let list = between(&refused, "id=\"list-triage\"", ">");
        assert_eq!(list, " open");
        let update = between(&refused, "id=\"update\"", "</section>");
        assert!(
            !update.contains("class=\"note alarm"),
            "the other form is untouched"
        );
    }
    // A key that was used for another note is no dead end.
    let first = [
        ("key", "k2"),
        ("item", "triage/severity_set"),
        ("note", "one"),
    ];
    led_to(&submit(&server, RESPONDER, &form, &first).await);
    let other = [
        ("key", "k2"),
        ("item", "triage/real_incident"),
        ("note", "two"),
    ];
    let refused = submit(&server, RESPONDER, &form, &other).await;
    assert!(
        refused.status >= 400 && refused.text.contains("value=\"two\""),
        "{}",
        refused.text
    );
    let tick = between(&refused, "id=\"tick\"", "</form>");
    assert!(!tick.contains("value=\"k2\""), "{tick}");
    let shown = page_in(&server, VIEWER, &web, "fr").await;
    assert!(!shown.text.contains("name=\"note\""));
    assert_ne!(hidden(&page(&server, RESPONDER, &web).await, "key"), "k2");
    server.stop().await;
}
