//! The public route and the status page, each beside a bare axum handler that responds with the same
//! bytes: five interleaved rounds, medians, and their ratio.
//!
//! Run with `cargo bench -p incident-benches --bench public_route`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, header};
use axum::response::Response;
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
/// The paths, each with the headers that its readers send.
const PATHS: [(&str, &str); 2] = [
    ("/public/status/active", ""),
    (
        "/status",
        "accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
         accept-encoding: gzip, deflate, br, zstd\r\naccept-language: fr-CH,fr;q=0.9,en;q=0.8\r\n",
    ),
];

/// Measures requests per second over keep-alive connections, with one request at a time on each.
async fn rate(address: SocketAddr, path: &'static str, headers: &'static str) -> f64 {
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
            let request = format!("GET {path} HTTP/1.1\r\nhost: bench\r\n{headers}\r\n");
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

/// Returns the bytes of a path, with the headers that describe them.
async fn sent(address: SocketAddr, path: &str, headers: &str) -> (HeaderMap, Bytes) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.get(format!("http://{address}{path}"));
    for line in headers.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    let answer = request.send().await.unwrap();
    let mut headers = answer.headers().clone();
    // The server sets them itself.
    for name in [header::CONTENT_LENGTH, header::DATE] {
        headers.remove(name);
    }
    (headers, answer.bytes().await.unwrap())
}

/// Compares a path of the console with a bare handler of the same bytes and headers.
async fn compare(console: SocketAddr, path: &'static str, headers: &'static str) {
    let (answered, bytes) = sent(console, path, headers).await;
    let size = bytes.len();
    let bare = Router::new().route(
        path,
        get(move || {
            let mut response = Response::new(Body::from(bytes.clone()));
            response.headers_mut().clone_from(&answered);
            async move { response }
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bare_address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, bare).await });
    rate(bare_address, path, headers).await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let (mut bare, mut public) = (0.0, 0.0);
        for turn in 0..TURNS {
            // The order alternates.
            if turn % 2 == 0 {
                bare += rate(bare_address, path, headers).await;
                public += rate(console, path, headers).await;
            } else {
                public += rate(console, path, headers).await;
                bare += rate(bare_address, path, headers).await;
            }
        }
        theirs.push(bare / TURNS as f64);
        ours.push(public / TURNS as f64);
        println!(
            "{path} round {round}: bare {:.0}/s, ours {:.0}/s",
            theirs[round - 1],
            ours[round - 1]
        );
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!(
        "{path} ({size} bytes), medians: bare {theirs:.0}/s, ours {ours:.0}/s, ratio {:.3}",
        ours / theirs
    );
}

#[tokio::main]
async fn main() {
    let console = Console::start(ConsoleBuilder::default(), "127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    for (path, headers) in PATHS {
        compare(console.address, path, headers).await;
    }
}
