//! The process and the vendors it pages.

use std::io::{BufReader, Read};
use std::process::Command;
use std::time::{Duration, Instant};

use incident_pagers::testing::{CannedResponse, Delivered, Fault, MockVendor, Webhooks};

use crate::{Running, command, stop, until};

const ROUTING_KEY: &str = "R0c4n4ry0c4n4ry0c4n4ry0c4n4ry0c4";
const HOOK_SECRET: &str = "signed-c4n4ry-signed-c4n4ry";
const API_KEY: &str = "c4n4ry-c4n4ry-c4n4ry";

/// Returns a console that pages mock vendors, logs at trace level, and has a canary in each secret.
fn paging(pagerduty: &MockVendor, opsgenie: &MockVendor) -> Command {
    let mut command = command();
    command
        .env("RUST_LOG", "trace")
        .env("INCIDENT_TOKENS", "root:admin:token-c4n4ry-token-c4n4ry")
        .env("PAGERDUTY_ROUTING_KEY", ROUTING_KEY)
        .env("PAGERDUTY_URL", pagerduty.base_url().to_string())
        .env("PAGERDUTY_API_URL", pagerduty.base_url().to_string())
        .env("PAGERDUTY_API_TOKEN", "rest-c4n4ry-rest")
        .env("PAGERDUTY_WEBHOOK_SECRET", HOOK_SECRET)
        .env("OPSGENIE_WEBHOOK_TOKEN", "hook-c4n4ry-hook-c4n4ry")
        .env("OPSGENIE_API_KEY", API_KEY)
        .env("OPSGENIE_URL", opsgenie.base_url().to_string());
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn it_pages_the_vendors_and_its_log_holds_no_secret() {
    let pagerduty = MockVendor::pagerduty().await.unwrap();
    let opsgenie = MockVendor::opsgenie().await.unwrap();
    // The vendor's error repeats the key; the next vendor is paged instead.
    let words = format!(r#"{{"message":"Invalid routing key {ROUTING_KEY}"}}"#);
    pagerduty.script(vec![
        Fault::Answer(CannedResponse::status(400).body(&words));
        2
    ]);
    let mut child = Running::of(&mut paging(&pagerduty, &opsgenie));
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut stderr = child.stderr.take().unwrap();
    // Read continuously: a full pipe would block the process.
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
    assert_eq!((pagerduty.wakes().len(), opsgenie.wakes().len()), (0, 2));
    // The look-up of a dedup key sends a secret as well. One of the refusals above may still be
    // pending and apply to it.
    let mut hook = Webhooks::to(format!("{address}/hooks/pagerduty"), HOOK_SECRET).unwrap();
    let body = r#"{"event": {"id": "1", "event_type": "incident.acknowledged",
        "data": {"id": "Q1", "incident_key": null}}}"#;
    let told = [hook.deliver(body).await, hook.deliver(body).await];
    assert_eq!(told[1], Delivered::Taken(202), "{told:?}");
    let metrics = |token: &'static str| {
        let request = client.get(format!("{address}/metrics"));
        async move {
            let answer = request.bearer_auth(token).send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        }
    };
    assert_eq!(metrics("wrong").await.0, 401);
    // The outcome of the last page is recorded just after the vendor has it.
    let mut text = String::new();
    for _ in 0..500 {
        text = metrics("token-c4n4ry-token-c4n4ry").await.1;
        if text.contains("incident_oldest_pending_page_seconds 0") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for line in [
        "# TYPE incident_notifications_total counter",
        "incident_notifications_total{target=\"opsgenie\",action=\"trigger\"} 2",
        "incident_notifications_failed_total{target=\"pagerduty\",action=\"trigger\",reason=\"authError\"} ",
        "incident_alarms_total{kind=\"target_down\"} 1",
        "incident_target_down{target=\"pagerduty\"} 1",
        "incident_page_acceptance_seconds_bucket{severity=\"SEV1\",le=\"60\"} 2",
        "incident_oldest_pending_page_seconds 0",
        "incident_outbox_unfinished 0",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(!text.contains("c4n4ry"));
    stop(child);
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    let log = log.join().unwrap();
    assert!(log.contains("TRACE") && log.contains("rejected the credentials"));
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
    // On loopback no certificates are needed.
    let mut local = command();
    bare(&mut local);
    let mut child = Running::of(local.env("PAGERDUTY_URL", "http://127.0.0.1:9"));
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    until(&mut lines, "listening on ");
    stop(child);
}

#[test]
fn the_demo_leaves_configured_vendors_alone_and_says_so() {
    let mut demo = command();
    demo.arg("demo").env("PAGERDUTY_ROUTING_KEY", ROUTING_KEY);
    let mut child = Running::of(&mut demo);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let seen = until(&mut lines, "Open http").join("\n");
    for part in ["pager: demo-pagerduty", "no one is paged"] {
        assert!(seen.contains(part), "{seen}");
    }
    stop(child);
}
