//! Background passes do not delay pages.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use incident_core::billing::{Batch, Lookup, Submission};
use incident_core::engine::Incidents;
use incident_core::incident::{Declare, Severity};
use incident_core::paging::TargetId;
use incident_core::port::{BillingSink, LookupBy};
use incident_core::testing::RecordingPager;
use incident_pagers::Worker;
use incident_store_memory::MemoryStore;

use crate::over_http::faulty::Faulty;
use crate::over_http::harness::context;

#[derive(Debug)]
struct Sink;

#[async_trait]
impl BillingSink for Sink {
    fn target_id(&self) -> TargetId {
        TargetId::new("sink").unwrap()
    }

    fn key_window(&self) -> Option<Duration> {
        None
    }

    async fn submit(&self, _: &Batch, _: Duration) -> Submission {
        Submission::Accepted
    }

    async fn lookup(&self, _: LookupBy<'_>, _: Duration) -> Lookup {
        Lookup::Unsupported
    }
}

/// A4: the passes that issue credits hang, one every five seconds; a SEV1 is still sent within two
/// seconds.
#[tokio::test(start_paused = true)]
async fn slow_passes_beside_it_hold_up_no_page() {
    let store = Faulty::new(Arc::new(MemoryStore::default()));
    store.hangs.store(true, Ordering::SeqCst);
    let pager = Arc::new(RecordingPager::named("pager").unwrap());
    let builder = Incidents::builder(store)
        .pager(pager.clone())
        .billing(Arc::new(Sink));
    let (incidents, worker) = Worker::new(builder).unwrap();
    let running = worker.spawn();
    tokio::time::sleep(Duration::from_secs(200)).await;
    let context = context();
    let asked = Declare::new("API down".parse().unwrap(), Severity::Sev1);
    incidents.declare(&context, &asked).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(pager.wakes(), 1);
    running.abort();
}
