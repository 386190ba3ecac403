//! Statements over HTTP: the credit of each tenant for a month, with its derivation.

use serde_json::{Value, json};

use crate::over_http::harness::{BILLING, COMMANDER, Server, VIEWER};

const POLICY: &str = r#"
[contracts.gold]
terms = [{ target_percent = "99.95", version = "gold-1", basis = "per_month", timezone = "Europe/Paris", partial_weight_percent = "30",
           exclusions = [{ start = "2026-11-10T02:00:00Z", end = "2026-11-10T03:00:00Z", reason = "upgrade" }],
           tiers = [{ from_minutes = 0, credit_percent = "0" }, { from_minutes = 60, credit_percent = "15" }] }]
[contracts.quarterly]
terms = [{ target_percent = "99.9", version = "quarterly-1", basis = "per_quarter", availability_tiers = [{ below_percent = "99.9", credit_percent = "10" }] }]
[tenants.tenant-fr]
contract = "gold"
monthly_fee = { minor = 100000, currency = "EUR" }
[tenants.tenant-de]
contract = "quarterly"
monthly_fee = { minor = 1000, currency = "EUR" }
"#;

/// Declares an outage that is over.
async fn outage(server: &Server, start: &str, end: &str, more: Value) -> String {
    let mut body = json!({"mode": "retrospective", "started_at": start});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let path = server.declare(&body).await;
    let over = json!({"message": "over", "status": "resolved", "occurred_at": end});
    server.update(COMMANDER, &path, &over).await;
    path
}

async fn statements(server: &Server, query: &str) -> Vec<Value> {
    let answer = server
        .get(BILLING, &format!("/sys/sla/statements?{query}"))
        .await;
    answer.is(200)["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_outage_posted_twice_is_owed_once_and_says_why() {
    let server = Server::start_under(POLICY).await;
    let both = json!({"affected_tenants": ["tenant-fr", "tenant-de", "other"]});
    for _ in 0..2 {
        outage(
            &server,
            "2026-11-09T10:00:00Z",
            "2026-11-09T10:50:00Z",
            both.clone(),
        )
        .await;
    }
    let fr = json!({"affected_tenants": ["tenant-fr"]});
    outage(&server, "2026-11-10T01:45:00Z", "2026-11-10T02:30:00Z", fr).await;
    let all = statements(&server, "month=2026-11").await;
    let names: Vec<&str> = all
        .iter()
        .map(|one| one["tenant_id"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["other", "tenant-de", "tenant-fr"]);
    // Per incident, each post is credited by itself, up to the cap of the month.
    let other = &all[0];
    assert_eq!(
        (&other["basis"], &other["credit_percent"]),
        (&json!("per_incident"), &json!("20"))
    );
    assert_eq!(other["outage_ms"], 50 * 60_000);
    // Per month, it is one outage, in the zone of the contract, less maintenance.
    let gold = &all[2];
    assert_eq!(gold["outage_ms"], 65 * 60_000);
    assert_eq!(gold["excluded_ms"], 30 * 60_000);
    assert_eq!(
        (&gold["credit_percent"], &gold["target_breached"]),
        (&json!("15"), &json!(true))
    );
    assert_eq!(gold["amount"], json!({"minor": 15_000, "currency": "EUR"}));
    assert_eq!(gold["timezone"], "Europe/Paris");
    assert_eq!(gold["provisional"], true, "November goes on");
    assert_eq!(gold["incidents"].as_array().unwrap().len(), 3);
    let why = gold["derivation"].to_string();
    for step in [
        "50 min that overlap = 1 h 35 min",
        "minus 30 min in maintenance",
        "60 min or more: 15 %",
        "provisional",
    ] {
        assert!(why.contains(step), "{step}: {why}");
    }
    // Per quarter, the statement is that of the quarter.
    let quarter = &all[1];
    assert_eq!(
        (&quarter["period"], &quarter["credit_percent"]),
        (&json!("2026-Q4"), &json!("0"))
    );
    assert_eq!(
        statements(&server, "month=2026-10&tenant=tenant-de").await,
        std::slice::from_ref(quarter)
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_changes_the_statement_and_what_does_not_count_is_not_there() {
    let server = Server::start_under(POLICY).await;
    let fr = json!({"affected_tenants": ["tenant-fr"], "scope": "regions"});
    let path = outage(
        &server,
        "2026-10-31T22:30:00Z",
        "2026-10-31T23:30:00Z",
        fr.clone(),
    )
    .await;
    for more in [
        json!({"environment": "staging"}),
        json!({"mode": "drill", "page": false}),
    ] {
        let mut body = fr.clone();
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let start = "2026-10-20T00:00:00Z";
        outage(&server, start, "2026-10-21T00:00:00Z", body).await;
    }
    let shown = async |month: &str| {
        let query = format!("month={month}&tenant=tenant-fr");
        let one = statements(&server, &query).await.remove(0);
        (
            one["outage_ms"].as_u64().unwrap() / 60_000,
            one["credit_percent"].clone(),
            one["provisional"].clone(),
        )
    };
    // In Paris November begins at 23:00 UTC; three tenths of an hour earn no credit.
    assert_eq!(shown("2026-10").await, (30, json!("0"), json!(false)));
    assert_eq!(shown("2026-11").await, (30, json!("0"), json!(true)));
    let longer = json!({"started_at": "2026-10-31T18:00:00Z"});
    server.patch(COMMANDER, &path, &longer).await.is(200);
    assert_eq!(shown("2026-10").await, (300, json!("15"), json!(false)));
    let less = json!({"affected_tenants": [{"tenant_id": "tenant-fr", "from": "2026-10-31T22:00:00Z", "until": null}]});
    server.patch(COMMANDER, &path, &less).await.is(200);
    assert_eq!(shown("2026-10").await, (60, json!("0"), json!(false)));
    // An unaffected tenant has a statement only if it is requested by name.
    let untouched = statements(&server, "month=2026-10&tenant=nobody")
        .await
        .remove(0);
    assert_eq!(
        (&untouched["outage_ms"], &untouched["availability_percent"]),
        (&json!(0), &json!("100.0000"))
    );
    let names = statements(&server, "month=2026-10").await;
    assert_eq!(names.len(), 1);
    server.stop().await;
}

/// S16: names that begin like a formula, also with full-width characters.
#[tokio::test(flavor = "multi_thread")]
async fn statements_come_in_pages_and_as_a_table_without_formulas() {
    let server = Server::start_under("").await;
    let tenants: Vec<String> = "=+-@＝＋＠"
        .chars()
        .map(|first| format!("{first}0+\"1\",x"))
        .collect();
    outage(
        &server,
        "2026-11-09T10:00:00Z",
        "2026-11-09T14:00:00Z",
        json!({"affected_tenants": tenants}),
    )
    .await;
    let first = server
        .get(VIEWER, "/sys/sla/statements?month=2026-11&limit=4")
        .await
        .is(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = statements(&server, &format!("month=2026-11&limit=4&cursor={cursor}")).await;
    assert_eq!(
        (first["items"].as_array().unwrap().len(), rest.len()),
        (4, 3)
    );
    let table = server
        .get(VIEWER, "/sys/sla/statements?month=2026-11&format=csv")
        .await;
    assert_eq!(
        table.header("content-type"),
        Some("text/csv; charset=utf-8")
    );
    let lines: Vec<&str> = table.text.lines().collect();
    assert_eq!(lines.len(), 8);
    assert!(lines[0].starts_with("tenant_id,period,timezone,"));
    for first in "=+-@＝＋＠".chars() {
        let line = format!(
            "\"'{first}0+\"\"1\"\",x\",2026-11,UTC,per_incident,default-1,240,0,99.4444,true,25,,,true"
        );
        assert!(lines.contains(&&*line), "{}", table.text);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_statement_queries_name_the_parameter() {
    let server = Server::start_under("").await;
    for (query, pointer) in [
        ("month=2026-13", "/month"),
        ("month=november", "/month"),
        ("month=2026-12", "/month"),
        ("month=2026-11&tenant=%0a", "/tenant"),
        ("month=2026-11&format=xls", "/format"),
        ("month=2026-11&of=me", "/of"),
    ] {
        let answer = server
            .get(VIEWER, &format!("/sys/sla/statements?{query}"))
            .await;
        assert_eq!(answer.problem(422).as_deref(), Some(pointer), "{query}");
    }
    server.get("", "/sys/sla/statements").await.problem(401);
    // An incident that affects all tenants is in every tenant's statement.
    let all = json!({"affected_tenants": "all"});
    outage(&server, "2026-11-09T10:00:00Z", "2026-11-09T11:00:00Z", all).await;
    let one = statements(&server, "month=2026-11&tenant=anybody")
        .await
        .remove(0);
    assert_eq!(one["credit_percent"], "10");
    server.stop().await;
}
