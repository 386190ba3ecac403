//! Rules of the policy that fired, as people read of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use incident_console::console::ConsoleBuilder;
use incident_core::port::Pager;
use incident_core::testing::RecordingPager;
use serde_json::{Value, json};

use super::super::{must_not_be_english, page, page_in};
use super::{any, between, declared};
use crate::over_http::harness::{RESPONDER, Server, VIEWER};

/// Waits until a rule has fired.
async fn fired(server: &Server, path: &str, rule: &str) {
    let is_fired = |due: &Value| {
        let rules = due["rules"].as_array().unwrap();
        let found = rules.iter().find(|one| one["rule"] == rule);
        found.is_some_and(|one| !one["fired_at"].is_null())
    };
    for _ in 0..600 {
        let due = server.get(VIEWER, &format!("{path}/due")).await.is(200);
        if is_fired(&due) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{rule} did not fire");
}

/// Waits until the page of an escalation is accepted.
async fn paged(server: &Server, path: &str, rule: &str) {
    for _ in 0..600 {
        let shown = server.get(VIEWER, path).await.is(200);
        let all = shown["escalations"].as_array().unwrap();
        let found = all.iter().find(|one| one["rule"] == rule);
        if found.is_some_and(|one| one["paging"]["state"] == "accepted") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the page of {rule} is not accepted");
}

/// A server on which a rule fired in time and another one late, with a page to its own target.
async fn escalated() -> (Server, String, String) {
    let lead: Arc<dyn Pager> = Arc::new(RecordingPager::named("lead-pager").unwrap());
    let parts = ConsoleBuilder {
        escalations: BTreeMap::from([("unacknowledged".parse().unwrap(), vec![lead])]),
        ..ConsoleBuilder::default()
    };
    let server = Server::start_with(parts).await;
    let (path, web) = any(&server).await;
    fired(&server, &path, "sev2-declared").await;
    // Nobody looked for two hours.
    server.clock.advance(Duration::from_secs(2 * 3_600));
    fired(&server, &path, "unacknowledged").await;
    paged(&server, &path, "unacknowledged").await;
    (server, path, web)
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_fired_stand_with_what_is_due() {
    let (server, path, web) = escalated().await;
    server.paged(&path, "accepted").await;
    for (language, in_time, late, page_of, parts) in [
        (
            "en",
            "level 1",
            "late, was due",
            "page through lead-pager: accepted",
            [
                "it is declared",
                "notified: lead, on-call",
                "no page",
                "nobody acknowledges it",
                "notified: lead",
            ],
        ),
        (
            "fr",
            "niveau 1",
            "en retard, échéance",
            "alerte par lead-pager : acceptée",
            [
                "il est déclaré",
                "prévenus : lead, on-call",
                "pas d’alerte",
                "personne ne le prend en compte",
                "prévenus : lead",
            ],
        ),
        (
            "de",
            "Stufe 1",
            "verspätet, fällig war",
            "Alarm über lead-pager: angenommen",
            [
                "er ist gemeldet",
                "benachrichtigt: lead, on-call",
                "kein Alarm",
                "niemand bestätigt ihn",
                "benachrichtigt: lead",
            ],
        ),
    ] {
        let shown = page_in(&server, VIEWER, &web, language).await;
        let card = between(&shown, "id=\"card-due\"", "</section>");
        let list = card.split_once("id=\"fired\"").unwrap().1;
        let list = list.split("</ul>").next().unwrap();
        let of = |rule: &str| {
            let rest = list.split_once(&format!(">{rule}</strong>")).unwrap().1;
            rest.split("</li>").next().unwrap().to_owned()
        };
        let declared = of("sev2-declared");
        for part in [in_time, parts[0], parts[1], parts[2]] {
            assert!(declared.contains(part), "{part}: {declared}");
        }
        assert!(!declared.contains(late), "{declared}");
        let unacknowledged = of("unacknowledged");
        for part in [
            late,
            "datetime=\"2026-11-20T23:25:00Z\"",
            page_of,
            parts[3],
            parts[4],
        ] {
            assert!(unacknowledged.contains(part), "{part}: {unacknowledged}");
        }
        // The last one stands first, and none among the people.
        assert!(list.find("unacknowledged") < list.find("sev2-declared"));
        let people = between(&shown, "id=\"card-people\"", "</section>");
        assert!(
            !people.contains("sev2-declared") && !people.contains("unacknowledged"),
            "{people}"
        );
        if language != "en" {
            must_not_be_english(&shown);
        }
    }
    server.stop().await;
}

/// The entry is stored in English, and shown in the language and the zone of the reader.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_of_a_rule_is_shown_in_the_words_of_the_reader() {
    let (server, path, web) = escalated().await;
    let entries = server
        .pages(VIEWER, &format!("{path}/updates?limit=50"))
        .await;
    let stored = entries.iter().find_map(|one| {
        let text = one["message"].as_str()?;
        text.starts_with("escalated to unacknowledged: ")
            .then_some((text, one["seq"].as_u64()?))
    });
    let (stored, seq) = stored.unwrap();
    assert!(
        stored.contains("; late, it was due at 2026-11-20T23:25:00"),
        "{stored}"
    );
    for (language, what, text, late) in [
        (
            "en",
            "escalated by the rule unacknowledged",
            "nobody acknowledges it; notifies lead",
            "late, was due <time datetime=\"2026-11-20T23:25:00Z\">",
        ),
        (
            "fr",
            "escalade par la règle unacknowledged",
            "personne ne le prend en compte ; prévient lead",
            "en retard, échéance <time datetime=\"2026-11-20T23:25:00Z\">",
        ),
        (
            "de",
            "nach der Regel unacknowledged eskaliert",
            "niemand bestätigt ihn; benachrichtigt lead",
            "verspätet, fällig war <time datetime=\"2026-11-20T23:25:00Z\">",
        ),
    ] {
        for address in [web.clone(), format!("{web}/entries/{seq}")] {
            let shown = page_in(&server, VIEWER, &address, language).await;
            for words in [what, text, late] {
                assert!(shown.text.contains(words), "{words}: {}", shown.text);
            }
            assert!(
                !shown.text.contains("nobody has acknowledged it")
                    && !shown.text.contains("it was due at"),
                "{}",
                shown.text
            );
        }
    }
    server.stop().await;
}

/// A reason that a person writes is shown as written, even if it reads like that of a rule.
#[tokio::test(flavor = "multi_thread")]
async fn the_reason_of_a_person_is_not_taken_for_a_rule() {
    let parts = ConsoleBuilder {
        escalations: BTreeMap::from([("security".parse().unwrap(), Vec::new())]),
        ..ConsoleBuilder::default()
    };
    let server = Server::start_with(parts).await;
    let (path, web) = declared(&server, &json!({"severity": "SEV4"})).await;
    let said = "data was lost; notifies all; late, it was due at 2026-11-20T23:25:00Z";
    let by_hand = json!({"rule": "security", "reason": said});
    server
        .post(RESPONDER, &format!("{path}/page"), &by_hand)
        .await
        .is(202);
    let shown = page_in(&server, VIEWER, &web, "de").await;
    assert!(shown.text.contains(said), "{}", shown.text);
    assert!(!shown.text.contains("verspätet"), "{}", shown.text);
    // Who escalated by hand still stands among the people.
    let shown = page(&server, VIEWER, &web).await;
    let people = between(&shown, "id=\"card-people\"", "</section>");
    assert!(
        people.contains("security") && people.contains("anna"),
        "{people}"
    );
    server.stop().await;
}
