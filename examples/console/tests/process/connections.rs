//! The process under clients that hold on to its connections.

use std::io::{BufReader, Read};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use incident_pagers::testing::MockVendor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::{Running, after, command, stop, until};

const TOKEN: &str = "token-0123456789-token";
const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";

async fn connect(address: SocketAddr) -> TcpStream {
    let connecting = TcpStream::connect(address);
    timeout(Duration::from_secs(5), connecting)
        .await
        .unwrap()
        .unwrap()
}

/// Sends a request and returns the status; `None` if the connection ended.
async fn ask(stream: &mut TcpStream, request: &str) -> Option<u16> {
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = vec![0; 4_096];
    let reading = timeout(Duration::from_secs(15), stream.read(&mut answer));
    let read = reading.await.ok()?.ok()?;
    let text = String::from_utf8_lossy(&answer[..read]).into_owned();
    text.split(' ').nth(1)?.parse().ok()
}

fn sev1(title: &str) -> String {
    let body = format!(r#"{{"title": "{title}", "severity": "SEV1"}}"#);
    format!(
        "POST /sys/incidents HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Returns one of the ways to hold a connection: nothing, half a head, half a body with a plausible
/// signature, and half a body that is refused early.
fn held(number: usize) -> String {
    let signature = "0".repeat(64);
    match number % 4 {
        0 => String::new(),
        1 => "GET /healthz HTTP/1.1\r\nx: ".to_owned(),
        2 => format!(
            "POST /hooks/pagerduty HTTP/1.1\r\nhost: x\r\nx-pagerduty-signature: v1={signature}\r\n\
             content-length: 1000\r\n\r\n{{"
        ),
        _ => "POST /sys/incidents HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{".to_owned(),
    }
}

/// S1, L3: with three times as many silent and half-sent requests as the process has descriptors it
/// stays alive, and a SEV1 over an existing connection reaches on-call, whether that connection had
/// sent a token before or not.
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_hold_on_stop_no_page() {
    for limit in [64, 128, 1_024] {
        let pagerduty = MockVendor::pagerduty().await.unwrap();
        let mut console = after(&format!("ulimit -n {limit}"));
        console
            .env("RUST_LOG", "warn")
            .env("INCIDENT_TOKENS", format!("root:admin:{TOKEN}"))
            .env("PAGERDUTY_ROUTING_KEY", "0123456789abcdef0123456789abcdef")
            .env("PAGERDUTY_URL", pagerduty.base_url().to_string())
            .env("PAGERDUTY_WEBHOOK_SECRET", "the-secret-of-this-webhook");
        let mut child = Running::of(&mut console);
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let seen = until(&mut lines, "listening on ");
        let few = seen
            .iter()
            .any(|line| line.starts_with("connections: at most "));
        assert_eq!(few, limit < 1_024, "{seen:?}");
        let address = seen
            .last()
            .unwrap()
            .trim_start_matches("listening on http://");
        let address: SocketAddr = address.parse().unwrap();
        let (mut known, mut used) = (connect(address).await, connect(address).await);
        let list = format!(
            "GET /sys/incidents HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n\r\n"
        );
        assert_eq!(ask(&mut known, &list).await, Some(200));
        assert_eq!(ask(&mut used, HEALTH).await, Some(200));
        let mut holding = Vec::new();
        for number in 0..3 * limit {
            let mut one = connect(address).await;
            // Earlier connections, and this one, may already be closed.
            let _ = one.write_all(held(number).as_bytes()).await;
            holding.push(one);
        }
        let started = Instant::now();
        while ask(&mut connect(address).await, HEALTH).await != Some(200) {
            let waited = started.elapsed();
            assert!(
                waited < Duration::from_secs(15),
                "{limit}: dead for {waited:?}"
            );
        }
        let started = Instant::now();
        assert_eq!(ask(&mut known, &sev1("one")).await, Some(201), "{limit}");
        assert_eq!(ask(&mut used, &sev1("two")).await, Some(201), "{limit}");
        while pagerduty.wakes().len() < 2 {
            let waited = started.elapsed();
            assert!(
                waited < Duration::from_secs(10),
                "{limit}: no page for {waited:?}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        println!("{limit} descriptors: pages after {:?}", started.elapsed());
        let metrics = reqwest::Client::builder().no_proxy().build().unwrap();
        let asked = metrics
            .get(format!("http://{address}/metrics"))
            .bearer_auth(TOKEN);
        let metrics = asked.send().await.unwrap().text().await.unwrap();
        let figure = |name: &str| -> usize {
            let line = metrics.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("{name}: {metrics}"))
                .trim()
                .parse()
                .unwrap()
        };
        let most = figure("incident_console_connections_limit ");
        assert!(most < limit && figure("incident_console_connections ") <= most);
        let evicted = "incident_console_connections_closed_total{reason=\"evicted\"} ";
        assert!(figure(evicted) >= limit);
        if let Ok(open) = std::fs::read_dir(format!("/proc/{}/fd", child.id())) {
            assert!(open.count() < limit);
        }
        stop(child);
    }
}

/// Returns the peak memory of a process, in MiB, if the system reports it.
fn peak(child: &Running) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<usize>().ok()? / 1_024)
}

/// S2: 400 bodies of 1 MB to an open webhook, without a signature and with a wrong one, cost no
/// more memory than is reserved for them.
#[tokio::test(flavor = "multi_thread")]
async fn unproven_bodies_cost_little_memory() {
    let mut console = command();
    console
        .env("RUST_LOG", "warn")
        .env("PAGERDUTY_WEBHOOK_SECRET", "the-secret-of-this-webhook")
        .env("OPSGENIE_WEBHOOK_TOKEN", "the-token-of-this-webhook");
    let mut child = Running::of(&mut console);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let seen = until(&mut lines, "listening on ");
    let address = seen
        .last()
        .unwrap()
        .trim_start_matches("listening on http://");
    let address: SocketAddr = address.parse().unwrap();
    let Some(before) = peak(&child) else {
        eprintln!("skipped: the system does not tell the memory of a process");
        return;
    };
    let signature = format!("x-pagerduty-signature: v1={}", "0".repeat(64));
    for (route, header) in [
        ("pagerduty", "x: 1"),
        ("pagerduty", &signature),
        ("opsgenie", "authorization: Bearer wrong-wrong-wrong"),
    ] {
        let mut sending = Vec::new();
        for _ in 0..400 {
            let head = format!(
                "POST /hooks/{route} HTTP/1.1\r\nhost: x\r\n{header}\r\ncontent-length: 1000000\r\n\r\n"
            );
            sending.push(tokio::spawn(async move {
                let mut stream = connect(address).await;
                let _ = stream.write_all(head.as_bytes()).await;
                // All but the last byte: the server holds it until the client disconnects.
                let _ = timeout(Duration::from_secs(5), stream.write_all(&[b'x'; 999_999])).await;
                stream
            }));
        }
        let mut open = Vec::new();
        for one in sending {
            open.push(one.await.unwrap());
        }
        let grown = peak(&child).unwrap() - before;
        println!("400 bodies to {route} ({header:.20}): {grown} MiB more");
        assert!(grown < 80, "{route} {header}: {grown} MiB more");
    }
    stop(child);
}

/// S15: thousands of wrong tokens are counted, and logged as one line.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_tokens_are_counted_and_logged_once() {
    let mut console = command();
    console
        .env("RUST_LOG", "warn")
        .env("INCIDENT_TOKENS", format!("root:admin:{TOKEN}"));
    let mut child = Running::of(&mut console);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let seen = until(&mut lines, "listening on ");
    let address = seen.last().unwrap().trim_start_matches("listening on ");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = async |path: &str, token: &str| {
        let asked = client.get(format!("{address}{path}")).bearer_auth(token);
        let answer = asked.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let started = Instant::now();
    let mut answers = [0, 0];
    for number in 0..2_000 {
        let (status, _) = ask("/sys/incidents", &format!("wrong-c4n4ry-{number}")).await;
        answers[usize::from(status == 429)] += 1;
    }
    // Twenty, unless a minute passed meanwhile.
    assert!(answers[0] % 20 == 0 && answers[0] <= 60, "{answers:?}");
    // Longer than the time until the first line.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let (status, metrics) = ask("/metrics", TOKEN).await;
    assert_eq!(status, 200);
    let counted = "incident_console_wrong_tokens_total{place=\"sys\"} 2000";
    assert!(metrics.contains(counted), "{metrics}");
    let mut stderr = child.stderr.take().unwrap();
    stop(child);
    let mut log = String::new();
    stderr.read_to_string(&mut log).unwrap();
    let lines = log.lines().filter(|line| line.contains("invalid tokens"));
    let lines: Vec<&str> = lines.collect();
    let minutes = usize::try_from(started.elapsed().as_secs() / 60).unwrap();
    assert!((1..=1 + minutes).contains(&lines.len()), "{log}");
    assert!(
        lines[0].contains("127.0.0.1") && !log.contains("c4n4ry"),
        "{log}"
    );
}
