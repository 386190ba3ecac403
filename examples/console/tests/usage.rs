//! Overload by usage: slow queries, sources that are full or unavailable, and endless streams.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "tests, and what they share, fail by panicking"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use incident_axum::Tokens;
use incident_console::console::{Console, ConsoleBuilder};
use incident_console::storage::Storage;
use incident_core::impact::{ApiUsageEvent, Breakdown, ImpactCounts, ImpactQuery, UserPage};
use incident_core::port::{UsageError, UsageSink, UsageSource};
use serde_json::{Value, json};

const TOKEN: &str = "token-0123456789-token";

/// A source whose queries time out, and a sink that counts the events that it drops.
struct Overrun {
    taken: AtomicU64,
    /// Maximum number of events.
    most: u64,
}

fn too_long(query: &ImpactQuery) -> UsageError {
    UsageError::QueryTimedOut {
        tenants: query.tenants().len(),
        events: Some(26_000_000),
    }
}

#[async_trait]
impl UsageSource for Overrun {
    fn name(&self) -> &'static str {
        "overrun"
    }

    async fn unique_users(
        &self,
        query: &ImpactQuery,
        _timeout: Duration,
    ) -> Result<ImpactCounts, UsageError> {
        Err(too_long(query))
    }

    async fn estimates(
        &self,
        _query: &ImpactQuery,
        _timeout: Duration,
    ) -> Result<ImpactCounts, UsageError> {
        Err(UsageError::Unavailable("the cable is cut".into()))
    }

    async fn breakdown(
        &self,
        query: &ImpactQuery,
        _timeout: Duration,
    ) -> Result<Breakdown, UsageError> {
        Err(too_long(query))
    }

    async fn users(
        &self,
        query: &ImpactQuery,
        _after: Option<&str>,
        _limit: usize,
        _timeout: Duration,
    ) -> Result<UserPage, UsageError> {
        Err(too_long(query))
    }
}

#[async_trait]
impl UsageSink for Overrun {
    async fn record(
        &self,
        events: Vec<ApiUsageEvent>,
        _timeout: Duration,
    ) -> Result<(), UsageError> {
        let more = u64::try_from(events.len()).unwrap();
        let held = self.taken.load(Ordering::SeqCst);
        if held + more > self.most {
            let limit = self.most;
            return Err(UsageError::Full { held, limit });
        }
        self.taken.fetch_add(more, Ordering::SeqCst);
        Ok(())
    }
}

async fn start(most: u64) -> (Console, Arc<Overrun>) {
    let taken = AtomicU64::new(0);
    let usage = Arc::new(Overrun { taken, most });
    let storage = Storage {
        usage: Arc::clone(&usage) as Arc<dyn UsageSource>,
        sink: Arc::clone(&usage) as Arc<dyn UsageSink>,
        ..Storage::default()
    };
    let parts = ConsoleBuilder {
        tokens: Tokens::parse(&format!("root:admin:{TOKEN}")).unwrap(),
        storage,
        ..ConsoleBuilder::default()
    };
    let bind = "127.0.0.1:0".parse().unwrap();
    (Console::start(parts, bind).await.unwrap(), usage)
}

async fn sent(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.bearer_auth(TOKEN).send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_takes_too_long_is_told_with_its_size() {
    let (console, _) = start(0).await;
    let base = format!("http://{}", console.address);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let incident = json!({
        "title": "API down", "severity": "SEV3", "affected_tenants": ["fr", "de"],
        "started_at": "2026-11-20T22:00:00Z", "page": false,
    });
    let request = client.post(format!("{base}/sys/incidents")).json(&incident);
    let (status, incident) = sent(request).await;
    assert_eq!(status, 201, "{incident}");
    let path = format!(
        "{base}/sys/incidents/{}/affected-users",
        incident["id"].as_str().unwrap()
    );
    for ask in ["", "/breakdown"] {
        let (status, told) = sent(client.get(format!("{path}{ask}"))).await;
        assert_eq!((status, &told["code"]), (503, &json!("usage_timeout")));
        let detail = told["detail"].as_str().unwrap();
        assert!(
            detail.contains("2 tenants, about 26000000 events"),
            "{detail}"
        );
    }
    let (status, told) = sent(client.get(format!("{path}?method=estimate"))).await;
    assert_eq!((status, &told["code"]), (503, &json!("unavailable")));
    assert!(!told.to_string().contains("cable"), "{told}");
    console.stop().await.unwrap();
}

/// The events that fit are stored, and the response has their number.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_fills_the_source_says_what_was_taken() {
    let (console, usage) = start(12_000).await;
    let address = console.address;
    let told = tokio::task::spawn_blocking(move || stream(address, 15_000, false))
        .await
        .unwrap();
    assert!(told.starts_with("HTTP/1.1 503 "), "{told}");
    let body: Value = serde_json::from_str(told.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(
        (&body["code"], &body["accepted"], &body["line"]),
        (&json!("usage_full"), &json!(10_000), &json!(15_000))
    );
    assert_eq!(usage.taken.load(Ordering::SeqCst), 10_000);
    console.stop().await.unwrap();
}

/// One batch is stored while the next is read, and the response is as if that were sequential: the
/// error of the previous batch if it fails, else the error of the invalid line with the number of
/// events stored before it.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_thing_that_is_wrong_in_a_stream_is_told() {
    for (most, good, status, code, line, accepted) in [
        (7_000, 10_003, 503, "usage_full", 10_000, 5_000),
        (3_000, 5_001, 503, "usage_full", 5_000, 0),
        (20_000, 10_003, 422, "invalid", 10_004, 10_000),
        (20_000, 5_000, 422, "invalid", 5_001, 5_000),
        (20_000, 4_999, 422, "invalid", 5_000, 0),
    ] {
        let (console, usage) = start(most).await;
        let mut body: String = (0..good).map(self::line).collect();
        body.push_str("{}\n");
        let base = format!("http://{}/sys/usage-events", console.address);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.post(base).body(body);
        let request = request.header("content-type", "application/x-ndjson");
        let (answered, told) = sent(request).await;
        assert_eq!(
            (answered, &told["line"], &told["accepted"]),
            (status, &json!(line), &json!(accepted)),
            "{told}"
        );
        assert!(told["code"].as_str().unwrap().contains(code), "{told}");
        assert_eq!(usage.taken.load(Ordering::SeqCst), accepted);
        console.stop().await.unwrap();
    }
}

/// A body of 64 MiB, or of 1 GiB if `INCIDENT_TEST_LONG` is set, is processed as it arrives.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_any_length_takes_constant_memory() {
    let bytes: u64 = if std::env::var_os("INCIDENT_TEST_LONG").is_some() {
        1 << 30
    } else {
        1 << 26
    };
    let (console, usage) = start(u64::MAX).await;
    let address = console.address;
    let lines = bytes / u64::try_from(line(0).len()).unwrap();
    let short = tokio::task::spawn_blocking(move || stream(address, 20_000, true));
    assert!(short.await.unwrap().starts_with("HTTP/1.1 202 "));
    let before = resident();
    let told = tokio::task::spawn_blocking(move || stream(address, lines, true))
        .await
        .unwrap();
    assert!(
        told.contains(&format!("{{\"accepted\":{lines}}}")),
        "{told}"
    );
    assert_eq!(usage.taken.load(Ordering::SeqCst), lines + 20_000);
    let more = resident().saturating_sub(before);
    assert!(more < 24 << 20, "{} MiB more for {lines} lines", more >> 20);
    console.stop().await.unwrap();
}

fn line(number: u64) -> String {
    let event = json!({
        "tenant_id": "tenant-fr", "user_id": format!("user-{number:012}"), "service": "api",
        "occurred_at": "2026-11-20T22:30:00Z", "failed": true,
    });
    format!("{event}\n")
}

/// Sends lines as one chunked body, to its end unless it is refused before; returns the response. A
/// socket closed with unread data would discard the response.
fn stream(address: SocketAddr, lines: u64, to_its_end: bool) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST /sys/usage-events HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {TOKEN}\r\n\
         content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut piece = String::new();
    for number in 0..lines {
        piece.push_str(&line(number));
        if piece.len() > 1 << 16 || number + 1 == lines {
            let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
            stream.write_all(chunk.as_bytes()).unwrap();
            piece.clear();
        }
    }
    if to_its_end {
        stream.write_all(b"0\r\n\r\n").unwrap();
    }
    let mut told = Vec::new();
    stream.read_to_end(&mut told).unwrap();
    String::from_utf8(told).unwrap()
}

/// Returns the peak resident memory of this process, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}
