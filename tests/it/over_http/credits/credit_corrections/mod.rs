//! Corrections after credits were issued: they reverse them.

mod periods;

use std::sync::Arc;

use incident_console::console::ConsoleBuilder;
use incident_console::policy_file::PolicyFile;
use incident_core::port::BillingSink;
use incident_pagers::FileSink;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::over_http::harness::{Answer, BILLING, COMMANDER, Server, VIEWER};

const FEES: &str = "[tenants.tenant-fr]\nmonthly_fee = { minor = 10000, currency = \"EUR\" }\n";

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

    /// Declares an outage in November that ended at `until`, for the given tenants.
    async fn outage(&self, from: &str, until: &str, tenants: Value) -> String {
        let begun =
            json!({"mode": "retrospective", "started_at": from, "affected_tenants": tenants});
        let path = self.server.declare(&begun).await;
        let over = json!({"message": "over", "status": "resolved", "occurred_at": until});
        self.server.update(COMMANDER, &path, &over).await;
        self.settled().await;
        path
    }

    async fn correct(&self, path: &str, change: Value) {
        self.server.patch(COMMANDER, path, &change).await.is(200);
        self.settled().await;
    }

    /// Drains the relay until no message is left.
    async fn settled(&self) {
        let timeout = std::time::Duration::from_secs(5);
        for _ in 0..1_000 {
            // The server's own loop may be draining, too.
            self.server.incidents().worker().drain().await.unwrap();
            if self.server.store.backlog(timeout).await.unwrap().unfinished == 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("the relay did not come to an end");
    }

    /// Returns the credits that match a query.
    async fn credits(&self, query: &str) -> Vec<Value> {
        let path = format!("/sys/sla/credits?{query}");
        let list = self.server.get(VIEWER, &path).await.is(200);
        list["items"].as_array().unwrap().clone()
    }

    /// Returns the only open credit of a tenant, either a reversal or another one.
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

    async fn decide(&self, credit: &Value, verb: &str) -> Answer {
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

    /// Returns the percentages that were submitted to billing, in order.
    fn percents(&self) -> Vec<String> {
        let told = self.told().into_iter();
        told.map(|(_, percent, _)| percent).collect()
    }

    /// Returns the credits that were submitted to billing as (tenant, percent, minor units), in
    /// order.
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
    // One tenant's outage is extended to four hours; the other one's hour stays.
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
    // Each version has the inputs of its computation.
    let windows = |row: &Value| row["inputs"][0]["windows"][0]["start"].clone();
    assert_eq!(windows(old), "2026-11-09T10:00:00Z");
    assert_eq!(windows(&new), "2026-11-09T07:00:00Z");
    // The reversal comes first, then the new credit.
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
    // A tenant that is removed is owed nothing: only the reversal is left.
    world
        .correct(&path, json!({"affected_tenants": ["tenant-it"]}))
        .await;
    let reversal = world.open("tenant-fr", true).await;
    world.approve(&reversal).await;
    world.issue().await;
    assert_eq!(world.told()[1], line("tenant-fr", "-10", "-1000"));
    // It is added again, and gets its credit again.
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
    world.server.update(COMMANDER, &into, &over).await;
    world.settled().await;
    let moved = world.open("tenant-fr", false).await;
    assert_eq!(moved["incident_id"], into_id);
    world.approve(&moved).await;
    world.issue().await;
    assert_eq!(world.percents(), ["10", "-10", "10"]);
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
    // A correction that would leave a negative length is refused, and nothing changes.
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
