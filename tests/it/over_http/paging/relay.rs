//! The relay survives failures and panics: each affects only its own message.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use incident_core::billing::{Batch, Lookup, Submission};
use incident_core::commit::{Commit, OutboxWrite};
use incident_core::engine::{Alarm, Incidents, IncidentsBuilder};
use incident_core::incident::{Declare, Severity};
use incident_core::outbox::{Message, MessageBody};
use incident_core::paging::{
    AlertStatus, Confirmation, DeliveryResult, PageEvent, PagingState, Receipt, TargetId,
};
use incident_core::port::{
    BillingSink, ClaimRequest, Clock, IncidentStore, LookupBy, Outbox, PageCheck, Pager,
};
use incident_core::testing::{ManualClock, RecordingPager};
use incident_core::{IncidentId, MessageId};
use incident_store_memory::MemoryStore;
use incident_test_postgres::Database;
use uuid::Uuid;

use crate::over_http::faulty::Faulty;
use crate::over_http::harness::{at, context, storage};
use crate::over_http::troubled::{CLOSED, NONE, Troubled};

/// A pager with a status check that panics for certain titles.
#[derive(Debug)]
struct Wild {
    inner: RecordingPager,
    /// If `true`, it panics before it returns its name.
    nameless: AtomicBool,
    asked: Mutex<Vec<String>>,
    panics_when_asked: AtomicBool,
    sends: AtomicUsize,
}

impl Wild {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            inner: RecordingPager::named("wild").unwrap(),
            nameless: AtomicBool::new(false),
            asked: Mutex::default(),
            panics_when_asked: AtomicBool::new(false),
            sends: AtomicUsize::new(0),
        })
    }

    fn note(&self, key: &str) {
        self.asked.lock().unwrap().push(key.to_owned());
        assert!(!self.panics_when_asked.load(Ordering::SeqCst), "on purpose");
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

#[async_trait]
impl Pager for Wild {
    fn target_id(&self) -> TargetId {
        assert!(!self.nameless.load(Ordering::SeqCst), "on purpose");
        self.inner.target_id()
    }

    fn follows_severity(&self) -> bool {
        false
    }

    async fn send(&self, page: &PageEvent, timeout: Duration) -> DeliveryResult {
        self.sends.fetch_add(1, Ordering::SeqCst);
        // Other pages of the pass are in flight.
        tokio::task::yield_now().await;
        let answer = self.inner.send(page, timeout).await;
        assert!(!page.title.as_str().contains("panic"), "on purpose");
        answer
    }
}

#[async_trait]
impl PageCheck for Wild {
    fn target_id(&self) -> TargetId {
        self.inner.target_id()
    }

    async fn check(&self, page: &PageEvent, _: &Receipt, _: Duration) -> Confirmation {
        self.note(&page.dedup_key);
        Confirmation::NotYet
    }

    async fn status(&self, key: &str, _: Duration) -> AlertStatus {
        self.note(key);
        AlertStatus::Open
    }
}

struct Setup {
    incidents: Incidents,
    store: Arc<Faulty>,
    pager: Arc<Wild>,
    clock: Arc<ManualClock>,
    alarms: Arc<Mutex<Vec<Alarm>>>,
    _database: Option<Database>,
}

async fn setup(more: impl FnOnce(IncidentsBuilder) -> IncidentsBuilder) -> Setup {
    let clock = Arc::new(ManualClock::at(at("2026-11-21T03:00:00Z")));
    let (storage, database) = storage().await;
    let (store, pager) = (Faulty::new(storage.store), Wild::new());
    let alarms = Arc::new(Mutex::new(Vec::new()));
    let heard = alarms.clone();
    let builder = Incidents::builder(store.clone())
        .clock(clock.clone())
        .pager(pager.clone())
        .on_event(move |notice| heard.lock().unwrap().extend(notice.alarm.clone()));
    Setup {
        incidents: more(builder).build().unwrap(),
        store,
        pager,
        clock,
        alarms,
        _database: database,
    }
}

impl Setup {
    async fn declare(&self, title: &str, severity: Severity) -> IncidentId {
        let context = context();
        let asked = Declare::new(title.parse().unwrap(), severity);
        let done = self.incidents.declare(&context, &asked).await.unwrap();
        done.incident.id
    }

    async fn state(&self, id: IncidentId) -> PagingState {
        self.incidents.get(id).await.unwrap().paging.state
    }

    fn wakes(&self) -> u64 {
        self.pager.inner.wakes()
    }
}

/// A10: a pager that panics on one page drops no other of the pass; the outcome is unknown, an
/// alarm is raised, and the page is retried.
#[tokio::test(flavor = "multi_thread")]
async fn a_pager_that_panics_ends_one_attempt() {
    let it = setup(|builder| builder).await;
    let bad = it.declare("panic", Severity::Sev1).await;
    let mut good = Vec::new();
    for _ in 0..31 {
        good.push(it.declare("API down", Severity::Sev1).await);
    }
    it.incidents.worker().drain().await.unwrap();
    for id in good {
        assert_eq!(it.state(id).await, PagingState::Accepted);
    }
    // Each page is sent once: no page was repeated because of another one's panic.
    assert_eq!(it.pager.sends.load(Ordering::SeqCst), 32);
    let paging = it.incidents.get(bad).await.unwrap().paging.clone();
    assert_eq!((paging.state, paging.attempts), (PagingState::Failing, 1));
    let target = it.pager.inner.target_id();
    assert!(paging.touched.contains(&target));
    assert!(paging.next_attempt_at.is_some());
    let expected = Alarm::PagerPanicked { target };
    assert_eq!(*it.alarms.lock().unwrap(), [expected]);
}

/// A10: a panic outside an attempt affects one message, which is handed back.
#[tokio::test(flavor = "multi_thread")]
async fn a_panic_outside_of_an_attempt_hands_the_message_back() {
    let it = setup(|builder| builder).await;
    let id = it.declare("API down", Severity::Sev1).await;
    it.pager.nameless.store(true, Ordering::SeqCst);
    it.incidents.worker().drain().await.unwrap();
    assert_eq!(it.wakes(), 0);
    it.pager.nameless.store(false, Ordering::SeqCst);
    it.clock.advance(Duration::from_secs(1));
    it.incidents.worker().drain().await.unwrap();
    assert_eq!((it.wakes(), it.state(id).await), (1, PagingState::Accepted));
}

/// A10: a listener that panics fails no command and drops no page.
#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_panics_fails_nothing() {
    let it = setup(|builder| builder.on_event(|_| panic!("on purpose"))).await;
    let id = it.declare("API down", Severity::Sev1).await;
    it.incidents.worker().drain().await.unwrap();
    assert_eq!((it.wakes(), it.state(id).await), (1, PagingState::Accepted));
}

/// A10: a check that panics counts as an unknown answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_panics_ends_one_question() {
    let wild = Wild::new();
    wild.panics_when_asked.store(true, Ordering::SeqCst);
    let check: Arc<dyn PageCheck> = wild.clone();
    let it = setup(|builder| builder.page_check(check)).await;
    for _ in 0..3 {
        it.declare("API down", Severity::Sev1).await;
    }
    it.incidents.worker().drain().await.unwrap();
    it.clock.advance(Duration::from_secs(70));
    it.incidents.worker().confirm().await.unwrap();
    assert_eq!(wild.asked(), 3);
    it.incidents.worker().reconcile().await.unwrap();
    assert_eq!(wild.asked(), 6);
}

/// A sink that panics on every batch.
#[derive(Debug)]
struct WildSink;

#[async_trait]
impl BillingSink for WildSink {
    fn target_id(&self) -> TargetId {
        TargetId::new("sink").unwrap()
    }

    fn key_window(&self) -> Option<Duration> {
        None
    }

    async fn submit(&self, _: &Batch, _: Duration) -> Submission {
        panic!("on purpose")
    }

    async fn lookup(&self, _: LookupBy<'_>, _: Duration) -> Lookup {
        panic!("on purpose")
    }
}

/// A10: a sink that panics may have taken the batch; this is recorded, and the batch is retried
/// later.
#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_panics_ends_one_attempt() {
    let it = setup(|builder| builder.billing(Arc::new(WildSink))).await;
    let (id, now) = (MessageId::from_uuid(Uuid::from_u128(7)), it.clock.now());
    let batch = serde_json::json!({"id": id, "body": "{}"});
    let bill = OutboxWrite::Add(Box::new(Message {
        id,
        incident_id: None,
        priority: Severity::Sev4,
        body: MessageBody::SubmitCredits(serde_json::from_value(batch).unwrap()),
        committed_at: now,
        due_at: now,
        log: Vec::new(),
    }));
    let commit = Commit {
        outbox: vec![bill],
        ..Commit::default()
    };
    let timeout = Duration::from_secs(5);
    it.store.commit(commit, timeout).await.unwrap();
    let page = it.declare("API down", Severity::Sev1).await;
    let drained = it.incidents.worker().drain().await.unwrap();
    assert_eq!(it.state(page).await, PagingState::Accepted);
    // By its own back-off: the attempt is in its log, so that it does not wait for a lease.
    let wait = drained.next_due.unwrap().since(now);
    assert!(
        !wait.is_zero() && wait < Duration::from_secs(10),
        "{wait:?}"
    );
    it.clock.advance(wait);
    let request = ClaimRequest {
        owner: Uuid::nil(),
        now: it.clock.now(),
        lease_for: Duration::from_secs(30),
        limit: 1,
        except: Vec::new(),
    };
    let claims = it.store.claim(request, timeout).await.unwrap();
    let message = &claims[0].as_ref().unwrap().message;
    let log = &message.log[0];
    assert_eq!((message.id, log.attempts), (id, 1));
    assert!(log.unknown_since.is_some());
}

/// A3: a message whose processing could not start is handed back at once and retried a second
/// later; others are not delayed.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_could_not_start_is_retried_after_a_second() {
    let it = setup(|builder| builder).await;
    let first = it.declare("API down", Severity::Sev1).await;
    let second = it.declare("API down", Severity::Sev1).await;
    it.store.lose(first);
    let drained = it.incidents.worker().drain().await.unwrap();
    assert_eq!(
        (it.wakes(), it.state(second).await),
        (1, PagingState::Accepted)
    );
    let again = it
        .incidents
        .reports()
        .now()
        .saturating_add(Duration::from_secs(1));
    assert_eq!(drained.next_due, Some(again));
    it.store.mend();
    it.clock.advance(Duration::from_secs(1));
    it.incidents.worker().drain().await.unwrap();
    assert_eq!(
        (it.wakes(), it.state(first).await),
        (2, PagingState::Accepted)
    );
    let attempts = it.incidents.get(first).await.unwrap().paging.attempts;
    assert_eq!(attempts, 1);
}

/// A8: a page that cannot be read does not prevent others from being queried, now or later.
#[tokio::test(flavor = "multi_thread")]
async fn each_page_that_is_asked_about_fails_alone() {
    let wild = Wild::new();
    let check: Arc<dyn PageCheck> = wild.clone();
    let it = setup(|builder| builder.page_check(check)).await;
    let mut ids = Vec::new();
    for _ in 0..40 {
        ids.push(it.declare("API down", Severity::Sev1).await);
    }
    it.incidents.worker().drain().await.unwrap();
    it.store.lose(ids[0]);
    it.store.lose(ids[20]);
    it.clock.advance(Duration::from_secs(70));
    assert!(it.incidents.worker().confirm().await.is_err());
    assert_eq!(wild.asked(), 38);
    assert!(it.incidents.worker().reconcile().await.is_err());
    assert_eq!(wild.asked(), 76);
    it.store.mend();
    // The failed ones are not skipped for five minutes.
    it.incidents.worker().reconcile().await.unwrap();
    assert_eq!(wild.asked(), 78);
    it.incidents.worker().confirm().await.unwrap();
    assert_eq!(wild.asked(), 80);
}

/// A8: a chain that cannot be read does not prevent others from being anchored, and is tried again.
#[tokio::test(flavor = "multi_thread")]
async fn each_chain_is_anchored_alone() {
    let it = setup(|builder| builder).await;
    let bad = it.declare("API down", Severity::Sev4).await;
    for _ in 0..4 {
        it.declare("API down", Severity::Sev4).await;
    }
    it.incidents.worker().drain().await.unwrap();
    it.store.lose(bad);
    assert!(it.incidents.worker().anchor().await.is_err());
    it.store.mend();
    // Long after it moved, only that chain is left.
    it.clock.advance(Duration::from_secs(3_600));
    assert_eq!(it.incidents.worker().anchor().await.unwrap().heads, 1);
    assert_eq!(it.incidents.worker().anchor().await.unwrap().heads, 0);
}

/// A pass that cannot claim messages fails; one that has claimed some completes them first. One
/// pass does everything that is due, however much that is.
#[tokio::test]
async fn a_pass_does_all_that_is_due_and_says_if_it_could_not_look() {
    let troubled = Troubled::over(Arc::new(MemoryStore::default()));
    let pager = Arc::new(RecordingPager::named("pager").unwrap());
    let incidents = Incidents::builder(troubled.clone())
        .pager(pager.clone())
        .build()
        .unwrap();
    let context = context();
    let declare = async || {
        let asked = Declare::new("API down".parse().unwrap(), Severity::Sev1);
        incidents.declare(&context, &asked).await.unwrap();
    };
    for _ in 0..100 {
        declare().await;
    }
    assert_eq!(incidents.worker().drain().await.unwrap().handled, 100);
    assert_eq!(pager.wakes(), 100);
    assert_eq!(incidents.worker().measure().await.unwrap().unfinished, 0);

    troubled.is_in(CLOSED);
    assert!(
        incidents.worker().drain().await.is_err(),
        "nothing could be looked for"
    );
    troubled.is_in(NONE);
    declare().await;
    let closing = Arc::clone(&troubled);
    troubled.after_claim(async move { closing.is_in(CLOSED) });
    assert_eq!(incidents.worker().drain().await.unwrap().handled, 1);
    assert_eq!(pager.wakes(), 101);
}
