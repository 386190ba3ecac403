//! The event streams of a browser with many tabs, counted by the server itself.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use incident_test_browser::Browser;
use reqwest::Client;
use serde_json::{Value, json};

use crate::{TOKEN, sign_in};

/// Posts an incident, and gives the status and the milliseconds that it took.
const DECLARE: &str = r"
    const [title, done] = arguments, began = performance.now();
    fetch('/sys/incidents', {
        method: 'POST',
        headers: {'content-type': 'application/json'},
        body: JSON.stringify({title, severity: 'SEV3'}),
    }).then(async (response) => done([response.status, (await response.json()) && performance.now() - began]));
";

/// A console as a process of its own, whose metrics are of it alone. It is killed when it is dropped.
struct OwnProcess(Child);

impl OwnProcess {
    fn start() -> (Self, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_incident-console"));
        for name in incident_console::names::SETTINGS {
            command.env_remove(name);
        }
        let started = command
            .env("INCIDENT_BIND", "127.0.0.1:0")
            .env("INCIDENT_TOKENS", format!("anna:admin:{TOKEN}"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut process = started.unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("listening on ") {
            line.clear();
            assert_ne!(lines.read_line(&mut line).unwrap(), 0, "the console ended");
        }
        // The rest is read away, so that the pipe never fills.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let address = line.trim_start_matches("listening on ").trim_end();
        (Self(process), address.to_owned())
    }
}

impl Drop for OwnProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Returns the number of streams that are open at the server.
async fn open_streams(address: &str) -> usize {
    let client = Client::builder().no_proxy().build().unwrap();
    let metrics = client.get(format!("{address}/metrics")).bearer_auth(TOKEN);
    let metrics = metrics.send().await.unwrap().text().await.unwrap();
    let mut lines = metrics.lines();
    let found = lines.find_map(|line| line.strip_prefix("incident_event_streams "));
    found.map_or(0, |number| number.parse().unwrap())
}

/// field.md H16: browsers allow six connections to a host, which eight streams would use up.
#[tokio::test(flavor = "multi_thread")]
async fn eight_tabs_share_a_stream_and_leave_room_for_a_post() {
    let (_process, address) = OwnProcess::start();
    let browser = Browser::start(1_280, 800).await.unwrap();
    sign_in(&browser, &address).await;
    let mut tabs = vec![browser.tab().await.unwrap()];
    while tabs.len() < 8 {
        tabs.push(browser.open_tab().await.unwrap());
        browser.open(&format!("{address}/")).await.unwrap();
    }
    for tab in &tabs {
        browser.switch_to(tab).await.unwrap();
        browser
            .run("window.mark = true; arguments[0]();", &[])
            .await
            .unwrap();
    }
    let began = Instant::now();
    while open_streams(&address).await == 0 {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "no page follows changes"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for title in ["Search is slow", "Exports fail"] {
        let arguments = [json!(title)];
        let posted = browser.run(DECLARE, &arguments).await.unwrap();
        assert_eq!(posted[0], 201, "{posted}");
        assert!(posted[1].as_f64() < Some(2_000.0), "{posted}");
        let streams = open_streams(&address).await;
        assert!((1..=2).contains(&streams), "{streams} streams");
    }
    for tab in &tabs {
        browser.switch_to(tab).await.unwrap();
        follows(&browser).await;
    }
    // The tab that has the stream is among those that close: another one opens it.
    let (last, others) = tabs.split_last().unwrap();
    for tab in others {
        browser.switch_to(tab).await.unwrap();
        browser.open("about:blank").await.unwrap();
    }
    browser.switch_to(last).await.unwrap();
    let posted = browser.run(DECLARE, &[json!("Login fails")]).await.unwrap();
    assert_eq!(posted[0], 201, "{posted}");
    shows_row(&browser, 3).await;
    while open_streams(&address).await != 1 {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "streams stay open"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    browser.stop().await.unwrap();
}

/// Waits until both incidents are on the page, which was not loaded again.
async fn follows(browser: &Browser) {
    shows_row(browser, 1).await;
    shows_row(browser, 2).await;
    let is_marked = browser.run("arguments[0](window.mark === true)", &[]);
    assert_eq!(is_marked.await.unwrap(), true);
}

/// Waits until the row of an incident is on the page.
async fn shows_row(browser: &Browser, number: u64) {
    let script = "const [id, done] = arguments; done(Boolean(document.getElementById(id)));";
    let began = Instant::now();
    while browser
        .run(script, &[json!(format!("i{number}"))])
        .await
        .unwrap()
        != Value::Bool(true)
    {
        assert!(
            began.elapsed() < Duration::from_secs(3),
            "#{number} did not appear"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
