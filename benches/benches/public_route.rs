//! The public route beside a bare axum handler that responds with the same bytes: five interleaved
//! rounds, medians, and their ratio.
//!
//! Run with `cargo bench -p incident-benches --bench public_route`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::routing::get;
use bytes::Bytes;
use incident_console::console::{Console, ConsoleBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ROUNDS: usize = 5;
/// Duration of a turn. The two alternate in short turns, so that other load on the machine slows
/// both alike.
const TURN: Duration = Duration::from_millis(250);
const TURNS: usize = 16;
const CONNECTIONS: usize = 8;
const PATH: &str = "/public/status/active";

/// Measures requests per second over keep-alive connections, with one request at a time on each.
async fn rate(address: SocketAddr) -> f64 {
    let (stop, count) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let started = Instant::now();
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        let (stop, count) = (Arc::clone(&stop), Arc::clone(&count));
        clients.push(tokio::spawn(async move {
            let mut socket = TcpStream::connect(address).await.unwrap();
            socket.set_nodelay(true).unwrap();
            let request = format!("GET {PATH} HTTP/1.1\r\nhost: bench\r\n\r\n");
            let mut buffer = vec![0; 16 * 1024];
            let mut expected = 0;
            while !stop.load(Ordering::Relaxed) {
                socket.write_all(request.as_bytes()).await.unwrap();
                let mut read = socket.read(&mut buffer).await.unwrap();
                assert!(buffer.starts_with(b"HTTP/1.1 200"));
                // Every response is as long as the first one, which fits one read.
                expected = if expected == 0 { read } else { expected };
                while read < expected {
                    read += socket.read(&mut buffer[read..]).await.unwrap();
                }
                count.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    tokio::time::sleep(TURN).await;
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    count.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

#[tokio::main]
async fn main() {
    let console = Console::start(ConsoleBuilder::default(), "127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let answer = reqwest::get(format!("http://{}{PATH}", console.address))
        .await
        .unwrap();
    let etag = answer.headers()[header::ETAG].clone();
    let bytes: Bytes = answer.bytes().await.unwrap();
    let bare = Router::new().route(
        PATH,
        get(move || {
            let (bytes, etag) = (bytes.clone(), etag.clone());
            async move {
                let cache = HeaderValue::from_static("public, max-age=60, stale-if-error=60");
                let json = HeaderValue::from_static("application/json");
                (
                    [
                        (header::CONTENT_TYPE, json),
                        (header::CACHE_CONTROL, cache),
                        (header::ETAG, etag),
                    ],
                    bytes,
                )
            }
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bare_address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, bare).await });
    rate(bare_address).await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let (mut bare, mut public) = (0.0, 0.0);
        for turn in 0..TURNS {
            // The order alternates.
            if turn % 2 == 0 {
                bare += rate(bare_address).await;
                public += rate(console.address).await;
            } else {
                public += rate(console.address).await;
                bare += rate(bare_address).await;
            }
        }
        theirs.push(bare / TURNS as f64);
        ours.push(public / TURNS as f64);
        println!(
            "round {round}: bare {:.0}/s, public route {:.0}/s",
            theirs[round - 1],
            ours[round - 1]
        );
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!(
        "medians: bare {theirs:.0}/s, public route {ours:.0}/s, ratio {:.3}",
        ours / theirs
    );
}
