//! Notices from an engine to a receiver over HTTP that refuses, hangs and loses answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use incident_core::engine::{Alarm, Incidents};
use incident_core::incident::{Command, Declare, Severity, Status};
use incident_core::policy::Policy;
use incident_core::port::{AuditQuery, Clock, Store};
use incident_core::testing::{CountingIds, ManualClock, RecordingPager};
use incident_core::{IncidentId, Timestamp};
use incident_pagers::testing::{CannedResponse, Fault, NoticeReceiver};
use incident_pagers::{SigningSecret, WebhookChannel};
use incident_store_memory::MemoryStore;

use crate::over_http::harness::{at, context};

const WITHIN: Duration = Duration::from_secs(5);

/// Time-out of a notice, which a receiver that never answers uses up.
const TIMEOUT: Duration = Duration::from_millis(300);

/// The rule of the policy, and the groups that it notifies of a declared SEV1.
const RULE: &str = "sev1-declared";
const GROUPS: [&str; 2] = ["cto", "team"];

/// An engine whose notices go to a receiver over HTTP.
struct PostedNotices {
    engine: Incidents,
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    receiver: NoticeReceiver,
    alarms: Arc<Mutex<Vec<Alarm>>>,
}

impl PostedNotices {
    /// Returns it with a SEV1 of which the first rule has fired.
    async fn fired() -> (Self, IncidentId) {
        let secret = SigningSecret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let receiver = NoticeReceiver::start(secret.clone()).await.unwrap();
        let name = "chat".parse().unwrap();
        let channel = WebhookChannel::builder(name, receiver.base_url(), secret);
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let clock = Arc::new(ManualClock::at(at("2026-11-20T22:00:00Z")));
        let alarms = Arc::<Mutex<Vec<Alarm>>>::default();
        let raised = Arc::clone(&alarms);
        let mut policy = Policy::default();
        policy.rules.retain(|rule| rule.name.as_str() == RULE);
        let engine = Incidents::builder(Arc::clone(&store))
            .policy(policy)
            .clock(clock.clone())
            .ids(Arc::new(CountingIds::default()))
            .pager(Arc::new(RecordingPager::named("recorder").unwrap()))
            .pager_deadline(TIMEOUT)
            .channel(Arc::new(channel.build().unwrap()))
            .on_event(move |event| raised.lock().unwrap().extend(event.alarm.clone()))
            .build()
            .unwrap();
        let declare = Declare::new("API down".parse().unwrap(), Severity::Sev1);
        let declared = engine.declare(&context(), &declare).await.unwrap();
        let fired = engine.worker().fire_rules().await.unwrap();
        assert_eq!(fired.rules, 1);
        let world = Self {
            engine,
            store,
            clock,
            receiver,
            alarms,
        };
        (world, declared.incident.id)
    }

    async fn unfinished(&self) -> u64 {
        self.store.backlog(WITHIN).await.unwrap().unfinished
    }

    /// Runs the worker, a second at a time, until nothing is left or a time has passed. Returns
    /// when it ended.
    async fn drain_for(&self, seconds: u64) -> Timestamp {
        for _ in 0..seconds {
            self.engine.worker().drain().await.unwrap();
            if self.unfinished().await == 0 {
                break;
            }
            let now = self.clock.now();
            self.clock.set(now.saturating_add(Duration::from_secs(1)));
        }
        self.clock.now()
    }

    /// Returns the outcomes of notices in the audit trail, as `GROUP OUTCOME`.
    async fn audited(&self) -> Vec<String> {
        let query = AuditQuery {
            action: Some("notify".to_owned()),
            limit: 100,
            ..AuditQuery::default()
        };
        let entries = self.store.audit(&query, WITHIN).await.unwrap();
        let mut lines: Vec<String> = entries
            .iter()
            .map(|entry| {
                let payload = &entry.payload;
                assert_eq!(payload.detail["rule"], RULE);
                let detail = |name: &str| payload.detail[name].as_str();
                format!("{} {}", detail("group"), detail("outcome"))
            })
            .collect();
        lines.sort();
        lines
    }

    /// Returns the groups whose notices the receiver counted, each as often as it did.
    fn counted(&self) -> Vec<String> {
        let counted = self.receiver.counted();
        let group = |body: &serde_json::Value| body["group"].as_str().unwrap().to_owned();
        let mut groups: Vec<String> = counted.iter().map(|one| group(&one.body)).collect();
        groups.sort();
        groups
    }

    fn attempts(&self) -> BTreeMap<String, usize> {
        let mut attempts = BTreeMap::new();
        for seen in self.receiver.requests() {
            let id = seen.header("webhook-id").unwrap().to_owned();
            *attempts.entry(id).or_default() += 1;
        }
        attempts
    }

    fn given_up(&self) -> Vec<String> {
        let alarms = self.alarms.lock().unwrap();
        let given_up = alarms.iter().filter_map(|alarm| {
            let Alarm::NoticeGivenUp { group, channel, .. } = alarm else {
                return None;
            };
            Some(format!("{group} {channel}"))
        });
        given_up.collect()
    }
}

/// The receiver is down, hangs, and counts a notice of which its answer is lost: in the end it
/// counted each once, under one id, and nothing is left in the outbox.
#[tokio::test]
async fn a_receiver_that_was_down_counts_each_notice_once() {
    let (world, _) = PostedNotices::fired().await;
    world.receiver.plan(|attempt| match attempt.number {
        1 => Fault::status(503),
        2 => Fault::BlackHole,
        3 => Fault::AcceptThenLose,
        4 => Fault::ResetUnread,
        _ => Fault::None,
    });
    let began = world.clock.now();
    let ended = world.drain_for(120).await;
    assert_eq!(world.unfinished().await, 0);
    assert_eq!(world.counted(), GROUPS);
    let counted = world.receiver.counted();
    assert!(counted.iter().all(|one| one.times == 2), "{counted:?}");
    assert_eq!(
        world.attempts().into_values().collect::<Vec<_>>(),
        [5, 5],
        "one id for all attempts of a notice"
    );
    // No attempt comes sooner than five seconds after the one before it.
    assert!(ended.since(began) >= Duration::from_secs(4 * 5));
    assert_eq!(world.audited().await, ["cto sent", "team sent"]);
    assert_eq!(world.given_up(), [""; 0]);
}

/// A time that the receiver asks for is waited, and no longer.
#[tokio::test]
async fn a_wait_that_was_asked_for_is_kept() {
    let (world, _) = PostedNotices::fired().await;
    world.receiver.plan(|_| {
        let answer = CannedResponse::status(429);
        Fault::Answer(answer.header("Retry-After", "90"))
    });
    world.drain_for(1).await;
    let began = world.clock.now();
    assert_eq!(world.receiver.requests().len(), 2);
    world.drain_for(80).await;
    assert_eq!(world.receiver.requests().len(), 2);
    world.receiver.plan(|_| Fault::None);
    let ended = world.drain_for(60).await;
    let waited = ended.since(began).as_secs();
    assert!((88..=90).contains(&waited), "{waited}");
    assert_eq!(world.counted(), GROUPS);
}

/// A notice that the receiver rejects is given up at once, with an alarm and an entry of the audit
/// trail; the notice of the other group is sent.
#[tokio::test]
async fn a_refused_notice_is_given_up_with_an_alarm() {
    for status in [400, 410] {
        let (world, incident_id) = PostedNotices::fired().await;
        world.receiver.script([Fault::status(status)]);
        world.drain_for(60).await;
        assert_eq!(world.unfinished().await, 0, "{status}");
        assert_eq!(world.receiver.requests().len(), 2, "{status}");
        let counted = world.counted();
        assert_eq!(counted.len(), 1, "{status}");
        let refused = GROUPS.into_iter().find(|group| *group != counted[0]);
        let refused = refused.unwrap();
        let audited: BTreeSet<String> = world.audited().await.into_iter().collect();
        let expected = [
            format!("{refused} given_up"),
            format!("{} sent", counted[0]),
        ];
        assert_eq!(audited, expected.into());
        assert_eq!(world.given_up(), [format!("{refused} chat")]);
        let which = incident_core::outbox::DeadLetterFilter::Incident(incident_id);
        let dead = async || world.store.given_up(which, WITHIN).await.unwrap().len();
        assert_eq!(dead().await, 1, "{status}");
        // The receiver was mended: a person retries it, under the same id.
        let paging = world.engine.paging();
        paging.retry(&context(), which).await.unwrap();
        world.drain_for(60).await;
        assert_eq!(world.counted(), GROUPS);
        assert_eq!(dead().await, 0, "{status}");
        // There is nothing left to retry.
        assert!(paging.retry(&context(), which).await.is_err());
    }
}

/// A receiver that is down for a day is given up, and not before.
#[tokio::test]
async fn a_notice_is_tried_for_a_day() {
    let (world, _) = PostedNotices::fired().await;
    world.receiver.plan(|_| Fault::status(503));
    let began = world.clock.now();
    let mut steps = 0;
    while world.unfinished().await > 0 {
        world.engine.worker().drain().await.unwrap();
        assert!(steps < 400, "{:?}", world.attempts());
        steps += 1;
        let now = world.clock.now();
        let passed = now.since(began);
        assert!(world.given_up().is_empty() || passed >= Duration::from_secs(24 * 60 * 60));
        world
            .clock
            .set(now.saturating_add(Duration::from_secs(300)));
    }
    assert_eq!(world.given_up().len(), 2);
    assert_eq!(world.audited().await, ["cto given_up", "team given_up"]);
    // Every five minutes, after a quick beginning.
    let attempts = world.attempts().into_values().collect::<Vec<_>>();
    assert!(
        attempts.iter().all(|number| (280..310).contains(number)),
        "{attempts:?}"
    );
}

/// A notice that waits for the receiver is not sent once its incident is resolved.
#[tokio::test]
async fn a_notice_of_a_resolved_incident_is_cancelled() {
    let (world, id) = PostedNotices::fired().await;
    world.receiver.plan(|_| Fault::status(503));
    world.drain_for(3).await;
    assert_eq!(world.receiver.requests().len(), 2);
    let update = incident_core::incident::Update::to_status(
        "rolled back".parse().unwrap(),
        Status::Resolved,
    );
    let resolve = Command::Update(Box::new(update));
    world.engine.act(&context(), id, &resolve).await.unwrap();
    world.receiver.plan(|_| Fault::None);
    world.drain_for(60).await;
    assert_eq!(world.unfinished().await, 0);
    assert_eq!(world.receiver.requests().len(), 2);
    assert_eq!(world.counted(), [""; 0]);
    assert_eq!(world.audited().await, ["cto cancelled", "team cancelled"]);
    assert_eq!(world.given_up(), [""; 0]);
}
