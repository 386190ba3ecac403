//! Credits on their way to billing: despite crashes, losses and forgotten keys, the sink's ledger
//! equals ours, with each key once.

mod corrections;
pub(crate) mod world;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use incident_core::actor::Role;
use incident_core::billing::{CreditState, Difference};
use incident_core::engine::Incidents;
use incident_core::incident::{Affected, Change, Command};
use incident_core::outbox::{DeadLetterFilter, Message, MessageBody};
use incident_core::port::{AuditQuery, CreditQuery};
use incident_core::{IncidentId, MessageId};
use incident_pagers::testing::{Billing, Fault};
use incident_pagers::{HttpSink, SigningSecret};

use crate::over_http::harness::at;

use world::{Mishap, World, approve_all, context, hour};

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_once_each_credit_is_booked_once() {
    for mishap in [
        Mishap::Away,
        Mishap::LostBefore,
        Mishap::LostAnswer,
        Mishap::CrashBefore,
        Mishap::CrashAfter,
    ] {
        let world = World::new().await;
        let process = world.process();
        hour(&process, 9, &["tenant-0", "tenant-1", "tenant-2"]).await;
        assert_eq!(approve_all(&process).await, 3);
        world.sink.script([mishap]);
        for _ in 0..3 {
            world.hand_over().await;
        }
        assert_eq!(world.sink.ledger().len(), 3, "{mishap:?}");
        assert_eq!(world.sink.books.lock().unwrap().submitted, 2, "{mishap:?}");
        world.is_balanced().await;
        assert!(world.alarms.lock().unwrap().is_empty());
    }
}

/// Many rounds of credits, each with mishaps chosen by a seed; some last so long that the sink
/// forgets its keys meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn after_many_mishaps_the_ledgers_agree() {
    let world = World::new().await;
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: u64| -> usize {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below).unwrap()
    };
    let kinds = [
        Mishap::Away,
        Mishap::LostBefore,
        Mishap::LostAnswer,
        Mishap::CrashBefore,
        Mishap::CrashAfter,
    ];
    for round in 0..40 {
        let process = world.process();
        let tenants = [format!("tenant-{round}"), format!("other-{round}")];
        let tenants: Vec<&str> = tenants.iter().map(String::as_str).collect();
        hour(&process, 1 + round % 28, &tenants).await;
        approve_all(&process).await;
        let mishaps = random(4);
        world.sink.script((0..mishaps).map(|_| kinds[random(5)]));
        for _ in 0..=random(3) {
            world.hand_over().await;
        }
        if random(4) == 0 {
            world.clock.advance(Duration::from_secs(25 * 3_600));
        }
    }
    world.sink.books.lock().unwrap().script.clear();
    for _ in 0..60 {
        world.clock.advance(Duration::from_secs(16 * 60));
        world.hand_over().await;
    }
    assert_eq!(world.sink.ledger().len(), 80);
    world.is_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_exporters_issue_each_credit_once() {
    let world = World::new().await;
    for round in 1..=12 {
        let (one, other) = (world.process(), world.process());
        let (a, b) = (format!("tenant-{round}"), format!("other-{round}"));
        hour(&one, round, &[&a, &b]).await;
        assert_eq!(approve_all(&one).await, 2);
        let export = |process: Incidents| {
            tokio::spawn(async move {
                let issued = process.worker().issue_credits().await.unwrap();
                process.worker().drain().await.unwrap();
                issued
            })
        };
        let (first, second) = (export(one.clone()), export(other));
        assert_eq!(first.await.unwrap() + second.await.unwrap(), 2);
        one.worker().drain().await.unwrap();
    }
    assert_eq!(world.sink.ledger().len(), 24);
    assert_eq!(world.sink.books.lock().unwrap().submitted, 12);
    world.is_balanced().await;
}

/// A sink that may have forgotten a key is queried first; a batch that it has is not sent again.
#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_forgot_is_asked_before_it_is_told_again() {
    for (mishap, told) in [
        (Mishap::CrashAfter, 1),
        (Mishap::LostAnswer, 1),
        (Mishap::LostBefore, 2),
        (Mishap::CrashBefore, 2),
        // The batch was certainly not sent, so no look-up is needed.
        (Mishap::Away, 2),
    ] {
        let world = World::new().await;
        let process = world.process();
        hour(&process, 9, &["tenant-0", "tenant-1"]).await;
        approve_all(&process).await;
        world.sink.script([mishap]);
        world.hand_over().await;
        world.clock.advance(Duration::from_secs(24 * 3_600));
        world.hand_over().await;
        assert_eq!(
            world.sink.books.lock().unwrap().submitted,
            told,
            "{mishap:?}"
        );
        world.is_balanced().await;
    }
}

/// A16: a batch that a person resends long after is looked up first: the sink has it, but has
/// forgotten its key.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_again_by_hand_is_asked_for_first() {
    let world = World::new().await;
    let process = world.process();
    hour(&process, 9, &["tenant-0"]).await;
    approve_all(&process).await;
    world.sink.script([Mishap::Refused]);
    world.hand_over().await;
    let held = process
        .paging()
        .dead_letters(DeadLetterFilter::NoIncident)
        .await
        .unwrap();
    let [
        Message {
            id,
            body: MessageBody::SubmitCredits(batch),
            ..
        },
    ] = held.as_slice()
    else {
        panic!("{held:?}");
    };
    // A person booked it there by hand.
    world.sink.book(batch);
    world.clock.advance(Duration::from_secs(3 * 24 * 3_600));
    let bill = context("bill", Role::Billing);
    let woken = world.woken.swap(0, Ordering::SeqCst);
    assert!(woken > 0, "the relay heard of what was issued");
    process.credits().resend_batch(&bill, *id).await.unwrap();
    assert_eq!(world.woken.load(Ordering::SeqCst), 1, "and of this");
    let by_bill = AuditQuery {
        actor: Some("bill".to_owned()),
        limit: 50,
        ..AuditQuery::default()
    };
    let audit = process.audit().list(&by_bill).await.unwrap();
    assert!(
        audit
            .iter()
            .any(|entry| entry.payload.action == "resend_credits"),
        "{audit:?}"
    );
    world.hand_over().await;
    assert_eq!(world.sink.books.lock().unwrap().submitted, 1);
    world.is_balanced().await;
}

/// A recompute message is completed by that computation, even for an incident that affects all
/// tenants, and none is left.
#[tokio::test(flavor = "multi_thread")]
async fn computed_credits_leave_no_message_behind() {
    let world = World::new().await;
    let process = world.process();
    hour(&process, 9, &["tenant-0", "tenant-1"]).await;
    process.worker().drain().await.unwrap();
    let id = hour(&process, 10, &["tenant-0"]).await;
    let anna = context("anna", Role::Admin);
    let everybody = Change::AffectedTenants(Affected::All);
    let earlier = Change::StartedAt(at("2026-11-10T09:00:00Z"));
    for change in [everybody, earlier] {
        let command = Command::Change(vec![change]);
        process.act(&anna, id, &command).await.unwrap();
        process.worker().drain().await.unwrap();
        assert_eq!(process.worker().measure().await.unwrap().unfinished, 0);
        assert!(
            process
                .reports()
                .check_figures("2026-11".parse().unwrap())
                .await
                .unwrap()
                .is_empty()
        );
    }
}

/// A partially booked batch is neither accepted nor lost: a person has to decide.
#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_holds_a_part_of_a_batch_is_not_told_it_again() {
    let world = World::new().await;
    let process = world.process();
    hour(&process, 9, &["tenant-0"]).await;
    hour(&process, 10, &["tenant-1"]).await;
    approve_all(&process).await;
    world.sink.script([Mishap::LostAnswer]);
    world.hand_over().await;
    let lost = world.sink.books.lock().unwrap().ledger.pop();
    assert!(lost.is_some());
    world.clock.advance(Duration::from_secs(3 * 24 * 3_600));
    world.hand_over().await;
    assert_eq!(world.sink.books.lock().unwrap().submitted, 1);
    let report = process
        .credits()
        .billing_report("2026-11".parse().unwrap())
        .await;
    let report = report.unwrap();
    let [held] = report.waiting.as_slice() else {
        panic!("{report:?}");
    };
    assert!(held.held_back, "{held:?}");
    let alarms = world.alarms.lock().unwrap().clone();
    assert!(
        alarms.iter().any(|alarm| alarm.contains("BillingHeld")),
        "{alarms:?}"
    );
}

/// A sink without a look-up gets the batch at most once, and an alarm is raised.
#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_forgot_and_cannot_be_asked_is_not_told_twice() {
    let world = World::with(Some(Duration::from_secs(3_600)), false).await;
    let process = world.process();
    hour(&process, 9, &["tenant-0"]).await;
    hour(&process, 10, &["tenant-1"]).await;
    approve_all(&process).await;
    world.sink.script([Mishap::LostBefore]);
    world.hand_over().await;
    world.clock.advance(Duration::from_secs(2 * 3_600));
    world.hand_over().await;
    world.hand_over().await;
    assert_eq!(world.sink.books.lock().unwrap().submitted, 1);
    let alarms = world.alarms.lock().unwrap().clone();
    assert!(
        alarms.len() == 1 && alarms[0].contains("BillingHeld"),
        "{alarms:?}"
    );
    let report = process
        .credits()
        .billing_report("2026-11".parse().unwrap())
        .await;
    let report = report.unwrap();
    assert_eq!((report.issued, report.compared), (2, false));
    let [held] = report.waiting.as_slice() else {
        panic!("{report:?}");
    };
    assert!(held.held_back && held.credits == 2);
    // A person has checked that it is not there.
    let vera = context("vera", Role::Viewer);
    assert!(
        process
            .credits()
            .resend_batch(&vera, held.batch)
            .await
            .is_err()
    );
    let bill = context("bill", Role::Billing);
    process
        .credits()
        .resend_batch(&bill, held.batch)
        .await
        .unwrap();
    assert!(
        process
            .credits()
            .resend_batch(&bill, held.batch)
            .await
            .is_err()
    );
    world.hand_over().await;
    assert_eq!(world.sink.ledger(), world.issued().await);
    assert!(world.rows().await.iter().all(|row| {
        let issued = row.issued.as_ref().unwrap();
        issued.accepted_at.is_some()
    }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_batch_is_kept_and_what_differs_is_told() {
    let world = World::new().await;
    let process = world.process();
    hour(&process, 9, &["tenant-0"]).await;
    approve_all(&process).await;
    world.sink.script([Mishap::Refused]);
    world.hand_over().await;
    // It does not delay later credits.
    hour(&process, 10, &["tenant-1"]).await;
    approve_all(&process).await;
    world.hand_over().await;
    let november = "2026-11".parse().unwrap();
    let report = process.credits().billing_report(november).await.unwrap();
    assert_eq!((report.issued, report.agree), (2, 1));
    assert!(report.waiting[0].held_back && report.differences.is_empty());
    let bill = context("bill", Role::Billing);
    let batch = report.waiting[0].batch;
    process.credits().resend_batch(&bill, batch).await.unwrap();
    world.hand_over().await;
    world.is_balanced().await;
    // Changes made in the sink are detected.
    {
        let mut books = world.sink.books.lock().unwrap();
        let copy = books.ledger[0].clone();
        books.ledger[1].amount = None;
        let mut stranger = copy.clone();
        stranger.key = "01a1fe7e-8565-7544-9512-dcd142c5f862".parse().unwrap();
        books.ledger.extend([copy, stranger]);
    }
    let report = process.credits().billing_report(november).await.unwrap();
    let kinds = report.differences.iter().map(|one| match one {
        Difference::Missing(_) => "missing",
        Difference::Unknown(_) => "unknown",
        Difference::Differs { .. } => "differs",
        Difference::Repeated { .. } => "repeated",
    });
    let mut kinds: Vec<_> = kinds.collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["differs", "repeated", "unknown"]);
    world.sink.books.lock().unwrap().ledger.clear();
    let report = process.credits().billing_report(november).await.unwrap();
    assert!(matches!(
        report.differences.as_slice(),
        [Difference::Missing(_), Difference::Missing(_)]
    ));
}

/// Over HTTP: a lost response, an unavailable receiver, and a body that stays the same.
#[tokio::test(flavor = "multi_thread")]
async fn over_http_each_credit_is_booked_once() {
    let secret = || SigningSecret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let billing = Billing::start(secret()).await.unwrap();
    let sink = HttpSink::builder(billing.base_url(), secret()).build();
    let world = World::new().await;
    let process = world.process_with(Arc::new(sink.unwrap()));
    for day in 1..=6 {
        hour(&process, day, &[&format!("tenant-{day}"), "other"]).await;
    }
    // Six credits of single tenants, and a cap of 50 % for the tenant that was affected each time.
    assert_eq!(approve_all(&process).await, 11);
    billing.script([
        Fault::AcceptThenLose,
        Fault::status(500),
        Fault::ResetRead,
        Fault::status(429),
    ]);
    process.worker().issue_credits().await.unwrap();
    for _ in 0..6 {
        process.worker().drain().await.unwrap();
        world.clock.advance(Duration::from_secs(16 * 60));
    }
    let mut ledger = billing.ledger();
    ledger.sort_by_key(|one| one.key);
    assert_eq!(ledger, world.issued().await);
    assert_eq!((ledger.len(), billing.altered()), (11, 0));
    let report = process.credits().billing_report("2026-11".parse().unwrap());
    assert!(report.await.unwrap().is_balanced());
    billing.unbook(ledger[0].key);
    let report = process.credits().billing_report("2026-11".parse().unwrap());
    let report = report.await.unwrap();
    assert!(
        matches!(report.differences.as_slice(), [Difference::Missing(ours)] if ours.key == ledger[0].key)
    );
}

/// Rows are selected by id, incident, batch or state; rows that only share the cap with them are
/// not returned.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_about_credits_is_answered_with_those_alone() {
    let world = World::new().await;
    let process = world.process();
    let first = hour(&process, 9, &["tenant-0", "tenant-1"]).await;
    assert_eq!(approve_all(&process).await, 2);
    world.hand_over().await;
    let second = hour(&process, 10, &["tenant-0"]).await;
    let all = process
        .credits()
        .list(&CreditQuery::default())
        .await
        .unwrap();
    assert_eq!(all.len(), 3);
    let issued = all.iter().find_map(|one| one.row.issued.as_ref());
    let batch = issued.unwrap().batch;
    let one = all.iter().find(|one| one.row.incident_id == Some(second));
    let one = one.unwrap().row.id;
    let nobody: IncidentId = "01a1fe7e-8565-7544-9512-dcd142c5f862".parse().unwrap();
    let other_batch = MessageId::from_uuid(nobody.uuid());
    let query = CreditQuery::default;
    for (asked, rows) in [
        (
            CreditQuery {
                incident: Some(first),
                ..query()
            },
            2,
        ),
        (
            CreditQuery {
                incident: Some(second),
                ..query()
            },
            1,
        ),
        (
            CreditQuery {
                incident: Some(nobody),
                ..query()
            },
            0,
        ),
        (
            CreditQuery {
                batch: Some(batch),
                ..query()
            },
            2,
        ),
        (
            CreditQuery {
                batch: Some(other_batch),
                ..query()
            },
            0,
        ),
        (
            CreditQuery {
                id: Some(one),
                ..query()
            },
            1,
        ),
        (
            CreditQuery {
                state: Some(CreditState::Estimated),
                ..query()
            },
            1,
        ),
        (
            CreditQuery {
                incident: Some(second),
                batch: Some(batch),
                ..query()
            },
            0,
        ),
    ] {
        let found = process.credits().list(&asked).await.unwrap();
        assert_eq!(found.len(), rows, "{asked:?}");
    }
}
