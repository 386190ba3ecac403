//! Time from the response to a create until the vendor receives the trigger, over real HTTP on
//! loopback: with an idle relay, and while eight clients create at full speed. In the same run, a
//! bare client posts the same body to the same mock vendor.
//!
//! Run with `cargo bench -p incident-benches --bench page_latency`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use incident_axum::Tokens;
use incident_console::console::{Console, ConsoleBuilder};
use incident_pagers::testing::MockVendor;
use incident_pagers::{PagerDuty, RoutingKey};
use serde_json::{Value, json};

const TOKEN: &str = "admin-token-0123456789";
const KEY: &str = "0123456789abcdef0123456789abcdef";
const ONE_AT_A_TIME: usize = 500;
const CLIENTS: usize = 8;
const EACH: usize = 250;
/// Target for the 99th percentile.
const TARGET: Duration = Duration::from_millis(50);

/// A create: the time of its request, and the time at which its response had been read.
#[derive(Clone, Copy)]
struct Create {
    asked: Instant,
    answered: Instant,
}

/// The times of many creates.
#[derive(Default)]
struct Times {
    /// From the call to the response.
    answer: Vec<Duration>,
    /// From the call until the vendor has read the trigger.
    from_call: Vec<Duration>,
    /// From the response until the vendor has read the trigger; zero if the vendor was faster, as
    /// is usual.
    from_answer: Vec<Duration>,
}

impl Times {
    fn add(&mut self, create: Create, received: Instant) {
        self.answer.push(create.answered - create.asked);
        self.from_call.push(received - create.asked);
        self.from_answer
            .push(received.saturating_duration_since(create.answered));
    }

    /// Prints all three; returns the 99th percentile of the last.
    fn report(self, what: &str) -> Duration {
        println!("{what}");
        report("  call to answer", self.answer);
        report("  call to vendor", self.from_call);
        report("  answer to vendor", self.from_answer)
    }
}

/// Creates an incident; returns its dedup key and the times.
async fn create(client: &reqwest::Client, address: SocketAddr) -> (String, Create) {
    let asked = Instant::now();
    let answer = client
        .post(format!("http://{address}/sys/incidents"))
        .bearer_auth(TOKEN)
        .json(&json!({"title": "API down", "severity": "SEV1", "affected_services": ["api"]}))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 201);
    let body: Value = answer.json().await.unwrap();
    let answered = Instant::now();
    let key = body["paging"]["dedup_key"].as_str().unwrap().to_owned();
    (key, Create { asked, answered })
}

/// Waits until requests of this many keys were read; returns the time of each key's first request.
async fn received(vendor: &MockVendor, keys: usize) -> BTreeMap<String, Instant> {
    loop {
        let mut seen = BTreeMap::new();
        for request in vendor.requests() {
            let key = request.json().unwrap()["dedup_key"]
                .as_str()
                .unwrap()
                .to_owned();
            seen.entry(key).or_insert(request.at);
        }
        if seen.len() >= keys {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn report(what: &str, mut times: Vec<Duration>) -> Duration {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    let (p50, p99, max) = (at(50), at(99), times[times.len() - 1]);
    println!(
        "{what}: p50 {p50:?}, p99 {p99:?}, max {max:?} of {}",
        times.len()
    );
    p99
}

fn http() -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy();
    builder.tls_certs_only([]).build().unwrap()
}

/// Creates incidents one after the other, each after the page of the previous one.
async fn idle(address: SocketAddr, vendor: &MockVendor) -> Times {
    let client = http();
    let mut times = Times::default();
    for _ in 0..ONE_AT_A_TIME {
        let before = vendor.requests().len();
        let (_, created) = create(&client, address).await;
        while vendor.requests().len() == before {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        times.add(created, vendor.requests()[before].at);
    }
    times
}

async fn busy(address: SocketAddr, vendor: &MockVendor) -> Times {
    let before = received(vendor, 0).await.len();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(tokio::spawn(async move {
            let client = http();
            let mut answers = Vec::new();
            for _ in 0..EACH {
                answers.push(create(&client, address).await);
            }
            answers
        }));
    }
    let mut answers = Vec::new();
    for client in clients {
        answers.extend(client.await.unwrap());
    }
    let seen = received(vendor, before + answers.len()).await;
    let mut times = Times::default();
    for (key, created) in answers {
        times.add(created, seen[&key]);
    }
    times
}

/// Measures the lower bound: a client that posts the same bytes.
async fn bare(vendor: &MockVendor) -> Vec<Duration> {
    let body = vendor.requests()[0].body.clone();
    let client = http();
    let mut times = Vec::new();
    for _ in 0..ONE_AT_A_TIME {
        let before = vendor.requests().len();
        let asked = Instant::now();
        let request = client.post(format!("{}/v2/enqueue", vendor.base_url()));
        request.body(body.clone()).send().await.unwrap();
        times.push(
            vendor.requests()[before]
                .at
                .saturating_duration_since(asked),
        );
    }
    times
}

#[tokio::main]
async fn main() {
    let vendor = MockVendor::pagerduty().await.unwrap();
    let pager = PagerDuty::builder(RoutingKey::new(KEY).unwrap())
        .base_url(vendor.base_url())
        .build()
        .unwrap();
    let parts = ConsoleBuilder {
        tokens: Tokens::parse(&format!("root:admin:{TOKEN}")).unwrap(),
        pagers: vec![Arc::new(pager)],
        ..ConsoleBuilder::default()
    };
    let console = Console::start(parts, "127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let quiet = idle(console.address, &vendor).await;
    let quiet = quiet.report("relay idle, one create at a time");
    let loaded = busy(console.address, &vendor).await;
    let loaded = loaded.report("eight clients creating");
    report("bare client, call to vendor", bare(&vendor).await);
    console.stop().await.unwrap();
    for (what, p99) in [("idle", quiet), ("busy", loaded)] {
        let word = if p99 < TARGET { "within" } else { "over" };
        println!("{what}: p99 is {word} the target of {TARGET:?}");
    }
}
