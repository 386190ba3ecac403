//! Pages: sent once, in order, resolved, and failed over to the next target.

use std::sync::Arc;
use std::time::Duration;

use incident_core::actor::Role;
use incident_core::engine::{Alarm, CommandOutcome, Error, Incidents, RequestContext};
use incident_core::incident::{Command, Declare, Refusal, Severity, Status};
use incident_core::outbox::DeadLetterFilter;
use incident_core::paging::{
    DeliveryResult, NotSent, NotSentReason, PageAction, PageEvent, PagingState, Receipt, TargetId,
    TestOutcome, Urgency,
};
use incident_core::testing::{ManualClock, RecordingPager, caller, update_to};
use incident_store_memory::MemoryStore;
use incident_test_postgres::Database;

use crate::over_http::harness::{at, context, storage};

struct Setup {
    incidents: Incidents,
    clock: Arc<ManualClock>,
    first: Arc<RecordingPager>,
    second: Arc<RecordingPager>,
    context: RequestContext,
    /// Dropped with the test.
    _database: Option<Database>,
}

async fn setup() -> Setup {
    let (storage, database) = storage().await;
    let clock = Arc::new(ManualClock::at(at("2026-11-20T23:00:00Z")));
    let first = Arc::new(RecordingPager::named("first").unwrap());
    let second = Arc::new(RecordingPager::named("second").unwrap());
    let incidents = Incidents::builder(storage.store)
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
        context: context(),
        _database: database,
    }
}

const fn refused(reason: NotSentReason) -> DeliveryResult {
    DeliveryResult::NotSent(NotSent {
        reason,
        retry_after: None,
    })
}

impl Setup {
    async fn declare(&self, severity: Severity) -> incident_core::IncidentId {
        let declare = Declare::new("API down".parse().unwrap(), severity);
        self.incidents
            .declare(&self.context, &declare)
            .await
            .unwrap()
            .incident
            .id
    }

    async fn resolve(&self, id: incident_core::IncidentId) {
        self.incidents
            .act(
                &self.context,
                id,
                &update_to(Status::Resolved, "over").unwrap(),
            )
            .await
            .unwrap();
    }

    async fn state(&self, id: incident_core::IncidentId) -> PagingState {
        self.incidents.get(id).await.unwrap().paging.state
    }

    /// Advances the clock and drains every second.
    async fn pass(&self, seconds: u64) {
        for _ in 0..seconds {
            self.incidents.worker().drain().await.unwrap();
            self.clock.advance(Duration::from_secs(1));
        }
        self.incidents.worker().drain().await.unwrap();
    }
}

pub(crate) fn actions(pager: &RecordingPager) -> Vec<PageAction> {
    pager.sent().iter().map(|page| page.action).collect()
}

#[tokio::test]
async fn trigger_acknowledge_resolve_go_out_in_order() {
    let it = setup().await;
    let id = it.declare(Severity::Sev1).await;
    it.incidents.worker().drain().await.unwrap();
    it.incidents
        .act(&it.context, id, &Command::Acknowledge { at: None })
        .await
        .unwrap();
    it.resolve(id).await;
    it.incidents.worker().drain().await.unwrap();
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
    let it = setup().await;
    let id = it.declare(Severity::Sev1).await;
    it.resolve(id).await;
    it.pass(5).await;
    assert!(it.first.sent().is_empty() && it.second.sent().is_empty());
    assert_eq!(it.state(id).await, PagingState::Superseded);
}

#[tokio::test]
async fn a_certain_refusal_goes_over_at_once_and_wakes_once() {
    let it = setup().await;
    it.first.script([refused(NotSentReason::Unreachable)]);
    let id = it.declare(Severity::Sev2).await;
    it.incidents.worker().drain().await.unwrap();
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
    let it = setup().await;
    it.first
        .script([DeliveryResult::Unknown, DeliveryResult::Unknown]);
    let id = it.declare(Severity::Sev1).await;
    it.pass(20).await;
    assert_eq!((it.first.wakes(), it.second.sent().len()), (1, 0));
    assert_eq!(it.state(id).await, PagingState::Accepted);
}

#[tokio::test]
async fn a_target_that_never_answers_is_left_after_a_minute_and_called_off_too() {
    let it = setup().await;
    it.first.script(vec![DeliveryResult::Unknown; 100]);
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
    let it = setup().await;
    let id = it.declare(Severity::Sev1).await;
    it.incidents.worker().drain().await.unwrap();
    let acknowledge = Command::Acknowledge { at: None };
    it.incidents
        .act(&it.context, id, &acknowledge)
        .await
        .unwrap();
    it.incidents.worker().drain().await.unwrap();
    // The first target is unavailable when a person pages again.
    it.first.script([refused(NotSentReason::Unreachable)]);
    let page = Command::Page {
        reason: "nobody came".parse().unwrap(),
    };
    it.incidents.act(&it.context, id, &page).await.unwrap();
    it.incidents.worker().drain().await.unwrap();
    it.incidents
        .act(&it.context, id, &acknowledge)
        .await
        .unwrap();
    let again = it
        .incidents
        .act(&it.context, id, &acknowledge)
        .await
        .unwrap();
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
    let alarms = Arc::new(Mutex::new(Vec::new()));
    let (heard, pager) = (
        alarms.clone(),
        Arc::new(RecordingPager::named("only").unwrap()),
    );
    pager.script([refused(NotSentReason::Unauthorized)]);
    let incidents = Incidents::builder(Arc::new(MemoryStore::default()))
        .pager(pager.clone())
        .on_event(move |notice| heard.lock().unwrap().extend(notice.alarm.clone()))
        .build()
        .unwrap();
    let context = context();
    let done = incidents
        .declare(
            &context,
            &Declare::new("x".parse().unwrap(), Severity::Sev3),
        )
        .await
        .unwrap();
    incidents.worker().drain().await.unwrap();
    let shown = incidents.get(done.incident.id).await.unwrap();
    assert_eq!(
        (shown.paging.state, shown.paging.error.as_deref()),
        (PagingState::GivenUp, Some("only: rejected the credentials"))
    );
    // The refused key, and the page that was not delivered.
    let only = TargetId::new("only").unwrap();
    let expected = [
        Alarm::TargetDown {
            target: only.clone(),
        },
        Alarm::PageGivenUp {
            incident_id: done.incident.id,
            action: PageAction::Trigger,
            target: Some(only),
        },
    ];
    assert_eq!(*alarms.lock().unwrap(), expected);
    // A person pages again, in a new epoch.
    let page = Command::Page {
        reason: "key fixed".parse().unwrap(),
    };
    incidents
        .act(&context, done.incident.id, &page)
        .await
        .unwrap();
    incidents.worker().drain().await.unwrap();
    let shown = incidents.get(done.incident.id).await.unwrap();
    assert_eq!(
        (shown.paging.state, shown.paging.epoch),
        (PagingState::Accepted, 2)
    );
}

#[tokio::test]
async fn without_a_pager_the_alarm_is_at_once_and_calm_targets_wait() {
    let it = setup().await;
    it.first
        .script(vec![refused(NotSentReason::Unavailable); 3]);
    let id = it.declare(Severity::Sev4).await;
    it.pass(40).await;
    // Within 30 s the same target is retried; it accepted the fourth attempt.
    assert_eq!((it.first.wakes(), it.second.sent().len()), (1, 0));
    assert_eq!(it.state(id).await, PagingState::Accepted);
    let none = Incidents::builder(Arc::new(MemoryStore::default()))
        .build()
        .unwrap();
    let done = none
        .declare(
            &it.context,
            &Declare::new("x".parse().unwrap(), Severity::Sev1),
        )
        .await
        .unwrap();
    none.worker().drain().await.unwrap();
    assert_eq!(
        none.get(done.incident.id).await.unwrap().paging.state,
        PagingState::GivenUp
    );
}

/// A pager that responds only when a test releases it.
#[derive(Debug)]
struct Stuck(tokio::sync::Semaphore);

#[async_trait::async_trait]
impl incident_core::port::Pager for Stuck {
    fn target_id(&self) -> TargetId {
        TargetId::new("stuck").unwrap()
    }

    fn follows_severity(&self) -> bool {
        true
    }

    async fn send(&self, page: &PageEvent, _timeout: Duration) -> DeliveryResult {
        if page.title.as_str() == "slow" {
            self.0.acquire().await.unwrap().forget();
        }
        DeliveryResult::Accepted(Receipt::default())
    }
}

#[tokio::test]
async fn pages_that_hang_do_not_hold_up_the_others() {
    let pager = Arc::new(Stuck(tokio::sync::Semaphore::new(0)));
    let builder = Incidents::builder(Arc::new(MemoryStore::default())).pager(pager.clone());
    let (incidents, worker) = incident_pagers::Worker::new(builder).unwrap();
    let mut running = worker.spawn();
    let context = context();
    let declare = async |title: &str, severity| {
        let asked = Declare::new(title.parse().unwrap(), severity);
        incidents
            .declare(&context, &asked)
            .await
            .unwrap()
            .incident
            .id
    };
    // More than one pass takes at a time.
    for _ in 0..100 {
        declare("slow", Severity::Sev2).await;
    }
    let quick = declare("quick", Severity::Sev4).await;
    let accepted = async {
        while incidents.get(quick).await.unwrap().paging.state != PagingState::Accepted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), accepted)
        .await
        .unwrap();
    pager.0.add_permits(1_000);
    running.stop().await;
    let waiting = incidents
        .reports()
        .incidents(&incident_core::port::IncidentFilter {
            limit: 200,
            ..Default::default()
        })
        .await
        .unwrap();
    assert!(
        waiting
            .iter()
            .all(|one| one.paging.state == PagingState::Accepted)
    );
}

#[tokio::test]
async fn what_was_given_up_is_tried_again_only_while_it_is_wanted() {
    let it = setup().await;
    for pager in [&it.first, &it.second] {
        pager.script([refused(NotSentReason::Unauthorized)]);
    }
    let id = it.declare(Severity::Sev1).await;
    it.incidents.worker().drain().await.unwrap();
    assert_eq!(it.state(id).await, PagingState::GivenUp);
    // The key is fixed.
    let retried = it
        .incidents
        .paging()
        .retry(&it.context, DeadLetterFilter::Incident(id))
        .await
        .unwrap();
    assert_eq!(retried.incident.paging.state, PagingState::Pending);
    assert_eq!(retried.entries.len(), 1);
    it.incidents.worker().drain().await.unwrap();
    let shown = it.incidents.get(id).await.unwrap();
    assert_eq!(
        (shown.paging.state, shown.paging.epoch, it.first.wakes()),
        (PagingState::Accepted, 1, 1)
    );
    let refusal = |result: Result<_, Error>| match result.map(|_: CommandOutcome| ()) {
        Err(Error::Refused(Refusal::WrongState { code, .. })) => code,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        refusal(
            it.incidents
                .paging()
                .retry(&it.context, DeadLetterFilter::Incident(id))
                .await
        ),
        "nothing_to_retry"
    );
    // A page of an incident that is over by now is not sent.
    for pager in [&it.first, &it.second] {
        pager.script([refused(NotSentReason::Unauthorized)]);
    }
    let late = it.declare(Severity::Sev1).await;
    it.incidents.worker().drain().await.unwrap();
    let page = it
        .incidents
        .paging()
        .dead_letters(DeadLetterFilter::Incident(late))
        .await
        .unwrap()
        .remove(0)
        .id;
    it.resolve(late).await;
    it.incidents.worker().drain().await.unwrap();
    assert_eq!(
        refusal(
            it.incidents
                .paging()
                .retry(&it.context, DeadLetterFilter::Message(page))
                .await
        ),
        "nothing_to_retry"
    );
    assert_eq!(it.first.wakes(), 1);
}

#[tokio::test]
async fn a_test_page_asks_every_target_once_and_is_ended() {
    let it = setup().await;
    it.second.script([refused(NotSentReason::Unauthorized)]);
    let tested = it
        .incidents
        .paging()
        .test(&it.context, Urgency::High)
        .await
        .unwrap();
    let outcomes: Vec<_> = tested
        .test
        .targets
        .iter()
        .map(|one| (one.target.name(), one.outcome))
        .collect();
    assert_eq!(
        outcomes,
        [
            ("first", TestOutcome::Accepted),
            ("second", TestOutcome::NotSent(NotSentReason::Unauthorized))
        ]
    );
    it.incidents.worker().finish().await.unwrap();
    assert_eq!(
        actions(&it.first),
        [PageAction::Trigger, PageAction::Resolve]
    );
    assert_eq!(actions(&it.second), [PageAction::Trigger]);
    let viewer = RequestContext::new(caller("vera", Role::Viewer).unwrap());
    let denied = it.incidents.paging().test(&viewer, Urgency::Low).await;
    assert!(matches!(denied, Err(Error::Forbidden(_))));
}
