//! Credits: estimated, decided by a person or by policy, and replaced by corrections.

use incident_console::console::ConsoleBuilder;
use incident_console::policy_file::PolicyFile;
use serde_json::{Value, json};

use crate::over_http::harness::{ADMIN, Answer, BILLING, COMMANDER, RESPONDER, Server, VIEWER, at};

/// Declares an outage of an hour that `token` ends.
async fn hour(server: &Server, token: &str, tenants: &Value) -> String {
    let path = server
        .declare(&json!({"mode": "retrospective", "started_at": "2026-11-09T10:00:00Z", "affected_tenants": tenants}))
        .await;
    let over =
        json!({"message": "over", "status": "resolved", "occurred_at": "2026-11-09T11:00:00Z"});
    server.update(token, &path, &over).await;
    path
}

async fn credits(server: &Server, query: &str) -> Vec<Value> {
    let list = server
        .get(VIEWER, &format!("/sys/sla/credits?{query}"))
        .await
        .is(200);
    list["items"].as_array().unwrap().clone()
}

async fn decide(server: &Server, token: &str, credit: &Value, verb: &str, body: Value) -> Answer {
    let path = format!("/sys/sla/credits/{}/{verb}", credit["id"].as_str().unwrap());
    server.post(token, &path, &body).await
}

const FEES: &str = "[tenants.tenant-fr]\nmonthly_fee = { minor = 12345, currency = \"EUR\" }\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_credit_is_approved_once_with_what_the_cap_leaves_and_its_amount() {
    let server = Server::start_under(FEES).await;
    // Six hours each: 25 % and 25 %; the third one has reached the cap.
    for hour in 0..3 {
        let path = server
            .declare(&json!({"mode": "retrospective", "started_at": format!("2026-11-1{hour}T00:00:00Z"), "affected_tenants": ["tenant-fr"]}))
            .await;
        let over = json!({"message": "over", "status": "resolved", "occurred_at": format!("2026-11-1{hour}T06:00:00Z")});
        server.update(COMMANDER, &path, &over).await;
    }
    let rows = credits(&server, "tenant=tenant-fr").await;
    let shown: Vec<&Value> = rows.iter().map(|row| &row["credit_percent"]).collect();
    assert_eq!(shown, ["25", "25", "0"]);
    assert_eq!(
        (&rows[0]["author"], &rows[0]["approved_by"]),
        (&json!("carl"), &Value::Null)
    );
    let approved = decide(&server, BILLING, &rows[1], "approve", json!({}))
        .await
        .is(200);
    assert_eq!(
        (&approved["state"], &approved["approved_by"]),
        (&json!("approved"), &json!("bill"))
    );
    // 25 % of 123.45 is 30.8625, rounded half to even to the cent.
    assert_eq!(
        approved["amount"],
        json!({"minor": 3086, "currency": "EUR"})
    );
    let again = decide(&server, BILLING, &rows[1], "approve", json!({})).await;
    assert_eq!(again.is(409)["code"], "credit_decided");
    let nothing = decide(&server, BILLING, &rows[2], "approve", json!({})).await;
    assert_eq!(nothing.is(409)["code"], "nothing_owed");
    // Waiving the first one makes room for the third.
    decide(&server, BILLING, &rows[0], "waive", json!({}))
        .await
        .problem(422);
    let waived = decide(
        &server,
        BILLING,
        &rows[0],
        "waive",
        json!({"reason": "agreed by mail"}),
    )
    .await
    .is(200);
    assert_eq!(
        (&waived["state"], &waived["credit_percent"]),
        (&json!("waived"), &json!("0"))
    );
    let rows = credits(&server, "tenant=tenant-fr").await;
    let shown: Vec<&Value> = rows.iter().map(|row| &row["credit_percent"]).collect();
    assert_eq!(shown, ["0", "25", "25"]);
    // The audit trail has the person who decided.
    let audit = server
        .get(ADMIN, "/sys/audit?actor=bill&limit=200")
        .await
        .is(200);
    let actions = audit["items"].as_array().unwrap().iter();
    let mut actions: Vec<&str> = actions.filter_map(|one| one["action"].as_str()).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["approve_credit", "waive_credit"]);
    assert!(audit.to_string().contains("agreed by mail"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_takes_an_approval_back_and_keeps_the_old_version() {
    let server = Server::start_under(FEES).await;
    let path = hour(&server, COMMANDER, &json!(["tenant-fr", "tenant-de"])).await;
    let rows = credits(&server, "").await;
    let approved = rows
        .iter()
        .find(|row| row["tenant_id"] == "tenant-fr")
        .unwrap();
    decide(&server, BILLING, approved, "approve", json!({}))
        .await
        .is(200);
    // The outage is corrected to six hours and a single tenant.
    let longer = json!({"started_at": "2026-11-09T05:00:00Z", "affected_tenants": ["tenant-fr"]});
    server.patch(COMMANDER, &path, &longer).await.is(200);
    let rows = credits(&server, "").await;
    let now: Vec<(&Value, &Value, &Value)> = rows
        .iter()
        .filter(|row| row["state"] != "superseded")
        .map(|row| (&row["tenant_id"], &row["credit_percent"], &row["state"]))
        .collect();
    assert_eq!(
        now,
        [(&json!("tenant-fr"), &json!("25"), &json!("estimated"))]
    );
    let old = decide(&server, BILLING, approved, "approve", json!({})).await;
    assert_eq!(old.is(409)["code"], "credit_decided");
    let kept = credits(&server, "state=superseded").await;
    assert!(
        kept.iter().any(|row| row["approved_by"] == "bill"),
        "{kept:?}"
    );
    // While the incident is reopened, nothing can be approved.
    let back = json!({"message": "again", "status": "investigating", "reason": "errors"});
    server.update(COMMANDER, &path, &back).await;
    let newest = credits(&server, "state=estimated").await.remove(0);
    let early = decide(&server, BILLING, &newest, "approve", json!({})).await;
    assert_eq!(early.is(409)["code"], "provisional");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unauthorized_and_invalid_credit_decisions_are_refused() {
    let server = Server::start_under("[credits]\nfour_eyes = true").await;
    hour(&server, ADMIN, &json!(["tenant-fr"])).await;
    let row = credits(&server, "").await.remove(0);
    assert_eq!(row["author"], "root");
    let own = decide(&server, ADMIN, &row, "approve", json!({})).await;
    assert_eq!(own.is(409)["code"], "four_eyes");
    for token in [VIEWER, RESPONDER, COMMANDER] {
        decide(&server, token, &row, "approve", json!({}))
            .await
            .problem(403);
    }
    decide(&server, BILLING, &row, "approve", json!({"percent": "50"}))
        .await
        .problem(422);
    for id in ["nonsense", "01a1fe7e-8565-7544-9512-dcd142c5f862"] {
        let unknown = json!({"id": id});
        decide(&server, BILLING, &unknown, "approve", json!({}))
            .await
            .problem(404);
    }
    server
        .get(VIEWER, "/sys/sla/credits?state=paid")
        .await
        .problem(422);
    // A repeated request with the same key gets the same response.
    let path = format!("/sys/sla/credits/{}/approve", row["id"].as_str().unwrap());
    let send = async || {
        let headers = [("idempotency-key", "one")];
        let body = Some(b"{}".to_vec());
        server
            .send(reqwest::Method::POST, BILLING, &path, &headers, body)
            .await
    };
    let (first, second) = (send().await, send().await);
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    assert_eq!(first.is(200), second.is(200));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credits_within_the_policy_are_approved_automatically() {
    let server = Server::start_under("[credits]\napprove_up_to_percent = \"10\"").await;
    hour(&server, COMMANDER, &json!(["tenant-fr"])).await;
    let path = hour(&server, COMMANDER, &json!(["tenant-de"])).await;
    let longer = json!({"started_at": "2026-11-09T01:00:00Z"});
    server.patch(COMMANDER, &path, &longer).await.is(200);
    assert_eq!(
        server.incidents().worker().approve_credits().await.unwrap(),
        1
    );
    assert_eq!(
        server.incidents().worker().approve_credits().await.unwrap(),
        0
    );
    let approved = credits(&server, "state=approved").await;
    let shown: Vec<_> = approved
        .iter()
        .map(|row| (&row["tenant_id"], &row["approved_by"]))
        .collect();
    assert_eq!(shown, [(&json!("tenant-fr"), &json!("policy"))]);
    // 25 % needs a person's approval.
    assert_eq!(credits(&server, "state=estimated").await.len(), 1);
    server.stop().await;
}

/// S8: a person who declared, ended or corrected the inputs of a credit must not approve it,
/// however many others corrected them afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_approves_a_figure_that_they_influenced() {
    /// The change by one admin before another one resolves or corrects the outage.
    const SHAPED: [(&str, &str); 3] = [
        ("by ending it", "{}"),
        ("by its start", r#"{"started_at": "2026-11-09T09:00:00Z"}"#),
        (
            "by its tenants",
            r#"{"affected_tenants": ["tenant-de", "tenant-fr"]}"#,
        ),
    ];
    for (how, patch) in SHAPED {
        let tokens = "root:admin:admin-token-0123456789,second:admin:second-token-0123456789,third:admin:third-token-0123456789,\
            carl:commander:commander-token-0123456789,vera:viewer:viewer-token-0123456789";
        let parts = ConsoleBuilder {
            policy: PolicyFile::parse("[credits]\nfour_eyes = true").unwrap(),
            ..ConsoleBuilder::default()
        };
        let server = Server::start_for(tokens, parts).await;
        let (second, third) = ("second-token-0123456789", "third-token-0123456789");
        let path = server
            .declare(&json!({"mode": "retrospective", "started_at": "2026-11-09T10:00:00Z", "affected_tenants": ["tenant-fr"]}))
            .await;
        let over =
            json!({"message": "over", "status": "resolved", "occurred_at": "2026-11-09T11:00:00Z"});
        let patch: Value = serde_json::from_str(patch).unwrap();
        if patch == json!({}) {
            server.update(ADMIN, &path, &over).await;
        } else {
            server.patch(ADMIN, &path, &patch).await.is(200);
            server.update(COMMANDER, &path, &over).await;
        }
        let window = json!({"impact_ended_at": "2026-11-09T12:00:00Z"});
        server.patch(second, &path, &window).await.is(200);
        // Changes that do not affect the figure exclude no one.
        let words = json!({"summary": "it was the disk", "severity": "SEV1"});
        server.patch(third, &path, &words).await.is(200);
        let note = json!({"message": "seen", "kind": "action"});
        server.update(third, &path, &note).await;
        let rows = credits(&server, "state=estimated").await;
        let row = rows
            .iter()
            .find(|row| row["tenant_id"] == "tenant-fr")
            .unwrap();
        for token in [ADMIN, second] {
            let refused = decide(&server, token, row, "approve", json!({})).await;
            assert_eq!(refused.is(409)["code"], "four_eyes", "{how}");
        }
        decide(&server, third, row, "approve", json!({}))
            .await
            .is(200);
        server.stop().await;
    }
}

/// S8: the same holds for the credit of a whole month: a person who shaped one of its incidents
/// must not approve it, even if another incident led to the figure.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_approves_a_month_with_an_incident_that_they_changed() {
    let policy = r#"
        [credits]
        four_eyes = true
        [contracts.monthly]
        terms = [{ target_percent = "99.9", version = "monthly-1", basis = "per_month", tiers = [
            { from_minutes = 0, credit_percent = "0" }, { from_minutes = 45, credit_percent = "10" }] }]
        [tenants.tenant-fr]
        contract = "monthly"
    "#;
    let server = Server::start_under(policy).await;
    hour(&server, ADMIN, &json!(["tenant-fr"])).await;
    hour(&server, COMMANDER, &json!(["tenant-fr"])).await;
    // The month is over, and its credit was computed from both incidents.
    server.clock.set(at("2026-12-02T00:00:00Z"));
    let row = &of_month(&server, 2).await;
    let refused = decide(&server, ADMIN, row, "approve", json!({})).await;
    assert_eq!(refused.is(409)["code"], "four_eyes");
    decide(&server, BILLING, row, "approve", json!({}))
        .await
        .is(200);
    server.stop().await;
}

/// Returns the credit of a month as a whole, once it is computed from the given number of
/// incidents.
async fn of_month(server: &Server, incidents: usize) -> Value {
    for _ in 0..500 {
        server.incidents().worker().drain().await.unwrap();
        // An ongoing incident counts in its month: the row has the final end only when no
        // computation is left.
        let left = server
            .incidents()
            .worker()
            .measure()
            .await
            .unwrap()
            .unfinished;
        let rows = credits(server, "state=estimated").await;
        let inputs = |row: &Value| row["inputs"].as_array().map_or(0, Vec::len);
        let mut found = rows.into_iter().filter(|row| row["incident_id"].is_null());
        if let Some(row) = found.find(|row| left == 0 && inputs(row) == incidents) {
            return row;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the month was not computed in time");
}

/// The inputs of a credit are the windows of the incident, restricted to the tenant's own part.
#[tokio::test(flavor = "multi_thread")]
async fn inputs_of_a_credit_show_only_the_tenants_own_part() {
    let server = Server::start_under(FEES).await;
    let open = json!({"severity": "SEV2", "affected_tenants": ["de"]});
    let open = server.declare(&open).await;
    let change = json!({"affected_tenants": ["de", "fr"]});
    server.patch(COMMANDER, &open, &change).await.is(200);
    assert!(credits(&server, "").await.is_empty(), "it goes on");
    let tenant = |name: &str, from: Option<&str>, until: Option<&str>| json!({"tenant_id": name, "from": from, "until": until});
    let (one, three) = ("2026-11-10T01:00:00Z", "2026-11-10T03:00:00Z");
    let parts = json!([
        tenant("a", None, None),
        tenant("b", Some(one), None),
        tenant("c", None, Some(three)),
        tenant("d", Some(one), Some(three)),
    ]);
    let path = server
        .declare(&json!({"mode": "retrospective", "started_at": "2026-11-10T00:00:00Z", "affected_tenants": parts}))
        .await;
    let over =
        json!({"message": "over", "status": "resolved", "occurred_at": "2026-11-10T06:00:00Z"});
    server.update(COMMANDER, &path, &over).await;
    let rows = credits(&server, "").await;
    let from: Vec<String> = rows
        .iter()
        .map(|row| {
            let inputs = row["inputs"].as_array().unwrap();
            let windows = inputs
                .iter()
                .flat_map(|one| one["windows"].as_array().unwrap());
            let shown = windows.map(|one| format!("{} {}", one["start"], one["end"]));
            let shown: Vec<String> = shown.collect();
            format!("{}: {}", row["tenant_id"], shown.join(", ")).replace('"', "")
        })
        .collect();
    let expected = [
        "a: 2026-11-10T00:00:00Z 2026-11-10T06:00:00Z",
        "b: 2026-11-10T01:00:00Z 2026-11-10T06:00:00Z",
        "c: 2026-11-10T00:00:00Z 2026-11-10T03:00:00Z",
        "d: 2026-11-10T01:00:00Z 2026-11-10T03:00:00Z",
    ];
    assert_eq!(from, expected);
    server.stop().await;
}
