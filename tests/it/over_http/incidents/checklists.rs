//! Checklists of a response over HTTP, and the warnings that go with them.

use serde_json::{Value, json};

use super::coordination::{BEN, code, server};
use crate::over_http::harness::{COMMANDER, RESPONDER, Server, VIEWER};
use crate::over_http::newest::newest_by_people;

fn progress(lists: &Value) -> Vec<String> {
    let lists = lists["checklists"].as_array().unwrap().iter();
    lists
        .map(|one| {
            format!(
                "{} {}/{}",
                one["name"].as_str().unwrap(),
                one["done"],
                one["total"]
            )
        })
        .collect()
}

fn warned(incident: &Value) -> Vec<&str> {
    let warnings = incident["warnings"].as_array().unwrap().iter();
    warnings.map(|one| one["code"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn checklists_are_ticked_and_start_anew_after_a_reopen() {
    let server = server().await;
    let path = server.declare(&json!({"severity": "SEV1"})).await;
    let lists = format!("{path}/checklists");
    let found = server.get(VIEWER, &lists).await.is(200);
    assert_eq!(
        progress(&found),
        [
            "triage 0/6",
            "quick_checks 0/7",
            "war_room 0/7",
            "verify 0/6"
        ]
    );

    let tick = |token: &'static str, item: &'static str, body: Value| {
        let (server, at) = (&server, format!("{lists}/{item}"));
        async move { server.post(token, &at, &body).await }
    };
    tick(
        RESPONDER,
        "triage/scope_known",
        json!({"note": "two regions"}),
    )
    .await
    .is(200);
    let entry = newest_by_people(&server, &path).await;
    assert_eq!(entry["kind"], "checklist");
    assert_eq!(
        entry["message"],
        "ticked triage/scope_known: Scope, users and business impact are known\nNote: two regions"
    );
    // The first one is recorded; a second tick changes nothing.
    let before = server.get(VIEWER, &path).await.is(200)["version"].clone();
    let after = tick(BEN, "triage/scope_known", json!({})).await.is(200);
    assert_eq!(after["version"], before);
    let refused = tick(BEN, "triage/scope_known", json!({"note": "me too"})).await;
    assert_eq!(
        (refused.status, code(&refused).as_str()),
        (409, "already_ticked")
    );
    let found = server.get(VIEWER, &lists).await.is(200);
    let item = &found["checklists"][0]["items"][1];
    assert_eq!(
        (&item["id"], &item["ticked_by"]),
        (&json!("scope_known"), &json!("anna"))
    );
    assert_eq!(item["seq"], entry["seq"]);

    for unknown in [
        "nothing/scope_known",
        "triage/nothing",
        "Triage/x",
        "triage/%20",
    ] {
        tick(RESPONDER, unknown, json!({})).await.problem(404);
    }
    let refused = tick(RESPONDER, "watch/no_spike", json!({})).await;
    assert_eq!(
        (refused.status, code(&refused).as_str()),
        (409, "checklist_not_open")
    );
    assert_eq!(
        tick(RESPONDER, "triage/severity_set", json!({"note": " "}))
            .await
            .problem(422)
            .as_deref(),
        Some("/note")
    );

    // A mistake is corrected by an entry, which opens the item again.
    let seq = &entry["seq"];
    server
        .update(
            BEN,
            &path,
            &json!({"message": "a third region", "kind": "correction", "corrects": seq}),
        )
        .await;
    let found = server.get(VIEWER, &lists).await.is(200);
    assert_eq!(progress(&found)[0], "triage 0/6");
    tick(BEN, "triage/scope_known", json!({})).await.is(200);

    tick(BEN, "verify/error_rate", json!({})).await.is(200);
    server
        .update(
            BEN,
            &path,
            &json!({"message": "fixed", "status": "resolved"}),
        )
        .await;
    let found = server.get(VIEWER, &lists).await.is(200);
    assert_eq!(progress(&found), ["verify 1/6", "watch 0/3"]);
    let incident = server.get(VIEWER, &path).await.is(200);
    assert_eq!(
        warned(&incident),
        ["verify_incomplete", "no_cause", "no_post_mortem"]
    );
    let text = incident["warnings"][0]["text"].as_str().unwrap();
    assert!(text.contains("1 of 6"), "{text}");
    tick(BEN, "watch/no_spike", json!({})).await.is(200);

    server
        .update(
            COMMANDER,
            &path,
            &json!({"message": "again", "status": "investigating", "reason": "it is back"}),
        )
        .await;
    let found = server.get(VIEWER, &lists).await.is(200);
    assert_eq!(
        progress(&found),
        [
            "triage 1/6",
            "quick_checks 0/7",
            "war_room 0/7",
            "verify 0/6"
        ]
    );
    let incident = server
        .patch(COMMANDER, &path, &json!({"severity": "SEV3"}))
        .await
        .is(200);
    assert_eq!(warned(&incident), Vec::<&str>::new());
    let found = server.get(VIEWER, &lists).await.is(200);
    assert_eq!(
        progress(&found),
        ["triage 1/6", "quick_checks 0/7", "verify 0/6"]
    );
    server.stop().await;
}

/// Two people tick an item at the same time: the first is recorded, and both get 200.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_ticks_at_the_same_time_the_first_is_recorded() {
    let server = server().await;
    let path = server.declare(&json!({})).await;
    let at = format!("{path}/checklists/triage/severity_set");
    let body = json!({});
    let (first, second) = tokio::join!(
        server.post(RESPONDER, &at, &body),
        server.post(BEN, &at, &body)
    );
    let (first, second) = (first.is(200), second.is(200));
    assert_eq!(first["version"], second["version"]);
    let entries = server
        .pages(VIEWER, &format!("{path}/updates?limit=200"))
        .await;
    let ticks = entries.iter().filter(|one| one["kind"] == "checklist");
    assert_eq!(ticks.count(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_replaces_and_adds_lists() {
    let policy = r#"
        [checklists.triage]
        items = [{ id = "real", text = "Is it real?" }]
        [checklists.war_room]
        items = []
        [checklists.dunning]
        applies = "live"
        severities = ["SEV1"]
        items = [{ id = "paused", text = "Dunning is paused" }]
    "#;
    let server = Server::start_under(policy).await;
    let path = server.declare(&json!({"severity": "SEV1"})).await;
    let found = server
        .get(VIEWER, &format!("{path}/checklists"))
        .await
        .is(200);
    assert_eq!(
        progress(&found),
        [
            "triage 0/1",
            "quick_checks 0/7",
            "verify 0/6",
            "dunning 0/1"
        ]
    );
    server
        .post(
            RESPONDER,
            &format!("{path}/checklists/dunning/paused"),
            &json!({}),
        )
        .await
        .is(200);
    let entry = newest_by_people(&server, &path).await;
    assert_eq!(entry["message"], "ticked dunning/paused: Dunning is paused");
    server.stop().await;
}

/// An update that is due by the policy is warned of from then on; a command is answered as it was.
#[tokio::test(flavor = "multi_thread")]
async fn an_overdue_update_is_warned_of() {
    let server = server().await;
    let path = server.declare(&json!({})).await;
    let incident = server.get(VIEWER, &path).await.is(200);
    assert_eq!(warned(&incident), Vec::<&str>::new());
    server
        .clock
        .advance(std::time::Duration::from_secs(16 * 60));
    let incident = server.get(VIEWER, &path).await.is(200);
    assert_eq!(warned(&incident), ["update_overdue"]);
    server
        .update(RESPONDER, &path, &json!({"message": "on it"}))
        .await;
    let incident = server.get(VIEWER, &path).await.is(200);
    assert_eq!(warned(&incident), Vec::<&str>::new());
    server.stop().await;
}
