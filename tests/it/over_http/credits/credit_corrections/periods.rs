//! Credits of periods: corrected as a whole, and recomputed under new terms on request.

use incident_console::policy_file::PolicyFile;
use serde_json::{Value, json};

use super::{FEES, World};
use crate::over_http::harness::{ADMIN, BILLING, COMMANDER, RESPONDER, VIEWER, at};

const BY_MONTH: &str = r#"
[contracts.monthly]
terms = [{ target_percent = "99.9", version = "monthly-1", basis = "per_month", tiers = [
    { from_minutes = 0, credit_percent = "0" }, { from_minutes = 45, credit_percent = "10" }, { from_minutes = 240, credit_percent = "25" }] }]
[contracts.quarterly]
terms = [{ target_percent = "99.9", version = "quarterly-1", basis = "per_quarter", tiers = [
    { from_minutes = 0, credit_percent = "0" }, { from_minutes = 45, credit_percent = "5" }] }]
[tenants.tenant-fr]
contract = "monthly"
monthly_fee = { minor = 10000, currency = "EUR" }
[tenants.tenant-de]
contract = "quarterly"
monthly_fee = { minor = 10000, currency = "EUR" }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn periods_are_credited_as_a_whole_and_corrected_as_a_whole() {
    let world = World::new(BY_MONTH).await;
    let both = json!(["tenant-fr", "tenant-de"]);
    // 30 minutes and 30 minutes, 10 of them shared: 50.
    let first = world
        .outage("2026-10-09T10:00:00Z", "2026-10-09T10:30:00Z", both.clone())
        .await;
    world
        .outage("2026-10-09T10:20:00Z", "2026-10-09T10:50:00Z", both.clone())
        .await;
    let month = world.open("tenant-fr", false).await;
    assert_eq!(
        (
            &month["incident_id"],
            &month["period"],
            &month["credit_percent"],
            &month["outage_ms"]
        ),
        (
            &Value::Null,
            &json!("2026-10"),
            &json!("10"),
            &json!(3_000_000)
        )
    );
    assert_eq!(month["inputs"].as_array().unwrap().len(), 2);
    // The quarter is not over.
    let quarter = world.open("tenant-de", false).await;
    assert_eq!(
        (&quarter["period"], &quarter["credit_percent"]),
        (&json!("2026-Q4"), &json!("5"))
    );
    let early = world.decide(&quarter, "approve").await.is(409);
    assert_eq!(early["code"], "provisional");
    let approved = world.approve(&month).await;
    assert_eq!(
        approved["amount"],
        json!({"minor": 1000, "currency": "EUR"})
    );
    world.issue().await;
    // Another outage in the month: the period's credit is reversed and issued again.
    let late = world
        .outage("2026-10-20T00:00:00Z", "2026-10-20T04:00:00Z", both)
        .await;
    let (reversal, new) = (
        world.open("tenant-fr", true).await,
        world.open("tenant-fr", false).await,
    );
    assert_eq!(
        (&reversal["credit_percent"], &new["credit_percent"]),
        (&json!("-10"), &json!("25"))
    );
    world.approve(&reversal).await;
    world.approve(&new).await;
    world.issue().await;
    // A correction that moves an incident to another month changes both months.
    world
        .correct(&late, json!({"affected_tenants": ["tenant-de"]}))
        .await;
    world
        .correct(&first, json!({"affected_tenants": ["tenant-de"]}))
        .await;
    let reversal = world.open("tenant-fr", true).await;
    assert_eq!(reversal["credit_percent"], "-25");
    let rows = world.credits("tenant=tenant-fr&state=estimated").await;
    let new = rows
        .iter()
        .find(|row| row["incident_id"].is_null() && row["reverses"].is_null())
        .unwrap();
    // 30 minutes are left.
    assert_eq!(
        (&new["credit_percent"], &new["outage_ms"]),
        (&json!("0"), &json!(1_800_000))
    );
    world.approve(&reversal).await;
    world.issue().await;
    assert_eq!(world.percents(), ["10", "-10", "25", "-25"]);
    // After its end the quarter is decided, with the fee of three months.
    world.server.clock.set(at("2027-01-02T00:00:00Z"));
    let quarter = world.open("tenant-de", false).await;
    let approved = world.approve(&quarter).await;
    assert_eq!(
        approved["amount"],
        json!({"minor": 1500, "currency": "EUR"})
    );
    world.issue().await;
    let report = world
        .server
        .get(VIEWER, "/sys/sla/billing?period=2026-Q4")
        .await
        .is(200);
    assert_eq!(
        (&report["balanced"], &report["issued"]),
        (&json!(true), &json!(1))
    );
    world.server.stop().await;
}

/// New terms change nothing by themselves; a recomputation applies them.
#[tokio::test(flavor = "multi_thread")]
async fn new_terms_are_applied_when_somebody_asks() {
    let world = World::new(FEES).await;
    world
        .outage(
            "2026-11-09T10:00:00Z",
            "2026-11-09T11:00:00Z",
            json!(["tenant-fr", "tenant-de"]),
        )
        .await;
    for tenant in ["tenant-fr", "tenant-de"] {
        let credit = world.open(tenant, false).await;
        world.approve(&credit).await;
    }
    world.issue().await;
    // The same store under other terms, as after a restart of the server.
    let incidents = world.server.incidents();
    let context = |role| {
        let caller = incident_core::testing::caller("bill", role).unwrap();
        incident_core::engine::RequestContext::new(caller)
    };
    let month = "2026-11".parse().unwrap();
    let bill = context(incident_core::actor::Role::Billing);
    assert_eq!(
        incidents.credits().recompute(&bill, month).await.unwrap(),
        0
    );
    let policy = PolicyFile::parse(BY_MONTH).unwrap();
    let anew = world.server.restarted(policy.contracts());
    let changed = anew.credits().recompute(&bill, month).await.unwrap();
    // The rows of the incident, and a period for each of the two tenants.
    assert_eq!(changed, 3);
    assert_eq!(anew.credits().recompute(&bill, month).await.unwrap(), 0);
    let reversal = world.open("tenant-fr", true).await;
    let period = world.open("tenant-fr", false).await;
    assert_eq!(
        (&reversal["credit_percent"], &period["incident_id"]),
        (&json!("-10"), &Value::Null)
    );
    assert_eq!(period["terms_version"], "monthly-1");
    let viewer = context(incident_core::actor::Role::Viewer);
    assert!(anew.credits().recompute(&viewer, month).await.is_err());
    // Over HTTP.
    let recompute = "/sys/sla/credits/recompute";
    for token in [VIEWER, RESPONDER, COMMANDER] {
        world
            .server
            .post(token, recompute, &json!({"month": "2026-11"}))
            .await
            .problem(403);
    }
    for (body, status) in [
        (json!({}), 422),
        (json!({"month": "2026-13"}), 422),
        (json!({"month": "2999-01"}), 422),
        (json!({"month": "2026-11", "more": 1}), 422),
    ] {
        world
            .server
            .post(BILLING, recompute, &body)
            .await
            .problem(status);
    }
    let back = world
        .server
        .post(ADMIN, recompute, &json!({"month": "2026-11"}))
        .await;
    assert_eq!(back.is(200)["changed"], 3);
    let audit = world
        .server
        .get(ADMIN, "/sys/audit?limit=200")
        .await
        .is(200);
    let text = audit.to_string();
    assert_eq!(text.matches("\"action\":\"recompute_credits\"").count(), 6);
    for action in [
        "recompute_credits",
        "issue_credits",
        "billed_credits",
        "billing:file",
    ] {
        assert!(text.contains(action), "{action}");
    }
    world.server.stop().await;
}
