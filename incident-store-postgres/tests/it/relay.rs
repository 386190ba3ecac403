//! The relay beside slow queries, and beside a replica with a wrong clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use incident_core::actor::Role;
use incident_core::engine::system::SystemClock;
use incident_core::engine::{Incidents, RequestContext};
use incident_core::incident::{Declare, Severity};
use incident_core::paging::{
    DeliveryResult, NotSent, NotSentReason, PageEvent, PagingState, Receipt, TargetId,
};
use incident_core::port::{Clock, Pager};
use incident_core::testing::{RecordingPager, caller};
use incident_core::{IncidentId, Timestamp};
use incident_store_postgres::PgStore;
use incident_test_postgres::Database;
use sqlx::Executor;
use sqlx::postgres::{PgPool, PgPoolOptions};

use crate::server::{self, APP};

/// The system's clock, wrong by this number of seconds.
#[derive(Clone, Copy, Debug)]
struct Wrong(i64);

impl Clock for Wrong {
    fn now(&self) -> Timestamp {
        let by = Duration::from_secs(self.0.unsigned_abs());
        match self.0 {
            0.. => SystemClock.now().saturating_add(by),
            _ => SystemClock.now().saturating_sub(by),
        }
    }
}

async fn pool(database: &Database, connections: u32) -> PgPool {
    let options = database.options().username(APP);
    let pool = PgPoolOptions::new().max_connections(connections);
    pool.connect_with(options).await.unwrap()
}

/// Creates a replica with a pool of its own on the database.
async fn replica(database: &Database, clock: Wrong, pager: Arc<dyn Pager>) -> Incidents {
    let store = PgStore::builder(server::pool(database).await).host_clock(Arc::new(clock));
    Incidents::builder(Arc::new(store.build()))
        .clock(Arc::new(clock))
        .pager(pager)
        .build()
        .unwrap()
}

async fn declare(incidents: &Incidents) -> IncidentId {
    let context = RequestContext::new(caller("anna", Role::Admin).unwrap());
    let asked = Declare::new("API down".parse().unwrap(), Severity::Sev1);
    let done = incidents.declare(&context, &asked).await.unwrap();
    done.incident.id
}

/// A3: queries hold every connection of the pools for requests and for usage; a SEV1 page that
/// is due is sent and completed all the same.
#[tokio::test(flavor = "multi_thread")]
async fn questions_that_hold_all_connections_hold_up_no_page() {
    let database = server::database().await;
    let (requests, usage) = (pool(&database, 5).await, pool(&database, 4).await);
    let pager = Arc::new(RecordingPager::named("pager").unwrap());
    let store = PgStore::builder(requests.clone()).relay_pool(pool(&database, 2).await);
    let incidents = Incidents::builder(Arc::new(store.build()))
        .pager(pager.clone())
        .build()
        .unwrap();
    let id = declare(&incidents).await;
    let mut questions = Vec::new();
    for n in 0..9 {
        let pool = if n < 5 {
            requests.clone()
        } else {
            usage.clone()
        };
        questions.push(tokio::spawn(async move {
            pool.execute("select pg_sleep(6)").await.map(drop)
        }));
    }
    while requests.num_idle() > 0 || usage.num_idle() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let started = Instant::now();
    incidents.worker().drain().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(pager.wakes(), 1);
    // Other passes of the worker, too.
    incidents.worker().measure().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(2));
    for question in questions {
        question.await.unwrap().unwrap();
    }
    let shown = incidents.get(id).await.unwrap();
    assert_eq!(shown.paging.state, PagingState::Accepted);
}

/// A9: a commit of a replica whose clock is ahead or behind is due at once for the others, and
/// vice versa.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_goes_out_at_once_whoever_committed_it() {
    for (committer, relayer) in [(70, 0), (0, -70), (-70, 0), (0, 70), (35, -35)] {
        let database = server::database().await;
        let pager = Arc::new(RecordingPager::named("pager").unwrap());
        let there = replica(&database, Wrong(committer), pager.clone()).await;
        let here = replica(&database, Wrong(relayer), pager.clone()).await;
        declare(&there).await;
        here.worker().drain().await.unwrap();
        assert_eq!(pager.wakes(), 1, "{committer} {relayer}");
    }
}

/// A pager that takes a second for every page, and counts them.
#[derive(Debug, Default)]
struct Slow(AtomicUsize);

#[async_trait::async_trait]
impl Pager for Slow {
    fn target_id(&self) -> TargetId {
        TargetId::new("slow").unwrap()
    }

    fn follows_severity(&self) -> bool {
        false
    }

    async fn send(&self, _: &PageEvent, _: Duration) -> DeliveryResult {
        self.0.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(1)).await;
        DeliveryResult::Accepted(Receipt::default())
    }
}

/// A9: no replica takes a message that another one is working on, and the outcome is stored.
#[tokio::test(flavor = "multi_thread")]
async fn replicas_whose_clocks_are_apart_do_not_take_each_others_messages() {
    for (first, second) in [(0, 70), (70, 0), (0, -70), (-70, 0)] {
        let database = server::database().await;
        let pager = Arc::new(Slow::default());
        let one = replica(&database, Wrong(first), pager.clone()).await;
        let two = replica(&database, Wrong(second), pager.clone()).await;
        let id = declare(&one).await;
        let working = tokio::spawn({
            let one = one.clone();
            async move { one.worker().drain().await }
        });
        let started = Instant::now();
        while pager.0.load(Ordering::SeqCst) == 0 {
            assert!(
                started.elapsed() < Duration::from_secs(2),
                "{first} {second}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // The first claim of a replica tidies leases.
        assert_eq!(
            two.worker().drain().await.unwrap().handled,
            0,
            "{first} {second}"
        );
        working.await.unwrap().unwrap();
        let paging = two.get(id).await.unwrap().paging.clone();
        assert_eq!(
            (
                paging.state,
                paging.attempts,
                pager.0.load(Ordering::SeqCst)
            ),
            (PagingState::Accepted, 1, 1),
            "{first} {second}"
        );
    }
}

/// A9: a retry delay has its intended length on the clock of each replica.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_off_is_put_off_for_as_long_everywhere() {
    let database = server::database().await;
    let pager = Arc::new(RecordingPager::named("pager").unwrap());
    let busy = NotSent {
        reason: NotSentReason::Unavailable,
        retry_after: Some(Duration::from_secs(15)),
    };
    pager.script([DeliveryResult::NotSent(busy)]);
    let ahead = replica(&database, Wrong(70), pager.clone()).await;
    let right = replica(&database, Wrong(0), pager.clone()).await;
    declare(&ahead).await;
    for it in [ahead, right] {
        let next = it.worker().drain().await.unwrap().next_due.unwrap();
        let wait = next.since(it.reports().now());
        let meant = Duration::from_secs(10)..Duration::from_secs(20);
        assert!(meant.contains(&wait), "{wait:?}");
    }
}

/// A9: the difference between the clocks is reported.
#[tokio::test(flavor = "multi_thread")]
async fn how_far_the_clocks_are_apart_is_measured() {
    let database = server::database().await;
    let pager = Arc::new(RecordingPager::named("pager").unwrap());
    for wrong in [70, 0, -70] {
        let it = replica(&database, Wrong(wrong), pager.clone()).await;
        assert_eq!(it.worker().health().await.unwrap().clock_ahead, None);
        let ahead = it.worker().measure().await.unwrap().clock_ahead.unwrap();
        assert_eq!(it.worker().health().await.unwrap().clock_ahead, Some(ahead));
        let off = ahead + wrong * 1_000_000;
        assert!(off.abs() < 500_000, "{wrong}: {ahead}");
    }
    let by_hand = Incidents::builder(Arc::new(server::store(&database).await));
    let by_hand = by_hand.build().unwrap();
    assert_eq!(by_hand.worker().measure().await.unwrap().clock_ahead, None);
}
