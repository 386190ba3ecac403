//! The binary as a process: starts with nothing, refuses wrong settings, plays
//! the demo, stops on a signal.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "tests, and what they share, fail by panicking"
)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use incident_pagers::testing::{Canned, Fault, StandIn};
use incident_test_postgres::{Cluster, Database, Safety};

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_incident-console"));
    for name in [
        "INCIDENT_TOKENS",
        "INCIDENT_POLICY",
        "INCIDENT_ALLOW_UNSAFE_DATABASE",
        "DATABASE_URL",
        "PAGERDUTY_ROUTING_KEY",
        "PAGERDUTY_URL",
        "OPSGENIE_API_KEY",
        "OPSGENIE_URL",
        "INCIDENT_PAGERS",
        "RUST_LOG",
    ] {
        command.env_remove(name);
    }
    command
        .env("INCIDENT_BIND", "127.0.0.1:0")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Reads lines until one starts with a text; answers all of them.
fn until(lines: &mut BufReader<ChildStdout>, start: &str) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        let mut line = String::new();
        assert_ne!(
            lines.read_line(&mut line).unwrap(),
            0,
            "the process ended: {seen:?}"
        );
        seen.push(line.trim_end().to_owned());
        if line.starts_with(start) {
            return seen;
        }
    }
}

fn stop(mut child: Child) {
    let killed = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return;
        }
        assert!(
            started.elapsed() < Duration::from_secs(25),
            "the process did not stop"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn it_serves_with_no_settings_at_all_and_stops_on_a_signal() {
    let mut child = command().spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let seen = until(&mut lines, "listening on http://").join("\n");
    for said in ["in memory", "pager: log", "admin token"] {
        assert!(seen.contains(said), "{seen}");
    }
    stop(child);
}

#[test]
fn the_demo_tells_the_figures_and_keeps_serving() {
    let mut child = command().arg("demo").spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let seen = until(&mut lines, "Look at it");
    let story = seen.join("\n");
    for said in [
        "counted     1247 unique users",
        "38 minutes for tenant-fr: 0 % credit",
        "45 minutes for tenant-de: 10 % credit",
        "valid: true",
    ] {
        assert!(story.contains(said), "{story}");
    }
    assert!(child.try_wait().unwrap().is_none());
    stop(child);
}

const ROUTING_KEY: &str = "R0c4n4ry0c4n4ry0c4n4ry0c4n4ry0c4";
const API_KEY: &str = "c4n4ry-c4n4ry-c4n4ry";

/// A console that pages stand-ins, with everything it says at trace level, and
/// secrets with a canary in each.
fn paging(pagerduty: &StandIn, opsgenie: &StandIn) -> Command {
    let mut command = command();
    command
        .env("RUST_LOG", "trace")
        .env("INCIDENT_TOKENS", "root:admin:token-c4n4ry-token-c4n4ry")
        .env("PAGERDUTY_ROUTING_KEY", ROUTING_KEY)
        .env("PAGERDUTY_URL", pagerduty.base_url().to_string())
        .env("OPSGENIE_API_KEY", API_KEY)
        .env("OPSGENIE_URL", opsgenie.base_url().to_string());
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn it_pages_the_vendors_and_its_log_holds_no_secret() {
    let pagerduty = StandIn::pagerduty().await.unwrap();
    let opsgenie = StandIn::opsgenie().await.unwrap();
    // The vendor repeats the key; the next one is asked instead.
    let words = format!(r#"{{"message":"Invalid routing key {ROUTING_KEY}"}}"#);
    pagerduty.script([Fault::Answer(Canned::status(400).body(&words))]);
    let mut child = paging(&pagerduty, &opsgenie).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut stderr = child.stderr.take().unwrap();
    // Read all along: a full pipe would stop the process.
    let log = std::thread::spawn(move || {
        let mut log = String::new();
        stderr.read_to_string(&mut log).unwrap();
        log
    });
    let seen = until(&mut lines, "listening on ");
    let expected = format!(
        "pager: pagerduty at {}; then opsgenie at {}",
        pagerduty.base_url(),
        opsgenie.base_url()
    );
    assert!(seen.contains(&expected), "{seen:?}");
    let address = seen.last().unwrap().trim_start_matches("listening on ");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for title in ["one", "two"] {
        let created = client
            .post(format!("{address}/sys/incidents"))
            .bearer_auth("token-c4n4ry-token-c4n4ry")
            .json(&serde_json::json!({"title": title, "severity": "SEV1"}))
            .send()
            .await
            .unwrap();
        assert_eq!(created.status(), 201);
    }
    let started = Instant::now();
    while pagerduty.wakes().len() + opsgenie.wakes().len() < 2 {
        assert!(started.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!((pagerduty.wakes().len(), opsgenie.wakes().len()), (1, 1));
    stop(child);
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    let log = log.join().unwrap();
    assert!(log.contains("TRACE") && log.contains("refused the key"));
    let said = seen.join("\n") + &rest + &log;
    let found = said.lines().find(|line| line.contains("c4n4ry"));
    assert_eq!(found, None);
}

#[test]
fn without_certificates_a_vendor_on_the_network_is_refused_and_not_panicked_at() {
    let bare = |command: &mut Command| {
        command
            .env("SSL_CERT_FILE", "/nonexistent")
            .env("SSL_CERT_DIR", "/nonexistent")
            .env("PAGERDUTY_ROUTING_KEY", ROUTING_KEY);
    };
    let mut refused = command();
    bare(&mut refused);
    let output = refused.output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    for said in ["PAGERDUTY_URL: ", "CA certificates"] {
        assert!(error.contains(said), "{error}");
    }
    assert!(
        !error.contains("panicked") && !error.contains("c4n4ry"),
        "{error}"
    );
    // On loopback none are needed.
    let mut local = command();
    bare(&mut local);
    let mut child = local
        .env("PAGERDUTY_URL", "http://127.0.0.1:9")
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    until(&mut lines, "listening on ");
    stop(child);
}

fn run(database: &str, arguments: &[&str], settings: &[(&str, &str)]) -> (bool, String, String) {
    let mut console = command();
    console.args(arguments).env("DATABASE_URL", database);
    for (name, value) in settings {
        console.env(name, value);
    }
    let output = console.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.success(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_it_migrates_serves_keeps_and_verifies() {
    // As in production: nothing about it is unsafe.
    let cluster = Cluster::start(Safety::Durable).unwrap();
    let database = Database::create(&cluster, None).await.unwrap();
    let url = cluster.url(database.name());
    let (well, said, _) = run(&url, &["doctor"], &[]);
    assert!(!well && said.contains("migrate"), "{said}");
    let (well, said, error) = run(&url, &["migrate"], &[]);
    assert!(well && said.contains("up to date"), "{said}{error}");
    let (well, said, _) = run(&url, &["doctor"], &[]);
    // Only that the superuser serves.
    assert!(
        well && said.lines().count() == 1 && said.contains("guards"),
        "{said}"
    );

    let token = "token-0123456789-token";
    let tokens = format!("root:admin:{token}");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut id = String::new();
    // Twice: what the first process kept, the second one shows.
    for round in 0..2 {
        let mut console = command();
        console
            .env("DATABASE_URL", &url)
            .env("INCIDENT_TOKENS", &tokens);
        let mut child = console.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let seen = until(&mut lines, "listening on ");
        assert!(seen[0].starts_with("store: PostgreSQL, "), "{seen:?}");
        let address = seen
            .last()
            .unwrap()
            .trim_start_matches("listening on ")
            .to_owned();
        let ready = client
            .get(format!("{address}/readyz"))
            .send()
            .await
            .unwrap();
        assert!(ready.text().await.unwrap().contains("postgres"));
        if round == 0 {
            let created = client
                .post(format!("{address}/sys/incidents"))
                .bearer_auth(token)
                .json(&serde_json::json!({"title": "kept", "severity": "SEV1"}))
                .send()
                .await
                .unwrap();
            let body: serde_json::Value =
                serde_json::from_str(&created.text().await.unwrap()).unwrap();
            id = body["id"].as_str().unwrap().to_owned();
        }
        let shown = client
            .get(format!("{address}/sys/incidents/{id}"))
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        assert_eq!(shown.status(), 200);
        stop(child);
    }
    let (well, said, _) = run(&url, &["verify"], &[]);
    assert!(
        well && said.contains("timelines: 1 sound, 0 broken"),
        "{said}"
    );
    let (well, said, error) = run(&url, &["doctor", "all"], &[]);
    assert!(
        !well && said.is_empty() && error.starts_with("usage"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_it_says_so_and_goes_on_afterwards() {
    let mut cluster = Cluster::start(Safety::Durable).unwrap();
    let database = Database::create(&cluster, None).await.unwrap();
    let token = "token-0123456789-token";
    let mut console = command();
    console
        .env("DATABASE_URL", cluster.url(database.name()))
        .env("INCIDENT_TOKENS", format!("root:admin:{token}"));
    let mut child = console.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let seen = until(&mut lines, "listening on ");
    let address = seen
        .last()
        .unwrap()
        .trim_start_matches("listening on ")
        .to_owned();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let declare = async || {
        let body = serde_json::json!({"title": "kept", "severity": "SEV1"});
        let request = client
            .post(format!("{address}/sys/incidents"))
            .bearer_auth(token);
        let answer = request
            .header("Idempotency-Key", "one")
            .json(&body)
            .send()
            .await
            .unwrap();
        let later = answer.headers().get("retry-after").is_some();
        (answer.status().as_u16(), later)
    };
    let ready = async || {
        let answer = client
            .get(format!("{address}/readyz"))
            .send()
            .await
            .unwrap();
        answer.status().as_u16()
    };
    assert_eq!(ready().await, 200);
    cluster.kill().unwrap();
    let started = Instant::now();
    assert_eq!((declare().await, ready().await), ((503, true), 503));
    let alive = client
        .get(format!("{address}/healthz"))
        .send()
        .await
        .unwrap();
    assert_eq!(alive.status(), 200);
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
    cluster.start_again().unwrap();
    let started = Instant::now();
    while declare().await != (201, false) {
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "it does not go on"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(ready().await, 200);
    stop(child);
}

#[tokio::test]
async fn an_unsafe_database_is_refused_unless_told_otherwise() {
    let cluster = Cluster::start(Safety::Fast).unwrap();
    let database = Database::create(&cluster, None).await.unwrap();
    let url = cluster.url(database.name());
    let (well, _, error) = run(&url, &[], &[]);
    assert!(
        !well && error.contains("INCIDENT_ALLOW_UNSAFE_DATABASE=1"),
        "{error}"
    );
    let mut console = command();
    console
        .env("DATABASE_URL", &url)
        .env("INCIDENT_ALLOW_UNSAFE_DATABASE", "1");
    let mut child = console.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    until(&mut lines, "listening on ");
    stop(child);
    let (well, _, error) = run(&cluster.url("nowhere"), &[], &[]);
    assert!(
        !well && error.contains("DATABASE_URL") && error.contains("nowhere"),
        "{error}"
    );
    let (well, _, error) = run("", &["verify"], &[]);
    assert!(!well && error.contains("DATABASE_URL"), "{error}");
}

#[test]
fn the_demo_leaves_configured_vendors_alone_and_says_so() {
    let mut demo = command();
    demo.arg("demo").env("PAGERDUTY_ROUTING_KEY", ROUTING_KEY);
    let mut child = demo.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let seen = until(&mut lines, "Look at it").join("\n");
    assert!(
        seen.contains("pager: log") && seen.contains("a demo wakes nobody"),
        "{seen}"
    );
    stop(child);
}

#[test]
fn a_wrong_setting_stops_the_start_with_one_sentence_and_no_secret() {
    for (name, value) in [
        ("INCIDENT_BIND", "nowhere"),
        ("INCIDENT_TOKENS", "anna:boss:canary-canary-canary"),
        ("INCIDENT_POLICY", "/nonexistent/policy.toml"),
        ("DATABASE_URL", "mysql://user:canary@host/db"),
        ("PAGERDUTY_ROUTING_KEY", "canary"),
        ("PAGERDUTY_URL", "http://canary.example"),
        ("OPSGENIE_API_KEY", "canary canary"),
        ("OPSGENIE_URL", "http://127.0.0.1:9/canary"),
        ("INCIDENT_PAGERS", "pagerduty"),
    ] {
        let mut child = command().env(name, value).spawn().unwrap();
        assert!(!child.wait().unwrap().success(), "{name}");
        let mut error = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut error)
            .unwrap();
        assert!(error.contains(name) && !error.contains("canary"), "{error}");
        assert_eq!(error.trim_end().lines().count(), 1, "{error}");
    }
}
