//! The command `explain` on a database that a server has worked on.

use std::time::Duration;

use incident_test_postgres::{Cluster, Database, Safety};
use serde_json::{Value, json};

use crate::stops::started;
use crate::{command, stop};

const TOKEN: &str = "token-0123456789-token";

fn explain(url: &str, incident: &str) -> (bool, String) {
    let mut console = command();
    let console = console.args(["explain", incident]);
    let output = console.env("DATABASE_URL", url).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

/// Returns a text without its times.
fn timeless(text: &str) -> String {
    let is_time = |word: &str| {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        (word.len() == 10 && digits == 8) || (word.len() == 5 && digits == 4)
    };
    let line = |line: &str| {
        let words = line.split(' ').map(|word| {
            let bare = word.trim_end_matches([',', ';', ':']);
            if is_time(bare) {
                word.replace(bare, "-")
            } else {
                word.to_owned()
            }
        });
        words.collect::<Vec<_>>().join(" ")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_is_explained_rule_by_rule() {
    let cluster = Cluster::start(Safety::Durable).unwrap();
    let database = Database::create(&cluster, None).await.unwrap();
    let url = cluster.url(database.name());
    let mut migrate = command();
    let migrated = migrate.arg("migrate").env("DATABASE_URL", &url).status();
    assert!(migrated.unwrap().success());
    let (child, address) = started(command().env("DATABASE_URL", &url));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let body = json!({"title": "API\u{202e} down", "severity": "SEV2"});
    let declare = client.post(format!("http://{address}/sys/incidents"));
    let declared = declare.bearer_auth(TOKEN).json(&body).send().await.unwrap();
    assert_eq!(declared.status(), 201);
    let incident: Value = declared.json().await.unwrap();
    let id = incident["id"].as_str().unwrap();
    // The notices of the declaration are sent within seconds.
    let mut said = String::new();
    for _ in 0..100 {
        said = explain(&url, "#1").1;
        if said.matches("by log: sent").count() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for same in ["1", id] {
        let (well, text) = explain(&url, same);
        assert!(well, "{text}");
        assert_eq!(timeless(&text), timeless(&said));
    }
    println!("{said}");
    for expected in [
        "#1 SEV2 API",
        "policy in force since ",
        "unacknowledged: running since ",
        "sev2-declared, level 1: due ",
        "; notifies lead, on-call",
        "sev1-declared: does not fire: it is for other severities",
        "sev2-declared: does not fire: all its levels have fired",
        "data-loss: does not fire: its condition does not hold, or no longer",
        "unacknowledged: level 1 fires at ",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert!(!said.contains('\u{202e}'), "a title reorders the line");
    stop(child);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_that_is_not_there_is_named() {
    let cluster = Cluster::start(Safety::Durable).unwrap();
    let database = Database::create(&cluster, None).await.unwrap();
    let url = cluster.url(database.name());
    let (well, said) = explain(&url, "1");
    assert!(!well && said.contains("incident-console migrate"), "{said}");
    let mut migrate = command();
    let migrated = migrate.arg("migrate").env("DATABASE_URL", &url).status();
    assert!(migrated.unwrap().success());
    for (incident, expected) in [
        ("41", "there is no incident 41"),
        ("#41", "there is no incident 41"),
        (
            "0190a000-0000-7000-8000-000000000000",
            "there is no incident 0190a000",
        ),
        ("forty-one", "expected the number or the id of an incident"),
        ("", "expected the number or the id of an incident"),
    ] {
        let (well, said) = explain(&url, incident);
        assert!(!well && said.contains(expected), "{incident}: {said}");
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    }
}
