//! P1: despite errors of a vendor, every SEV1 is delivered within seconds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use incident_core::Timestamp;
use incident_core::engine::Incidents;
use incident_core::incident::{Declare, Severity};
use incident_core::paging::{DeliveryResult, NotSent, NotSentReason, PageAction, PagingState};
use incident_core::port::Clock;
use incident_core::testing::{ManualClock, RecordingPager};
use incident_pagers::testing::{CannedResponse, Fault, MockVendor};
use incident_store_memory::MemoryStore;
use serde_json::json;

use crate::over_http::harness::{Server, at, context};

/// P1: the vendor responds to each page with 500, then 429 with `Retry-After: 1`, then accepts it:
/// ten SEV1 are accepted within 10 s, with one wake each; with one vendor and with two.
#[tokio::test]
async fn ten_sev1_are_accepted_within_ten_seconds_of_a_500_and_a_429() {
    for second in [false, true] {
        let vendor = MockVendor::pagerduty().await.unwrap();
        let other = MockVendor::opsgenie().await.unwrap();
        vendor.plan(|attempt| match (attempt.action.as_str(), attempt.number) {
            ("trigger", 1) => Fault::status(500),
            ("trigger", 2) => Fault::Answer(CannedResponse::status(429).header("Retry-After", "1")),
            _ => Fault::None,
        });
        let key = "0123456789abcdef0123456789abcdef";
        let mut settings = vec![
            ("PAGERDUTY_ROUTING_KEY", key.to_owned()),
            ("PAGERDUTY_URL", vendor.base_url().to_string()),
        ];
        if second {
            let key = "eb243592-faa2-4ba2-a551q-1afdf565c889";
            settings.push(("OPSGENIE_API_KEY", key.to_owned()));
            settings.push(("OPSGENIE_URL", other.base_url().to_string()));
        }
        let server = Server::paging_by(&settings).await;
        let begun = Instant::now();
        let mut paths = Vec::new();
        for _ in 0..10 {
            paths.push(server.declare(&json!({"severity": "SEV1"})).await);
        }
        for path in &paths {
            let incident = server.paged(path, "accepted").await;
            assert_eq!(incident["paging"]["target"], "pagerduty");
        }
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(10), "{took:?}");
        let mut wakes: BTreeMap<String, u32> = BTreeMap::new();
        for wake in vendor.wakes() {
            *wakes.entry(wake.key).or_default() += 1;
        }
        assert_eq!((wakes.len(), wakes.values().max()), (10, Some(&1)));
        assert!(other.wakes().is_empty());
        server.stop().await;
    }
}

/// A clock that advances by 0.6 s with every reading, like a machine under load.
#[derive(Debug)]
struct Hurried(ManualClock);

impl Clock for Hurried {
    fn now(&self) -> Timestamp {
        self.0.advance(Duration::from_millis(600));
        self.0.now()
    }
}

/// With a single target the page itself is the probe: nothing else takes its turn, even if the turn
/// comes while the page is being rescheduled.
#[tokio::test]
async fn a_page_with_one_target_is_the_only_one_that_tries_it() {
    let pager = Arc::new(RecordingPager::named("only").unwrap());
    let refused = DeliveryResult::NotSent(NotSent {
        reason: NotSentReason::Unauthorized,
        retry_after: None,
    });
    pager.script([refused]);
    let incidents = Incidents::builder(Arc::new(MemoryStore::default()))
        .clock(Arc::new(Hurried(ManualClock::at(at(
            "2026-11-21T03:00:00Z",
        )))))
        .pager(pager.clone())
        .build()
        .unwrap();
    let context = context();
    let mut declared = Vec::new();
    for title in ["API down", "API still down"] {
        let asked = Declare::new(title.parse().unwrap(), Severity::Sev1);
        declared.push(
            incidents
                .declare(&context, &asked)
                .await
                .unwrap()
                .incident
                .id,
        );
        incidents.worker().drain().await.unwrap();
    }
    for _ in 0..10 {
        incidents.worker().drain().await.unwrap();
    }
    let mut states = Vec::new();
    for id in declared {
        states.push(incidents.get(id).await.unwrap().paging.state);
    }
    assert_eq!(states, [PagingState::GivenUp, PagingState::Accepted]);
    let actions: Vec<PageAction> = pager.sent().iter().map(|page| page.action).collect();
    assert_eq!(actions, [PageAction::Trigger, PageAction::Trigger]);
}
