//! Contracts of suggestions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt;
use uuid::Uuid;

use super::races::tasks;
use super::records::audit_of;
use super::sample::{at, remember};
use super::{SpawnAll, StoreBackend, WITHIN};
use crate::SuggestionId;
use crate::commit::{Commit, SuggestionWrite};
use crate::idempotency::StoredResponse;
use crate::port::{StoreError, SuggestionQuery};
use crate::suggestion::{DISMISSAL_TTL, SUGGESTION_TTL, Suggest, Suggestion, SuggestionState};

const ROUNDS: u64 = 40;

pub(super) fn suggestion(n: u64, tenant: &str, second: u64) -> Suggestion {
    Suggestion {
        id: SuggestionId::from_uuid(Uuid::from_u64_pair(5, n)),
        request: Suggest {
            service: "api".parse().unwrap(),
            tenant: tenant.parse().unwrap(),
            signal: "error_rate".parse().unwrap(),
            observed_at: at(second),
            evidence: None,
        },
        received_at: at(second),
        used: false,
        dismissed_at: None,
    }
}

/// Checks that used, dismissed and expired suggestions are not counted as open.
pub async fn ordered_open_suggestions_are_counted<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let commit = async |write| {
        let commit = Commit {
            suggestion: Some(write),
            ..Commit::default()
        };
        store.commit(commit, WITHIN).await.unwrap();
    };
    let count = async |second| store.open_suggestions(at(second), WITHIN).await.unwrap();
    assert_eq!(count(0).await, 0);
    for (n, tenant) in [(1, "fr"), (2, "de"), (3, "it")] {
        commit(SuggestionWrite::Open(suggestion(n, tenant, n))).await;
    }
    assert_eq!(count(4).await, 3);
    commit(SuggestionWrite::Use(suggestion(2, "de", 2).id)).await;
    assert_eq!(count(4).await, 2);
    assert_eq!(count(2 + SUGGESTION_TTL.as_secs()).await, 1);
    commit(SuggestionWrite::Dismiss(suggestion(1, "fr", 1).id, at(4))).await;
    assert_eq!(count(4).await, 1);
    assert_eq!(count(5 + DISMISSAL_TTL.as_secs()).await, 1);
}

/// Checks that a second suggestion for a pair is refused while one is open, and accepted after
/// that was used or expired. A used one cannot be used again.
pub async fn isolated_one_suggestion_of_a_pair_is_open<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let commit = |write| {
        store.commit(
            Commit {
                suggestion: Some(write),
                ..Commit::default()
            },
            WITHIN,
        )
    };
    let first = suggestion(1, "fr", 0);
    commit(SuggestionWrite::Open(first.clone())).await.unwrap();
    match commit(SuggestionWrite::Open(suggestion(2, "fr", 1))).await {
        Err(StoreError::SuggestionOpen(open)) => assert_eq!(open, first.id),
        other => panic!("{other:?}"),
    }
    commit(SuggestionWrite::Open(suggestion(3, "de", 2)))
        .await
        .unwrap();
    commit(SuggestionWrite::Use(first.id)).await.unwrap();
    assert!(matches!(
        commit(SuggestionWrite::Use(first.id)).await,
        Err(StoreError::SuggestionClosed)
    ));
    commit(SuggestionWrite::Open(suggestion(2, "fr", 3)))
        .await
        .unwrap();
    let expired = 2 + SUGGESTION_TTL.as_secs();
    commit(SuggestionWrite::Open(suggestion(4, "de", expired)))
        .await
        .unwrap();
    assert!(
        store
            .suggestion(first.id, WITHIN)
            .await
            .unwrap()
            .unwrap()
            .used
    );
    let list = store
        .suggestions(
            &SuggestionQuery {
                before: None,
                limit: 9,
            },
            WITHIN,
        )
        .await
        .unwrap();
    assert_eq!(
        list.iter()
            .map(|one| one.id.uuid().as_u64_pair().1)
            .collect::<Vec<_>>(),
        [4, 2, 3, 1]
    );
    let before = Some((list[1].received_at, list[1].id));
    let rest = store
        .suggestions(&SuggestionQuery { before, limit: 1 }, WITHIN)
        .await
        .unwrap();
    assert_eq!(rest, [list[2].clone()]);
}

/// Checks that a dismissed suggestion stands for its pair for a while, is neither used nor dismissed
/// again, and is read as it was dismissed.
pub async fn isolated_a_dismissed_suggestion_stands_for_its_pair<B: StoreBackend>(
    _spawn: SpawnAll,
) {
    let (store, _guard) = B::open().await;
    let commit = |write| {
        let commit = Commit {
            suggestion: Some(write),
            ..Commit::default()
        };
        store.commit(commit, WITHIN)
    };
    let first = suggestion(1, "fr", 0);
    commit(SuggestionWrite::Open(first.clone())).await.unwrap();
    commit(SuggestionWrite::Dismiss(first.id, at(60)))
        .await
        .unwrap();
    for again in [
        SuggestionWrite::Dismiss(first.id, at(61)),
        SuggestionWrite::Use(first.id),
        SuggestionWrite::Dismiss(suggestion(9, "fr", 0).id, at(61)),
    ] {
        let refused = commit(again).await;
        assert!(matches!(refused, Err(StoreError::SuggestionClosed)));
    }
    let until = 60 + DISMISSAL_TTL.as_secs();
    match commit(SuggestionWrite::Open(suggestion(2, "fr", until - 1))).await {
        Err(StoreError::SuggestionOpen(dismissed)) => assert_eq!(dismissed, first.id),
        other => panic!("{other:?}"),
    }
    commit(SuggestionWrite::Open(suggestion(3, "de", 61)))
        .await
        .unwrap();
    let later = suggestion(2, "fr", until);
    commit(SuggestionWrite::Open(later.clone())).await.unwrap();
    assert_eq!(store.open_suggestions(at(until), WITHIN).await.unwrap(), 2);
    let read = store.suggestion(first.id, WITHIN).await.unwrap().unwrap();
    let expected = Suggestion {
        dismissed_at: Some(at(60)),
        ..first
    };
    assert_eq!(read, expected);
    assert_eq!(read.state(at(until)), SuggestionState::Dismissed);
    // The one that is open now is dismissed like the first.
    commit(SuggestionWrite::Dismiss(later.id, at(until + 1)))
        .await
        .unwrap();
    assert_eq!(store.open_suggestions(at(until), WITHIN).await.unwrap(), 1);
}

/// Checks that of concurrent uses and dismissals of a suggestion exactly one is stored, while keyed
/// repeats are remembered beside them. Both are recorded in the audit trail.
pub async fn isolated_a_suggestion_is_closed_once<B: StoreBackend>(spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    for round in 1..=ROUNDS {
        let open = suggestion(round, &format!("t{round}"), 0);
        let commit = Commit {
            suggestion: Some(SuggestionWrite::Open(open.clone())),
            ..Commit::default()
        };
        store.commit(commit, WITHIN).await.unwrap();
        let wins = Arc::new(AtomicU64::new(0));
        spawn(tasks(|n| {
            let (store, wins, open) = (Arc::clone(&store), Arc::clone(&wins), open.clone());
            async move {
                let mut commit = Commit {
                    audit: vec![audit_of(None, n)],
                    ..Commit::default()
                };
                match n % 3 {
                    0 => commit.suggestion = Some(SuggestionWrite::Use(open.id)),
                    1 => commit.suggestion = Some(SuggestionWrite::Dismiss(open.id, at(n))),
                    _ => {
                        let reply = StoredResponse::Suggestion {
                            suggestion: open,
                            repeated: true,
                        };
                        let key = format!("{round} {n}");
                        commit.remember = Some(remember(&key, 0, 60, reply));
                    }
                }
                let closes = commit.suggestion.is_some();
                match store.commit(commit, WITHIN).await {
                    Ok(_) if closes => drop(wins.fetch_add(1, Ordering::SeqCst)),
                    Ok(_) => {}
                    Err(StoreError::SuggestionClosed) if closes => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
            .boxed()
        }))
        .await;
        assert_eq!(wins.load(Ordering::SeqCst), 1);
        let closed = store.suggestion(open.id, WITHIN).await.unwrap().unwrap();
        assert!(closed.used != closed.dismissed_at.is_some(), "{closed:?}");
    }
}
