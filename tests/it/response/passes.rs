//! The number of incidents of one pass.

use std::sync::Arc;

use incident_core::engine::Incidents;
use incident_core::incident::{Declare, Severity};
use incident_core::testing::{CountingIds, ManualClock};
use incident_store_memory::MemoryStore;

use crate::over_http::harness::{at, context};
use crate::over_http::limits::table::rows;

/// A pass looks at as many incidents as the table of limits says, and says that there are more;
/// the next ones fire the rest.
#[tokio::test]
async fn a_pass_fires_the_rules_of_so_many_incidents() {
    let limit = rows()
        .iter()
        .find(|row| row.tried_by == "a_pass_fires_the_rules_of_so_many_incidents")
        .unwrap()
        .number();
    let engine = Incidents::builder(Arc::new(MemoryStore::default()))
        .clock(Arc::new(ManualClock::at(at("2026-11-20T22:00:00Z"))))
        .ids(Arc::new(CountingIds::from(1)))
        .build()
        .unwrap();
    let declare = Declare::new("an outage".parse().unwrap(), Severity::Sev2);
    for _ in 0..=limit {
        engine.declare(&context(), &declare).await.unwrap();
    }
    let first = engine.worker().fire_rules().await.unwrap();
    assert_eq!((first.incidents, first.rules), (limit, limit));
    assert!(first.more);
    let second = engine.worker().fire_rules().await.unwrap();
    assert_eq!((second.incidents, second.rules), (1, 1));
    assert!(!second.more);
    let third = engine.worker().fire_rules().await.unwrap();
    assert_eq!((third.incidents, third.rules, third.more), (0, 0, false));
}
