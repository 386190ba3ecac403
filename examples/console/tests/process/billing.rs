//! A process that crashes while it submits credits to billing, and its successors.

use std::io::BufReader;
use std::time::{Duration, Instant};

use incident_pagers::SigningSecret;
use incident_pagers::testing::Billing;
use incident_test_postgres::{Cluster, Database};
use serde_json::{Value, json};

use crate::{Running, command, until};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const TOKEN: &str = "token-0123456789-token";

struct World {
    url: String,
    billing: Billing,
    client: Client,
    _database: Database,
}

struct Client(reqwest::Client);

impl World {
    async fn new() -> Self {
        let cluster = Cluster::shared();
        let database = Database::create(cluster, None).await.unwrap();
        let secret = SigningSecret::new(SECRET).unwrap();
        Self {
            url: cluster.url(database.name()),
            billing: Billing::start(secret).await.unwrap(),
            client: Client::new(),
            _database: database,
        }
    }

    /// Starts a process that crashes at a failpoint; returns it with its address.
    fn start(&self, place: &str) -> (Running, String) {
        let mut console = command();
        console
            .env("DATABASE_URL", &self.url)
            .env("INCIDENT_ALLOW_UNSAFE_DATABASE", "1")
            .env("INCIDENT_TOKENS", format!("root:admin:{TOKEN}"))
            .env("INCIDENT_BILLING_URL", self.billing.base_url().to_string())
            .env("INCIDENT_BILLING_SECRET", SECRET)
            .env("INCIDENT_FAILPOINT", place)
            .env("RUST_LOG", "off");
        let mut child = Running::of(&mut console);
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let seen = until(&mut lines, "listening on ");
        let address = seen.last().unwrap().trim_start_matches("listening on ");
        (child, address.to_owned())
    }

    async fn dies_and_is_followed(place: &str) {
        let world = Self::new().await;
        let (mut first, address) = world.start(place);
        world.client.owe(&address).await;
        let started = Instant::now();
        while first.try_wait().unwrap().is_none() {
            assert!(
                started.elapsed() < Duration::from_secs(30),
                "{place} was not passed"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let (_second, address) = world.start("nowhere");
        let (_third, _) = world.start("nowhere");
        let open = format!("{address}/sys/sla/credits?state=estimated");
        for credit in world.client.get(open).await["items"].as_array().unwrap() {
            let id = credit["id"].as_str().unwrap();
            let approve = format!("{address}/sys/sla/credits/{id}/approve");
            world.client.post(approve, json!({})).await;
        }
        // The lease of a crashed process lasts half a minute.
        let report = format!("{address}/sys/sla/billing?period=2026-01");
        let started = Instant::now();
        loop {
            let report = world.client.get(report.clone()).await;
            if report["issued"] == 3 && report["balanced"] == true {
                break;
            }
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "{place}: {report}"
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let credits = format!("{address}/sys/sla/credits?state=issued");
        let issued = world.client.get(credits).await;
        let mut ours: Vec<String> = issued["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["id"].as_str().unwrap().to_owned())
            .collect();
        let mut theirs: Vec<String> = world
            .billing
            .ledger()
            .iter()
            .map(|one| one.key.to_string())
            .collect();
        ours.sort();
        theirs.sort();
        assert_eq!(theirs, ours, "{place}");
        assert_eq!(world.billing.altered(), 0, "{place}");
    }
}

impl Client {
    fn new() -> Self {
        Self(reqwest::Client::builder().no_proxy().build().unwrap())
    }

    async fn post(&self, url: String, body: Value) -> Value {
        let request = self.0.post(url).bearer_auth(TOKEN).json(&body);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    async fn get(&self, url: String) -> Value {
        let request = self.0.get(url).bearer_auth(TOKEN);
        let text = request.send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Creates and approves credits of 10 % for each of three tenants.
    async fn owe(&self, address: &str) {
        let sys = format!("{address}/sys");
        let begun = json!({"title": "API down", "severity": "SEV2", "mode": "retrospective",
            "started_at": "2026-01-09T10:00:00Z", "affected_tenants": ["a", "b", "c"]});
        let made = self.post(format!("{sys}/incidents"), begun).await;
        let over =
            json!({"message": "over", "status": "resolved", "occurred_at": "2026-01-09T11:00:00Z"});
        let updates = format!("{sys}/incidents/{}/updates", made["id"].as_str().unwrap());
        self.post(updates, over).await;
        let open = self.get(format!("{sys}/sla/credits?state=estimated")).await;
        for credit in open["items"].as_array().unwrap() {
            let id = credit["id"].as_str().unwrap();
            // The process may issue it and crash before the last one is approved.
            let approve = format!("{sys}/sla/credits/{id}/approve");
            let request = self.0.post(approve).bearer_auth(TOKEN).json(&json!({}));
            let _ = request.send().await;
        }
    }
}

/// Crashes before the sink has the batch, after it has it, and before that is recorded.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_over_a_batch_loses_and_repeats_no_credit() {
    tokio::join!(
        World::dies_and_is_followed("before_bill"),
        World::dies_and_is_followed("after_bill"),
        World::dies_and_is_followed("before_billed"),
    );
}

/// A file, configured as an operator would.
#[tokio::test(flavor = "multi_thread")]
async fn credits_go_into_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credits.csv");
    let mut console = command();
    console
        .env("INCIDENT_TOKENS", format!("root:admin:{TOKEN}"))
        .env("INCIDENT_BILLING_FILE", &path);
    let mut child = Running::of(&mut console);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let seen = until(&mut lines, "listening on ");
    let address = seen.last().unwrap().trim_start_matches("listening on ");
    Client::new().owe(address).await;
    let started = Instant::now();
    let mut text = String::new();
    while text.lines().count() < 4 {
        assert!(started.elapsed() < Duration::from_secs(20), "{text}");
        tokio::time::sleep(Duration::from_millis(50)).await;
        text = std::fs::read_to_string(&path).unwrap();
    }
    assert!(text.starts_with("key,batch,tenant_id,"), "{text}");
    assert_eq!(text.matches(",2026-01,1,10,").count(), 3, "{text}");
}
