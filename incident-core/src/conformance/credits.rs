//! Contracts of the credit ledger.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::records::audit_of;
use super::sample::{OWNER, anna, at, keep, message_id, page, plain};
use super::{SpawnAll, StoreBackend, WITHIN};
use crate::audit::Chain;
use crate::billing::CreditState::{Approved, Estimated, Issued, Superseded, Waived};
use crate::billing::{
    self, Approval, Batch, BilledCredit, CreditInput, CreditState, CreditSubject, CreditTransition,
    LedgerRow, LedgerWrite,
};
use crate::commit::{Commit, OutboxWrite};
use crate::incident::Severity;
use crate::outbox::{DeadLetterFilter, JobOutcome, LeaseCompletion, Message, MessageBody};
use crate::paging::PageAction;
use crate::port::{ClaimRequest, CreditQuery, Store, StoreError};
use crate::{CreditId, IncidentId, Percent, Period, Window};

const ROUNDS: u64 = 40;

fn november() -> Period {
    "2026-11".parse().unwrap()
}

fn row(incident_id: IncidentId, revision: u32, tenant: u32) -> LedgerRow {
    LedgerRow {
        id: CreditId::from_uuid(Uuid::from_u64_pair(
            u64::from(revision),
            incident_id.uuid().as_u64_pair().1 << 16 | u64::from(tenant),
        )),
        incident_id: Some(incident_id),
        tenant_id: format!("tenant-{tenant}").parse().unwrap(),
        revision,
        period: november(),
        outage_us: 1,
        credit_percent: Percent::ZERO,
        terms_version: "t".parse().unwrap(),
        state: Estimated,
        author: anna().name,
        granted: None,
        issued: None,
        reverses: None,
        inputs: Arc::from([CreditInput {
            incident_id,
            windows: Window::new(at(0), at(60)).unwrap().into(),
            weight: Percent::HUNDRED,
        }]),
    }
}

pub(super) fn credit_of(incident_id: IncidentId, revision: u32) -> LedgerWrite {
    LedgerWrite {
        subject: CreditSubject::Incident(incident_id),
        revision,
        rows: vec![row(incident_id, revision, 1), row(incident_id, revision, 2)],
        keeps: Vec::new(),
    }
}

async fn write(store: &dyn Store, write: LedgerWrite) -> Result<(), StoreError> {
    let commit = Commit {
        ledger: vec![write],
        ..Commit::default()
    };
    store.commit(commit, WITHIN).await.map(drop)
}

async fn rows(store: &dyn Store) -> Vec<LedgerRow> {
    let all = CreditQuery::default();
    store.credits(&all, WITHIN).await.unwrap()
}

async fn states(store: &dyn Store) -> Vec<CreditState> {
    rows(store).await.iter().map(|row| row.state).collect()
}

fn granted() -> Approval {
    Approval {
        percent: Percent::HUNDRED,
        amount: None,
        fee: None,
        by: anna().name,
        at: at(5),
    }
}

fn moved(id: CreditId, from: CreditState, to: CreditState) -> Commit {
    Commit {
        credits: vec![CreditTransition {
            id,
            from,
            to,
            granted: matches!(to, Approved | Issued).then(granted),
            issued: (to == Issued).then(|| billing::Issued {
                batch: message_id(id.uuid().as_u64_pair().1),
                at: at(6),
                accepted_at: None,
            }),
        }],
        audit: vec![audit_of(None, 5)],
        ..Commit::default()
    }
}

async fn issue(store: &dyn Store, id: CreditId) {
    for (from, to) in [(Estimated, Approved), (Approved, Issued)] {
        store.commit(moved(id, from, to), WITHIN).await.unwrap();
    }
}

fn is_moved(answer: &Result<(), StoreError>) -> bool {
    matches!(answer, Err(StoreError::CreditMoved(_)))
}

/// Checks that a key is written once, and that a newer revision supersedes rows that are still
/// estimated. The inputs of a row are stored with it.
pub async fn isolated_one_credit_per_key<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let incident = keep(&*store, &plain(1)).await;
    write(&*store, credit_of(incident.id, 1)).await.unwrap();
    assert!(is_moved(&write(&*store, credit_of(incident.id, 1)).await));
    let mut twice = credit_of(incident.id, 2);
    twice.rows[1].tenant_id = twice.rows[0].tenant_id.clone();
    let refused = write(&*store, twice).await;
    assert!(
        matches!(refused, Err(StoreError::Refused(_))),
        "{refused:?}"
    );
    write(&*store, credit_of(incident.id, 2)).await.unwrap();
    assert!(is_moved(&write(&*store, credit_of(incident.id, 1)).await));
    let found = rows(&*store).await;
    let shown: Vec<_> = found.iter().map(|row| (row.revision, row.state)).collect();
    let (old, new) = ((1, Superseded), (2, Estimated));
    assert_eq!(shown, [old, old, new, new]);
    let wanted = CreditQuery {
        skip_unreadable: false,
        id: Some(found[3].id),
        tenant: Some("tenant-2".parse().unwrap()),
        state: Some(Estimated),
        incident: Some(incident.id),
        period: Some(november()),
        batch: None,
    };
    let one = store.credits(&wanted, WITHIN).await.unwrap();
    assert_eq!(one, [row(incident.id, 2, 2)]);
}

/// Checks that periods have keys of their own, beside those of the incidents in them.
pub async fn isolated_a_period_is_credited_beside_its_incidents<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let incident = keep(&*store, &plain(1)).await;
    write(&*store, credit_of(incident.id, 1)).await.unwrap();
    let of_period = |revision: u32, period: &str, tenant: u32| {
        let period: Period = period.parse().unwrap();
        let row = LedgerRow {
            id: CreditId::from_uuid(Uuid::from_u64_pair(
                u64::from(period.first_month().parts().1) << 8 | period.kind() as u64,
                u64::from(revision) << 8 | u64::from(tenant),
            )),
            incident_id: None,
            period,
            ..row(incident.id, revision, tenant)
        };
        LedgerWrite {
            subject: row.subject(),
            revision,
            rows: vec![row],
            keeps: Vec::new(),
        }
    };
    for (revision, period, tenant) in [
        (1, "2026-11", 1),
        (1, "2026-Q4", 1),
        (1, "2026", 1),
        (1, "2026-11", 2),
        (2, "2026-11", 1),
    ] {
        write(&*store, of_period(revision, period, tenant))
            .await
            .unwrap();
    }
    assert!(is_moved(&write(&*store, of_period(2, "2026-11", 1)).await));
    let mut expected = vec![Estimated; 7];
    expected[2] = Superseded;
    assert_eq!(states(&*store).await, expected);
    let wanted = CreditQuery {
        period: Some("2026-Q4".parse().unwrap()),
        ..CreditQuery::default()
    };
    let found = store.credits(&wanted, WITHIN).await.unwrap();
    assert_eq!(found, of_period(1, "2026-Q4", 1).rows);
}

/// Checks that a credit is only moved out of the state that was seen. A newer computation
/// supersedes an approved credit, and leaves a waived one as it is.
pub async fn isolated_a_credit_is_decided_once<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let incident = keep(&*store, &plain(1)).await;
    write(&*store, credit_of(incident.id, 1)).await.unwrap();
    let ids: Vec<CreditId> = rows(&*store).await.iter().map(|row| row.id).collect();
    for (id, to) in [(ids[0], Approved), (ids[1], Waived)] {
        store
            .commit(moved(id, Estimated, to), WITHIN)
            .await
            .unwrap();
    }
    for wrong in [
        moved(ids[0], Estimated, Waived),
        moved(ids[1], Approved, Waived),
    ] {
        assert!(is_moved(&store.commit(wrong, WITHIN).await.map(drop)));
    }
    let found = rows(&*store).await;
    let shown: Vec<_> = found
        .iter()
        .map(|row| (row.state, row.granted.clone()))
        .collect();
    assert_eq!(shown, [(Approved, Some(granted())), (Waived, None)]);
    let audit = store.audit_chain(Chain::System, 0, 9, WITHIN).await;
    assert_eq!(audit.unwrap().len(), 2);
    write(&*store, credit_of(incident.id, 2)).await.unwrap();
    let expected = [Superseded, Waived, Estimated, Estimated];
    assert_eq!(states(&*store).await, expected);
}

/// Checks that an issued credit stands or is reversed, once.
///
/// A computation that does not mention it is refused, and so is one that reverses a credit that
/// was not issued.
pub async fn atomic_what_was_issued_is_accounted_for<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let incident = keep(&*store, &plain(1)).await;
    let id = incident.id;
    write(&*store, credit_of(id, 1)).await.unwrap();
    let first = row(id, 1, 1).id;
    issue(&*store, first).await;
    let reversal = |of: CreditId, revision: u32| LedgerRow {
        reverses: Some(of),
        id: CreditId::from_uuid(Uuid::from_u64_pair(77, u64::from(revision))),
        ..row(id, revision, 1)
    };
    // Refused: not mentioned; kept beside a credit that was not issued; kept and reversed at
    // once.
    assert!(is_moved(&write(&*store, credit_of(id, 2)).await));
    let mut wrong = credit_of(id, 2);
    wrong.keeps = vec![first, row(id, 7, 2).id];
    assert!(is_moved(&write(&*store, wrong.clone()).await));
    wrong.keeps = vec![first];
    wrong.rows.insert(0, reversal(first, 2));
    assert!(write(&*store, wrong).await.is_err());
    assert_eq!(states(&*store).await, [Issued, Estimated]);
    // The credit stands.
    let mut stands = credit_of(id, 2);
    stands.keeps = vec![first];
    stands.rows.remove(0);
    write(&*store, stands).await.unwrap();
    assert_eq!(states(&*store).await, [Issued, Superseded, Estimated]);
    // The credit is reversed, and its replacement is written beside the reversal.
    let mut reversed = credit_of(id, 3);
    reversed.rows.insert(0, reversal(first, 3));
    write(&*store, reversed).await.unwrap();
    let wanted = [
        Issued, Superseded, Superseded, Estimated, Estimated, Estimated,
    ];
    assert_eq!(states(&*store).await, wanted);
    assert_eq!(rows(&*store).await[3], reversal(first, 3));
    // The next computation supersedes the reversal unless that was issued.
    assert!(is_moved(&write(&*store, credit_of(id, 4)).await));
    issue(&*store, reversal(first, 3).id).await;
    let mut again = credit_of(id, 4);
    again.rows.insert(0, reversal(first, 4));
    assert!(is_moved(&write(&*store, again).await));
    write(&*store, credit_of(id, 4)).await.unwrap();
    let kept = rows(&*store).await;
    let issued = kept.iter().filter(|row| row.state == Issued);
    let issued: Vec<_> = issued.map(|row| (row.id, row.reverses)).collect();
    assert_eq!(
        issued,
        [(first, None), (reversal(first, 3).id, Some(first))]
    );
    // Issued credits are found by their batch.
    let wanted = CreditQuery {
        batch: kept[0].issued.as_ref().map(|one| one.batch),
        ..CreditQuery::default()
    };
    let found = store.credits(&wanted, WITHIN).await.unwrap();
    assert_eq!(found, [kept[0].clone()]);
}

/// Checks that the credits a computation keeps stay as they are, decided or not, and that
/// superseded ones cannot be kept.
pub async fn isolated_what_comes_out_the_same_keeps_its_decision<B: StoreBackend>(
    _spawn: SpawnAll,
) {
    let (store, _guard) = B::open().await;
    let id = keep(&*store, &plain(1)).await.id;
    let mut first = credit_of(id, 1);
    first.rows.push(row(id, 1, 3));
    write(&*store, first).await.unwrap();
    let of = |tenant| row(id, 1, tenant).id;
    for (id, to) in [(of(2), Approved), (of(3), Waived)] {
        let decided = moved(id, Estimated, to);
        store.commit(decided, WITHIN).await.unwrap();
    }
    let mut second = credit_of(id, 2);
    second.rows.truncate(1);
    second.keeps = vec![of(2), of(3)];
    write(&*store, second).await.unwrap();
    let expected = [Superseded, Approved, Waived, Estimated];
    assert_eq!(states(&*store).await, expected);
    let mut third = credit_of(id, 3);
    third.rows.clear();
    third.keeps = vec![of(1), of(2)];
    assert!(is_moved(&write(&*store, third.clone()).await));
    third.keeps = vec![of(2), of(2)];
    assert!(write(&*store, third).await.is_err());
    assert_eq!(states(&*store).await, expected);
}

/// Checks that of several first writers of a period's credits one writes them.
///
/// The others get [`StoreError::CreditMoved`], and compute again.
pub async fn isolated_one_of_several_first_writers_writes<B: StoreBackend>(spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let incident = keep(&*store, &plain(1)).await.id;
    let wrote = Arc::new(AtomicU64::new(0));
    for round in 1..=ROUNDS {
        let writers = (0..4_u64).map(|writer| {
            let (store, wrote) = (Arc::clone(&store), Arc::clone(&wrote));
            let row = LedgerRow {
                id: CreditId::from_uuid(Uuid::from_u64_pair(round, writer)),
                incident_id: None,
                tenant_id: format!("tenant-{round}").parse().unwrap(),
                ..row(incident, 1, 1)
            };
            let first = LedgerWrite {
                subject: row.subject(),
                revision: 1,
                rows: vec![row],
                keeps: Vec::new(),
            };
            let task: BoxFuture<'static, ()> = async move {
                match write(&*store, first).await {
                    Ok(()) => drop(wrote.fetch_add(1, Ordering::Relaxed)),
                    Err(StoreError::CreditMoved(_)) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
            .boxed();
            task
        });
        spawn(writers.collect()).await;
        assert_eq!(wrote.load(Ordering::Relaxed), round);
    }
    assert_eq!(states(&*store).await.len() as u64, ROUNDS);
}

/// Checks that concurrent issuing and correcting exclude each other.
///
/// Either the correction comes first and nothing is issued, or the correction is refused and
/// has to account for the issued credit when it is repeated.
pub async fn isolated_issuing_and_correcting_exclude_each_other<B: StoreBackend>(spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    for round in 1..=ROUNDS {
        let id = keep(&*store, &plain(round)).await.id;
        write(&*store, credit_of(id, 1)).await.unwrap();
        let first = row(id, 1, 1).id;
        let approve = moved(first, Estimated, Approved);
        store.commit(approve, WITHIN).await.unwrap();
        let issuing = (0..3).map(|_| {
            let store = Arc::clone(&store);
            let task: BoxFuture<'static, ()> = async move {
                match store.commit(moved(first, Approved, Issued), WITHIN).await {
                    Ok(_) | Err(StoreError::CreditMoved(_)) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
            .boxed();
            task
        });
        let correcting = Arc::clone(&store);
        let correct: BoxFuture<'static, ()> = async move {
            match write(&*correcting, credit_of(id, 2)).await {
                Ok(()) | Err(StoreError::CreditMoved(_)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        .boxed();
        spawn(issuing.chain([correct]).collect()).await;
        let wanted = CreditQuery {
            incident: Some(id),
            ..CreditQuery::default()
        };
        let found = store.credits(&wanted, WITHIN).await.unwrap();
        match (found[0].state, found.len()) {
            (Issued, 2) | (Superseded, 4) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Checks that batches for billing, which belong to no incident, are claimed in order, and that
/// batches and pages do not wait for each other.
pub async fn ordered_batches_and_pages_do_not_wait_for_each_other<B: StoreBackend>(
    _spawn: SpawnAll,
) {
    let (store, _guard) = B::open().await;
    let incident = keep(&*store, &plain(1)).await;
    let credit = LedgerRow {
        granted: Some(granted()),
        ..row(incident.id, 1, 1)
    };
    let credits = [BilledCredit::of(&credit).unwrap()];
    let batch = |n: u64| {
        let id = message_id(n);
        OutboxWrite::Add(Box::new(Message {
            id,
            incident_id: None,
            priority: Severity::Sev4,
            body: MessageBody::SubmitCredits(Batch::freeze(id, at(0), &credits).unwrap()),
            committed_at: at(0),
            due_at: at(0),
            log: Vec::new(),
        }))
    };
    let commit = Commit {
        outbox: vec![
            batch(1),
            page(&incident, PageAction::Trigger, 2, 0),
            batch(3),
            page(&incident, PageAction::Resolve, 4, 0),
        ],
        ..Commit::default()
    };
    store.commit(commit, WITHIN).await.unwrap();
    let claim = async || {
        let request = ClaimRequest {
            owner: OWNER,
            now: at(1),
            lease_for: Duration::from_secs(30),
            limit: 9,
            except: Vec::new(),
        };
        let claims = store.claim(request, WITHIN).await.unwrap();
        let claims = claims.into_iter().map(Result::unwrap);
        claims.collect::<Vec<_>>()
    };
    let claims = claim().await;
    let ids: Vec<_> = claims.iter().map(|claim| claim.message.id).collect();
    assert_eq!(ids, [message_id(2), message_id(1)]);
    let MessageBody::SubmitCredits(frozen) = &claims[1].message.body else {
        panic!("{:?}", claims[1].message.body);
    };
    assert_eq!(frozen.credits().unwrap(), credits);
    let given_up = LeaseCompletion {
        message: message_id(1),
        lease: claims[1].lease,
        outcome: JobOutcome::DeadLettered { log: Vec::new() },
    };
    let commit = Commit {
        completes: Some(given_up),
        ..Commit::default()
    };
    store.commit(commit, WITHIN).await.unwrap();
    let next: Vec<_> = claim().await.iter().map(|one| one.message.id).collect();
    assert_eq!(next, [message_id(3)]);
    let left = store
        .given_up(DeadLetterFilter::NoIncident, WITHIN)
        .await
        .unwrap();
    assert_eq!(left, [claims[1].message.clone()]);
    let of = store
        .given_up(DeadLetterFilter::Incident(incident.id), WITHIN)
        .await;
    assert_eq!(of.unwrap(), []);
}
