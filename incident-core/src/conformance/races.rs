//! Contracts under concurrency: many rounds, with all tasks at once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::outbox::claim;
use super::sample::{Sample, declared, everything, id, keep, page, plain, remember, updated};
use super::{SpawnAll, StoreBackend, WITHIN};
use crate::chain::Verdict;
use crate::idempotency::StoredResponse;
use crate::paging::PageAction;
use crate::port::StoreError;
use crate::timeline;

const ROUNDS: u64 = 40;
const TASKS: u64 = 8;

/// Creates `TASKS` futures with `make`.
pub(super) fn tasks(make: impl Fn(u64) -> BoxFuture<'static, ()>) -> Vec<BoxFuture<'static, ()>> {
    (0..TASKS).map(make).collect()
}

/// Checks that of concurrent writes on the same revision exactly one is stored.
pub async fn isolated_one_of_many_writers_wins<B: StoreBackend>(spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    for round in 1..=ROUNDS {
        let incident = keep(&*store, &plain(round)).await;
        let wins = Arc::new(AtomicU64::new(0));
        spawn(tasks(|n| {
            let (store, wins, incident) =
                (Arc::clone(&store), Arc::clone(&wins), Arc::clone(&incident));
            async move {
                match store
                    .commit(updated(&incident, None, &format!("by {n}")).1, WITHIN)
                    .await
                {
                    Ok(_) => drop(wins.fetch_add(1, Ordering::SeqCst)),
                    Err(StoreError::Conflict) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
            .boxed()
        }))
        .await;
        assert_eq!(wins.load(Ordering::SeqCst), 1);
        assert_eq!(
            store
                .timeline(incident.id, 0, 10, WITHIN)
                .await
                .unwrap()
                .len(),
            2
        );
    }
}

/// Checks that concurrent claims return every message once.
pub async fn isolated_claims_share_nothing<B: StoreBackend>(spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    for n in 1..=200 {
        let (incident, mut commit) = declared(&plain(n));
        commit.outbox = vec![page(&incident, PageAction::Trigger, n, 0)];
        store.commit(commit, WITHIN).await.unwrap();
    }
    let claimed = Arc::new(Mutex::new(Vec::new()));
    spawn(tasks(|_| {
        let (store, claimed) = (Arc::clone(&store), Arc::clone(&claimed));
        async move {
            loop {
                let claims = claim(&*store, 0, 7).await;
                if claims.is_empty() {
                    return;
                }
                claimed
                    .lock()
                    .unwrap()
                    .extend(claims.into_iter().map(|claim| claim.message.id));
            }
        }
        .boxed()
    }))
    .await;
    let claimed = claimed.lock().unwrap();
    assert_eq!(claimed.len(), 200);
    assert_eq!(claimed.iter().collect::<BTreeSet<_>>().len(), 200);
}

/// Checks that concurrent commits under one key create one incident.
pub async fn idempotent_one_key_one_commit<B: StoreBackend>(spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    for round in 0..ROUNDS {
        let wins = Arc::new(AtomicU64::new(0));
        spawn(tasks(|n| {
            let (store, wins) = (Arc::clone(&store), Arc::clone(&wins));
            async move {
                let (_, mut commit) = declared(&plain(round * TASKS + n + 1));
                commit.remember = Some(remember(
                    &format!("key {round}"),
                    0,
                    100,
                    StoredResponse::Accepted(n),
                ));
                match store.commit(commit, WITHIN).await {
                    Ok(_) => drop(wins.fetch_add(1, Ordering::SeqCst)),
                    Err(StoreError::IdempotencyKeyInUse) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
            .boxed()
        }))
        .await;
        assert_eq!(wins.load(Ordering::SeqCst), 1);
    }
    assert_eq!(
        store.list(&everything(), WITHIN).await.unwrap().len() as u64,
        ROUNDS
    );
}

/// Checks that concurrent declarations for one alert create one incident, and that all get its
/// id.
pub async fn isolated_one_alert_one_incident<B: StoreBackend>(spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let holders = Arc::new(Mutex::new(BTreeSet::new()));
    spawn(tasks(|n| {
        let (store, holders) = (Arc::clone(&store), Arc::clone(&holders));
        async move {
            let holder = match store
                .commit(
                    declared(&Sample {
                        alert: Some("cpu"),
                        ..plain(n + 1)
                    })
                    .1,
                    WITHIN,
                )
                .await
            {
                Ok(_) => id(n + 1),
                Err(StoreError::AlertKeyTaken(holder)) => holder,
                Err(other) => panic!("{other:?}"),
            };
            holders.lock().unwrap().insert(holder);
        }
        .boxed()
    }))
    .await;
    assert_eq!(holders.lock().unwrap().len(), 1);
}

/// Checks that commits are linearizable: every success is one step of one history.
///
/// Each writer puts the version that it read into its text; the timeline must then read 1, 2,
/// 3, ...
pub async fn ordered_concurrent_commands_leave_one_history<B: StoreBackend>(spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let incident = keep(&*store, &plain(1)).await;
    spawn(tasks(|_| {
        let (store, id) = (Arc::clone(&store), incident.id);
        async move {
            let mut done = 0;
            while done < 25 {
                let before = store.load(id, WITHIN).await.unwrap().unwrap();
                let (after, commit) = updated(&before, None, &before.version.0.to_string());
                match store.commit(commit, WITHIN).await {
                    Ok(_) => {
                        // A read that begins after a success sees it.
                        let seen = store.load(id, WITHIN).await.unwrap().unwrap();
                        assert!(after.version <= seen.version);
                        done += 1;
                    }
                    Err(StoreError::Conflict) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
        .boxed()
    }))
    .await;
    let entries = store.timeline(incident.id, 0, 1_000, WITHIN).await.unwrap();
    assert!(
        matches!(timeline::verify(incident.id, &entries, []), Verdict::Valid { head, .. } if head.seq == 25 * TASKS + 1)
    );
    for (read, entry) in (1..).zip(entries.iter().skip(1)) {
        assert_eq!(
            entry.text(timeline::TextName::Message),
            Some(read.to_string().as_str())
        );
    }
}
