//! Keys appear nowhere but in the requests themselves.

use std::time::Duration;

use incident_core::paging::PageAction;
use incident_core::port::Pager;
use incident_core::testing::a_page;
use incident_pagers::testing::{CannedResponse, Fault, MockVendor};
use incident_pagers::{ApiKey, BaseUrl, OpsGenie, PagerDuty, RoutingKey};

use crate::lines::Lines;

/// Part of both keys, repeated so that a shortened key still shows it.
const CANARY: &str = "c4n4ry";
const ROUTING_KEY: &str = "R0c4n4ry0c4n4ry0c4n4ry0c4n4ry0c4";
const API_KEY: &str = "c4n4ry-c4n4ry-c4n4ry";

/// Returns every fault, with a vendor that repeats the key in its answers.
fn faults(key: &str) -> Vec<Fault> {
    let words = format!(r#"{{"message":"{key} is not {key}","errors":["{key}"],"key":"{key}"}}"#);
    let plain = format!("{} {key} {key}", "x".repeat(280));
    let said = |status| Fault::Answer(CannedResponse::status(status).body(&words));
    vec![
        Fault::None,
        said(202),
        said(400),
        said(401),
        said(422),
        said(500),
        Fault::Answer(CannedResponse::status(502).body(&plain)),
        Fault::Answer(
            CannedResponse::status(429)
                .header("Retry-After", key)
                .body(key),
        ),
        Fault::Answer(
            CannedResponse::status(202)
                .header("X-Request-Id", "7")
                .body(key),
        ),
        Fault::redirect(&format!("https://elsewhere.example/{key}")),
        Fault::ResetUnread,
        Fault::ResetRead,
        Fault::AcceptThenLose,
        Fault::Drip(Duration::from_millis(1)),
        Fault::BlackHole,
    ]
}

async fn page(vendor: &MockVendor, pager: &dyn Pager, key: &str) -> String {
    let mut said = format!("{pager:?}");
    for fault in faults(key) {
        vendor.script([fault]);
        for action in [PageAction::Trigger, PageAction::Resolve] {
            let answer = pager
                .send(&a_page(action), Duration::from_millis(500))
                .await;
            said.push_str(&format!("{answer:?}"));
        }
    }
    vendor.refuse().await.unwrap();
    let answer = pager
        .send(&a_page(PageAction::Trigger), Duration::from_secs(1))
        .await;
    said + &format!("{answer:?}")
}

#[tokio::test]
async fn no_log_no_debug_print_and_no_error_holds_a_key() {
    let lines = Lines::default();
    // One thread: the subscriber of this test sees every task of the client.
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(lines.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    log::set_boxed_logger(Box::new(lines.clone())).unwrap();
    log::set_max_level(log::LevelFilter::Trace);

    let vendor = MockVendor::pagerduty().await.unwrap();
    let builder = PagerDuty::builder(RoutingKey::new(ROUTING_KEY).unwrap());
    let mut said = format!("{builder:?}");
    let pager = builder.base_url(vendor.base_url()).build().unwrap();
    said += &page(&vendor, &pager, ROUTING_KEY).await;

    let vendor = MockVendor::opsgenie().await.unwrap();
    let builder = OpsGenie::builder(ApiKey::new(API_KEY).unwrap());
    said += &format!("{builder:?}");
    let pager = builder.base_url(vendor.base_url()).build().unwrap();
    said += &page(&vendor, &pager, API_KEY).await;

    let wrong = PagerDuty::builder(RoutingKey::new(ROUTING_KEY).unwrap()).named("Not A Name");
    said += &format!("{:?}", wrong.build().unwrap_err());
    for error in [
        RoutingKey::new(format!("{CANARY}!")).unwrap_err(),
        ApiKey::new(format!("{CANARY} {CANARY}")).unwrap_err(),
        BaseUrl::new("https://c4n4ry:c4n4ry@127.0.0.1").unwrap_err(),
    ] {
        said += &format!("{error:?} {error}");
    }

    let log = lines.text();
    // The log is not empty: the subscriber was active.
    for heard in [
        "outcome unknown",
        "not sent",
        "starting new connection",
        "hyper",
    ] {
        assert!(log.contains(heard), "{heard} was not heard");
    }
    for (place, text) in [("log", log), ("debug prints", said)] {
        let found = text.lines().find(|line| line.contains(CANARY));
        assert_eq!(found, None, "{place}");
    }
}
