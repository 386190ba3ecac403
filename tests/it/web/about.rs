//! The page about the console.

use super::{must_not_be_english, page, page_in};
use crate::over_http::harness::{Server, VIEWER};
use crate::over_http::troubled::AWAY;

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_in_force_is_that_of_the_host() {
    let policy = "[severities.sev1]\nupdate_every_minutes = 7\n[sla]\ntarget_percent = \"99.95\"\nversion = \"std-9\"\ntiers = [{ from_minutes = 0, credit_percent = \"0\" }, { from_minutes = 45, credit_percent = \"12.5\" }]\n[credits]\nfour_eyes = true\napprove_up_to_percent = \"5\"\n";
    let server = Server::start_under(policy).await;
    let shown = page(&server, VIEWER, "/about").await;
    assert_eq!(shown.status, 200);
    let text = &shown.text;
    for expected in [
        env!("CARGO_PKG_VERSION"),
        "ready: the store answers and takes writes",
        ">7\u{a0}min</td>",
        "std-9",
        "99.95%",
        "45\u{a0}min of outage",
        "12.5%",
        "Credits up to 5% are approved without a person",
        "Four eyes",
        "tz database 20",
        "href=\"/openapi.json\"",
        "href=\"/docs\"",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    // A row per action and a column per role.
    let (_, table) = text.split_once("id=\"permissions\"").unwrap();
    let rows = table.matches("<th scope=\"row\">").count();
    assert_eq!(rows, incident_core::actor::Action::ALL.len());
    let (_, row) = table.split_once("decide_credit</span></th>").unwrap();
    let row = row.split("</tr>").next().unwrap();
    let may: Vec<bool> = row
        .split("<td>")
        .skip(1)
        .map(|cell| cell.contains('✓'))
        .collect();
    // Viewer, responder, commander, billing, admin.
    assert_eq!(may, [false, false, false, true, true]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_is_a_finding() {
    let (server, troubled) = Server::troubled().await;
    troubled.is_in(AWAY);
    let shown = page(&server, VIEWER, "/about").await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    assert!(shown.text.contains("not ready"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_in_the_language_of_the_reader() {
    let server = Server::start().await;
    for (language, title) in [
        ("fr", "À propos de cette console"),
        ("de", "Über diese Konsole"),
    ] {
        let shown = page_in(&server, VIEWER, "/about", language).await;
        assert!(shown.text.contains(&format!("<h1>{title}</h1>")));
        must_not_be_english(&shown);
        for word in [
            "Readiness",
            "Urgency",
            "Permissions",
            "of outage",
            "Target<",
            "Approval",
        ] {
            assert!(!shown.text.contains(word), "{word}: {}", shown.text);
        }
    }
    server.stop().await;
}
