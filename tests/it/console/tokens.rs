//! Wrong tokens are counted, and a known token is never refused.

use incident_axum::WebhookSettings;
use incident_console::console::ConsoleBuilder;
use incident_pagers::inbound::WebhookSecret;
use incident_pagers::testing::Webhooks;
use reqwest::Method;

use crate::over_http::harness::{Answer, Server, VIEWER};
use crate::over_http::raw::{Raw, request};

const SECRET: &str = "the-secret-of-this-webhook";
const TOKEN: &str = "the-token-of-this-webhook";

async fn server() -> Server {
    let secret = |text: &str| vec![WebhookSecret::new(text).unwrap()];
    let hooks = WebhookSettings {
        pagerduty: secret(SECRET),
        opsgenie: secret(TOKEN),
        ..WebhookSettings::default()
    };
    let parts = ConsoleBuilder {
        hooks,
        ..ConsoleBuilder::default()
    };
    Server::start_with(parts).await
}

/// Sends a request by one of the authenticated ways, with right or wrong credentials.
async fn enter(server: &Server, way: &str, right: bool) -> Answer {
    let body = Some(b"{}".to_vec());
    let proof = |proof: &str| {
        let wrong = "0".repeat(proof.len());
        if right { proof.to_owned() } else { wrong }
    };
    match way {
        "sys" => server.get(&proof(VIEWER), "/sys/incidents").await,
        "metrics" => server.get(&proof(VIEWER), "/metrics").await,
        "opsgenie" => {
            let token = proof(TOKEN);
            let headers = [("x-webhook-token", token.as_str())];
            server
                .send(Method::POST, "", "/hooks/opsgenie", &headers, body)
                .await
        }
        _ => {
            let secret = proof(SECRET);
            let signature = Webhooks::sign(&secret, b"{}");
            let headers = [("x-pagerduty-signature", signature.as_str())];
            server
                .send(Method::POST, "", "/hooks/pagerduty", &headers, body)
                .await
        }
    }
}

/// S15: after twenty wrong tokens or signatures per minute from one address, more get 429 by every
/// way; right ones are always accepted.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_tokens_are_throttled_and_right_ones_never() {
    for way in ["sys", "metrics", "opsgenie", "pagerduty"] {
        let server = server().await;
        let good = if way == "metrics" { 404 } else { 200 };
        for _ in 0..20 {
            enter(&server, way, false).await.problem(401);
            let answer = enter(&server, way, true).await;
            assert!(
                [good, 202].contains(&answer.status),
                "{way}: {}",
                answer.text
            );
        }
        for _ in 0..3 {
            let answer = enter(&server, way, false).await;
            let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=60).contains(&after), "{after}");
            answer.problem(429);
            let answer = enter(&server, way, true).await;
            assert!(
                [good, 202].contains(&answer.status),
                "{way}: {}",
                answer.text
            );
        }
        // A missing token does not count as a guess.
        server.get("", "/sys/incidents").await.problem(401);
        server.get("", "/healthz").await.is(200);
        server.stop().await;
    }
}

/// S16: a second header that could hold the token is a 400 on every authenticated route; the scheme
/// is case-insensitive.
#[tokio::test(flavor = "multi_thread")]
async fn one_header_holds_the_token() {
    let server = server().await;
    let right = format!("Authorization: Bearer {VIEWER}");
    let lower = format!("authorization: bEARER {VIEWER}");
    let hook = format!("Authorization: BEARER {TOKEN}");
    let other = format!("X-Webhook-Token: {TOKEN}");
    let wrong = "authorization: Basic c4n4ry";
    let (sys, opsgenie) = ("GET /sys/incidents", "POST /hooks/opsgenie");
    for (line, headers, status) in [
        (sys, vec![&*right], 200),
        (sys, vec![&*lower], 200),
        (sys, vec![&*right, &*right], 400),
        (sys, vec![wrong, &*right], 400),
        (sys, vec![&*right, wrong], 400),
        ("GET /metrics", vec![&*right, &*right], 400),
        ("GET /sys/nothing", vec![&*right, &*right], 400),
        (opsgenie, vec![&*hook], 202),
        (opsgenie, vec![&*hook, &*hook], 400),
        (opsgenie, vec![&*other], 202),
        (opsgenie, vec![&*other, &*other], 400),
    ] {
        let mut one = Raw::to(server.address()).await;
        let body = if line == opsgenie { "{}" } else { "" };
        one.send(request(line, "", &headers, body)).await;
        let answer = one.answer().await.unwrap();
        assert_eq!(answer.status, status, "{line} {headers:?}: {}", answer.text);
        assert!(!answer.text.contains("c4n4ry"));
        if status >= 400 {
            answer.problem(status);
        }
    }
    server.stop().await;
}
