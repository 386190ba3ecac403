//! The first contentful paint (W3C Paint Timing) of the page of live incidents with 50 of them, beside
//! the same page of an empty console: Chromium over loopback, interleaved rounds, the mean of the
//! faster half of each, and their ratio. At most 1.5 is wanted. Needs Chromium and its driver.
//!
//! Run with `cargo bench -p incident-benches --bench first_paint`.

use incident_console::console::{Console, ConsoleBuilder};
use incident_core::actor::{Caller, Role};
use incident_test_browser::Browser;
use reqwest::Client;
use serde_json::json;

const LIVE: usize = 50;
const ROUNDS: usize = 80;

/// Gives the time of the first paint, in milliseconds since the navigation began.
const PAINT: &str = r"
    const done = arguments[arguments.length - 1], name = 'first-contentful-paint';
    const seen = () => {
        const [entry] = performance.getEntriesByName(name);
        if (entry) { done(entry.startTime); } else { setTimeout(seen, 5); }
    };
    seen();
";

async fn console() -> Console {
    let visitor = Caller::person("anna".parse().unwrap(), Role::Commander);
    let builder = ConsoleBuilder {
        visitor: Some(visitor),
        ..ConsoleBuilder::default()
    };
    Console::start(builder, ([127, 0, 0, 1], 0).into())
        .await
        .unwrap()
}

async fn declare(address: &str, number: usize) {
    let http = Client::builder().no_proxy().build().unwrap();
    let body = json!({
        "title": format!("Checkout of region {number} answers with errors"),
        "severity": format!("SEV{}", 1 + number % 4),
        "summary": "5xx above 40 % for two minutes",
        "affected_services": ["api", "checkout"],
        "affected_tenants": [format!("tenant-{number}"), "tenant-fr", "tenant-de"],
    });
    let request = http.post(format!("{address}/sys/incidents")).json(&body);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 201);
}

/// Opens a page, and returns its first paint in milliseconds.
async fn painted(browser: &Browser, address: &str) -> f64 {
    browser.open("about:blank").await.unwrap();
    browser.open(address).await.unwrap();
    let paint = browser.run(PAINT, &[]).await.unwrap();
    paint.as_f64().unwrap_or_else(|| panic!("{paint}"))
}

/// Returns the mean of the faster half: other work of the machine only adds to a time.
fn typical(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.truncate(times.len().div_ceil(2));
    times.iter().sum::<f64>() / times.len() as f64
}

#[tokio::main]
async fn main() {
    let (empty, busy) = (console().await, console().await);
    let address = |console: &Console| format!("http://{}", console.address);
    for number in 0..LIVE {
        declare(&address(&busy), number).await;
    }
    let browser = Browser::start(1_280, 800).await.unwrap();
    // Style sheet, script and icon are stored by the first visit.
    painted(&browser, &address(&empty)).await;
    painted(&browser, &address(&busy)).await;
    let (mut pages, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(painted(&browser, &address(&empty)).await);
        pages.push(painted(&browser, &address(&busy)).await);
    }
    browser.stop().await.unwrap();
    empty.stop().await.unwrap();
    busy.stop().await.unwrap();
    let (page, bare) = (typical(pages), typical(bare));
    println!(
        "first paint: {LIVE} live incidents {page:.0} ms, none {bare:.0} ms, ratio {:.2}",
        page / bare
    );
}
