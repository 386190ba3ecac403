//! Contracts of `Outbox` about released messages, and about those that a claim excludes.

use super::outbox::{claim, declare_with, settle};
use super::sample::{OWNER, at, message_id, page, plain};
use super::{SpawnAll, StoreBackend, WITHIN};
use crate::commit::{Commit, OutboxWrite};
use crate::outbox::JobOutcome;
use crate::paging::{DeliveryLog, PageAction, TargetId};
use crate::port::{ClaimRequest, StoreError};

/// Checks that a released message has the same body and log, is due at the given time, and is
/// claimed under a higher token. Without the lease nothing changes.
pub async fn isolated_what_is_handed_back_is_as_it_was<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let pages = [(PageAction::Trigger, 1, 0), (PageAction::Resolve, 2, 0)];
    declare_with(&*store, &plain(1), &pages).await;
    let first = claim(&*store, 0, 10).await.remove(0);
    let mut log = vec![DeliveryLog::untried(TargetId::log(), at(0))];
    log[0].attempts = 3;
    let later = JobOutcome::Retry {
        due_at: at(1),
        log: log.clone(),
    };
    settle(&*store, &first, later).await.unwrap();
    let second = claim(&*store, 1, 10).await.remove(0);
    let back = |second| JobOutcome::Released { due_at: at(second) };
    settle(&*store, &second, back(5)).await.unwrap();
    assert!(matches!(
        settle(&*store, &second, back(5)).await,
        Err(StoreError::LeaseLost)
    ));
    assert_eq!(store.next_due(WITHIN).await.unwrap(), Some(at(5)));
    // The next message of its ordering key still waits.
    assert!(claim(&*store, 4, 10).await.is_empty());
    let third = claim(&*store, 5, 10).await;
    assert_eq!(third.len(), 1);
    let message = &third[0].message;
    assert_eq!((message.id, &message.log), (message_id(1), &log));
    assert_eq!(message.body, first.message.body);
    assert_eq!(message.due_at, at(5));
    assert!(second.lease.token < third[0].lease.token);
}

/// Checks that a trigger that was superseded while it was leased ends when it is released.
pub async fn isolated_what_is_handed_back_ends_where_it_was_superseded<B: StoreBackend>(
    _spawn: SpawnAll,
) {
    let (store, _guard) = B::open().await;
    let incident = declare_with(&*store, &plain(1), &[(PageAction::Trigger, 1, 0)]).await;
    let held = claim(&*store, 0, 10).await.remove(0);
    let over = OutboxWrite::Supersede {
        incident: incident.id,
        rule: None,
    };
    let resolved = Commit {
        outbox: vec![over, page(&incident, PageAction::Resolve, 2, 0)],
        ..Commit::default()
    };
    store.commit(resolved, WITHIN).await.unwrap();
    settle(&*store, &held, JobOutcome::Released { due_at: at(0) })
        .await
        .unwrap();
    let next = claim(&*store, 0, 10).await;
    assert_eq!(next.len(), 1);
    assert_eq!(next[0].message.id, message_id(2));
}

/// Checks that a claim returns neither an excluded message nor those after it under its
/// ordering key. Others are claimed, and a claim that does not exclude it gets it at once.
pub async fn isolated_what_is_excepted_is_left_to_others<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let pages = [(PageAction::Trigger, 1, 0), (PageAction::Resolve, 2, 0)];
    declare_with(&*store, &plain(1), &pages).await;
    declare_with(&*store, &plain(2), &[(PageAction::Trigger, 3, 1)]).await;
    let request = |limit, except: &[u64]| ClaimRequest {
        owner: OWNER,
        now: at(9),
        lease_for: super::outbox::LEASE,
        limit,
        except: except.iter().copied().map(message_id).collect(),
    };
    // The limit counts the messages that are claimed.
    let claims = store.claim(request(1, &[1, 7]), WITHIN).await.unwrap();
    assert_eq!(claims.len(), 1);
    let claim = claims[0].as_ref().unwrap();
    assert_eq!(claim.message.id, message_id(3));
    let nothing = store.claim(request(9, &[1, 7]), WITHIN).await.unwrap();
    assert_eq!(nothing, []);
    let other = store.claim(request(9, &[]), WITHIN).await.unwrap();
    assert_eq!(other.len(), 1);
    let other = other[0].as_ref().unwrap();
    assert_eq!(other.message.id, message_id(1));
    assert_eq!(other.lease.token, 1);
}
