//! P1 over HTTP: a vendor that stumbles has every SEV1 within seconds.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use incident_pagers::testing::{Canned, Fault, StandIn};
use serde_json::json;

use crate::harness::Server;

/// P1: the vendor answers each page with 500, then 429 with `Retry-After: 1`, then takes
/// it: ten SEV1 are accepted within 10 s, one wake each; with one vendor and with two.
#[tokio::test]
async fn ten_sev1_are_accepted_within_ten_seconds_of_a_500_and_a_429() {
    for second in [false, true] {
        let vendor = StandIn::pagerduty().await.unwrap();
        let other = StandIn::opsgenie().await.unwrap();
        vendor.plan(|attempt| match (attempt.action.as_str(), attempt.number) {
            ("trigger", 1) => Fault::status(500),
            ("trigger", 2) => Fault::Answer(Canned::status(429).header("Retry-After", "1")),
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
