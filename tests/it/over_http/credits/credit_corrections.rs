//! After credits were issued: corrections reverse them, periods have credits of their
//! own, and new terms are applied when somebody asks for it.

use std::sync::Arc;

use incident_console::console::ConsoleBuilder;
use incident_console::policy_file::PolicyFile;
use incident_core::port::BillingSink;
use incident_pagers::FileSink;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::over_http::harness::{ADMIN, BILLING, COMMANDER, RESPONDER, Server, VIEWER};

const FEES: &str = "[tenants.tenant-fr]\nmonthly_fee = { minor = 10000, currency = \"EUR\" }\n";

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

struct World {
    server: Server,
    folder: TempDir,
}

impl World {
    async fn new(policy: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sink = FileSink::new(folder.path().join("credits.csv")).unwrap();
        let sink: Arc<dyn BillingSink> = Arc::new(sink);
        let parts = ConsoleBuilder {
            policy: PolicyFile::parse(policy).unwrap(),
            billing: Some(sink),
            ..ConsoleBuilder::default()
        };
        Self {
            server: Server::start_with(parts).await,
            folder,
        }
    }

    /// An outage of November that ended at `until`, of the tenants.
    async fn outage(&self, from: &str, until: &str, tenants: Value) -> String {
        let begun =
            json!({"mode": "retrospective", "started_at": from, "affected_tenants": tenants});
        let path = self.server.declare(&begun).await;
        let over = json!({"message": "over", "status": "resolved", "occurred_at": until});
        let updates = format!("{path}/updates");
        self.server.post(COMMANDER, &updates, &over).await.is(201);
        self.settled().await;
        path
    }

    async fn correct(&self, path: &str, change: Value) {
        self.server.patch(COMMANDER, path, &change).await.is(200);
        self.settled().await;
    }

    /// What the relay was left with is done.
    async fn settled(&self) {
        let timeout = std::time::Duration::from_secs(5);
        for _ in 0..1_000 {
            // The server's own loop may be at it too.
            self.server.incidents().worker().drain().await.unwrap();
            if self.server.store.backlog(timeout).await.unwrap().unfinished == 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("the relay did not come to an end");
    }

    /// Credits that match, as (tenant, period, revision, percent, state, reverses).
    async fn credits(&self, query: &str) -> Vec<Value> {
        let path = format!("/sys/sla/credits?{query}");
        let list = self.server.get(VIEWER, &path).await.is(200);
        list["items"].as_array().unwrap().clone()
    }

    /// The one credit that is open of a tenant, reversals or others.
    async fn open(&self, tenant: &str, reversal: bool) -> Value {
        let rows = self
            .credits(&format!("state=estimated&tenant={tenant}"))
            .await;
        let mut found = rows
            .into_iter()
            .filter(|row| row["reverses"].is_null() != reversal && row["credit_percent"] != "0");
        let one = found
            .next()
            .unwrap_or_else(|| panic!("no credit of {tenant}"));
        assert!(found.next().is_none());
        one
    }

    async fn decide(&self, credit: &Value, verb: &str) -> crate::over_http::harness::Answer {
        let id = credit["id"].as_str().unwrap();
        let path = format!("/sys/sla/credits/{id}/{verb}");
        let body = match verb {
            "waive" => json!({"reason": "as a courtesy"}),
            _ => json!({}),
        };
        self.server.post(BILLING, &path, &body).await
    }

    async fn approve(&self, credit: &Value) -> Value {
        self.decide(credit, "approve").await.is(200)
    }

    async fn issue(&self) {
        self.server
            .incidents()
            .worker()
            .issue_credits()
            .await
            .unwrap();
        self.settled().await;
    }

    /// The percentages that billing was told, in order.
    fn percents(&self) -> Vec<String> {
        let told = self.told().into_iter();
        told.map(|(_, percent, _)| percent).collect()
    }

    /// What billing was told, as (tenant, percent, minor units), in order.
    fn told(&self) -> Vec<(String, String, String)> {
        let path = self.folder.path().join("credits.csv");
        let mut table = csv::Reader::from_path(path).unwrap();
        let lines = table.records().map(Result::unwrap);
        lines
            .map(|line| (line[2].to_owned(), line[6].to_owned(), line[7].to_owned()))
            .collect()
    }
}

fn line(tenant: &str, percent: &str, minor: &str) -> (String, String, String) {
    (tenant.to_owned(), percent.to_owned(), minor.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_after_issue_is_a_reversal_and_a_new_row() {
    let world = World::new(FEES).await;
    let tenants = json!(["tenant-fr", "tenant-it"]);
    let path = world
        .outage("2026-11-09T10:00:00Z", "2026-11-09T11:00:00Z", tenants)
        .await;
    for tenant in ["tenant-fr", "tenant-it"] {
        let credit = world.open(tenant, false).await;
        world.approve(&credit).await;
    }
    world.issue().await;
    let issued = world.credits("state=issued").await;
    assert_eq!(issued.len(), 2);
    let impact = format!("{path}/sla-impact");
    let impact = world.server.get(VIEWER, &impact).await.is(200);
    assert_eq!(impact["rows"][0]["state"], "issued");
    assert!(
        issued
            .iter()
            .all(|row| row["billed_at"].is_string() && row["batch"].is_string())
    );
    for verb in ["approve", "waive"] {
        let late = world.decide(&issued[0], verb).await.is(409);
        assert_eq!(late["code"], "credit_decided");
    }
    // Four hours it was for one of them; the other one's hour stays as it is.
    world
        .correct(
            &path,
            json!({"started_at": "2026-11-09T07:00:00Z", "affected_tenants": [
                {"tenant_id": "tenant-fr"}, {"tenant_id": "tenant-it", "from": "2026-11-09T10:00:00Z"}]}),
        )
        .await;
    let of_italy = world.credits("tenant=tenant-it&state=issued").await;
    assert_eq!(of_italy.len(), 1);
    let (reversal, new) = (
        world.open("tenant-fr", true).await,
        world.open("tenant-fr", false).await,
    );
    let old = issued
        .iter()
        .find(|row| row["tenant_id"] == "tenant-fr")
        .unwrap();
    assert_eq!(reversal["reverses"], old["id"]);
    assert_eq!(
        (&reversal["credit_percent"], &new["credit_percent"]),
        (&json!("-10"), &json!("25"))
    );
    // What it was computed from stands with each version.
    let windows = |row: &Value| row["inputs"][0]["windows"][0]["start"].clone();
    assert_eq!(windows(old), "2026-11-09T10:00:00Z");
    assert_eq!(windows(&new), "2026-11-09T07:00:00Z");
    // First what was given is taken back, then the new credit is given.
    let early = world.decide(&new, "approve").await.is(409);
    assert_eq!(early["code"], "reverse_first");
    let taken = world.approve(&reversal).await;
    assert_eq!(taken["amount"], json!({"minor": -1000, "currency": "EUR"}));
    let kept = world.decide(&reversal, "waive").await.is(409);
    assert_eq!(kept["code"], "credit_decided");
    world.approve(&new).await;
    world.issue().await;
    let mut told = world.told();
    told.retain(|(tenant, ..)| tenant == "tenant-fr");
    assert_eq!(
        told,
        [
            line("tenant-fr", "10", "1000"),
            line("tenant-fr", "-10", "-1000"),
            line("tenant-fr", "25", "2500")
        ]
    );
    let report = world
        .server
        .get(VIEWER, "/sys/sla/billing?period=2026-11")
        .await;
    let report = report.is(200);
    assert_eq!(
        (&report["balanced"], &report["issued"]),
        (&json!(true), &json!(4))
    );
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reversal_that_is_waived_leaves_what_was_issued_and_nothing_beside_it() {
    let world = World::new(FEES).await;
    let path = world
        .outage(
            "2026-11-09T10:00:00Z",
            "2026-11-09T11:00:00Z",
            json!(["tenant-fr"]),
        )
        .await;
    let credit = world.open("tenant-fr", false).await;
    world.approve(&credit).await;
    world.issue().await;
    world
        .correct(&path, json!({"started_at": "2026-11-09T05:00:00Z"}))
        .await;
    let reversal = world.open("tenant-fr", true).await;
    let new = world.open("tenant-fr", false).await;
    world.decide(&reversal, "waive").await.is(200);
    let waived = world.credits("state=waived").await;
    assert_eq!(waived.len(), 2);
    assert_eq!(
        world.decide(&new, "approve").await.is(409)["code"],
        "credit_decided"
    );
    world.issue().await;
    assert_eq!(world.told(), [line("tenant-fr", "10", "1000")]);
    // A tenant that is taken out is owed nothing: only the reversal is left.
    world
        .correct(&path, json!({"affected_tenants": ["tenant-it"]}))
        .await;
    let reversal = world.open("tenant-fr", true).await;
    world.approve(&reversal).await;
    world.issue().await;
    assert_eq!(world.told()[1], line("tenant-fr", "-10", "-1000"));
    // It comes back, and is given its own again.
    world
        .correct(
            &path,
            json!({"affected_tenants": ["tenant-fr", "tenant-it"]}),
        )
        .await;
    assert_eq!(world.open("tenant-fr", false).await["credit_percent"], "25");
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_that_is_merged_takes_its_credits_back() {
    let world = World::new(FEES).await;
    let tenants = json!(["tenant-fr"]);
    let path = world
        .outage(
            "2026-11-09T10:00:00Z",
            "2026-11-09T11:00:00Z",
            tenants.clone(),
        )
        .await;
    let credit = world.open("tenant-fr", false).await;
    world.approve(&credit).await;
    world.issue().await;
    let into = world
        .server
        .declare(&json!({"mode": "retrospective", "started_at": "2026-11-09T09:00:00Z", "affected_tenants": ["tenant-it"]}))
        .await;
    let into_id = into.rsplit('/').next().unwrap();
    let updates = format!("{path}/updates");
    let again =
        json!({"message": "again", "status": "investigating", "reason": "it was another one"});
    world.server.post(COMMANDER, &updates, &again).await.is(201);
    let merge = json!({"message": "the same", "status": "merged", "merged_into": into_id});
    world.server.post(COMMANDER, &updates, &merge).await.is(201);
    world.settled().await;
    let reversal = world.open("tenant-fr", true).await;
    world.approve(&reversal).await;
    let over =
        json!({"message": "over", "status": "resolved", "occurred_at": "2026-11-09T11:30:00Z"});
    world
        .server
        .post(COMMANDER, &format!("{into}/updates"), &over)
        .await
        .is(201);
    world.settled().await;
    let moved = world.open("tenant-fr", false).await;
    assert_eq!(moved["incident_id"], into_id);
    world.approve(&moved).await;
    world.issue().await;
    assert_eq!(world.percents(), ["10", "-10", "10"]);
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn periods_are_credited_as_a_whole_and_corrected_as_a_whole() {
    let world = World::new(BY_MONTH).await;
    let both = json!(["tenant-fr", "tenant-de"]);
    // 30 minutes and 30 minutes, 10 of them at the same time: 50.
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
    // The quarter still runs.
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
    // Another outage of the month: the period's credit is reversed and given anew.
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
    // A correction that moves an incident to another month changes both.
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
    // After its end the quarter is decided, at the fee of three months.
    world
        .server
        .clock
        .set(crate::over_http::harness::at("2027-01-02T00:00:00Z"));
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

/// New terms change nothing by themselves; asked for, they change what they change.
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
    // The same store under other terms: a server that was started anew.
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
    // The incident's rows, and a period for each of the two tenants.
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

#[tokio::test(flavor = "multi_thread")]
async fn invalid_billing_queries_are_refused() {
    let world = World::new(FEES).await;
    let server = &world.server;
    for query in ["period=november", "period=2026-Q5", "month=2026-11"] {
        let path = format!("/sys/sla/billing?{query}");
        server.get(VIEWER, &path).await.problem(422);
    }
    let report = server.get(VIEWER, "/sys/sla/billing").await.is(200);
    assert_eq!(
        (&report["sink"], &report["issued"], &report["balanced"]),
        (&json!("file"), &json!(0), &json!(true))
    );
    let resend = |id: &str| format!("/sys/sla/billing/{id}/resend");
    for id in ["nonsense", "01a1fe7e-8565-7544-9512-dcd142c5f862"] {
        server
            .post(BILLING, &resend(id), &json!({}))
            .await
            .problem(404);
    }
    server
        .post(VIEWER, &resend("nonsense"), &json!({}))
        .await
        .problem(403);
    // A correction that would leave less than nothing is refused, and nothing changes.
    let path = world
        .outage(
            "2026-11-09T10:00:00Z",
            "2026-11-09T11:00:00Z",
            json!(["tenant-fr"]),
        )
        .await;
    for change in [
        json!({"started_at": "2026-11-09T11:00:00.000001Z"}),
        json!({"impact_ended_at": "2026-11-09T09:59:59Z"}),
        json!({"affected_tenants": [{"tenant_id": "tenant-fr", "from": "2026-11-09T10:30:00Z", "until": "2026-11-09T10:30:00Z"}]}),
    ] {
        let named = server.patch(COMMANDER, &path, &change).await.problem(422);
        assert!(named.is_some(), "{change}");
    }
    assert_eq!(world.credits("").await.len(), 1);
    world.server.stop().await;
}
