//! Timeouts: an engine with contradictory timeouts is not built, and every call returns within its
//! own deadline.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use incident_core::IncidentId;
use incident_core::engine::{Error, Incidents};
use incident_core::incident::{Declare, Severity, Status};
use incident_core::paging::{FailoverPolicy, GateSettings};
use incident_core::port::{IncidentFilter, StoreError};
use incident_core::testing::{RecordingPager, update_to};
use incident_store_memory::MemoryStore;
use tokio::task::JoinSet;

use crate::over_http::harness::context;
use crate::over_http::troubled::{LATE, SLOW, Troubled};

/// Hosts print an engine when they debug a fault.
#[test]
fn an_engine_and_its_builder_show_their_pagers_and_settings() {
    let builder = || {
        let pager = RecordingPager::named("pagerduty").unwrap();
        Incidents::builder(Arc::new(MemoryStore::default())).pager(Arc::new(pager))
    };
    let (unbuilt, built) = (builder(), builder().build().unwrap());
    for shown in [format!("{unbuilt:?}"), format!("{built:?}")] {
        assert!(
            shown.contains("pagerduty") && shown.contains("lease"),
            "{shown}"
        );
    }
}

#[test]
fn times_that_do_not_go_together_are_refused_with_the_reason() {
    let built = |change: &dyn Fn(&mut FailoverPolicy, &mut GateSettings, &mut Duration)| {
        let (mut urgent, mut gate) = (FailoverPolicy::high_urgency(), GateSettings::default());
        let mut pager = Duration::from_secs(10);
        change(&mut urgent, &mut gate, &mut pager);
        let builder = Incidents::builder(Arc::new(MemoryStore::default()))
            .failover(urgent, FailoverPolicy::low_urgency())
            .gate(gate)
            .pager_deadline(pager);
        builder
            .build()
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    assert_eq!(built(&|_, _, _| {}), Ok(()));
    assert_eq!(built(&|policy, _, _| policy.after_unknown = None), Ok(()));
    type Change = dyn Fn(&mut FailoverPolicy, &mut GateSettings, &mut Duration);
    let cases: [(&str, &Change); 8] = [
        ("greater than zero", &|_, _, pager| *pager = Duration::ZERO),
        ("shorter than the lease", &|_, _, pager| {
            *pager = Duration::from_secs(20);
        }),
        ("longer than the lease", &|policy, _, _| {
            policy.after_unknown = Some(Duration::from_secs(30));
        }),
        ("longer than the failover delay", &|policy, _, _| {
            policy.give_up_after = Duration::from_secs(60);
        }),
        ("at most the maximum retry delay", &|policy, _, _| {
            policy.backoff.cap = Duration::from_millis(1);
        }),
        ("failure threshold", &|_, gate, _| gate.failures = 0),
        ("failure threshold", &|_, gate, _| {
            gate.open_at_most = Duration::from_secs(1);
        }),
        ("failure threshold", &|_, gate, _| {
            gate.open_for = Duration::ZERO
        }),
    ];
    for (words, change) in cases {
        let error = built(change).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}

/// Deadline of a call, in tests that wait for it.
const DEADLINE: Duration = Duration::from_millis(400);

/// Creates an engine over a store that can be slow, with an incident.
async fn troubled() -> (Incidents, Arc<Troubled>, IncidentId) {
    let store = Troubled::over(Arc::new(MemoryStore::default()));
    let incidents = Incidents::builder(store.clone())
        .command_deadline(DEADLINE)
        .build()
        .unwrap();
    let asked = Declare::new("API down".parse().unwrap(), Severity::Sev2);
    let id = incidents
        .declare(&context(), &asked)
        .await
        .unwrap()
        .incident
        .id;
    (incidents, store, id)
}

/// S5: commands queue on one incident while the store does not respond. Each returns within its own
/// deadline, independent of those before it; all other reads of a call are part of its deadline.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_queues_behind_a_store_that_is_late_is_answered_in_its_own_time() {
    let (incidents, store, id) = troubled().await;
    store.is_in(LATE);
    let mut calls = JoinSet::new();
    let started = Instant::now();
    for n in 0..60 {
        let incidents = incidents.clone();
        calls.spawn(async move {
            let refused = match n % 6 {
                0 => incidents.get(id).await.map(|_| ()),
                1 => incidents.audit().timeline(id, 0, 10).await.map(|_| ()),
                2 => incidents.reports().public_page().await.map(|_| ()),
                3 => incidents
                    .reports()
                    .incidents(&IncidentFilter::default())
                    .await
                    .map(|_| ()),
                _ => {
                    let update = update_to(Status::Investigating, "looking").unwrap();
                    incidents.act(&context(), id, &update).await.map(|_| ())
                }
            };
            (refused, started.elapsed())
        });
    }
    let mut slowest = Duration::ZERO;
    while let Some(answered) = calls.join_next().await {
        let (refused, took) = answered.unwrap();
        let refused = refused.unwrap_err();
        assert!(
            matches!(refused, Error::Store(StoreError::Unavailable(_))),
            "{refused:?}"
        );
        slowest = slowest.max(took);
    }
    println!("slowest of 60 calls with {DEADLINE:?} each: {slowest:?}");
    assert!(slowest < DEADLINE * 5, "{slowest:?}");
}

/// S5: a caller with a deadline of its own may set a shorter timeout.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_may_have_less_time_than_others() {
    let (incidents, store, id) = troubled().await;
    store.is_in(LATE);
    let hurried = context().with_timeout(Duration::from_millis(50));
    let started = Instant::now();
    let update = update_to(Status::Investigating, "looking").unwrap();
    incidents.act(&hurried, id, &update).await.unwrap_err();
    let took = started.elapsed();
    assert!(took < DEADLINE, "{took:?}");
    let longer = context().with_timeout(DEADLINE * 3);
    let started = Instant::now();
    incidents.act(&longer, id, &update).await.unwrap_err();
    assert!(started.elapsed() >= DEADLINE * 3);
    let none = Incidents::builder(store).command_deadline(Duration::ZERO);
    let error = none.build().unwrap_err().to_string();
    assert!(error.contains("greater than zero"), "{error}");
}

/// S5: commands on one incident run in the order in which they arrived, whichever task runs when
/// the previous one ends.
#[tokio::test]
async fn commands_on_one_incident_go_in_the_order_in_which_they_came() {
    const COMMANDS: usize = 200;
    let (incidents, store, id) = troubled().await;
    store.is_in(SLOW);
    let ended = Arc::new(Mutex::new(Vec::new()));
    // On a single thread, tasks start in the order in which they were spawned.
    let mut calls = JoinSet::new();
    for n in 0..COMMANDS {
        let (incidents, ended) = (incidents.clone(), ended.clone());
        calls.spawn(async move {
            let update = update_to(Status::Investigating, "looking").unwrap();
            let context = context().with_timeout(Duration::from_secs(60));
            let act = incidents.act(&context, id, &update);
            // Some callers stop waiting.
            if n % 7 == 3 {
                let _ = tokio::time::timeout(Duration::from_millis(1), act).await;
                return;
            }
            act.await.unwrap();
            ended.lock().unwrap().push(n);
        });
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
    }
    let ended = ended.lock().unwrap().clone();
    assert!(ended.is_sorted(), "{ended:?}");
    let gone = (0..COMMANDS).filter(|n| n % 7 == 3).count();
    assert_eq!(ended.len(), COMMANDS - gone);
    // None read a state that another command was about to change.
    assert_eq!(store.conflicts.load(Ordering::SeqCst), 0);
}
