//! The binary with usage events in a real ClickHouse.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use incident_test_clickhouse::ClickHouseServer;
use serde_json::{Value, json};

const TOKEN: &str = "token-0123456789-token";

/// A console process that is killed when the test ends.
struct Console(Child);

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(usage: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_incident-console"));
    command
        .env_clear()
        .env("INCIDENT_BIND", "127.0.0.1:0")
        .env("INCIDENT_TOKENS", format!("root:admin:{TOKEN}"))
        .env("USAGE_URL", usage)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn started(usage: &str) -> (Console, String, String) {
    let mut child = Console(command(usage).spawn().unwrap());
    let mut lines = BufReader::new(child.0.stdout.take().unwrap());
    let mut output = String::new();
    loop {
        let mut line = String::new();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "{output}");
        output.push_str(&line);
        if let Some(address) = line.trim_end().strip_prefix("listening on ") {
            return (child, address.to_owned(), output);
        }
    }
}

struct Client {
    client: reqwest::Client,
    base: String,
}

impl Client {
    fn new(base: String) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { client, base }
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.client.post(format!("{}{path}", self.base));
        let response = request.bearer_auth(TOKEN).json(body).send().await.unwrap();
        assert!(response.status().is_success(), "{response:?}");
        response.json().await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.client.get(format!("{}{path}", self.base));
        let response = request.bearer_auth(TOKEN).send().await.unwrap();
        assert!(response.status().is_success(), "{response:?}");
        response.json().await.unwrap()
    }
}

#[tokio::test]
async fn it_counts_where_usage_url_says_and_finds_it_again() {
    let url = ClickHouseServer::shared().database().await.unwrap();
    for round in 0..2 {
        let (_console, base, output) = started(&url);
        assert!(output.contains("usage: ClickHouse, "), "{output}");
        let client = Client::new(base);
        if round == 0 {
            let event = |tenant: &str, user: &str, minute: u32| {
                json!({
                    "tenant_id": tenant, "user_id": user, "service": "api", "failed": true,
                    "occurred_at": format!("2026-11-20T22:{minute:02}:30Z"), "endpoint": "GET /v1/x",
                })
            };
            let events = json!([
                event("fr", "anna", 10),
                event("fr", "anna", 11),
                event("de", "anna", 12),
                event("de", "bo", 37),
                event("de", "late", 38),
            ]);
            let accepted = client.post("/sys/usage-events", &events).await;
            assert_eq!(accepted["accepted"], 5);
        }
        // "all" are the tenants that the usage source has seen.
        let incident = json!({
            "title": "API down", "severity": "SEV2", "summary": "", "page": false,
            "affected_services": ["api"], "affected_tenants": "all",
            "started_at": "2026-11-20T22:00:00Z",
        });
        let incident = client.post("/sys/incidents", &incident).await;
        let path = format!("/sys/incidents/{}", incident["id"].as_str().unwrap());
        let over =
            json!({"message": "over", "status": "resolved", "occurred_at": "2026-11-20T22:38:00Z"});
        client.post(&format!("{path}/updates"), &over).await;
        let report = client.get(&format!("{path}/affected-users")).await;
        assert_eq!(
            (&report["source"], &report["total_unique_users"]),
            (&json!("clickhouse"), &json!(2)),
            "{report}"
        );
        assert_eq!(report["by_tenant"][0]["unique_users"], 2, "{report}");
        let estimate = client
            .get(&format!("{path}/affected-users?method=estimate"))
            .await;
        assert_eq!(estimate["relative_error"], "0.005746");
        let breakdown = client
            .get(&format!(
                "{path}/affected-users/breakdown?services=affected"
            ))
            .await;
        assert_eq!(
            breakdown["first_hits"],
            json!([{"minute": "2026-11-20T22:10:00Z", "users": 1}, {"minute": "2026-11-20T22:37:00Z", "users": 1}])
        );
        assert_eq!(breakdown["top_endpoints"][0]["unique_users"], 2);
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_used_stops_the_start() {
    let url = ClickHouseServer::shared().database().await.unwrap();
    let mut child = Console(command(&format!("{url}_nowhere")).spawn().unwrap());
    assert!(!child.0.wait().unwrap().success());
    let mut output = String::new();
    child
        .0
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut output)
        .unwrap();
    assert!(
        output.contains("USAGE_URL: ") && output.contains("rejected"),
        "{output}"
    );
}
