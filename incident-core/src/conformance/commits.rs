//! Contracts of `IncidentStore`.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::FutureExt;

use super::sample::{
    Sample, at, declared, everything, id, keep, page, plain, public_id, published, remember,
    updated,
};
use super::{SpawnAll, StoreBackend, WITHIN};
use crate::audit::Chain;
use crate::chain::Verdict;
use crate::idempotency::StoredResponse;
use crate::incident::{Severity, Status};
use crate::outbox::{JobOutcome, Lease, LeaseCompletion};
use crate::paging::PageAction;
use crate::port::{AuditQuery, CreditQuery, IncidentFilter, StoreError};
use crate::{Window, timeline};

use super::credits::credit_of;
use super::records::audit_of;

/// Checks that a commit whose last part is refused stores none of its other parts.
pub async fn atomic_a_refused_commit_leaves_nothing<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let (incident, mut commit) = declared(&plain(1));
    commit.outbox = vec![page(&incident, PageAction::Trigger, 1, 0)];
    commit.audit = vec![audit_of(Some(incident.id), 1)];
    commit.ledger = vec![credit_of(incident.id, 1)];
    commit.remember = Some(remember("k", 0, 100, StoredResponse::Accepted(1)));
    let lease = Lease {
        owner: super::sample::OWNER,
        token: 1,
    };
    commit.completes = Some(LeaseCompletion {
        message: super::sample::message_id(99),
        lease,
        outcome: JobOutcome::Done,
    });
    let refused = store.commit(commit, WITHIN).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost)), "{refused:?}");
    assert!(store.load(incident.id, WITHIN).await.unwrap().is_none());
    assert!(
        store
            .timeline(incident.id, 0, 10, WITHIN)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(store.list(&everything(), WITHIN).await.unwrap().is_empty());
    assert!(
        store
            .audit(
                &AuditQuery {
                    limit: 9,
                    ..AuditQuery::default()
                },
                WITHIN
            )
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        store
            .credits(&CreditQuery::default(), WITHIN)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(store.next_due(WITHIN).await.unwrap().is_none());
    let key = remember("k", 0, 1, StoredResponse::Accepted(1)).key;
    assert!(
        store
            .find_response(&key, at(1), WITHIN)
            .await
            .unwrap()
            .is_none()
    );
}

/// Checks that a write decided on an old revision is refused, as is a second insert.
pub async fn isolated_a_write_on_an_old_revision_conflicts<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let incident = keep(&*store, &plain(1)).await;
    let (_, first) = updated(&incident, None, "first");
    let (_, second) = updated(&incident, None, "second");
    store.commit(first, WITHIN).await.unwrap();
    assert!(matches!(
        store.commit(second, WITHIN).await,
        Err(StoreError::Conflict)
    ));
    assert!(matches!(
        store.commit(declared(&plain(1)).1, WITHIN).await,
        Err(StoreError::Conflict)
    ));
    assert_eq!(
        store
            .timeline(incident.id, 0, 10, WITHIN)
            .await
            .unwrap()
            .len(),
        2
    );
}

/// Checks that a second live incident of an alert is refused with the id of the holder, and
/// that an incident that ended holds no alert.
pub async fn isolated_two_live_incidents_never_share_an_alert<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let with_alert = |n| Sample {
        alert: Some("cpu"),
        ..plain(n)
    };
    let first = keep(&*store, &with_alert(1)).await;
    match store.commit(declared(&with_alert(2)).1, WITHIN).await {
        Err(StoreError::AlertKeyTaken(holder)) => assert_eq!(holder, first.id),
        other => panic!("{other:?}"),
    }
    store
        .commit(updated(&first, Some(Status::Resolved), "over").1, WITHIN)
        .await
        .unwrap();
    keep(&*store, &with_alert(2)).await;
}

/// Checks that entries get 1, 2, 3, ... and verify, each sealed onto the stored head.
pub async fn ordered_entries_are_sealed_without_gaps<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let mut incident = keep(&*store, &plain(1)).await;
    for n in 0..5 {
        let (after, commit) = updated(&incident, None, &format!("update {n}"));
        let committed = store.commit(commit, WITHIN).await.unwrap();
        assert_eq!(committed.len(), 1);
        assert_eq!(committed[0].seq, after.last_seq);
        incident = after;
    }
    let entries = store.timeline(incident.id, 0, 100, WITHIN).await.unwrap();
    assert!(
        matches!(timeline::verify(incident.id, &entries, []), Verdict::Valid { head, .. } if head.seq == 6)
    );
    let tail = store.timeline(incident.id, 4, 1, WITHIN).await.unwrap();
    assert_eq!(tail.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [5]);
    assert_eq!(tail[0], entries[4]);
    // Counting other entries than there are is a bug of the caller.
    let (_, mut without_entries) = updated(&incident, None, "lost");
    without_entries.writes[0].entries.clear();
    assert!(matches!(
        store.commit(without_entries, WITHIN).await,
        Err(StoreError::Refused(_))
    ));
}

/// Checks that pages of any size together are the whole list, in order.
pub async fn ordered_lists_are_newest_first_and_page_without_loss<B: StoreBackend>(
    _spawn: SpawnAll,
) {
    let (store, _guard) = B::open().await;
    for n in [5, 2, 9, 1, 7, 3, 8, 4, 6] {
        keep(&*store, &plain(n)).await;
    }
    for limit in [1, 2, 4, 9, 20] {
        let mut filter = IncidentFilter {
            limit,
            ..IncidentFilter::default()
        };
        let mut seen = Vec::new();
        loop {
            let page = store.list(&filter, WITHIN).await.unwrap();
            seen.extend(page.iter().map(|incident| incident.number));
            filter.after = page.last().map(|last| (last.declared_at, last.id));
            if page.len() < limit {
                break;
            }
        }
        assert_eq!(seen, [9, 8, 7, 6, 5, 4, 3, 2, 1], "limit {limit}");
    }
}

fn filters() -> [IncidentFilter; 18] {
    let base = everything;
    [
        IncidentFilter {
            statuses: BTreeSet::from([Status::Triage, Status::Investigating]),
            ..base()
        },
        IncidentFilter {
            statuses: BTreeSet::from([Status::Resolved, Status::Closed]),
            ..base()
        },
        IncidentFilter {
            severity: Some(Severity::Sev1),
            ..base()
        },
        IncidentFilter {
            tenant: Some("tenant-1".to_owned()),
            ..base()
        },
        IncidentFilter {
            tenant: Some("TENANT-1".to_owned()),
            ..base()
        },
        IncidentFilter {
            service: Some("login".to_owned()),
            severity: Some(Severity::Sev2),
            ..base()
        },
        IncidentFilter {
            text: Some("inCIDENT 1".to_owned()),
            ..base()
        },
        IncidentFilter {
            text: Some("100%_".to_owned()),
            ..base()
        },
        IncidentFilter {
            from: Some(at(5)),
            to: Some(at(9)),
            ..base()
        },
        IncidentFilter {
            public_only: true,
            ..base()
        },
        IncidentFilter {
            public_id: Some(public_id(7)),
            ..base()
        },
        IncidentFilter {
            public_id: Some(public_id(7)),
            public_only: true,
            ..base()
        },
        IncidentFilter {
            unresolved_at: Some(at(2_000)),
            ..base()
        },
        // All of them ended at second 1,000, cancelled ones included.
        IncidentFilter {
            unresolved_at: Some(at(999)),
            ..base()
        },
        IncidentFilter {
            unresolved_at: Some(at(1_000)),
            ..base()
        },
        IncidentFilter {
            touching: Window::non_empty(at(4), at(12)),
            ..base()
        },
        // A window after every end: only incidents that have not ended match.
        IncidentFilter {
            touching: Window::non_empty(at(1_000_000), at(1_000_001)),
            ..base()
        },
        IncidentFilter {
            after: Some((at(10), id(10))),
            ..base()
        },
    ]
}

/// Checks that every filter finds the incidents for which `IncidentFilter::matches` is `true`.
pub async fn ordered_filters_agree_with_the_reference<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    for n in 1..=24 {
        let severity = Severity::ALL[n as usize % 4];
        let incident = keep(
            &*store,
            &Sample {
                severity,
                ..plain(n)
            },
        )
        .await;
        let statuses = [
            None,
            Some(Status::Investigating),
            Some(Status::Resolved),
            Some(Status::Cancelled),
            None,
        ];
        let status = statuses[n as usize % 5];
        if status.is_some() {
            store
                .commit(updated(&incident, status, "moved").1, WITHIN)
                .await
                .unwrap();
        }
    }
    let all = store.list(&everything(), WITHIN).await.unwrap();
    assert_eq!(all.len(), 24);
    for filter in filters() {
        let expected: Vec<_> = all
            .iter()
            .filter(|incident| filter.matches(incident))
            .map(|one| one.id)
            .collect();
        let found: Vec<_> = store
            .list(&filter, WITHIN)
            .await
            .unwrap()
            .iter()
            .map(|one| one.id)
            .collect();
        assert_eq!(found, expected, "{filter:?}");
    }
}

/// Checks that an incident is found by its id on the public page, published or not, and in no other
/// way than by the whole id.
pub async fn ordered_an_incident_is_found_by_its_public_id<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    for n in 1..=3 {
        let incident = keep(&*store, &plain(n)).await;
        if n == 2 {
            store.commit(published(&incident), WITHIN).await.unwrap();
        }
    }
    let found = async |n, public_only| {
        let filter = IncidentFilter {
            public_id: Some(public_id(n)),
            public_only,
            ..everything()
        };
        let found = store.list(&filter, WITHIN).await.unwrap();
        let outlines = store.outlines(&filter, WITHIN).await.unwrap();
        let ids: Vec<_> = found.iter().map(|one| one.id).collect();
        let outlined: Vec<_> = outlines.iter().map(|one| one.id).collect();
        assert_eq!(ids, outlined);
        ids
    };
    for n in 1..=3 {
        assert_eq!(found(n, false).await, [id(n)]);
        let expected: &[_] = if n == 2 { &[id(2)] } else { &[] };
        assert_eq!(found(n, true).await, expected, "{n}");
    }
    assert!(found(4, false).await.is_empty());
    // What belongs to two filters has to match both.
    let other = IncidentFilter {
        public_id: Some(public_id(2)),
        severity: Some(Severity::Sev4),
        ..everything()
    };
    assert!(store.list(&other, WITHIN).await.unwrap().is_empty());
}

/// Checks that a second commit under a key is refused until the key expires.
pub async fn idempotent_a_key_is_taken_until_it_expires<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let keyed = |n: u64, made, expires| {
        let (incident, mut commit) = declared(&plain(n));
        let reply = StoredResponse::Incident {
            incident,
            seqs: vec![1],
            deduplicated: false,
        };
        commit.remember = Some(remember("k", made, expires, reply));
        commit
    };
    let first = keyed(1, 0, 100);
    let kept = first.remember.clone().unwrap();
    store.commit(first, WITHIN).await.unwrap();
    assert!(matches!(
        store.commit(keyed(2, 99, 199), WITHIN).await,
        Err(StoreError::IdempotencyKeyInUse)
    ));
    assert!(store.load(id(2), WITHIN).await.unwrap().is_none());
    let recalled = store
        .find_response(&kept.key, at(99), WITHIN)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (recalled.key.fingerprint, recalled.reply),
        (kept.key.fingerprint, kept.reply)
    );
    assert!(
        store
            .find_response(&kept.key, at(100), WITHIN)
            .await
            .unwrap()
            .is_none()
    );
    store.commit(keyed(2, 100, 200), WITHIN).await.unwrap();
    // The same key of another actor is a different key.
    let mut other = keyed(3, 120, 300);
    if let Some(remember) = &mut other.remember {
        remember.key.actor = "bob".parse().unwrap();
    }
    store.commit(other, WITHIN).await.unwrap();
}

/// Checks that every part of a commit is there when the data is opened again.
pub async fn durable_a_commit_is_there_after_a_crash<B: StoreBackend>(_spawn: SpawnAll) {
    if !B::DURABLE {
        return;
    }
    let (store, guard) = B::open().await;
    let (incident, mut commit) = declared(&plain(1));
    commit.outbox = vec![page(&incident, PageAction::Trigger, 1, 0)];
    commit.audit = vec![audit_of(Some(incident.id), 1)];
    store.commit(commit, WITHIN).await.unwrap();
    drop(store);
    let store = B::reopen(&guard).await;
    assert_eq!(
        store.load(incident.id, WITHIN).await.unwrap(),
        Some(Arc::clone(&incident))
    );
    assert_eq!(
        store
            .timeline(incident.id, 0, 9, WITHIN)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(store.next_due(WITHIN).await.unwrap(), Some(at(0)));
}

/// Checks that no number is returned twice, and that numbers rise.
pub async fn ordered_numbers_are_unique_and_rise<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let mut last = 0;
    for _ in 0..20 {
        let next = store.next_number(WITHIN).await.unwrap();
        assert!(last < next);
        last = next;
    }
}

/// Checks that a commit whose future is dropped early is stored whole or not at all, and that
/// the next commit works.
pub async fn cancellation_a_dropped_commit_is_whole_or_nothing<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    for n in 1..=20 {
        let (incident, mut commit) = declared(&plain(n));
        commit.outbox = vec![page(&incident, PageAction::Trigger, n, 0)];
        commit.audit = vec![audit_of(Some(incident.id), n)];
        // Polled once, then dropped.
        let _ = store.commit(commit, WITHIN).now_or_never();
    }
    keep(&*store, &plain(21)).await;
    let is_kept = async |n| store.load(id(n), WITHIN).await.unwrap().is_some();
    for n in 1..=20 {
        loop {
            let kept = is_kept(n).await;
            let entries = store.timeline(id(n), 0, 9, WITHIN).await.unwrap().len();
            let query = AuditQuery {
                chain: Some(Chain::Incident(id(n))),
                limit: 9,
                ..AuditQuery::default()
            };
            let audited = store.audit(&query, WITHIN).await.unwrap().len();
            // The commit may still be running: if it ended between the two reads, both are
            // repeated.
            if kept == is_kept(n).await {
                assert_eq!((entries, audited), (usize::from(kept), usize::from(kept)));
                break;
            }
        }
    }
}
