//! The page of live incidents beside the JSON of the same list: 50 live incidents, interleaved
//! rounds over the router without a network, medians and their ratio. At most 3 is wanted.
//!
//! Run with `cargo bench -p incident-benches --bench web_pages`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use incident_axum::{EventFeed, IncidentApi, PublicCache, Tokens};
use incident_benches::median;
use incident_core::engine::Incidents;
use incident_store_memory::MemoryStore;
use serde_json::json;
use tower::ServiceExt;

const LIVE: usize = 50;
const ROUNDS: usize = 200;
const TOKEN: &str = "0123456789abcdef";
const PAGE: &str = "/";
const JSON: &str = "/sys/incidents?limit=50";

async fn send(router: &Router, request: Request<Body>) -> usize {
    let response = router.clone().oneshot(request).await.unwrap();
    assert!(response.status().is_success(), "{}", response.status());
    response
        .into_body()
        .collect()
        .await
        .unwrap()
        .to_bytes()
        .len()
}

fn request(path: &str) -> Request<Body> {
    Request::get(path)
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("accept", "text/html")
        .body(Body::empty())
        .unwrap()
}

async fn declare(router: &Router, number: usize) {
    let body = json!({
        "title": format!("Checkout of region {number} answers with errors"),
        "severity": format!("SEV{}", 1 + number % 4),
        "summary": "5xx above 40 % for two minutes",
        "affected_services": ["api", "checkout"],
        "affected_tenants": [format!("tenant-{number}"), "tenant-fr", "tenant-de"],
    });
    let request = Request::post("/sys/incidents")
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    send(router, request).await;
}

/// Measures one response.
async fn timed(router: &Router, path: &str) -> (Duration, usize) {
    let request = request(path);
    let began = Instant::now();
    let bytes = send(router, request).await;
    (began.elapsed(), bytes)
}

#[tokio::main]
async fn main() {
    let cache = PublicCache::shared();
    let events = EventFeed::shared();
    let incidents = Incidents::builder(Arc::new(MemoryStore::default()))
        .on_event(cache.listener())
        .on_event(events.listener())
        .build()
        .unwrap();
    let tokens = Tokens::parse(&format!("anna:commander:{TOKEN}")).unwrap();
    let api = IncidentApi::builder(incidents, Arc::new(tokens), cache).events(events);
    let router: Router = api.build().router();
    for number in 0..LIVE {
        declare(&router, number).await;
    }
    let (mut pages, mut lists) = (Vec::new(), Vec::new());
    let (mut page_bytes, mut list_bytes) = (0, 0);
    for _ in 0..ROUNDS {
        let (took, bytes) = timed(&router, PAGE).await;
        pages.push(took);
        page_bytes = bytes;
        let (took, bytes) = timed(&router, JSON).await;
        lists.push(took);
        list_bytes = bytes;
    }
    let (page, list) = (median(pages), median(lists));
    println!(
        "page {page:?} ({page_bytes} bytes), JSON {list:?} ({list_bytes} bytes), ratio {:.2}",
        page.as_secs_f64() / list.as_secs_f64()
    );
}
