//! No sequence of commands breaks an invariant.

use std::sync::Arc;
use std::time::Duration;

use incident_core::chain::Verdict;
use incident_core::engine::{AuditVerdict, Error, Incidents};
use incident_core::incident::{Change, Command, Declare, Publish, Severity, Status, Update};
use incident_core::paging::PagingState;
use incident_core::testing::{ManualClock, RecordingPager};
use incident_core::{IncidentId, Timestamp};
use incident_store_memory::MemoryStore;
use proptest::prelude::*;

use crate::over_http::harness::{at, context};

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Act(Command),
    Pass(u64),
    ClockBack(u64),
    Drain,
}

fn status() -> impl Strategy<Value = Status> {
    prop::sample::select(Status::ALL.to_vec())
}

fn time() -> impl Strategy<Value = Timestamp> {
    (0_u64..7_200)
        .prop_map(|second| at("2026-11-20T22:00:00Z").saturating_add(Duration::from_secs(second)))
}

fn update() -> impl Strategy<Value = Command> {
    (
        prop::option::of(status()),
        prop::option::of(time()),
        prop::option::of(time()),
        prop::bool::ANY,
        0_u64..6,
    )
        .prop_map(
            |(status, occurred_at, impact_ended_at, with_reason, corrects)| {
                let mut update = Update::new("something happened".parse().unwrap());
                update.status = status;
                update.occurred_at = occurred_at;
                update.impact_ended_at = impact_ended_at;
                update.reason = with_reason.then(|| "false_positive".parse().unwrap());
                update.corrects = (corrects > 3).then_some(corrects);
                update.merged_into =
                    with_reason.then(|| "0190a000-0000-7000-8000-000000000000".parse().unwrap());
                Command::Update(Box::new(update))
            },
        )
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => update().prop_map(Step::Act),
        1 => Just(Step::Act(Command::Acknowledge { at: None })),
        1 => Just(Step::Act(Command::Page { reason: "again".parse().unwrap() })),
        1 => Just(Step::Act(Command::LinkPostMortem { url: "https://wiki.example/x".parse().unwrap() })),
        1 => prop::bool::ANY.prop_map(|public| Step::Act(Command::Publish(Publish { public, title: None, message: None }))),
        1 => prop::sample::select(Severity::ALL.to_vec()).prop_map(|to| Step::Act(Command::Change(vec![Change::Severity(to)]))),
        2 => time().prop_map(|start| Step::Act(Command::Change(vec![Change::StartedAt(start)]))),
        1 => (1_u64..5).prop_map(|seq| Step::Act(Command::Redact { seq, reason: "secret".parse().unwrap() })),
        2 => (1_u64..3_000).prop_map(Step::Pass),
        1 => (1_u64..3_000).prop_map(Step::ClockBack),
        2 => Just(Step::Drain),
    ]
}

async fn check(incidents: &Incidents, id: IncidentId, last: (u64, u64)) -> (u64, u64) {
    let incident = incidents.get(id).await.unwrap();
    let entries = incidents.audit().timeline(id, 0, 1_000).await.unwrap();
    assert_eq!(
        incidents.audit().verify_timeline(id).await.unwrap(),
        Verdict::Valid {
            head: incident_core::chain::Head {
                seq: incident.last_seq,
                hash: entries.last().unwrap().hash
            },
            anchored: 0
        }
    );
    assert!(
        entries.is_sorted_by_key(|entry| entry.fields.recorded_at),
        "an entry was recorded before the one above it"
    );
    // Every transition of the timeline is in the table, and starts where the previous one ended.
    let mut status = Status::Triage;
    for entry in entries.iter().skip(1) {
        if let (Some(from), Some(to)) = (entry.fields.status_from, entry.fields.status_to) {
            assert!(
                from == status && from.step_to(to).is_some(),
                "{from} -> {to} after {status}"
            );
            status = to;
        }
    }
    assert_eq!(status, incident.status);
    assert_eq!(
        incident.resolved_at.is_some(),
        matches!(status, Status::Resolved | Status::Closed)
    );
    assert_eq!(
        incident.ending.is_some(),
        matches!(status, Status::Cancelled | Status::Merged)
    );
    assert!(
        incident
            .outage(incident.last_recorded_at)
            .as_slice()
            .windows(2)
            .all(|pair| pair[0].end() < pair[1].start())
    );
    assert!(
        last.0 <= incident.version.0 && last.1 <= incident.last_seq,
        "something was taken back"
    );
    (incident.version.0, incident.last_seq)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]
    #[test]
    fn no_sequence_of_commands_breaks_an_invariant(steps in prop::collection::vec(step(), 1..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async move {
            let clock = Arc::new(ManualClock::at(at("2026-11-20T23:00:00Z")));
            let pager = Arc::new(RecordingPager::named("recorder").unwrap());
            let incidents = Incidents::builder(Arc::new(MemoryStore::default())).clock(clock.clone()).pager(pager.clone()).build().unwrap();
            let context = context();
            let id = incidents.declare(&context, &Declare::new("API down".parse().unwrap(), Severity::Sev2)).await.unwrap().incident.id;
            let mut last = (0, 0);
            let mut epochs = 1;
            for step in steps {
                match step {
                    Step::Act(command) => match incidents.act(&context, id, &command).await {
                        Ok(done) => epochs = done.incident.paging.epoch,
                        Err(Error::Refused(_)) => {}
                        Err(other) => panic!("{other:?}"),
                    },
                    Step::Pass(seconds) => clock.advance(Duration::from_secs(seconds)),
                    Step::ClockBack(seconds) => clock.set(incident_core::port::Clock::now(&*clock).saturating_sub(Duration::from_secs(seconds))),
                    Step::Drain => drop(incidents.worker().drain().await.unwrap()),
                }
                last = check(&incidents, id, last).await;
            }
            clock.advance(Duration::from_secs(86_400));
            incidents.worker().drain().await.unwrap();
            // There are never more wakes than requested pages, and no alert stays open after the
            // end.
            assert!(pager.wakes() <= u64::from(epochs));
            let incident = incidents.get(id).await.unwrap();
            assert!(!matches!(incident.paging.state, PagingState::Pending | PagingState::Failing));
            assert!(matches!(incidents.audit().verify().await.unwrap(), AuditVerdict::Valid { .. }));
        });
    }
}

/// Returns the number of cases, which is larger in the long tier.
fn cases() -> u32 {
    if std::env::var_os("INCIDENT_TEST_LONG").is_some() {
        5_000
    } else {
        200
    }
}
