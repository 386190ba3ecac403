//! Usage events as lines over HTTP, into memory: beside a bare axum handler that reads the body and
//! parses each line into an event, and beside parsing alone. Five interleaved rounds, medians.
//!
//! Run with `cargo bench -p incident-benches --bench usage_ndjson`; `USAGE_EVENTS` sets the number
//! of lines (300,000).

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use incident_axum::Tokens;
use incident_benches::usage::{NamesOf, made};
use incident_console::console::{Console, ConsoleBuilder};
use incident_core::impact::ApiUsageEvent;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ROUNDS: usize = 5;
const TOKEN: &str = "token-0123456789-token";

#[tokio::main]
async fn main() {
    let events = std::env::var("USAGE_EVENTS").map_or(300_000, |text| text.parse().unwrap());
    let all = made(events);
    let names = NamesOf::of(&all);
    let mut body = Vec::new();
    for event in names.events(&all) {
        serde_json::to_writer(&mut body, &event).unwrap();
        body.push(b'\n');
    }
    let bind = "127.0.0.1:0".parse().unwrap();
    let parts = ConsoleBuilder {
        tokens: Tokens::parse(&format!("root:admin:{TOKEN}")).unwrap(),
        ..ConsoleBuilder::default()
    };
    let console = Console::start(parts, bind).await.unwrap();
    let bare = Router::new()
        .route("/", post(parsed))
        .layer(DefaultBodyLimit::disable());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, bare).await });
    let mut rates: [Vec<f64>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (way, rates) in rates.iter_mut().enumerate() {
            let started = Instant::now();
            match way {
                0 => sent(console.address, "/sys/usage-events", &body).await,
                1 => sent(address, "/", &body).await,
                _ => assert_eq!(count(&body), events),
            }
            rates.push(events as f64 / started.elapsed().as_secs_f64());
        }
    }
    let [ours, bare, parse] = rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        rates[ROUNDS / 2]
    });
    println!("{} lines of {} bytes", events, body.len() / events);
    println!("over HTTP into memory: {ours:>10.0} events/s");
    println!(
        "bare handler:          {bare:>10.0} events/s, {:.2} of it",
        ours / bare
    );
    println!(
        "parsing alone:         {parse:>10.0} events/s, {:.2} of it",
        ours / parse
    );
    console.stop().await.unwrap();
}

/// Reads a body and parses each line; returns the number of events.
async fn parsed(body: Bytes) -> String {
    count(&body).to_string()
}

fn count(body: &[u8]) -> usize {
    let lines = body
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let events = lines.map(|line| {
        let event: ApiUsageEvent = serde_json::from_slice(line).unwrap();
        black_box(event);
    });
    events.count()
}

async fn sent(address: SocketAddr, path: &str, body: &[u8]) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {TOKEN}\r\nconnection: close\r\n\
         content-type: application/x-ndjson\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut told = String::new();
    stream.read_to_string(&mut told).await.unwrap();
    assert!(told.starts_with("HTTP/1.1 20"), "{told}");
}
