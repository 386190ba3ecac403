//! Signals, and the duration of a stop.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use incident_pagers::testing::{Fault, MockVendor};
use incident_test_postgres::{Cluster, Database, Safety};

use crate::{Running, after, command, until};

const TOKEN: &str = "token-0123456789-token";

pub(crate) fn kill(signal: &str, pid: u32) {
    let killed = Command::new("kill")
        .args([signal, &pid.to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
}

/// Waits for the end of a process, at most 10 s from `since`.
pub(crate) fn ended(child: &mut Running, since: Instant) -> ExitStatus {
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        let waited = since.elapsed();
        assert!(
            waited < Duration::from_secs(10),
            "it runs on for {waited:?}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Starts a console; returns it with its address.
pub(crate) fn started(command: &mut Command) -> (Running, String) {
    let mut child = Running::of(command.env("INCIDENT_TOKENS", format!("root:admin:{TOKEN}")));
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let seen = until(&mut lines, "listening on ");
    let address = seen
        .last()
        .unwrap()
        .trim_start_matches("listening on http://");
    (child, address.to_owned())
}

/// Returns the command with SIGHUP at its default. Tests started by `nohup` inherit an ignored
/// SIGHUP, which the console would respect.
fn with_a_terminal() -> Command {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // SIGHUP is signal 1, the lowest bit.
    if ignored.is_some_and(|mask| mask & 1 == 1) {
        after("exec env --default-signal=HUP \"$0\"")
    } else {
        command()
    }
}

/// L9: SIGHUP stops like SIGTERM and SIGINT, whatever connections clients hold, and is reported.
#[test]
fn every_signal_stops_it_within_ten_seconds() {
    for signal in ["-HUP", "-TERM", "-INT"] {
        let (mut child, address) = started(&mut with_a_terminal());
        let mut held = Vec::new();
        for text in [
            String::new(),
            "GET /heal".to_owned(),
            format!(
                "POST /sys/usage-events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n\
                 content-type: application/x-ndjson\r\ncontent-length: 1000000000\r\n\r\n\n"
            ),
        ] {
            let mut one = TcpStream::connect(&address).unwrap();
            one.write_all(text.as_bytes()).unwrap();
            held.push(one);
        }
        std::thread::sleep(Duration::from_millis(300));
        let since = Instant::now();
        kill(signal, child.id());
        let status = ended(&mut child, since);
        assert!(status.success(), "{signal}: {status}");
        let mut log = String::new();
        let mut stderr = child.stderr.take().unwrap();
        stderr.read_to_string(&mut log).unwrap();
        assert!(log.contains("shutting down"), "{signal}: {log}");
    }
}

/// L9: started by `nohup`, it outlives its terminal and stops on SIGTERM.
#[test]
fn a_hang_up_that_is_ignored_stays_ignored() {
    let (mut child, _) = started(&mut after("trap '' HUP"));
    kill("-HUP", child.id());
    std::thread::sleep(Duration::from_secs(1));
    assert!(child.try_wait().unwrap().is_none());
    let since = Instant::now();
    kill("-TERM", child.id());
    assert!(ended(&mut child, since).success());
}

/// S5: with a page at a vendor that does not respond, a stop takes seconds; a second signal, the
/// same or another one, ends the process at once with the exit code of its signal.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_it_at_once() {
    for (signals, code) in [
        (["-TERM", "-TERM"], 143),
        (["-INT", "-INT"], 130),
        (["-TERM", "-INT"], 130),
    ] {
        let vendor = MockVendor::pagerduty().await.unwrap();
        vendor.plan(|_| Fault::BlackHole);
        let mut console = command();
        console
            .env("PAGERDUTY_ROUTING_KEY", "0123456789abcdef0123456789abcdef")
            .env("PAGERDUTY_URL", vendor.base_url().to_string());
        let (mut child, address) = started(&mut console);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let body = serde_json::json!({"title": "API down", "severity": "SEV1"});
        let declare = client.post(format!("http://{address}/sys/incidents"));
        let declared = declare.bearer_auth(TOKEN).json(&body).send().await.unwrap();
        assert_eq!(declared.status(), 201);
        while vendor.requests().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let [first, second] = signals;
        kill(first, child.id());
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(child.try_wait().unwrap().is_none(), "the page holds it");
        let since = Instant::now();
        kill(second, child.id());
        assert_eq!(ended(&mut child, since).code(), Some(code));
        let took = since.elapsed();
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
}

/// Nothing reads stderr and its pipe is full: pages are sent and the stop ends in time all the same. Before, the first line
/// that the pipe did not take held up everything (seen behind a pooler on a slow machine).
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nothing_reads_holds_up_no_page_and_no_stop() {
    let vendor = MockVendor::pagerduty().await.unwrap();
    let mut console = command();
    console
        .env("PAGERDUTY_ROUTING_KEY", "0123456789abcdef0123456789abcdef")
        .env("PAGERDUTY_URL", vendor.base_url().to_string());
    let (mut child, address) = started(&mut console);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    // A pipe holds 64 KB; every incident writes at least one notice with its title.
    let (count, title) = (200, "x".repeat(500));
    for _ in 0..count {
        let body = serde_json::json!({"title": title, "severity": "SEV1"});
        let declare = client.post(format!("http://{address}/sys/incidents"));
        let declared = declare.bearer_auth(TOKEN).json(&body).send().await.unwrap();
        assert_eq!(declared.status(), 201);
    }
    let since = Instant::now();
    while vendor.wakes().len() < count {
        assert!(since.elapsed() < Duration::from_secs(60), "pages are late");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let since = Instant::now();
    kill("-TERM", child.id());
    assert!(ended(&mut child, since).success());
    let mut log = Vec::new();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_end(&mut log).unwrap();
    assert!(log.len() > 60_000, "the pipe was not full: {}", log.len());
}

/// Returns the processes of a server: the first one and its children.
fn processes(cluster: &Cluster) -> Vec<u32> {
    let first = cluster.pid().unwrap();
    let mut all = vec![first];
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse() else {
            continue;
        };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // The preceding name may contain spaces, and ends with a bracket.
        let parent = stat
            .rsplit(") ")
            .next()
            .and_then(|rest| rest.split(' ').nth(1));
        if parent.and_then(|parent| parent.parse().ok()) == Some(first) {
            all.push(pid);
        }
    }
    all
}

/// S5: commands queue on one incident while PostgreSQL is frozen; the stop still ends within ten
/// seconds.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_database_does_not_hold_up_the_stop() {
    let cluster = Cluster::start(Safety::Durable).unwrap();
    let database = Database::create(&cluster, None).await.unwrap();
    let mut console = command();
    console.env("DATABASE_URL", cluster.url(database.name()));
    let (mut child, address) = started(&mut console);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let send = |path: &str, body: &str| {
        let request = client.post(format!("http://{address}{path}"));
        let request = request.bearer_auth(TOKEN).body(body.to_owned());
        request.header("content-type", "application/json").send()
    };
    let declared = send("/sys/incidents", r#"{"title": "x", "severity": "SEV1"}"#).await;
    let text = declared.unwrap().text().await.unwrap();
    let incident: serde_json::Value = serde_json::from_str(&text).unwrap();
    let updates = format!(
        "/sys/incidents/{}/updates",
        incident["id"].as_str().unwrap()
    );
    let all = processes(&cluster);
    for pid in &all {
        kill("-STOP", *pid);
    }
    let mut waiting = Vec::new();
    for _ in 0..40 {
        waiting.push(tokio::spawn(send(&updates, r#"{"message": "x"}"#)));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let since = Instant::now();
    kill("-TERM", child.id());
    let status = ended(&mut child, since);
    println!("stopped after {:?}", since.elapsed());
    for pid in &all {
        kill("-CONT", *pid);
    }
    assert!(status.success(), "{status}");
    for one in waiting {
        let _ = one.await.unwrap();
    }
}
