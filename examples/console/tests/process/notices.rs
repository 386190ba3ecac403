//! The process and the receiver of its notices.

use std::io::{BufReader, Read};
use std::time::{Duration, Instant};

use incident_pagers::SigningSecret;
use incident_pagers::testing::{CannedResponse, Fault, NoticeReceiver};
use serde_json::json;

use crate::{Running, command, stop, until};

const SECRET: &str = "whsec_YzRuNHJ5YzRuNHJ5YzRuNHJ5YzRuNHJ5";
const TOKEN: &str = "token-0123456789-token";

/// Starts a console with a receiver, declares a SEV1, and returns the notices with the log.
async fn notices(base_url: Option<&str>) -> (Vec<serde_json::Value>, String) {
    let secret = SigningSecret::new(SECRET).unwrap();
    let receiver = NoticeReceiver::start(secret).await.unwrap();
    let address = format!("{}/services/c4n4ry-c4n4ry-c4n4ry", receiver.base_url());
    // The first attempt of one of them is refused for now, by an answer that repeats all there is.
    let words = format!("Cannot POST {address} {SECRET}");
    receiver.script([Fault::Answer(CannedResponse::status(503).body(&words))]);
    let mut console = command();
    console
        .env("RUST_LOG", "trace")
        .env("INCIDENT_TOKENS", format!("root:admin:{TOKEN}"))
        .env("INCIDENT_NOTICES_URL", &address)
        .env("INCIDENT_NOTICES_SECRET", SECRET)
        .envs(base_url.map(|url| ("INCIDENT_BASE_URL", url)));
    let mut child = Running::of(&mut console);
    let mut stderr = child.stderr.take().unwrap();
    let log = std::thread::spawn(move || {
        let mut log = String::new();
        stderr.read_to_string(&mut log).unwrap();
        log
    });
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let seen = until(&mut lines, "listening on ");
    let line = format!("notices: posted to {}", receiver.base_url());
    assert!(seen.contains(&line), "{seen:?}");
    let server = seen.last().unwrap().trim_start_matches("listening on ");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let declared = client
        .post(format!("{server}/sys/incidents"))
        .bearer_auth(TOKEN)
        .json(&json!({"title": "API down", "severity": "SEV1"}))
        .send()
        .await
        .unwrap();
    assert_eq!(declared.status(), 201);
    // The rules of a declared SEV1 notify three groups at once; the refused one after five seconds.
    let started = Instant::now();
    while receiver.counted().len() < 3 {
        let passed = started.elapsed();
        assert!(passed < Duration::from_secs(30), "{:?}", receiver.counted());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop(child);
    let counted = receiver.counted();
    assert!(counted.iter().all(|one| one.times == 1), "{counted:?}");
    let bodies = counted.into_iter().map(|one| one.body).collect();
    (bodies, log.join().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_posts_notices_with_a_link_and_its_log_holds_no_secret() {
    let (bodies, log) = notices(Some("https://console.example/ops")).await;
    let mut groups: Vec<&str> = bodies
        .iter()
        .map(|body| body["group"].as_str().unwrap())
        .collect();
    groups.sort_unstable();
    assert_eq!(groups, ["communicator", "cto", "team"]);
    for body in &bodies {
        let id = body["incident"]["id"].as_str().unwrap();
        let url = format!("https://console.example/ops/incidents/{id}");
        assert_eq!(body["url"], *url);
        assert!(body["text"].as_str().unwrap().ends_with(&url), "{body}");
    }
    assert!(log.contains("did not take a notice"), "{log}");
    let found = log
        .lines()
        .find(|line| line.contains("c4n4ry") || line.contains("YzRuNHJ5"));
    assert_eq!(found, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_have_no_link_without_an_address() {
    let (bodies, _) = notices(None).await;
    for body in &bodies {
        assert_eq!(body.get("url"), None, "{body}");
        assert!(!body["text"].as_str().unwrap().contains("http"), "{body}");
    }
}
