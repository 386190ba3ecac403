//! Grouping of low-urgency pages: in a storm one alert per service stands for the rest.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use incident_core::engine::{Alarm, Incidents};
use incident_core::incident::{Change, Command, Declare, Severity, Status};
use incident_core::paging::{GateSettings, PageAction, PagingState, dedup_key};
use incident_core::policy::Policy;
use incident_core::port::Clock;
use incident_core::testing::{ManualClock, RecordingPager, update_to};
use incident_core::timeline::TextName;
use incident_core::{IncidentId, Timestamp};
use incident_test_postgres::Database;

use crate::over_http::harness::{at, context, storage};

/// More pages per minute than both services may send; each costs two commits.
const PER_SERVICE: usize = if crate::ON_POSTGRES { 120 } else { 150 };

struct Storm {
    incidents: Incidents,
    clock: Arc<ManualClock>,
    vendor: Arc<RecordingPager>,
    alarms: Arc<Mutex<Vec<Alarm>>>,
    _database: Option<Database>,
}

async fn storm(coalesce_after_seconds: Option<u32>) -> Storm {
    let clock = Arc::new(ManualClock::at(at("2026-11-21T03:00:00Z")));
    let vendor = Arc::new(RecordingPager::named("pagerduty").unwrap());
    let (storage, database) = storage().await;
    let alarms = Arc::new(Mutex::new(Vec::new()));
    let heard = alarms.clone();
    let mut policy = Policy::default();
    policy.sev4.coalesce_after_seconds = coalesce_after_seconds;
    let incidents = Incidents::builder(storage.store)
        .clock(clock.clone())
        .pager(vendor.clone())
        .policy(policy)
        .gate(GateSettings {
            per_minute: NonZeroU32::new(120),
            ..GateSettings::default()
        })
        .on_event(move |notice| heard.lock().unwrap().extend(notice.alarm.clone()))
        .build()
        .unwrap();
    Storm {
        incidents,
        clock,
        vendor,
        alarms,
        _database: database,
    }
}

impl Storm {
    async fn declare(&self, service: &str) -> IncidentId {
        let mut asked = Declare::new("slow".parse().unwrap(), Severity::Sev4);
        asked.affected_services = vec![service.parse().unwrap()];
        let done = self.incidents.declare(&context(), &asked).await.unwrap();
        done.incident.id
    }

    async fn declare_many(&self, service: &str) -> Vec<IncidentId> {
        let mut ids = Vec::new();
        for _ in 0..PER_SERVICE {
            ids.push(self.declare(service).await);
        }
        ids
    }

    /// Advances the clock from one due message to the next.
    async fn pass(&self, minutes: u64) {
        let until: Timestamp = self
            .clock
            .now()
            .saturating_add(Duration::from_secs(minutes * 60));
        loop {
            let next = self.incidents.worker().drain().await.unwrap().next_due;
            match next {
                Some(next) if next <= until => self.clock.set(next.max(self.clock.now())),
                _ => break self.clock.set(until),
            }
        }
    }

    async fn resolve(&self, id: IncidentId) {
        let command = update_to(Status::Resolved, "over").unwrap();
        self.incidents.act(&context(), id, &command).await.unwrap();
    }

    /// Returns the incidents among `ids` that were triggered.
    fn woken(&self, ids: &[IncidentId]) -> BTreeSet<IncidentId> {
        let sent = self.vendor.sent();
        let triggered: BTreeSet<String> = sent
            .into_iter()
            .filter(|page| page.action == PageAction::Trigger)
            .map(|page| page.dedup_key)
            .collect();
        let ids = ids.iter().copied();
        ids.filter(|id| triggered.contains(&dedup_key(*id, None)))
            .collect()
    }
}

#[tokio::test]
async fn one_open_alert_stands_for_a_service_while_there_is_no_room() {
    let it = storm(Some(60)).await;
    let (api, db) = (it.declare_many("api").await, it.declare_many("db").await);
    it.pass(30).await;
    let lone = it.declare("search").await;
    it.pass(150).await;
    let (first_api, first_db) = (it.woken(&api), it.woken(&db));
    let first = first_api.len() + first_db.len();
    // A minute's worth was sent, and no more although hours passed.
    assert!((60..=180).contains(&first), "{first}");
    assert_eq!(it.woken(&[lone]).len(), 1, "another service does not wait");

    let waiting: Vec<IncidentId> = api
        .iter()
        .filter(|id| !first_api.contains(id))
        .copied()
        .collect();
    assert!(waiting.len() > 10);
    let shown = it.incidents.get(waiting[0]).await.unwrap();
    let leader = shown.paging.waits_behind.unwrap();
    assert!(first_api.contains(&leader));
    assert_eq!(
        (shown.paging.state, shown.paging.overdue_at),
        (PagingState::Pending, None)
    );
    let entries = it
        .incidents
        .audit()
        .timeline(shown.id, 0, 50)
        .await
        .unwrap();
    let told: Vec<&str> = entries
        .iter()
        .filter_map(|one| one.text(TextName::Message))
        .collect();
    let number = it.incidents.get(leader).await.unwrap().number;
    let sentence = format!("incident #{number} already has an open alert");
    assert_eq!(
        told.iter().filter(|text| text.contains(&sentence)).count(),
        1,
        "{told:?}"
    );
    assert_eq!(*it.alarms.lock().unwrap(), []);

    // One that turns out to be major is not held back.
    let worse = Command::Change(vec![Change::Severity(Severity::Sev1)]);
    it.incidents
        .act(&context(), waiting[0], &worse)
        .await
        .unwrap();
    it.incidents.worker().drain().await.unwrap();
    assert_eq!(it.woken(&waiting[..1]).len(), 1);

    // One that ended while it was grouped never rings; when the covering alert is over, the next
    // one opens an alert.
    it.resolve(waiting[1]).await;
    for id in &first_api {
        it.resolve(*id).await;
    }
    it.pass(15).await;
    assert!(it.woken(&waiting[1..2]).is_empty());
    let next = it.woken(&waiting[2..]);
    assert!(!next.is_empty(), "nobody looks at the service");
    for id in &waiting[2..] {
        it.resolve(*id).await;
    }
    it.pass(15).await;
    let left = it.incidents.worker().drain().await.unwrap().next_due;
    // Pages of the other service are still grouped: nothing was lost.
    assert!(left.is_some());
    for id in &db {
        it.resolve(*id).await;
    }
    it.pass(60).await;
    assert_eq!(it.incidents.worker().drain().await.unwrap().next_due, None);
}

#[tokio::test]
async fn without_that_policy_every_incident_has_its_own_alert() {
    let it = storm(None).await;
    let ids = it.declare_many("api").await;
    it.pass(30).await;
    assert_eq!(it.woken(&ids).len(), PER_SERVICE);
}
