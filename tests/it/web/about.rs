//! The page about the console.

use super::{must_not_be_english, page, page_in};
use crate::over_http::harness::{Server, VIEWER};
use crate::over_http::troubled::AWAY;

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_in_force_is_that_of_the_host() {
    let policy = "[severities.sev1]\nupdate_every_minutes = 7\nresolve_within = { minutes = 150 }\n[severities.sev3]\nresolve_within = { minutes = 1440, calendar = \"office\" }\n[team]\ntimezone = \"Europe/Paris\"\n[deadlines]\nat_risk_percent = 80\n[calendars.office]\ntimezone = \"Europe/Paris\"\nhours = { monday = [\"09:00-18:00\"], tuesday = [\"09:00-18:00\"], friday = [\"09:00-18:00\"] }\n[[overrides]]\nservice = \"api\"\n[overrides.sev2]\nacknowledge_within = { minutes = 3 }\n[[rules]]\nname = \"watch\"\nenabled = false\n[sla]\ntarget_percent = \"99.95\"\nversion = \"std-9\"\ntiers = [{ from_minutes = 0, credit_percent = \"0\" }, { from_minutes = 45, credit_percent = \"12.5\" }]\n[credits]\nfour_eyes = true\napprove_up_to_percent = \"5\"\n[classification]\nmost_users_percent = \"62.5\"\nmajor_revenue_per_hour = { minor = 150000, currency = \"XAF\" }\n";
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
    // A row per promise and a column per severity.
    let (_, table) = text
        .split_once("aria-labelledby=\"policy\"><table")
        .unwrap();
    let table = table.split("</table>").next().unwrap();
    assert_eq!(table.matches("<th scope=\"row\">").count(), 13);
    let row_of = |table: &str, name: &str| -> Vec<String> {
        let (_, row) = table.split_once(&format!("{name}</th>")).unwrap();
        let cells = row.split("</tr>").next().unwrap().split("\">").skip(1);
        let cell = |cell: &str| cell.split('<').next().unwrap().replace('\u{a0}', " ");
        cells.map(cell).collect()
    };
    let row = |name| row_of(table, name);
    assert_eq!(
        row("Acknowledged within"),
        ["5 min", "15 min", "1 h", "no promise"]
    );
    assert_eq!(row("Accepted within"), ["1 min", "1 min", "15 min", "1 h"]);
    assert_eq!(
        row("Post-mortem within"),
        ["7 days", "7 days", "no promise", "no promise"]
    );
    assert_eq!(
        row("Resolved within"),
        [
            "2 h 30 min",
            "4 h",
            "24 h of business hours (office)",
            "no promise"
        ]
    );
    let (_, thresholds) = text.split_once("id=\"thresholds\"").unwrap();
    let thresholds = thresholds.split("</table>").next().unwrap();
    assert_eq!(
        row_of(thresholds, "Share of users hit"),
        ["more than 62.5%", "20% or more", "less than 20%", "none"]
    );
    assert_eq!(
        row_of(thresholds, "Revenue blocked per hour"),
        [
            "more than XAF 1,000,000",
            "XAF 150,000 or more",
            "none",
            "none"
        ]
    );
    for expected in [
        "A deadline is at risk after 80% of the time until it. Days are counted in Europe/Paris.",
        "For one service or tenant other promises hold",
        "<div>at the deadline: <bdi>backup</bdi></div><div>10\u{a0}min after the deadline: <bdi>lead</bdi></div>",
        "revenue is lost, at least XAF\u{a0}1,000,000 an hour",
        "again every 24\u{a0}h, 7 times",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let (_, rules) = text.split_once("id=\"rules\"").unwrap();
    let rules = rules.split("</table>").next().unwrap();
    assert_eq!(rules.matches("<th scope=\"row\"").count(), 14);
    assert!(!rules.contains(">watch<"));
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
            "Escalation rules",
            "at the deadline",
            "it is declared",
            "Acknowledged within",
            "Thresholds",
            "more than",
            "or more",
        ] {
            assert!(!shown.text.contains(word), "{word}: {}", shown.text);
        }
    }
    server.stop().await;
}
