//! Anchoring passes: the heads that they write, and their timing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use incident_core::actor::Role;
use incident_core::anchor::{Anchor, AnchoredChain};
use incident_core::audit::Chain;
use incident_core::chain::Verdict;
use incident_core::engine::{AuditVerdict, Error, Incidents, RequestContext};
use incident_core::incident::{Declare, Severity, Status};
use incident_core::port::{AnchorError, AnchorRecord, AnchorSink};
use incident_core::testing::{ManualClock, caller, update_to};
use incident_store_memory::{MemoryAnchors, MemoryStore};

use crate::over_http::harness::context;
use crate::over_http::logs::Lines;

/// An anchor sink that stores every anchor and can be made unavailable.
#[derive(Debug, Default)]
struct Book {
    away: AtomicBool,
    anchors: Mutex<Vec<Anchor>>,
}

#[async_trait]
impl AnchorSink for Book {
    async fn append(&self, anchor: &Anchor, _timeout: Duration) -> Result<(), AnchorError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(AnchorError("the book is closed".into()));
        }
        self.anchors.lock().unwrap().push(anchor.clone());
        Ok(())
    }
}

impl Book {
    fn heads(&self) -> Vec<AnchoredChain> {
        let anchors = std::mem::take(&mut *self.anchors.lock().unwrap());
        let chains = anchors.iter().flat_map(|anchor| anchor.heads().keys());
        chains.copied().collect()
    }
}

async fn declare(incidents: &Incidents) -> incident_core::IncidentId {
    let asked = Declare::new("API down".parse().unwrap(), Severity::Sev3);
    incidents
        .declare(&context(), &asked)
        .await
        .unwrap()
        .incident
        .id
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at("2026-11-21T03:00:00Z".parse().unwrap()))
}

#[tokio::test]
async fn each_pass_writes_down_what_moved_and_a_closed_book_loses_nothing() {
    let (clock, book) = (clock(), Arc::new(Book::default()));
    let incidents = Incidents::builder(Arc::new(MemoryStore::default()))
        .clock(clock.clone())
        .anchor_sink(book.clone())
        .build()
        .unwrap();
    let (first, second) = (declare(&incidents).await, declare(&incidents).await);
    let both = |id| {
        [
            AnchoredChain::Timeline(id),
            AnchoredChain::Audit(Chain::Incident(id)),
        ]
    };
    book.away.store(true, Ordering::SeqCst);
    assert!(matches!(
        incidents.worker().anchor().await,
        Err(Error::Anchors(_))
    ));
    book.away.store(false, Ordering::SeqCst);
    assert_eq!(incidents.worker().anchor().await.unwrap().heads, 4);
    let mut expected = [both(first), both(second)].concat();
    expected.sort_unstable();
    assert_eq!(book.heads(), expected);
    // Hours later only the chains that moved since are anchored, even after the clock went back.
    clock.advance(Duration::from_secs(3 * 3_600));
    assert_eq!(incidents.worker().anchor().await.unwrap().heads, 0);
    clock.set("2026-11-21T05:51:00Z".parse().unwrap());
    let command = update_to(Status::Investigating, "moved").unwrap();
    incidents.act(&context(), second, &command).await.unwrap();
    clock.advance(Duration::from_secs(300));
    assert_eq!(incidents.worker().anchor().await.unwrap().heads, 2);
    assert_eq!(book.heads(), both(second));
}

#[tokio::test]
async fn many_chains_make_several_lines_and_a_denial_moves_the_chain_of_the_system() {
    let book = Arc::new(Book::default());
    let incidents = Incidents::builder(Arc::new(MemoryStore::default()))
        .anchor_sink(book.clone())
        .build()
        .unwrap();
    for _ in 0..40 {
        declare(&incidents).await;
    }
    let viewer = RequestContext::new(caller("vera", Role::Viewer).unwrap());
    let asked = Declare::new("API down".parse().unwrap(), Severity::Sev3);
    incidents.declare(&viewer, &asked).await.unwrap_err();
    assert_eq!(incidents.worker().anchor().await.unwrap().heads, 81);
    let sizes: Vec<usize> = {
        let anchors = book.anchors.lock().unwrap();
        anchors.iter().map(|anchor| anchor.heads().len()).collect()
    };
    assert_eq!(sizes, [64, 17]);
    assert!(book.heads().contains(&AnchoredChain::Audit(Chain::System)));
}

#[tokio::test]
async fn a_store_that_came_back_older_or_empty_is_noticed() {
    let anchors = MemoryAnchors::default();
    let on = |store: Arc<MemoryStore>| {
        Incidents::builder(store)
            .anchor_record(Arc::new(anchors.clone()))
            .build()
            .unwrap()
    };
    let incidents = on(Arc::default());
    let id = declare(&incidents).await;
    incidents.worker().anchor().await.unwrap();
    let sound = incidents.audit().verify_timeline(id).await.unwrap();
    assert!(matches!(sound, Verdict::Valid { head, anchored } if anchored == head.seq));
    assert_eq!(
        incidents.audit().verify().await.unwrap(),
        AuditVerdict::Valid {
            chains: 1,
            entries: 1,
            anchored: 1
        }
    );
    let restored = on(Arc::default());
    let lost = restored.audit().verify_timeline(id).await.unwrap();
    assert!(matches!(lost, Verdict::Broken { seq: 1, .. }), "{lost:?}");
    let lost = restored.audit().verify().await.unwrap();
    assert!(
        matches!(lost, AuditVerdict::Broken { chain: Chain::Incident(of), .. } if of == id),
        "{lost:?}"
    );
    let nobody = "01890000-0000-7000-8000-000000000000".parse().unwrap();
    assert!(matches!(
        restored.audit().verify_timeline(nobody).await,
        Err(Error::NotFound(_))
    ));
}

#[tokio::test]
async fn a_new_process_goes_on_where_the_record_ends() {
    let (clock, store, anchors) = (
        clock(),
        Arc::new(MemoryStore::default()),
        MemoryAnchors::default(),
    );
    let process = || {
        Incidents::builder(store.clone())
            .clock(clock.clone())
            .anchor_record(Arc::new(anchors.clone()))
            .build()
            .unwrap()
    };
    let first = process();
    declare(&first).await;
    first.worker().anchor().await.unwrap();
    clock.advance(Duration::from_secs(60));
    let second = declare(&first).await;
    drop(first);
    // Down for a month, longer than the look-back of a pass.
    clock.advance(Duration::from_secs(30 * 86_400));
    let again = process();
    assert_eq!(again.worker().anchor().await.unwrap().heads, 2);
    let known = anchors
        .heads(AnchoredChain::Timeline(second), Duration::from_secs(1))
        .await
        .unwrap();
    assert_eq!(known.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_loop_anchors_every_few_minutes_and_at_the_end() {
    let book = Arc::new(Book::default());
    let builder = Incidents::builder(Arc::new(MemoryStore::default())).anchor_sink(book.clone());
    let (incidents, worker) = incident_pagers::Worker::new(builder).unwrap();
    let mut running = worker.spawn();
    let first = declare(&incidents).await;
    tokio::time::sleep(Duration::from_secs(4 * 60)).await;
    assert_eq!(book.heads(), []);
    tokio::time::sleep(Duration::from_secs(2 * 60)).await;
    assert!(book.heads().contains(&AnchoredChain::Timeline(first)));
    let second = declare(&incidents).await;
    running.stop().await;
    assert!(book.heads().contains(&AnchoredChain::Timeline(second)));
}

/// Without a sink from the host, anchors go to the log: one line each, which can be parsed again.
#[tokio::test]
async fn anchors_go_to_the_log_where_no_sink_is_given() {
    let lines = Lines::default();
    let _listening = lines.listen();
    let incidents = Incidents::builder(Arc::new(MemoryStore::default()))
        .build()
        .unwrap();
    let id = declare(&incidents).await;
    incidents.worker().anchor().await.unwrap();
    let said = lines.text();
    assert!(said.contains("heads of chains"), "{said}");
    assert!(said.contains(&id.to_string()), "{said}");
}
