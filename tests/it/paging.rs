//! Pages: once, in order, called off, and over to the next target.

use std::sync::Arc;
use std::time::Duration;

use incident_core::actor::Role;
use incident_core::engine::{Ask, Incidents};
use incident_core::incident::{Command, Declare, Severity, Status};
use incident_core::paging::{NotSent, NotSentReason, PageAction, PageAnswer, PagingState};
use incident_core::testing::{ManualClock, RecordingPager, caller, update_to};
use incident_store_memory::MemoryStore;

use crate::harness::at;

struct Setup {
    incidents: Incidents,
    clock: Arc<ManualClock>,
    first: Arc<RecordingPager>,
    second: Arc<RecordingPager>,
    ask: Ask,
}

fn setup() -> Setup {
    let clock = Arc::new(ManualClock::at(at("2026-11-20T23:00:00Z")));
    let first = Arc::new(RecordingPager::named("first").unwrap());
    let second = Arc::new(RecordingPager::named("second").unwrap());
    let incidents = Incidents::builder(Arc::new(MemoryStore::default()))
        .clock(clock.clone())
        .pager(first.clone())
        .pager(second.clone())
        .build()
        .unwrap();
    Setup {
        incidents,
        clock,
        first,
        second,
        ask: Ask::by(caller("anna", Role::Admin).unwrap()),
    }
}

const fn refused(reason: NotSentReason) -> PageAnswer {
    PageAnswer::NotSent(NotSent {
        reason,
        retry_after: None,
    })
}

impl Setup {
    async fn declare(&self, severity: Severity) -> incident_core::IncidentId {
        let declare = Declare::new("API down".parse().unwrap(), severity);
        self.incidents
            .declare(&self.ask, &declare)
            .await
            .unwrap()
            .incident
            .id
    }

    async fn resolve(&self, id: incident_core::IncidentId) {
        self.incidents
            .act(&self.ask, id, &update_to(Status::Resolved, "over").unwrap())
            .await
            .unwrap();
    }

    async fn state(&self, id: incident_core::IncidentId) -> PagingState {
        self.incidents.get(id).await.unwrap().paging.state
    }

    /// Lets time pass and drains every second.
    async fn pass(&self, seconds: u64) {
        for _ in 0..seconds {
            self.incidents.drain().await.unwrap();
            self.clock.advance(Duration::from_secs(1));
        }
        self.incidents.drain().await.unwrap();
    }
}

fn actions(pager: &RecordingPager) -> Vec<PageAction> {
    pager.sent().iter().map(|page| page.action).collect()
}

#[tokio::test]
async fn trigger_acknowledge_resolve_go_out_in_order() {
    let it = setup();
    let id = it.declare(Severity::Sev1).await;
    it.incidents.drain().await.unwrap();
    it.incidents
        .act(&it.ask, id, &Command::Acknowledge { at: None })
        .await
        .unwrap();
    it.resolve(id).await;
    it.incidents.drain().await.unwrap();
    assert_eq!(
        actions(&it.first),
        [
            PageAction::Trigger,
            PageAction::Acknowledge,
            PageAction::Resolve
        ]
    );
    assert!(it.second.sent().is_empty());
    assert_eq!(it.state(id).await, PagingState::Accepted);
}

#[tokio::test]
async fn a_page_that_never_went_out_is_superseded() {
    let it = setup();
    let id = it.declare(Severity::Sev1).await;
    it.resolve(id).await;
    it.pass(5).await;
    assert!(it.first.sent().is_empty() && it.second.sent().is_empty());
    assert_eq!(it.state(id).await, PagingState::Superseded);
}

#[tokio::test]
async fn a_certain_refusal_goes_over_at_once_and_wakes_once() {
    let it = setup();
    it.first.script([refused(NotSentReason::Unreachable)]);
    let id = it.declare(Severity::Sev2).await;
    it.incidents.drain().await.unwrap();
    assert_eq!((it.first.wakes(), it.second.wakes()), (0, 1));
    it.resolve(id).await;
    it.pass(3).await;
    assert_eq!(actions(&it.first), [PageAction::Trigger]);
    assert_eq!(
        actions(&it.second),
        [PageAction::Trigger, PageAction::Resolve]
    );
}

#[tokio::test]
async fn a_lost_answer_stays_with_its_target() {
    let it = setup();
    it.first.script([PageAnswer::Unknown, PageAnswer::Unknown]);
    let id = it.declare(Severity::Sev1).await;
    it.pass(20).await;
    assert_eq!((it.first.wakes(), it.second.sent().len()), (1, 0));
    assert_eq!(it.state(id).await, PagingState::Accepted);
}

#[tokio::test]
async fn a_target_that_never_answers_is_left_after_a_minute_and_called_off_too() {
    let it = setup();
    it.first.script(vec![PageAnswer::Unknown; 100]);
    let id = it.declare(Severity::Sev1).await;
    it.pass(59).await;
    assert!(it.second.sent().is_empty());
    it.pass(3).await;
    assert_eq!(it.second.wakes(), 1);
    it.resolve(id).await;
    it.pass(200).await;
    assert!(actions(&it.first).contains(&PageAction::Resolve));
    assert!(actions(&it.second).contains(&PageAction::Resolve));
}

#[tokio::test]
async fn a_new_page_is_acknowledged_anew_and_every_alert_is_called_off() {
    let it = setup();
    let id = it.declare(Severity::Sev1).await;
    it.incidents.drain().await.unwrap();
    let acknowledge = Command::Acknowledge { at: None };
    it.incidents.act(&it.ask, id, &acknowledge).await.unwrap();
    it.incidents.drain().await.unwrap();
    // The first target is away when a person pages again.
    it.first.script([refused(NotSentReason::Unreachable)]);
    let page = Command::Page {
        reason: "nobody came".parse().unwrap(),
    };
    it.incidents.act(&it.ask, id, &page).await.unwrap();
    it.incidents.drain().await.unwrap();
    it.incidents.act(&it.ask, id, &acknowledge).await.unwrap();
    let again = it.incidents.act(&it.ask, id, &acknowledge).await.unwrap();
    assert!(again.entries.is_empty());
    it.resolve(id).await;
    it.pass(5).await;
    use PageAction::{Acknowledge, Resolve, Trigger};
    assert_eq!(
        actions(&it.first),
        [Trigger, Acknowledge, Trigger, Acknowledge, Resolve]
    );
    assert_eq!(actions(&it.second), [Trigger, Acknowledge, Resolve]);
}

#[tokio::test]
async fn refused_for_good_everywhere_is_given_up_with_an_alarm() {
    use std::sync::Mutex;
    let alarms = Arc::new(Mutex::new(0));
    let (heard, pager) = (
        alarms.clone(),
        Arc::new(RecordingPager::named("only").unwrap()),
    );
    pager.script([refused(NotSentReason::Unauthorized)]);
    let incidents = Incidents::builder(Arc::new(MemoryStore::default()))
        .pager(pager.clone())
        .on_commit(move |notice| *heard.lock().unwrap() += usize::from(notice.alarm.is_some()))
        .build()
        .unwrap();
    let ask = Ask::by(caller("anna", Role::Admin).unwrap());
    let done = incidents
        .declare(&ask, &Declare::new("x".parse().unwrap(), Severity::Sev3))
        .await
        .unwrap();
    incidents.drain().await.unwrap();
    let shown = incidents.get(done.incident.id).await.unwrap();
    assert_eq!(
        (shown.paging.state, shown.paging.error.as_deref()),
        (PagingState::GivenUp, Some("only: refused the key"))
    );
    assert_eq!(*alarms.lock().unwrap(), 1);
    // A person pages again, in a new epoch.
    let page = Command::Page {
        reason: "key fixed".parse().unwrap(),
    };
    incidents.act(&ask, done.incident.id, &page).await.unwrap();
    incidents.drain().await.unwrap();
    let shown = incidents.get(done.incident.id).await.unwrap();
    assert_eq!(
        (shown.paging.state, shown.paging.epoch),
        (PagingState::Accepted, 2)
    );
}

#[tokio::test]
async fn without_a_pager_the_alarm_is_at_once_and_calm_targets_wait() {
    let it = setup();
    it.first
        .script(vec![refused(NotSentReason::Unavailable); 3]);
    let id = it.declare(Severity::Sev4).await;
    it.pass(40).await;
    // Under 30 s the same target is tried again; it took the fourth attempt.
    assert_eq!((it.first.wakes(), it.second.sent().len()), (1, 0));
    assert_eq!(it.state(id).await, PagingState::Accepted);
    let none = Incidents::builder(Arc::new(MemoryStore::default()))
        .build()
        .unwrap();
    let done = none
        .declare(&it.ask, &Declare::new("x".parse().unwrap(), Severity::Sev1))
        .await
        .unwrap();
    none.drain().await.unwrap();
    assert_eq!(
        none.get(done.incident.id).await.unwrap().paging.state,
        PagingState::GivenUp
    );
}
