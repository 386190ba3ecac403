//! The page of the audit trail.

use reqwest::Method;
use serde_json::json;

use super::{must_not_be_english, page, page_in};
use crate::over_http::harness::{Answer, COMMANDER, RESPONDER, Server, VIEWER};

/// Returns the numbers of the entries of a page, in its order, each with its action.
fn listed(answer: &Answer) -> Vec<&str> {
    let rows = answer
        .text
        .split("<span class=\"mono small muted\">")
        .skip(1);
    rows.map(|row| row.split('<').next().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_is_filtered_and_read_page_by_page_newest_first() {
    let server = Server::start().await;
    let first = server.declare(&json!({})).await;
    for n in 0..60 {
        server.clock.advance(std::time::Duration::from_secs(60));
        let update = json!({"message": format!("no {n}")});
        server.update(RESPONDER, &first, &update).await;
    }
    // Refused and recorded.
    server
        .patch(VIEWER, &first, &json!({"title": "x"}))
        .await
        .problem(403);
    let shown = page(&server, COMMANDER, "/audit").await;
    assert_eq!(
        (shown.status, listed(&shown).len()),
        (200, 50),
        "{}",
        shown.text
    );
    assert_eq!(listed(&shown)[0], "change");
    assert!(shown.text.contains("<span class=\"loud\">denied</span>"));
    let (_, rest) = shown.text.split_once("rel=\"next\" href=\"").unwrap();
    let next = rest.split('"').next().unwrap().replace("&amp;", "&");
    let second = page(&server, COMMANDER, &next).await;
    // The declaration, its page, 60 updates and a refusal; and the rules that fired.
    let rest = listed(&second);
    let by_people = rest.iter().filter(|name| **name != "fire_rule").count();
    assert_eq!(by_people + 50, 63, "{rest:?}");
    assert_eq!(rest.iter().filter(|name| **name == "declare").count(), 1);
    let id = first.rsplit('/').next().unwrap();
    for (query, expected) in [
        ("action=change", 1),
        ("outcome=denied", 1),
        ("outcome=denied&actor=anna", 0),
        ("actor=carl", 1),
        ("action=declare", 1),
        (&format!("incident={id}&action=declare"), 1),
        (
            &format!("incident=http%3A%2F%2Fx%2Fincidents%2F{id}&action=declare"),
            1,
        ),
        ("incident=0190a000-0000-7000-8000-000000000000", 0),
        ("to=2026-11-19", 0),
        ("from=2026-11-22", 0),
        ("from=2026-11-20&to=2026-11-21&action=declare", 1),
    ] {
        let shown = page(&server, COMMANDER, &format!("/audit?{query}")).await;
        assert_eq!(
            (shown.status, listed(&shown).len()),
            (200, expected),
            "{query}"
        );
        assert_eq!(
            shown.text.contains("No entry matches"),
            expected == 0,
            "{query}"
        );
    }
    for (query, field) in [
        ("incident=zz", "incident"),
        ("actor=%00", "actor"),
        ("action=A%20B", "action"),
        ("outcome=maybe", "outcome"),
        ("from=x", "from"),
        ("from=2026-11-02&to=2026-11-01", "to"),
    ] {
        let shown = page(&server, COMMANDER, &format!("/audit?{query}")).await;
        assert_eq!(shown.status, 422, "{query}: {}", shown.text);
        assert!(
            shown.text.contains(&format!("id=\"{field}-error\"")),
            "{query}"
        );
    }
    assert_eq!(
        page(&server, COMMANDER, "/audit?cursor=x").await.status,
        422
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chains_are_verified_on_request_and_told_in_words() {
    let server = Server::start().await;
    server.declare(&json!({})).await;
    let shown = page(&server, COMMANDER, "/audit?action=declare").await;
    assert!(
        shown
            .text
            .contains("href=\"/audit?action=declare&amp;verify=yes#chains\""),
        "{}",
        shown.text
    );
    assert!(!shown.text.contains("All chains are"));
    let verified = page(&server, COMMANDER, "/audit?verify=yes").await;
    assert!(verified.text.contains("All chains are as they were sealed"));
    let answer = server
        .send(Method::GET, COMMANDER, "/sys/audit/verify", &[], None)
        .await
        .is(200);
    let numbers = format!(
        "{} entries in {} chains",
        answer["entries"], answer["chains"]
    );
    assert!(
        verified.text.contains(&numbers),
        "{numbers}: {}",
        verified.text
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_is_for_those_who_may_read_it_and_in_their_language() {
    let server = Server::start().await;
    server.declare(&json!({})).await;
    for token in [VIEWER, RESPONDER] {
        assert_eq!(page(&server, token, "/audit").await.status, 403);
        let active = page(&server, token, "/").await;
        assert!(!active.text.contains("href=\"/audit\""));
    }
    for (language, title, declared) in [
        ("fr", "Journal d’audit", "Déclarer un incident"),
        ("de", "Protokoll", "Einen Vorfall melden"),
    ] {
        let shown = page_in(&server, COMMANDER, "/audit?verify=yes", language).await;
        assert!(shown.text.contains(&format!("<h1>{title}</h1>")));
        assert!(shown.text.contains(declared));
        must_not_be_english(&shown);
        for word in ["Verify", "Actor", "Outcome", "sealed", "Seal:", "person<"] {
            let is_german_too = language == "de" && word == "person<";
            assert!(
                is_german_too || !shown.text.contains(word),
                "{word}: {}",
                shown.text
            );
        }
    }
    server.stop().await;
}

/// Incidents are named by their numbers, and a day that is none is not given back to a field that
/// cannot show it.
#[tokio::test(flavor = "multi_thread")]
async fn incidents_have_their_numbers_and_days_are_days() {
    let server = Server::start().await;
    let path = server.declare(&json!({})).await;
    let id = path.rsplit('/').next().unwrap();
    let shown = page(&server, COMMANDER, "/audit").await;
    let link = format!("href=\"/incidents/{id}\">#1</a>");
    assert!(shown.text.contains(&link), "{}", shown.text);
    let refused = page(&server, COMMANDER, "/audit?from=2026-11-31").await;
    assert_eq!(refused.status, 422);
    assert!(
        !refused.text.contains("value=\"2026-11-31\""),
        "{}",
        refused.text
    );
    let kept = page(&server, COMMANDER, "/audit?from=2026-11-30&to=x").await;
    assert!(kept.text.contains("value=\"2026-11-30\""), "{}", kept.text);
    server.stop().await;
}
