//! Failures under load: a vendor that is unavailable for long, and more pages than it accepts.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use incident_core::engine::{Alarm, Incidents};
use incident_core::incident::{Command, Declare, Severity, Status};
use incident_core::paging::{
    DeliveryResult, GateSettings, NotSent, NotSentReason, PageAction, PageEvent, PagingState,
    Receipt, TargetId,
};
use incident_core::port::{Clock, Pager};
use incident_core::testing::{ManualClock, update_to};
use incident_core::{IncidentId, Timestamp};
use incident_test_postgres::Database;

use crate::over_http::harness::{at, context, storage};

/// A vendor on the test clock: it may be unavailable, and limits the requests in any minute.
#[derive(Debug)]
struct Vendor {
    target: TargetId,
    clock: Arc<ManualClock>,
    state: Mutex<VendorState>,
}

#[derive(Debug, Default)]
struct VendorState {
    /// Until then it responds with 502 and takes nothing.
    away_until: Option<Timestamp>,
    per_minute: Option<usize>,
    window: VecDeque<Timestamp>,
    /// Maximum number of requests in any minute, including refused ones.
    busiest: usize,
    asked: Vec<(Timestamp, PageAction, String)>,
    open: BTreeMap<String, u32>,
}

#[async_trait]
impl Pager for Vendor {
    fn target_id(&self) -> TargetId {
        self.target.clone()
    }

    fn follows_severity(&self) -> bool {
        self.target.name() != "pagerduty"
    }

    async fn send(&self, page: &PageEvent, _timeout: Duration) -> DeliveryResult {
        let now = self.clock.now();
        let state = &mut *self.state.lock().unwrap();
        let minute = |sent: &Timestamp| now.since(*sent) < Duration::from_secs(60);
        while state.window.front().is_some_and(|sent| !minute(sent)) {
            state.window.pop_front();
        }
        state.window.push_back(now);
        state.busiest = state.busiest.max(state.window.len());
        if state.away_until.is_some_and(|until| now < until) {
            return DeliveryResult::Unknown;
        }
        if state
            .per_minute
            .is_some_and(|most| most < state.window.len())
        {
            state.window.pop_back();
            return DeliveryResult::NotSent(NotSent {
                reason: NotSentReason::RateLimited,
                retry_after: None,
            });
        }
        let key = page.dedup_key.clone();
        state.asked.push((now, page.action, key.clone()));
        if page.action == PageAction::Trigger {
            *state.open.entry(key).or_default() += 1;
        }
        DeliveryResult::Accepted(Receipt::default())
    }
}

impl Vendor {
    fn new(name: &str, clock: &Arc<ManualClock>) -> Arc<Self> {
        Arc::new(Self {
            target: TargetId::new(name).unwrap(),
            clock: clock.clone(),
            state: Mutex::default(),
        })
    }

    fn away_for(&self, minutes: u64) {
        let until = self
            .clock
            .now()
            .saturating_add(Duration::from_secs(minutes * 60));
        self.state.lock().unwrap().away_until = Some(until);
    }

    /// Returns the number of triggers per incident.
    fn wakes(&self) -> BTreeMap<String, u32> {
        self.state.lock().unwrap().open.clone()
    }

    /// Returns the accepted actions about one incident, in order.
    fn about(&self, id: IncidentId) -> Vec<PageAction> {
        let key = incident_core::paging::dedup_key(id, None);
        let state = self.state.lock().unwrap();
        let about = state.asked.iter().filter(|(_, _, of)| *of == key);
        about.map(|(_, action, _)| *action).collect()
    }

    fn taken_at(&self, id: IncidentId) -> Timestamp {
        let key = incident_core::paging::dedup_key(id, None);
        let state = self.state.lock().unwrap();
        state.asked.iter().find(|(_, _, of)| *of == key).unwrap().0
    }
}

type Alarms = Arc<Mutex<Vec<(Timestamp, Alarm)>>>;

struct Night {
    incidents: Incidents,
    clock: Arc<ManualClock>,
    alarms: Alarms,
    _database: Option<Database>,
}

impl Night {
    async fn with(clock: Arc<ManualClock>, pagers: &[Arc<Vendor>], gate: GateSettings) -> Self {
        let (storage, database) = storage().await;
        let alarms = Alarms::default();
        let (heard, watch) = (alarms.clone(), clock.clone());
        let builder = Incidents::builder(storage.store)
            .clock(clock.clone())
            .gate(gate)
            .on_event(move |notice| {
                let now = watch.now();
                heard
                    .lock()
                    .unwrap()
                    .extend(notice.alarm.clone().map(|alarm| (now, alarm)));
            });
        let incidents = pagers
            .iter()
            .fold(builder, |builder, pager| builder.pager(pager.clone()))
            .build()
            .unwrap();
        Self {
            incidents,
            clock,
            alarms,
            _database: database,
        }
    }

    async fn declare(&self, severity: Severity) -> IncidentId {
        let asked = Declare::new("API down".parse().unwrap(), severity);
        let done = self.incidents.declare(&context(), &asked).await.unwrap();
        done.incident.id
    }

    async fn acknowledge(&self, id: IncidentId) {
        let command = Command::Acknowledge { at: None };
        self.incidents.act(&context(), id, &command).await.unwrap();
    }

    async fn resolve(&self, id: IncidentId) {
        let command = update_to(Status::Resolved, "over").unwrap();
        self.incidents.act(&context(), id, &command).await.unwrap();
    }

    /// Advances the clock, draining the outbox once a second as the loop does.
    async fn pass(&self, seconds: u64) {
        for _ in 0..seconds {
            self.incidents.worker().drain().await.unwrap();
            self.clock.advance(Duration::from_secs(1));
        }
        self.incidents.worker().drain().await.unwrap();
    }

    /// Returns the times of the overdue alarms of a page.
    fn overdue(&self, id: IncidentId) -> Vec<Timestamp> {
        let alarms = self.alarms.lock().unwrap();
        let of = |alarm: &Alarm| matches!(alarm, Alarm::PageOverdue { incident_id, .. } if *incident_id == id);
        let found = alarms.iter().filter(|(_, alarm)| of(alarm));
        found.map(|(at, _)| *at).collect()
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(at("2026-11-21T03:00:00Z")))
}

const MINUTES: u64 = 40;

/// Edge case 8: PagerDuty was unavailable for 38 minutes on 2025-08-28.
#[tokio::test]
async fn forty_minutes_of_502_from_the_only_vendor_lose_nothing() {
    let clock = clock();
    let vendor = Vendor::new("pagerduty", &clock);
    let night = Night::with(
        clock.clone(),
        std::slice::from_ref(&vendor),
        GateSettings::default(),
    )
    .await;
    vendor.away_for(MINUTES);
    let started = clock.now();
    let first = night.declare(Severity::Sev1).await;
    night.pass(300).await;
    let (second, third) = (
        night.declare(Severity::Sev2).await,
        night.declare(Severity::Sev3).await,
    );
    night.pass(600).await;
    night.acknowledge(second).await;
    night.resolve(third).await;
    // Up to the second before it recovers.
    night.pass(MINUTES * 60 - 901).await;
    assert!(vendor.wakes().is_empty());
    night.pass(91).await;

    // One alarm at the configured second, independent of any vendor.
    let after = |seconds| started.saturating_add(Duration::from_secs(seconds));
    assert_eq!(night.overdue(first), [after(60)]);
    assert_eq!(night.overdue(second), [after(360)]);
    assert_eq!(night.overdue(third), []);
    // Soon after the vendor recovers everything is there, once and in order.
    use PageAction::{Resolve, Trigger};
    assert_eq!(vendor.about(first), [Trigger]);
    assert!(vendor.taken_at(first) <= after(MINUTES * 60 + 60));
    // Acknowledged or resolved before the vendor recovered: they wake no one. One that served as a
    // probe may have been taken, so it is resolved.
    for id in [second, third] {
        assert!(!vendor.about(id).contains(&Trigger));
    }
    night.resolve(first).await;
    night.resolve(second).await;
    night.pass(5).await;
    assert_eq!(vendor.about(first), [Trigger, Resolve]);
    assert!(vendor.wakes().values().all(|wakes| *wakes == 1));
    let shown = night.incidents.get(first).await.unwrap();
    assert_eq!(shown.paging.overdue_at, Some(after(60)));
    let entries = night
        .incidents
        .audit()
        .timeline(first, 0, 50)
        .await
        .unwrap();
    let said = |words: &str| {
        let told = entries
            .iter()
            .filter_map(|entry| entry.text(incident_core::timeline::TextName::Message));
        told.filter(|text| text.contains(words)).count()
    };
    assert_eq!(
        (said("no one may have been notified"), said("accepted by")),
        (1, 2)
    );
    assert!(entries.len() < 10, "{}", entries.len());
}

#[tokio::test]
async fn with_a_second_vendor_each_page_fails_over_once_and_nobody_is_woken_twice() {
    let clock = clock();
    let (down, up) = (
        Vendor::new("pagerduty", &clock),
        Vendor::new("opsgenie", &clock),
    );
    let pagers = [down.clone(), up.clone()];
    let night = Night::with(clock.clone(), &pagers, GateSettings::default()).await;
    down.away_for(MINUTES);
    let started = clock.now();
    let first = night.declare(Severity::Sev1).await;
    night.pass(120).await;
    let after = |seconds| started.saturating_add(Duration::from_secs(seconds));
    // The outcome of a 502 is unknown, so the next vendor is tried only after a minute.
    assert_eq!(up.taken_at(first), after(60));
    let shown = night.incidents.get(first).await.unwrap();
    assert_eq!(shown.paging.possible_double_wakes, 1);
    // By now the first vendor's breaker is open: it certainly does not have this page.
    let second = night.declare(Severity::Sev1).await;
    night.incidents.worker().drain().await.unwrap();
    assert_eq!(up.taken_at(second), after(120));
    let shown = night.incidents.get(second).await.unwrap();
    assert_eq!(
        (shown.paging.state, shown.paging.possible_double_wakes),
        (PagingState::Accepted, 0)
    );
    let down_alarms = night
        .alarms
        .lock()
        .unwrap()
        .iter()
        .filter(|(_, alarm)| matches!(alarm, Alarm::TargetDown { .. }))
        .count();
    assert_eq!(down_alarms, 1);
    night.resolve(first).await;
    night.resolve(second).await;
    night.pass(MINUTES * 60).await;
    use PageAction::{Resolve, Trigger};
    assert_eq!(up.about(first), [Trigger, Resolve]);
    // Resolved within a minute of its acceptance: the resolution is resent, as it may have
    // overtaken its trigger.
    assert_eq!(up.about(second), [Trigger, Resolve, Resolve]);
    // A page that the first vendor may have taken is resolved there when it recovers.
    assert_eq!(down.about(first), [Resolve]);
    assert_eq!(down.about(second), []);
    assert!(down.wakes().is_empty());
    assert!(up.wakes().values().all(|wakes| *wakes == 1));
    assert_eq!(
        (night.overdue(first).len(), night.overdue(second)),
        (0, vec![])
    );
}

/// More pages at once than a day's worth of requests.
#[tokio::test]
async fn in_a_storm_a_sev1_goes_first_and_nothing_is_lost() {
    const LIMIT: u32 = 120;
    // Every page takes two commits; on PostgreSQL a tenth of them is enough.
    let storm = if crate::ON_POSTGRES { 1_000 } else { 10_000 };
    let clock = clock();
    let vendor = Vendor::new("pagerduty", &clock);
    vendor.state.lock().unwrap().per_minute = Some(LIMIT as usize);
    let gate = GateSettings {
        per_minute: NonZeroU32::new(LIMIT),
        ..GateSettings::default()
    };
    let night = Night::with(clock.clone(), std::slice::from_ref(&vendor), gate).await;
    for _ in 0..storm {
        night.declare(Severity::Sev4).await;
    }
    night.incidents.worker().drain().await.unwrap();
    night.clock.advance(Duration::from_secs(1));
    let declared = clock.now();
    let urgent = night.declare(Severity::Sev1).await;
    let mut minutes = 0;
    while let Some(next) = night.incidents.worker().drain().await.unwrap().next_due {
        clock.set(next.max(clock.now()));
        minutes = clock.now().since(declared).as_secs() / 60;
        assert!(
            minutes < 60 * 4,
            "{} pages in {minutes} min",
            vendor.wakes().len(),
        );
    }
    assert_eq!(vendor.wakes().len(), storm + 1, "nothing is lost");
    let waited = vendor.taken_at(urgent).since(declared);
    assert!(waited <= Duration::from_secs(1), "{waited:?}");
    let busiest = vendor.state.lock().unwrap().busiest;
    assert!(busiest <= LIMIT as usize, "{busiest} in a minute");
    assert!(vendor.wakes().values().all(|wakes| *wakes == 1));
    println!(
        "{storm} SEV4 and a SEV1: the SEV1 after {waited:?}, all of them in {minutes} min, at most {busiest} a minute"
    );
}

/// Edge case 21: a minor incident turns out to be major.
#[tokio::test]
async fn an_incident_raised_to_a_paging_severity_pages() {
    use PageAction::{Acknowledge, Resolve, Trigger};
    let clock = clock();
    let (first, second) = (
        Vendor::new("pagerduty", &clock),
        Vendor::new("opsgenie", &clock),
    );
    let pagers = [first.clone(), second.clone()];
    let night = Night::with(clock.clone(), &pagers, GateSettings::default()).await;
    let to = async |id, severity| {
        let command = Command::Change(vec![incident_core::incident::Change::Severity(severity)]);
        night.incidents.act(&context(), id, &command).await.unwrap();
        night.pass(2).await;
    };
    let id = night.declare(Severity::Sev4).await;
    night.pass(2).await;
    // A change between low urgencies does not ring.
    to(id, Severity::Sev3).await;
    assert_eq!(first.about(id), [Trigger]);
    to(id, Severity::Sev1).await;
    assert_eq!(first.about(id), [Trigger, Resolve, Trigger]);
    to(id, Severity::Sev2).await;
    to(id, Severity::Sev1).await;
    to(id, Severity::Sev4).await;
    assert_eq!(first.about(id).len(), 3);
    night.acknowledge(id).await;
    to(id, Severity::Sev1).await;
    assert_eq!(first.about(id), [Trigger, Resolve, Trigger, Acknowledge]);
    assert_eq!(second.about(id), []);

    // The first page was acknowledged, but the one after it was not: it wakes.
    let id = night.declare(Severity::Sev4).await;
    night.pass(2).await;
    night.acknowledge(id).await;
    let again = Command::Page {
        reason: "nobody is at it".parse().unwrap(),
    };
    night.incidents.act(&context(), id, &again).await.unwrap();
    night.pass(2).await;
    to(id, Severity::Sev1).await;
    let last = first.about(id);
    assert_eq!(last.last_chunk(), Some(&[Trigger, Resolve, Trigger]));

    // An unavailable vendor delays the worse page for a minute at most.
    let id = night.declare(Severity::Sev3).await;
    night.pass(2).await;
    first.away_for(MINUTES);
    let raised = clock.now();
    to(id, Severity::Sev1).await;
    night.pass(150).await;
    let waited = second.taken_at(id).since(raised);
    assert!(waited <= Duration::from_secs(121), "{waited:?}");
    night.resolve(id).await;
    night.pass(MINUTES * 60).await;
    assert_eq!(second.about(id), [Trigger, Resolve]);
    assert_eq!(first.about(id).last(), Some(&Resolve));

    // A policy can turn this off.
    let (storage, _database) = storage().await;
    let mut policy = incident_core::policy::Policy::default();
    policy.sev1.page_on_raise = false;
    let quiet = Vendor::new("pagerduty", &clock);
    let incidents = Incidents::builder(storage.store)
        .clock(clock.clone())
        .pager(quiet.clone())
        .policy(policy)
        .build()
        .unwrap();
    let asked = Declare::new("API down".parse().unwrap(), Severity::Sev3);
    let id = incidents
        .declare(&context(), &asked)
        .await
        .unwrap()
        .incident
        .id;
    let command = Command::Change(vec![incident_core::incident::Change::Severity(
        Severity::Sev1,
    )]);
    incidents.act(&context(), id, &command).await.unwrap();
    incidents.worker().drain().await.unwrap();
    assert_eq!(quiet.about(id), [Trigger]);
}

/// Ten pages at once find the only vendor unavailable, as when the network fails: all must be there
/// soon after it recovers.
#[tokio::test]
async fn many_pages_that_failed_together_are_there_soon_after_the_vendor_is_back() {
    let clock = clock();
    let vendor = Vendor::new("pagerduty", &clock);
    let settings = GateSettings::default();
    let night = Night::with(clock.clone(), std::slice::from_ref(&vendor), settings).await;
    let back = clock.now().saturating_add(Duration::from_secs(20));
    vendor.state.lock().unwrap().away_until = Some(back);
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(night.declare(Severity::Sev1).await);
    }
    night.pass(60).await;
    for id in ids {
        let late = vendor.taken_at(id).since(back);
        assert!(late <= Duration::from_secs(20), "{late:?}");
    }
    assert!(vendor.wakes().values().all(|wakes| *wakes == 1));
}
