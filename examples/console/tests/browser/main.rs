//! Tests in a real browser, over a console on a free port.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests, and what they share, fail by panicking"
)]

mod streams;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use incident_axum::Tokens;
use incident_console::console::{Console, ConsoleBuilder};
use incident_test_browser::Browser;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const TOKEN: &str = "0123456789abcdef";

async fn console() -> Console {
    let builder = ConsoleBuilder {
        tokens: Tokens::parse("anna:commander:0123456789abcdef").unwrap(),
        ..ConsoleBuilder::default()
    };
    let bind = "127.0.0.1:0".parse().unwrap();
    Console::start(builder, bind).await.unwrap()
}

/// Signs anna in, as a person does.
async fn sign_in(browser: &Browser, address: &str) {
    browser.open(&format!("{address}/signin")).await.unwrap();
    let token = browser.find("#token").await.unwrap();
    token.type_in(TOKEN).await.unwrap();
    click(browser, "main button").await;
    shows(browser, "Active incidents").await;
}

async fn click(browser: &Browser, selector: &str) {
    let element = browser.find(selector).await.unwrap();
    element.click().await.unwrap();
}

/// Waits until the page shows a text: a click may return before the next page is there.
async fn shows(browser: &Browser, expected: &str) {
    let mut shown = String::new();
    for _ in 0..500 {
        if let Ok(body) = browser.find("body").await
            && let Ok(text) = body.text().await
        {
            if text.contains(expected) {
                return;
            }
            shown = text;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("expected {expected:?} in {shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_and_out() {
    let (console, browser) = (console().await, Browser::start(390, 844).await.unwrap());
    let address = format!("http://{}", console.address);
    browser.open(&format!("{address}/signin")).await.unwrap();
    let token = browser.find("#token").await.unwrap();
    token.type_in("wrong\u{e9}").await.unwrap();
    click(&browser, "main button").await;
    shows(&browser, "This token is unknown. Check it and try again.").await;
    sign_in(&browser, &address).await;
    // The script of a page cannot read the cookie.
    let cookies = browser.run("arguments[0](document.cookie)", &[]).await;
    let cookies = cookies.unwrap();
    assert!(!cookies.as_str().unwrap().contains("session"), "{cookies}");
    browser.open(&format!("{address}/signin")).await.unwrap();
    click(&browser, "main button").await;
    shows(&browser, "Token").await;
    browser.stop().await.unwrap();
    console.stop().await.unwrap();
}

/// Serves a page whose link and whose form lead to the console.
async fn other_site(address: &str) -> (u16, JoinHandle<io::Result<()>>) {
    let page: Arc<str> = format!(
        "<a href='{address}/signin'>link</a><form method='post' action='{address}/signout'><button>x</button></form>"
    )
    .into();
    let site = Router::new().route("/", get(async move || Html(page.to_string())));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (
        port,
        tokio::spawn(async move { axum::serve(listener, site).await }),
    )
}

/// field.md H2, H3: a link of another site arrives signed in, and its forms change nothing.
#[tokio::test(flavor = "multi_thread")]
async fn other_sites_link_to_us_and_change_nothing() {
    let (console, browser) = (console().await, Browser::start(1_280, 800).await.unwrap());
    let address = format!("http://{}", console.address);
    let (port, serving) = other_site(&address).await;
    sign_in(&browser, &address).await;
    // Another site, and another port of this one, which gets the cookie.
    for host in ["localhost", "127.0.0.1"] {
        let other = format!("http://{host}:{port}/");
        browser.open(&other).await.unwrap();
        click(&browser, "button").await;
        shows(&browser, "cross_site").await;
        browser.open(&other).await.unwrap();
        click(&browser, "a").await;
        shows(&browser, "You are signed in").await;
    }
    browser.stop().await.unwrap();
    console.stop().await.unwrap();
    serving.abort();
}

/// Opens a stream, and gives the first change that names an incident, or a note that it failed.
const LISTEN: &str = r#"
    const [path, done] = arguments;
    const source = new EventSource(path);
    source.onopen = () => fetch('/sys/incidents', {
        method: 'POST',
        headers: {'content-type': 'application/json'},
        body: JSON.stringify({title: 'API down', severity: 'SEV3'}),
    });
    source.addEventListener('change', (event) => {
        const {incidents} = JSON.parse(event.data);
        if (incidents.length > 0) {
            source.close();
            done({id: event.lastEventId, incident: incidents[0], cookies: document.cookie});
        }
    });
    source.onerror = () => done({error: source.readyState});
"#;

/// The browser's own `EventSource`, with nothing but the session cookie, hears of a change that the
/// page made with it; and of nothing once signed out.
#[tokio::test(flavor = "multi_thread")]
async fn the_event_source_of_the_browser_receives_changes() {
    let (console, browser) = (console().await, Browser::start(1_280, 800).await.unwrap());
    let address = format!("http://{}", console.address);
    sign_in(&browser, &address).await;
    // A page of ours without a policy that forbids connections.
    browser.open(&format!("{address}/readyz")).await.unwrap();
    let arguments = [json!("/sys/events")];
    let change = browser.run(LISTEN, &arguments).await.unwrap();
    let id = change["incident"]
        .as_str()
        .unwrap_or_else(|| panic!("{change}"));
    let list = browser.run(
        "fetch('/sys/incidents').then(r => r.json()).then(arguments[0])",
        &[],
    );
    assert_eq!(list.await.unwrap()["items"][0]["id"], id);
    let cookies = change["cookies"].as_str().unwrap();
    assert!(!cookies.contains("session"), "{cookies}");
    let (epoch, seq) = change["id"].as_str().unwrap().split_once('-').unwrap();
    assert_eq!(epoch.len(), 16);
    assert!(seq.parse::<u64>().unwrap() > 0);

    browser.open(&format!("{address}/signin")).await.unwrap();
    click(&browser, "main button").await;
    shows(&browser, "Token").await;
    browser.open(&format!("{address}/readyz")).await.unwrap();
    let refused = browser.run(LISTEN, &arguments).await.unwrap();
    // CLOSED: 401 is final for an event source.
    assert_eq!(refused, json!({"error": 2}));
    browser.stop().await.unwrap();
    console.stop().await.unwrap();
}
