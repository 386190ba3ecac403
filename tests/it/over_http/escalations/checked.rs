//! The worker's check finds rules, notices and pages that are missing, and nothing else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use incident_core::IncidentId;
use incident_core::engine::{Alarm, Incidents};
use incident_core::incident::{Change, Command, Declare, Severity};
use incident_core::policy::{Policy, PolicyOverride, SeverityPolicy};
use incident_core::port::Clock;
use incident_core::testing::{ManualClock, RecordingPager};
use incident_pagers::LogChannel;
use incident_test_postgres::Database;

use crate::over_http::faulty::{Faulty, Loss};
use crate::over_http::harness::{at, context, storage};

const START: &str = "2026-11-20T22:15:00Z";

/// A team with a store that can lose things.
struct Team {
    store: Arc<Faulty>,
    clock: Arc<ManualClock>,
    incidents: Incidents,
    alarms: Arc<Mutex<Vec<Alarm>>>,
    _database: Option<Database>,
}

/// Returns the policy that ships, with five minutes to acknowledge a SEV3 of the checkout.
fn policy() -> Policy {
    let mut policy = Policy::default();
    let strict = SeverityPolicy {
        acknowledge_within: policy.sev1.acknowledge_within.clone(),
        ..policy.sev3.clone()
    };
    policy.overrides = vec![PolicyOverride {
        service: Some("checkout".parse().unwrap()),
        tenant: None,
        severities: BTreeMap::from([(Severity::Sev3, strict)]),
    }];
    policy
}

impl Team {
    async fn new() -> Self {
        let (storage, database) = storage().await;
        let store = Faulty::new(storage.store);
        let clock = Arc::new(ManualClock::at(at(START)));
        let alarms: Arc<Mutex<Vec<Alarm>>> = Arc::default();
        let sink = Arc::clone(&alarms);
        let incidents = Incidents::builder(Arc::<Faulty>::clone(&store))
            .clock(Arc::<ManualClock>::clone(&clock))
            .policy(policy())
            .pager(Arc::new(RecordingPager::named("recorder").unwrap()))
            .channel(Arc::new(LogChannel::new().unwrap()))
            .on_event(move |event| sink.lock().unwrap().extend(event.alarm.clone()))
            .build()
            .unwrap();
        Self {
            store,
            clock,
            incidents,
            alarms,
            _database: database,
        }
    }

    async fn declare(&self) -> IncidentId {
        let declared = Declare::new("API down".parse().unwrap(), Severity::Sev1);
        let declared = self.incidents.declare(&context(), &declared).await.unwrap();
        declared.incident.id
    }

    /// Lets the worker do all that is due.
    async fn work(&self) {
        self.incidents.worker().fire_rules().await.unwrap();
        self.incidents.worker().drain().await.unwrap();
    }

    async fn check_after(&self, seconds: u64) -> usize {
        self.clock.advance(Duration::from_secs(seconds));
        self.incidents.worker().check_escalations().await.unwrap()
    }

    /// Checks that these alarms are raised five minutes after now, and none before.
    async fn is_missed_after_five_minutes(&self, alarms: &[Alarm]) {
        assert_eq!(self.check_after(299).await, 0);
        assert_eq!(self.check_after(1).await, alarms.len());
        assert_eq!(self.alarms(), alarms);
    }

    fn alarms(&self) -> Vec<Alarm> {
        std::mem::take(&mut *self.alarms.lock().unwrap())
    }
}

/// The rules that are due at the declaration of a SEV1.
const AT_ONCE: [&str; 2] = ["sev1-declared", "executive-update"];

/// Returns the alarms that the rules which are due at once are missing.
fn missing(incident_id: IncidentId) -> [Alarm; 2] {
    AT_ONCE.map(|rule| Alarm::EscalationMissing {
        incident_id,
        rule: rule.parse().unwrap(),
        since: at(START),
    })
}

#[tokio::test]
async fn a_team_whose_worker_runs_misses_nothing() {
    let team = Team::new().await;
    team.declare().await;
    for _ in 0..120 {
        team.work().await;
        assert_eq!(team.check_after(60).await, 0);
    }
    assert_eq!(team.alarms(), []);
}

#[tokio::test]
async fn a_rule_that_the_worker_skips_is_found_after_five_minutes_until_it_fires() {
    let team = Team::new().await;
    team.store.lose_all(Loss::DueIncidents);
    let id = team.declare().await;
    team.work().await;
    team.is_missed_after_five_minutes(&missing(id)).await;
    // Raised again while it lasts.
    assert_eq!(team.check_after(1).await, 2);
    assert_eq!(team.alarms(), missing(id));
    team.store.mend();
    team.work().await;
    assert_eq!(team.check_after(0).await, 0);
    // That it fires late is an alarm of its own, once.
    let late = AT_ONCE.map(|rule| Alarm::EscalationLate {
        incident_id: id,
        rule: rule.parse().unwrap(),
        since: at(START),
    });
    assert_eq!(team.alarms(), late);
}

#[tokio::test]
async fn a_notice_that_disappears_is_found() {
    let team = Team::new().await;
    team.store.lose_all(Loss::Notices);
    let id = team.declare().await;
    team.work().await;
    // The rules of the acknowledgement are not what is tried here.
    let acknowledge = Command::Acknowledge { at: None };
    team.incidents
        .act(&context(), id, &acknowledge)
        .await
        .unwrap();
    team.work().await;
    team.is_missed_after_five_minutes(&missing(id)).await;
}

#[tokio::test]
async fn a_page_that_disappears_is_found() {
    let team = Team::new().await;
    team.store.lose_all(Loss::Pages);
    let id = team.declare().await;
    team.work().await;
    let overdue = Alarm::PageOverdue {
        incident_id: id,
        since: at(START),
        target: None,
    };
    team.is_missed_after_five_minutes(&[overdue]).await;
}

/// The state says that it fired; the audit trail, by which it is checked, does not.
#[tokio::test]
async fn a_firing_without_a_record_is_found() {
    let team = Team::new().await;
    team.store.lose_all(Loss::AuditOfFirings);
    let id = team.declare().await;
    team.work().await;
    assert_eq!(team.check_after(300).await, 2);
    assert_eq!(team.alarms(), missing(id));
}

/// While messages wait, as behind a channel that is away, none of them is missing.
#[tokio::test]
async fn what_still_waits_is_not_missing() {
    let team = Team::new().await;
    team.declare().await;
    team.incidents.worker().fire_rules().await.unwrap();
    assert_eq!(team.check_after(301).await, 0);
    assert!(team.clock.now() > at(START));
    assert_eq!(team.alarms(), []);
}

/// A service with stricter promises is found to be hit: their deadline has passed already. That is nobody's
/// fault: the rule fires, marked late, and there is no alarm.
#[tokio::test]
async fn a_deadline_that_a_write_puts_into_the_past_raises_no_alarm() {
    let team = Team::new().await;
    let declared = Declare {
        page: Some(false),
        ..Declare::new("API down".parse().unwrap(), Severity::Sev3)
    };
    let declared = team.incidents.declare(&context(), &declared).await.unwrap();
    let id = declared.incident.id;
    team.work().await;
    assert_eq!(team.check_after(30 * 60).await, 0);
    let checkout = vec!["checkout".parse().unwrap()];
    let change = Command::Change(vec![Change::AffectedServices(checkout)]);
    team.incidents.act(&context(), id, &change).await.unwrap();
    // Before a worker has seen it.
    assert_eq!(team.check_after(0).await, 0);
    team.work().await;
    assert_eq!(team.check_after(301).await, 0);
    assert_eq!(team.alarms(), []);
    let fired = team.incidents.reports().recorded_firings(id).await.unwrap();
    let [unacknowledged] = &fired[..] else {
        panic!("{fired:?}");
    };
    assert_eq!(unacknowledged.rule.as_str(), "unacknowledged");
    assert!(unacknowledged.late, "{fired:?}");
}
