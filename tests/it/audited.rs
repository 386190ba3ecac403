//! Who did what: every write stands in the audit trail.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{ADMIN, COMMANDER, Server};
use crate::roles::{ask, cases};

/// Usage events are data of the platform and no decision of anybody.
const NOT_DECISIONS: [&str; 1] = ["POST /sys/usage-events"];

type Place = (String, u64);

/// Chain and number of what an actor did so far, with its action.
async fn done_by(server: &Server, actor: &str) -> BTreeSet<(Place, String)> {
    let mut found = BTreeSet::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/sys/audit?actor={actor}&limit=200{cursor}");
        let page = server.get(ADMIN, &path).await.is(200);
        for entry in page["items"].as_array().unwrap() {
            assert_eq!(entry["outcome"], "allowed", "{entry}");
            let text = |field: &str| entry[field].as_str().unwrap().to_owned();
            let place = (text("chain"), entry["seq"].as_u64().unwrap());
            found.insert((place, text("action")));
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

/// Every request of the matrix of roles that writes and is answered with success leaves an
/// entry of its caller's, a repeat of an alert included.
#[tokio::test(flavor = "multi_thread")]
async fn every_write_is_an_entry_of_its_callers() {
    let server = Server::start().await;
    let mut before = done_by(&server, "root").await;
    for case in cases() {
        if case.route.starts_with("GET ") || NOT_DECISIONS.contains(&case.route) {
            continue;
        }
        let status = ask(&server, &case, ADMIN).await;
        let after = done_by(&server, "root").await;
        // Two incidents are declared for each request, by somebody else.
        let is_new = after.difference(&before).next().is_some();
        let is_done = (200..300).contains(&status);
        assert_eq!(is_new, is_done, "{} {}: {status}", case.route, case.with);
        before = after;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_of_an_alert_is_one_too() {
    let server = Server::start().await;
    let alert = json!({"title": "CPU", "severity": "SEV3", "alert_key": "cpu"});
    let mut seen = 0;
    for repeat in [false, true, true] {
        let answer = server.post(COMMANDER, "/sys/incidents", &alert).await;
        let told: Value = answer.json();
        assert_eq!(told["deduplicated"] == true, repeat, "{told}");
        let entries = done_by(&server, "carl").await;
        assert_eq!(entries.len(), seen + 1, "{entries:?}");
        assert!(
            entries.iter().all(|(_, action)| action == "declare"),
            "{entries:?}"
        );
        seen = entries.len();
    }
    server.stop().await;
}
