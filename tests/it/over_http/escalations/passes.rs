//! The incidents of one pass.

use std::sync::Arc;

use incident_core::engine::Incidents;
use incident_core::incident::{Declare, Severity};
use incident_core::testing::{CountingIds, ManualClock};

use crate::over_http::faulty::Faulty;
use crate::over_http::harness::{at, context, storage};

/// A pass fires the rules of all incidents that are due. Those that cannot be written, though they have been
/// due longest, hold up no others, and are tried again.
#[tokio::test]
async fn a_pass_fires_the_rules_of_all_incidents_that_can_be_written() {
    let (storage, _database) = storage().await;
    let store = Faulty::new(storage.store);
    let engine = Incidents::builder(Arc::<Faulty>::clone(&store))
        .clock(Arc::new(ManualClock::at(at("2026-11-20T22:00:00Z"))))
        .ids(Arc::new(CountingIds::from(1)))
        .build()
        .unwrap();
    let declare = Declare::new("an outage".parse().unwrap(), Severity::Sev2);
    let mut ids = Vec::new();
    for _ in 0..120 {
        let declared = engine.declare(&context(), &declare).await.unwrap();
        ids.push(declared.incident.id);
    }
    // All were declared at one time, so that they are due in the order of their ids.
    ids.sort();
    for id in &ids[..60] {
        store.refuse_writes(*id);
    }
    let pass = async || {
        let fired = engine.worker().fire_rules().await.unwrap();
        (fired.incidents, fired.written, fired.rules)
    };
    assert_eq!(pass().await, (120, 60, 60));
    assert_eq!(pass().await, (60, 0, 0));
    store.mend();
    assert_eq!(pass().await, (60, 60, 60));
    assert_eq!(pass().await, (0, 0, 0));
}
