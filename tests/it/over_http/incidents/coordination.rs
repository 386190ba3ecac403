//! Roles and approvals of a response over HTTP.

use serde_json::{Value, json};

use crate::over_http::harness::{ADMIN, Answer, BILLING, COMMANDER, RESPONDER, Server, VIEWER};
use crate::over_http::newest::newest_by_people;

/// A second responder, for whom the standard tokens have none.
pub(super) const BEN: &str = "ben-token-0123456789abcdef";
const CLEO: &str = "cleo-token-0123456789abcdef";

pub(super) async fn server() -> Server {
    let tokens = format!(
        "root:admin:{ADMIN},carl:commander:{COMMANDER},anna:responder:{RESPONDER},ben:responder:{BEN},cleo:responder:{CLEO},vera:viewer:{VIEWER},bill:billing:{BILLING}"
    );
    Server::start_for(
        &tokens,
        incident_console::console::ConsoleBuilder::default(),
    )
    .await
}

/// Returns the code of a refusal.
pub(super) fn code(answer: &Answer) -> String {
    answer.json()["code"].as_str().unwrap().to_owned()
}

fn now_held(incident: &Value) -> Vec<String> {
    let roles = incident["roles"].as_array().unwrap().iter();
    let held = roles.filter(|one| one["renounced_at"].is_null());
    held.map(|one| {
        let (role, person) = (&one["role"], &one["person"]);
        format!("{}={}", role.as_str().unwrap(), person.as_str().unwrap())
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_change_hands() {
    let server = server().await;
    let path = server.declare(&json!({})).await;
    let roles = format!("{path}/roles");
    let change = |token: &'static str, body: Value| {
        let (server, roles) = (&server, roles.clone());
        async move { server.post(token, &roles, &body).await }
    };
    let incident = server.get(VIEWER, &path).await.is(200);
    assert_eq!(now_held(&incident), ["incident_commander=carl"]);

    let incident = change(RESPONDER, json!({"action": "assume", "role": "tech_lead"}))
        .await
        .is(200);
    assert_eq!(
        now_held(&incident),
        ["incident_commander=carl", "tech_lead=anna"]
    );
    let entry = newest_by_people(&server, &path).await;
    assert_eq!(entry["kind"], "role_change");
    assert_eq!(entry["message"], "anna assumed the role tech lead");
    assert_eq!(entry["changes"][0]["field"], "roles/tech_lead");
    assert_eq!(entry["changes"][0]["to"], "anna");

    // A handover by the wrong person is refused by name, and audited.
    let wrong =
        json!({"action": "hand_over", "role": "tech_lead", "to": "ben", "note": "mine now"});
    let refused = change(BEN, wrong).await;
    assert_eq!(refused.status, 403);
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("the person who holds a role"), "{detail}");
    let audit = server.pages(ADMIN, "/sys/audit?limit=200").await;
    let denied = audit.iter().find(|one| one["action"] == "override_role");
    assert_eq!(denied.unwrap()["actor"], "ben");

    for (token, body, status, named) in [
        (
            BEN,
            json!({"action": "assume", "role": "tech_lead"}),
            409,
            "role_held",
        ),
        (
            RESPONDER,
            json!({"action": "assume", "role": "tech_lead"}),
            409,
            "role_held_already",
        ),
        (
            RESPONDER,
            json!({"action": "hand_over", "role": "tech_lead", "to": "ben"}),
            422,
            "/note",
        ),
        (
            RESPONDER,
            json!({"action": "hand_over", "role": "tech_lead", "note": "x"}),
            422,
            "/to",
        ),
        (
            RESPONDER,
            json!({"action": "hand_over", "role": "tech_lead", "to": "anna", "note": "x"}),
            422,
            "/to",
        ),
        (
            RESPONDER,
            json!({"action": "assume", "role": "scribe", "to": "ben"}),
            422,
            "/to",
        ),
        (
            RESPONDER,
            json!({"action": "assume", "role": "scribe", "person": "\u{200b}"}),
            422,
            "/person",
        ),
        (
            RESPONDER,
            json!({"action": "take", "role": "scribe"}),
            422,
            "/action",
        ),
        (
            RESPONDER,
            json!({"action": "assume", "role": "boss"}),
            422,
            "/role",
        ),
        (RESPONDER, json!({"action": "assume"}), 422, "/role"),
        (
            RESPONDER,
            json!({"action": "assume", "role": "scribe", "by": "x"}),
            422,
            "/by",
        ),
        (
            COMMANDER,
            json!({"action": "renounce", "role": "incident_commander"}),
            409,
            "commander_needed",
        ),
        (
            BEN,
            json!({"action": "renounce", "role": "scribe"}),
            409,
            "role_not_held",
        ),
    ] {
        let answer = change(token, body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
        let found = match status {
            409 => code(&answer),
            _ => answer.problem(422).unwrap(),
        };
        assert_eq!(found, named, "{body}");
    }

    let over = json!({"action": "hand_over", "role": "incident_commander", "to": "ben", "note": "watch api"});
    let incident = change(COMMANDER, over).await.is(200);
    assert_eq!(
        now_held(&incident),
        ["tech_lead=anna", "incident_commander=ben"]
    );
    let entry = newest_by_people(&server, &path).await;
    assert_eq!(
        entry["message"],
        "carl handed the role incident commander over to ben\nNote: watch api"
    );

    // The roles are open until the end, for the post-mortem; then no longer.
    server
        .update(
            COMMANDER,
            &path,
            &json!({"message": "fixed", "status": "resolved"}),
        )
        .await;
    change(CLEO, json!({"action": "assume", "role": "scribe"}))
        .await
        .is(200);
    server
        .post(
            COMMANDER,
            &format!("{path}/post-mortem"),
            &json!({"url": "https://wiki.example/1"}),
        )
        .await
        .is(200);
    server
        .update(
            COMMANDER,
            &path,
            &json!({"message": "done", "status": "closed"}),
        )
        .await;
    let refused = change(CLEO, json!({"action": "renounce", "role": "scribe"})).await;
    assert_eq!(
        (refused.status, code(&refused).as_str()),
        (409, "incident_ended")
    );
    server.stop().await;
}

/// The field `responder` is the responsible person; an acknowledgement sets it and the role, a
/// change of the field leaves roles alone.
#[tokio::test(flavor = "multi_thread")]
async fn the_responder_and_the_role() {
    let server = server().await;
    let path = server.declare(&json!({})).await;
    server
        .patch(COMMANDER, &path, &json!({"responder": null}))
        .await
        .is(200);
    let incident = server
        .post(RESPONDER, &format!("{path}/acknowledge"), &json!({}))
        .await
        .is(200);
    assert_eq!(incident["responder"], "anna");
    assert_eq!(
        now_held(&incident),
        ["incident_commander=carl", "responder=anna"]
    );
    let incident = server
        .patch(COMMANDER, &path, &json!({"responder": "ben"}))
        .await
        .is(200);
    assert_eq!(incident["responder"], "ben");
    assert_eq!(
        now_held(&incident),
        ["incident_commander=carl", "responder=anna"]
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_risky_action_is_approved_by_the_commander_and_one_more() {
    let server = server().await;
    let path = server.declare(&json!({})).await;
    let approvals = format!("{path}/approvals");
    let text = json!({"text": "roll back release 42"});
    let refused = server.post(COMMANDER, &approvals, &text).await;
    assert_eq!(
        (refused.status, code(&refused).as_str()),
        (409, "requester_is_commander")
    );
    assert_eq!(
        server
            .post(RESPONDER, &approvals, &json!({"text": " "}))
            .await
            .problem(422)
            .as_deref(),
        Some("/text")
    );
    let asked = server.post(RESPONDER, &approvals, &text).await.is(201);
    let one = &asked["approvals"][0];
    assert_eq!(
        (&one["number"], &one["state"], &one["text"]),
        (&json!(1), &json!("requested"), &text["text"])
    );
    assert_eq!(one["requested_by"], "anna");

    let approve = format!("{approvals}/1/approve");
    let refused = server.post(RESPONDER, &approve, &json!({})).await;
    assert_eq!(
        (refused.status, code(&refused).as_str()),
        (409, "requester_cannot_approve")
    );
    let given = server
        .post(BEN, &approve, &json!({"note": "seen"}))
        .await
        .is(200);
    assert_eq!(given["approvals"][0]["state"], "requested");
    let refused = server.post(BEN, &approve, &json!({})).await;
    assert_eq!(
        (refused.status, code(&refused).as_str()),
        (409, "already_approved")
    );
    let refused = server.post(CLEO, &approve, &json!({})).await;
    assert_eq!(
        (refused.status, code(&refused).as_str()),
        (409, "commander_missing")
    );
    let done = server.post(COMMANDER, &approve, &json!({})).await.is(200);
    let one = &done["approvals"][0];
    assert_eq!(one["state"], "approved");
    let given: Vec<(&str, bool)> = one["given"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["by"].as_str().unwrap(),
                one["as_commander"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(given, [("ben", false), ("carl", true)]);
    let entry = newest_by_people(&server, &path).await;
    assert_eq!(entry["kind"], "decision");
    assert_eq!(entry["changes"][0]["field"], "approvals/1");

    // Refused and withdrawn, each with its reason, which stands in the entry alone.
    for (number, step, token) in [(2, "refuse", CLEO), (3, "withdraw", RESPONDER)] {
        server.post(RESPONDER, &approvals, &text).await.is(201);
        let at = format!("{approvals}/{number}/{step}");
        assert_eq!(
            server
                .post(token, &at, &json!({}))
                .await
                .problem(422)
                .as_deref(),
            Some("/reason")
        );
        let ended = server
            .post(token, &at, &json!({"reason": "too late"}))
            .await
            .is(200);
        assert!(!ended["approvals"].to_string().contains("too late"));
        let refused = server
            .post(
                COMMANDER,
                &format!("{approvals}/{number}/approve"),
                &json!({}),
            )
            .await;
        assert_eq!(
            (refused.status, code(&refused).as_str()),
            (409, "approval_decided")
        );
    }
    for unknown in ["0", "4", "x", "-1", "99999999999"] {
        let at = format!("{approvals}/{unknown}/approve");
        server.post(RESPONDER, &at, &json!({})).await.problem(404);
    }
    server.stop().await;
}

/// A secret in a request is erased with its entry, in the list of approvals too.
#[tokio::test(flavor = "multi_thread")]
async fn the_text_of_an_approval_is_erased_with_its_entry() {
    let server = server().await;
    let path = server.declare(&json!({})).await;
    let asked = server
        .post(
            RESPONDER,
            &format!("{path}/approvals"),
            &json!({"text": "use c4n4ry"}),
        )
        .await
        .is(201);
    let seq = &asked["approvals"][0]["seq"];
    server
        .post(
            ADMIN,
            &format!("{path}/updates/{seq}/redact"),
            &json!({"reason": "a secret"}),
        )
        .await
        .is(200);
    for at in [path.clone(), format!("{path}/updates")] {
        let answer = server.get(ADMIN, &at).await;
        assert!(!answer.text.contains("c4n4ry"), "{}", answer.text);
    }
    let incident = server.get(VIEWER, &path).await.is(200);
    assert_eq!(incident["approvals"][0]["text"], Value::Null);
    let verdict = server
        .get(ADMIN, &format!("{path}/timeline/verify"))
        .await
        .is(200);
    assert_eq!(verdict["valid"], true, "{verdict}");
    server.stop().await;
}
