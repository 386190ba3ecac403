//! Test pages: sent through the gates, one at a time, and resolved whatever happens to the process.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use incident_console::storage::Storage;
use incident_core::engine::{Alarm, Error, Incidents};
use incident_core::incident::{Declare, Severity};
use incident_core::paging::{
    DeliveryResult, NotSent, NotSentReason, PageAction, PageEvent, TEST_LASTS, TargetId,
    TestOutcome, TestedTarget, Urgency,
};
use incident_core::port::{AuditQuery, Pager};
use incident_core::testing::{ManualClock, RecordingPager};
use incident_pagers::testing::{AlertState, CannedResponse, Fault, MockVendor};
use incident_pagers::{ApiKey, OpsGenie, PagerDuty, RoutingKey};
use incident_test_postgres::Database;
use serde_json::json;

use crate::over_http::harness::{COMMANDER, Server, at, context, storage};

const ROUTING_KEY: &str = "0123456789abcdef0123456789abcdef";
const API_KEY: &str = "eb243592-faa2-4ba2-a551q-1afdf565c889";
const SECOND: Duration = Duration::from_secs(1);

struct Setup {
    pagers: Vec<Arc<dyn Pager>>,
    pagerduty: MockVendor,
    opsgenie: MockVendor,
    clock: Arc<ManualClock>,
    alarms: Arc<Mutex<Vec<Alarm>>>,
    storage: Storage,
    _database: Option<Database>,
}

async fn setup() -> Setup {
    let pagerduty = MockVendor::pagerduty().await.unwrap();
    let opsgenie = MockVendor::opsgenie().await.unwrap();
    let key = RoutingKey::new(ROUTING_KEY).unwrap();
    let first = PagerDuty::builder(key).base_url(pagerduty.base_url());
    let key = ApiKey::new(API_KEY).unwrap();
    let second = OpsGenie::builder(key).base_url(opsgenie.base_url());
    let (storage, database) = storage().await;
    Setup {
        pagers: vec![
            Arc::new(first.build().unwrap()),
            Arc::new(second.build().unwrap()),
        ],
        pagerduty,
        opsgenie,
        clock: Arc::new(ManualClock::at(at("2026-11-20T23:00:00Z"))),
        alarms: Arc::default(),
        storage,
        _database: database,
    }
}

impl Setup {
    /// Starts a process.
    fn process(&self) -> Incidents {
        self.process_with(&self.pagers)
    }

    fn process_with(&self, pagers: &[Arc<dyn Pager>]) -> Incidents {
        let alarms = self.alarms.clone();
        let builder = Incidents::builder(self.storage.store.clone())
            .clock(self.clock.clone())
            .on_event(move |notice| alarms.lock().unwrap().extend(notice.alarm.clone()));
        let pagers = pagers.iter().cloned();
        pagers
            .fold(builder, |builder, pager| builder.pager(pager))
            .build()
            .unwrap()
    }

    async fn test(&self, incidents: &Incidents) -> Vec<TestedTarget> {
        let tested = incidents.paging().test(&context(), Urgency::High).await;
        self.at_most_one_is_open();
        tested.unwrap().test.targets
    }

    /// Requests a test page that must be refused; returns the reported wait.
    async fn refused(&self, incidents: &Incidents) -> Duration {
        match incidents.paging().test(&context(), Urgency::High).await {
            Err(Error::TestPageOpen { ends_in }) => ends_in,
            other => panic!("{other:?}"),
        }
    }

    fn open(&self) -> (usize, usize) {
        let open = |vendor: &MockVendor| {
            let alerts = vendor.alerts();
            let open = alerts
                .iter()
                .filter(|alert| alert.state != AlertState::Closed);
            open.count()
        };
        (open(&self.pagerduty), open(&self.opsgenie))
    }

    fn at_most_one_is_open(&self) {
        let (pagerduty, opsgenie) = self.open();
        assert!(pagerduty <= 1 && opsgenie <= 1, "{pagerduty}, {opsgenie}");
    }

    fn wakes(&self) -> (usize, usize) {
        (self.pagerduty.wakes().len(), self.opsgenie.wakes().len())
    }

    fn requests(&self) -> (usize, usize) {
        (
            self.pagerduty.requests().len(),
            self.opsgenie.requests().len(),
        )
    }
}

/// S7: in a loop, for an hour. Each test rings once at every target, one alert is open at a time,
/// and there are no more requests than tests and their resolutions.
#[tokio::test(flavor = "multi_thread")]
async fn one_test_is_open_at_a_time_and_each_rings_and_ends() {
    let it = setup().await;
    let incidents = it.process();
    for test in 1..=20 {
        let targets = it.test(&incidents).await;
        assert!(
            targets
                .iter()
                .all(|one| one.outcome == TestOutcome::Accepted)
        );
        assert_eq!((it.open(), it.wakes()), ((1, 1), (test, test)));
        for second in [0, 1, 29, 29] {
            it.clock.advance(SECOND * second);
            incidents.worker().drain().await.unwrap();
            assert!(it.refused(&incidents).await <= TEST_LASTS);
        }
        assert_eq!(it.refused(&incidents).await, SECOND);
        it.clock.advance(SECOND);
        // Alternately, the relay resolves it, or the next test does before it rings.
        if test % 2 == 0 {
            incidents.worker().drain().await.unwrap();
            assert_eq!(it.open(), (0, 0));
        }
    }
    it.clock.advance(TEST_LASTS);
    incidents.worker().drain().await.unwrap();
    assert_eq!(it.open(), (0, 0));
    assert_eq!(it.requests(), (40, 40));
    assert_eq!(*it.alarms.lock().unwrap(), []);
}

/// S7: the process is gone with a test open; the next one resolves it.
#[tokio::test(flavor = "multi_thread")]
async fn a_test_of_a_process_that_is_gone_is_ended_by_the_next_one() {
    let it = setup().await;
    it.test(&it.process()).await;
    let next = it.process();
    next.worker().drain().await.unwrap();
    assert_eq!(it.open(), (1, 1), "its time is not over");
    // It may request a test as well: with the same keys, so that there is still one alert.
    it.clock.advance(SECOND * 30);
    it.test(&next).await;
    assert_eq!((it.open(), it.wakes()), ((1, 1), (1, 1)));
    drop(next);
    let last = it.process();
    it.clock.advance(TEST_LASTS);
    last.worker().drain().await.unwrap();
    assert_eq!(it.open(), (0, 0));
    let unfinished = it
        .storage
        .store
        .backlog(SECOND * 5)
        .await
        .unwrap()
        .unfinished;
    assert_eq!(unfinished, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_is_ended_at_once_when_the_host_stops() {
    let it = setup().await;
    let incidents = it.process();
    assert!(incidents.worker().finish().await.unwrap().is_empty());
    it.test(&incidents).await;
    let ended = incidents.worker().finish().await.unwrap();
    assert!(ended.len() == 2 && ended.iter().all(|one| one.outcome == TestOutcome::Accepted));
    assert_eq!(it.open(), (0, 0));
    assert!(incidents.worker().finish().await.unwrap().is_empty());
    // The next test may begin, and the end of the first does not resolve it.
    it.clock.advance(SECOND * 30);
    it.test(&incidents).await;
    it.clock.advance(SECOND * 30);
    incidents.worker().drain().await.unwrap();
    assert_eq!((it.open(), it.wakes()), ((1, 1), (2, 2)));
    it.clock.advance(SECOND * 30);
    incidents.worker().drain().await.unwrap();
    assert_eq!(it.open(), (0, 0));
}

/// S7: gates apply. A vendor that asked to wait and one that refuses the key get no request, and
/// the response has the reason and the wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_its_gate_holds_is_not_asked() {
    let it = setup().await;
    let incidents = it.process();
    let wait = CannedResponse::status(429).header("retry-after", "40");
    it.pagerduty.script([Fault::Answer(wait)]);
    it.opsgenie
        .script([Fault::Answer(CannedResponse::status(401).body("{}"))]);
    let asked = Declare::new("API down".parse().unwrap(), Severity::Sev1);
    incidents.declare(&context(), &asked).await.unwrap();
    incidents.worker().drain().await.unwrap();
    let before = it.requests();
    assert_eq!(before, (1, 1));
    let targets = it.test(&incidents).await;
    let outcomes: Vec<TestOutcome> = targets.iter().map(|one| one.outcome).collect();
    assert_eq!(
        outcomes,
        [
            TestOutcome::NotSent(NotSentReason::RateLimited),
            TestOutcome::NotSent(NotSentReason::Unavailable)
        ]
    );
    assert_eq!(targets[0].retry_after, Some(SECOND * 40));
    assert!(
        targets[1]
            .retry_after
            .is_some_and(|wait| wait > Duration::ZERO)
    );
    assert_eq!(it.requests(), before, "nobody was asked");
}

/// S7: a resolution that fails is retried as long as a page, and then raises an alarm. A target
/// that refused the key has no alert, and raises none.
#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_cannot_be_ended_is_tried_on_and_raises_an_alarm() {
    let it = setup().await;
    it.opsgenie.only_keys(["another"]);
    let incidents = it.process();
    it.test(&incidents).await;
    drop(incidents);
    it.pagerduty
        .plan(|_| Fault::Answer(CannedResponse::status(503)));
    let next = it.process();
    for _ in 0..27 {
        it.clock.advance(SECOND * 3_600);
        next.worker().drain().await.unwrap();
    }
    let left = |alarm: &Alarm| {
        let Alarm::TestPageLeftOpen { target } = alarm else {
            return None;
        };
        Some(target.name().to_owned())
    };
    let left: Vec<String> = it.alarms.lock().unwrap().iter().filter_map(left).collect();
    assert_eq!(left, ["pagerduty"]);
    let requests = it.requests();
    it.clock.advance(SECOND * 86_400);
    next.worker().drain().await.unwrap();
    assert_eq!(it.requests(), requests, "no longer tried");
    // The end of the next test resolves the same alert.
    it.pagerduty.plan(|_| Fault::None);
    it.test(&next).await;
    it.clock.advance(TEST_LASTS);
    next.worker().drain().await.unwrap();
    assert_eq!(it.open(), (0, 0));
}

/// A pager that hangs with its trigger until the test is over.
#[derive(Debug)]
struct Frozen {
    inner: RecordingPager,
    clock: Arc<ManualClock>,
    meanwhile: Mutex<Option<Incidents>>,
}

#[async_trait]
impl Pager for Frozen {
    fn target_id(&self) -> TargetId {
        self.inner.target_id()
    }

    fn follows_severity(&self) -> bool {
        false
    }

    async fn send(&self, page: &PageEvent, timeout: Duration) -> DeliveryResult {
        let other = self.meanwhile.lock().unwrap().take();
        if let Some(other) = other.filter(|_| page.action == PageAction::Trigger) {
            self.clock.advance(TEST_LASTS);
            other.worker().drain().await.unwrap();
        }
        self.inner.send(page, timeout).await
    }
}

/// S7: another process resolved the test before its alert was opened. It is resolved again.
#[tokio::test(flavor = "multi_thread")]
async fn a_resolution_that_overtook_the_trigger_is_followed_by_another_one() {
    let it = setup().await;
    let frozen = Arc::new(Frozen {
        inner: RecordingPager::named("frozen").unwrap(),
        clock: it.clock.clone(),
        meanwhile: Mutex::default(),
    });
    let pagers: Vec<Arc<dyn Pager>> = vec![frozen.clone()];
    let (one, other) = (it.process_with(&pagers), it.process_with(&pagers));
    *frozen.meanwhile.lock().unwrap() = Some(other.clone());
    one.paging().test(&context(), Urgency::High).await.unwrap();
    other.worker().drain().await.unwrap();
    let actions: Vec<PageAction> = frozen.inner.sent().iter().map(|page| page.action).collect();
    let resolve = PageAction::Resolve;
    assert_eq!(actions, [resolve, PageAction::Trigger, resolve]);
}

/// A definite refusal of the trigger leaves nothing to resolve.
#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_did_not_take_it_is_left_alone_at_the_end() {
    let it = setup().await;
    let pager = Arc::new(RecordingPager::named("first").unwrap());
    pager.script([DeliveryResult::NotSent(NotSent {
        reason: NotSentReason::Rejected,
        retry_after: None,
    })]);
    let pagers: Vec<Arc<dyn Pager>> = vec![pager.clone()];
    let incidents = it.process_with(&pagers);
    incidents
        .paging()
        .test(&context(), Urgency::Low)
        .await
        .unwrap();
    it.refused(&incidents).await;
    it.clock.advance(TEST_LASTS);
    incidents.worker().drain().await.unwrap();
    assert_eq!(pager.sent().len(), 1);
    incidents
        .paging()
        .test(&context(), Urgency::Low)
        .await
        .unwrap();
}

/// S7: many clients in a loop against the console. One alert and one request per vendor; all other
/// calls are refused with the wait. The long tier sends 24,000 requests.
#[tokio::test(flavor = "multi_thread")]
async fn in_a_loop_one_alert_is_opened_and_the_rest_is_refused() {
    let it = setup().await;
    let server = Server::paging_by(&[
        ("PAGERDUTY_ROUTING_KEY", ROUTING_KEY.to_owned()),
        ("PAGERDUTY_URL", it.pagerduty.base_url().to_string()),
        ("OPSGENIE_API_KEY", API_KEY.to_owned()),
        ("OPSGENIE_URL", it.opsgenie.base_url().to_string()),
    ])
    .await;
    let long = std::env::var_os("INCIDENT_TEST_LONG").is_some();
    let (clients, each) = if long { (48, 500) } else { (32, 50) };
    let (started, server) = (std::time::Instant::now(), Arc::new(server));
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..clients {
        let server = server.clone();
        asking.spawn(async move {
            let mut taken = 0;
            for _ in 0..each {
                taken += usize::from(is_taken(&server).await);
            }
            taken
        });
    }
    let taken: usize = asking.join_all().await.into_iter().sum();
    println!("{} calls in {:?}", clients * each, started.elapsed());
    // A slow machine may need more than the minute that one test lasts.
    let most = 1 + usize::try_from(started.elapsed().as_secs() / 60).unwrap();
    assert!((1..=most).contains(&taken), "{taken} were taken");
    assert_eq!(it.wakes(), (taken, taken));
    it.at_most_one_is_open();
    assert!(it.requests().0 <= 2 * most && it.requests().1 <= 2 * most);
    Arc::into_inner(server).unwrap().stop().await;
    assert_eq!(it.open(), (0, 0));
}

/// Requests a test page; returns whether it was accepted. A refusal has the wait.
async fn is_taken(server: &Server) -> bool {
    let answer = server.post(COMMANDER, "/sys/pages/test", &json!({})).await;
    if answer.status == 200 {
        return true;
    }
    let wait = answer.header("retry-after").unwrap();
    assert!((1..=60).contains(&wait.parse::<u64>().unwrap()), "{wait}");
    assert_eq!(answer.json()["code"], "test_page_open");
    answer.problem(429);
    false
}

/// A repeated request gets the same response; another one is refused.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_is_answered_again_while_the_test_is_open() {
    let server = Server::start().await;
    let post = async |key: &str| {
        let headers = [("idempotency-key", key)];
        let body = Some(b"{}".to_vec());
        let method = reqwest::Method::POST;
        server
            .send(method, COMMANDER, "/sys/pages/test", &headers, body)
            .await
    };
    let first = post("one").await;
    let again = post("one").await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(first.is(200), again.is(200));
    let other = post("another").await;
    assert_eq!(other.header("retry-after"), Some("60"));
    other.problem(429);
    assert_eq!(server.pager.sent().len(), 1);
    assert_eq!(server.pager.sent()[0].dedup_key, "sys-pager-test:recorder");
    server.clock.advance(TEST_LASTS);
    // A refusal is not stored.
    post("another").await.is(200);
    server.stop().await;
}

/// The audit trail has entries for the caller, for each target's response and for the resolution;
/// the relay is notified of the message before anything is sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_test_is_in_the_audit_trail_from_its_question_to_its_end() {
    let it = setup().await;
    let waiting = Arc::new(Mutex::new(0));
    let heard = waiting.clone();
    let builder = Incidents::builder(it.storage.store.clone())
        .clock(it.clock.clone())
        .on_event(move |notice| *heard.lock().unwrap() += u32::from(notice.outbox));
    let pagers = it.pagers.iter().cloned();
    let incidents = pagers
        .fold(builder, |builder, pager| builder.pager(pager))
        .build()
        .unwrap();
    it.test(&incidents).await;
    assert_eq!(*waiting.lock().unwrap(), 1);
    it.clock.advance(TEST_LASTS);
    incidents.worker().drain().await.unwrap();
    assert_eq!(it.open(), (0, 0));
    let all = AuditQuery {
        limit: 50,
        ..AuditQuery::default()
    };
    let entries = incidents.audit().list(&all).await.unwrap();
    let mut said: Vec<String> = entries
        .iter()
        .map(|entry| {
            let said = &entry.payload;
            let detail: Vec<&str> = said.detail.values().map(String::as_str).collect();
            format!("{} {}: {}", said.actor.name, said.action, detail.join(" "))
        })
        .collect();
    said.sort();
    let expected = [
        "anna test_pager: accepted opsgenie",
        "anna test_pager: accepted pagerduty",
        "anna test_pagers: pagerduty,opsgenie",
        "pager:opsgenie end_test_page: accepted",
        "pager:pagerduty end_test_page: accepted",
    ];
    assert_eq!(said, expected);
}
