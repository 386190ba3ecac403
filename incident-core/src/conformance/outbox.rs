//! Contracts of `Outbox`.

use std::sync::Arc;
use std::time::Duration;

use super::sample::{OWNER, Sample, at, declared, message_id, page, plain};
use super::{SpawnAll, StoreBackend, WITHIN};
use crate::commit::{Commit, OutboxWrite};
use crate::incident::{Incident, Severity};
use crate::outbox::{Backlog, Claim, DeadLetterFilter, JobOutcome, LeaseCompletion, MessageBody};
use crate::paging::{DeliveryLog, PageAction, TargetId};
use crate::port::{ClaimRequest, Store, StoreError};
use crate::{IncidentId, RuleName};

pub(super) const LEASE: Duration = Duration::from_secs(30);

pub(super) async fn declare_with(
    store: &dyn Store,
    sample: &Sample,
    pages: &[(PageAction, u64, u64)],
) -> Arc<Incident> {
    let (incident, mut commit) = declared(sample);
    commit.outbox = pages
        .iter()
        .map(|(action, n, due)| page(&incident, *action, *n, *due))
        .collect();
    store.commit(commit, WITHIN).await.unwrap();
    incident
}

pub(super) async fn claim(store: &dyn Store, second: u64, limit: usize) -> Vec<Claim> {
    let request = ClaimRequest {
        owner: OWNER,
        now: at(second),
        lease_for: LEASE,
        limit,
        except: Vec::new(),
    };
    let claims = store.claim(request, WITHIN).await.unwrap();
    claims.into_iter().map(Result::unwrap).collect()
}

pub(super) async fn settle(
    store: &dyn Store,
    claim: &Claim,
    outcome: JobOutcome,
) -> Result<(), StoreError> {
    let completes = Some(LeaseCompletion {
        message: claim.message.id,
        lease: claim.lease,
        outcome,
    });
    store
        .commit(
            Commit {
                completes,
                ..Commit::default()
            },
            WITHIN,
        )
        .await
        .map(|_| ())
}

/// Checks that the second message of an incident's page waits until the first is completed.
pub async fn ordered_one_message_of_an_incident_at_a_time<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let pages = [
        (PageAction::Trigger, 1, 0),
        (PageAction::Acknowledge, 2, 0),
        (PageAction::Resolve, 3, 0),
    ];
    declare_with(&*store, &plain(1), &pages).await;
    for expected in 1..=3 {
        let claims = claim(&*store, 1, 10).await;
        assert_eq!(
            claims
                .iter()
                .map(|claim| claim.message.id)
                .collect::<Vec<_>>(),
            [message_id(expected)]
        );
        assert!(claim(&*store, 1, 10).await.is_empty());
        settle(&*store, &claims[0], JobOutcome::Done).await.unwrap();
    }
    assert!(claim(&*store, 1, 10).await.is_empty());
    assert_eq!(store.next_due(WITHIN).await.unwrap(), None);
}

/// Checks that an escalation has an order of its own: it neither waits for the incident's own
/// page nor is superseded with it.
pub async fn ordered_an_escalation_is_a_thread_of_its_own<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let (incident, mut commit) = declared(&plain(1));
    commit.outbox = vec![
        page(&incident, PageAction::Trigger, 1, 0),
        of_rule(page(&incident, PageAction::Trigger, 2, 0), "security"),
        of_rule(page(&incident, PageAction::Resolve, 3, 0), "security"),
        of_rule(page(&incident, PageAction::Trigger, 4, 9), "legal"),
        page(&incident, PageAction::Resolve, 5, 0),
    ];
    store.commit(commit, WITHIN).await.unwrap();
    let ids = |claims: &[Claim]| claims.iter().map(|one| one.message.id).collect::<Vec<_>>();
    let first = claim(&*store, 1, 10).await;
    assert_eq!(ids(&first), [message_id(1), message_id(2)]);
    assert_eq!(store.next_due(WITHIN).await.unwrap(), Some(at(9)));
    let over = Commit {
        outbox: vec![supersede(incident.id, None)],
        ..Commit::default()
    };
    store.commit(over, WITHIN).await.unwrap();
    let later = |claim: &Claim| JobOutcome::Retry {
        due_at: at(2),
        log: claim.message.log.clone(),
    };
    for one in &first {
        settle(&*store, one, later(one)).await.unwrap();
    }
    // The incident's own trigger is cancelled; its resolve follows.
    let second = claim(&*store, 2, 10).await;
    assert_eq!(ids(&second), [message_id(5), message_id(2)]);
    for one in &second {
        settle(&*store, one, JobOutcome::Done).await.unwrap();
    }
    assert_eq!(
        ids(&claim(&*store, 9, 10).await),
        [message_id(3), message_id(4)]
    );
}

/// Dead letters are listed in the order of their commits and replays, whichever was given up
/// first.
pub async fn ordered_dead_letters_are_listed_as_they_were_committed<B: StoreBackend>(
    _spawn: SpawnAll,
) {
    let (store, _guard) = B::open().await;
    let (incident, mut commit) = declared(&plain(1));
    let of = |n, rule| of_rule(page(&incident, PageAction::Trigger, n, 0), rule);
    commit.outbox = vec![of(3, "security"), of(1, "legal"), of(2, "press")];
    store.commit(commit, WITHIN).await.unwrap();
    let dead_letters = async || {
        let which = DeadLetterFilter::Incident(incident.id);
        let found = store.given_up(which, WITHIN).await.unwrap();
        found.iter().map(|one| one.id).collect::<Vec<_>>()
    };
    let give_up = async || {
        for one in claim(&*store, 1, 10).await.iter().rev() {
            let log = Vec::new();
            let over = JobOutcome::DeadLettered { log };
            settle(&*store, one, over).await.unwrap();
        }
    };
    give_up().await;
    assert_eq!(dead_letters().await, [3, 1, 2].map(message_id));
    let replay = OutboxWrite::Replay {
        message: message_id(3),
        due_at: at(1),
    };
    let replay = Commit {
        outbox: vec![replay],
        ..Commit::default()
    };
    store.commit(replay, WITHIN).await.unwrap();
    give_up().await;
    assert_eq!(dead_letters().await, [1, 2, 3].map(message_id));
}

fn supersede(incident: IncidentId, rule: Option<&str>) -> OutboxWrite {
    let rule = rule.map(|rule| RuleName::new(rule).unwrap());
    OutboxWrite::Supersede { incident, rule }
}

/// Checks that a resent resolution is superseded by the next page: it must neither delay that
/// page nor close its alert.
pub async fn isolated_a_repeated_resolution_makes_room_for_a_newer_page<B: StoreBackend>(
    _spawn: SpawnAll,
) {
    let (store, _guard) = B::open().await;
    for rule in [None, Some("security")] {
        let n = if rule.is_some() { 10 } else { 20 };
        let (incident, mut commit) = declared(&plain(n));
        let made = |action, n, due| match rule {
            Some(rule) => of_rule(page(&incident, action, n, due), rule),
            None => page(&incident, action, n, due),
        };
        commit.outbox = vec![repeating(made(PageAction::Resolve, n + 1, 30))];
        store.commit(commit, WITHIN).await.unwrap();
        assert_eq!(claim(&*store, 1, 10).await, []);
        assert_eq!(store.backlog(WITHIN).await.unwrap().oldest_page, None);
        let newer = Commit {
            outbox: vec![
                supersede(incident.id, rule),
                made(PageAction::Trigger, n + 2, 1),
            ],
            ..Commit::default()
        };
        store.commit(newer, WITHIN).await.unwrap();
        let claims = claim(&*store, 1, 10).await;
        assert_eq!(claims.len(), 1);
        assert_eq!(claims[0].message.id, message_id(n + 2));
        assert!(store.backlog(WITHIN).await.unwrap().oldest_page.is_some());
        settle(&*store, &claims[0], JobOutcome::Done).await.unwrap();
    }
    assert_eq!(store.next_due(WITHIN).await.unwrap(), None);
}

fn repeating(write: OutboxWrite) -> OutboxWrite {
    let OutboxWrite::Add(mut message) = write else {
        return write;
    };
    if let MessageBody::Page(page) = &mut message.body {
        page.is_resend = true;
    }
    OutboxWrite::Add(message)
}

fn of_rule(write: OutboxWrite, rule: &str) -> OutboxWrite {
    let OutboxWrite::Add(mut message) = write else {
        return write;
    };
    if let MessageBody::Page(page) = &mut message.body {
        page.rule = Some(RuleName::new(rule).unwrap());
    }
    OutboxWrite::Add(message)
}

/// Checks that a SEV1 that comes last is claimed first, and that within a severity the message
/// due longest is.
pub async fn ordered_worse_severities_go_first<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    for (n, severity, due) in [
        (1, Severity::Sev4, 0),
        (2, Severity::Sev2, 5),
        (3, Severity::Sev2, 3),
        (4, Severity::Sev1, 6),
    ] {
        declare_with(
            &*store,
            &Sample {
                severity,
                ..plain(n)
            },
            &[(PageAction::Trigger, n, due)],
        )
        .await;
    }
    let mut order = Vec::new();
    for _ in 0..4 {
        order.extend(
            claim(&*store, 10, 1)
                .await
                .into_iter()
                .map(|claim| claim.message.id),
        );
    }
    assert_eq!(order, [4, 3, 2, 1].map(message_id));
}

/// Checks that the message of a worker that died is claimed again, under a higher token.
pub async fn durable_a_lease_that_ran_out_is_handed_out_again<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    declare_with(&*store, &plain(1), &[(PageAction::Trigger, 1, 0)]).await;
    let first = claim(&*store, 0, 1).await.remove(0);
    assert!(claim(&*store, 29, 1).await.is_empty());
    let second = claim(&*store, 30, 1).await.remove(0);
    assert!(first.lease.token < second.lease.token);
    // A message that is retried comes back when it is due.
    settle(
        &*store,
        &second,
        JobOutcome::Retry {
            due_at: at(60),
            log: Vec::new(),
        },
    )
    .await
    .unwrap();
    assert_eq!(store.next_due(WITHIN).await.unwrap(), Some(at(60)));
    assert!(claim(&*store, 59, 1).await.is_empty());
    assert_eq!(claim(&*store, 60, 1).await.len(), 1);
}

/// Checks that a clock that goes back a little changes nothing, and that one that goes back far
/// does not extend a lease.
pub async fn durable_a_clock_that_went_back_keeps_no_lease<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    declare_with(&*store, &plain(1), &[(PageAction::Trigger, 1, 0)]).await;
    let first = claim(&*store, 100, 1).await.remove(0);
    assert!(claim(&*store, 80, 1).await.is_empty());
    let second = claim(&*store, 60, 1).await.remove(0);
    assert!(first.lease.token < second.lease.token);
    assert!(matches!(
        settle(&*store, &first, JobOutcome::Done).await,
        Err(StoreError::LeaseLost)
    ));
}

/// Checks that a completion without the lease is refused and changes nothing.
pub async fn idempotent_a_finish_without_the_lease_changes_nothing<B: StoreBackend>(
    _spawn: SpawnAll,
) {
    let (store, _guard) = B::open().await;
    declare_with(&*store, &plain(1), &[(PageAction::Trigger, 1, 0)]).await;
    let zombie = claim(&*store, 0, 1).await.remove(0);
    let holder = claim(&*store, 30, 1).await.remove(0);
    assert!(matches!(
        settle(&*store, &zombie, JobOutcome::Done).await,
        Err(StoreError::LeaseLost)
    ));
    settle(&*store, &holder, JobOutcome::Done).await.unwrap();
    assert!(matches!(
        settle(&*store, &holder, JobOutcome::Done).await,
        Err(StoreError::LeaseLost)
    ));
    assert!(claim(&*store, 100, 1).await.is_empty());
}

/// Checks that a superseded trigger is not claimed again: a pending one ends at once, one in
/// flight after its attempt. The next message is then free.
pub async fn isolated_a_superseded_trigger_is_never_claimed_again<B: StoreBackend>(
    _spawn: SpawnAll,
) {
    let (store, _guard) = B::open().await;
    let call_off = |incident: &Incident, n| {
        vec![
            supersede(incident.id, None),
            page(incident, PageAction::Resolve, n, 0),
        ]
    };
    let pending = declare_with(&*store, &plain(1), &[(PageAction::Trigger, 1, 0)]).await;
    store
        .commit(
            Commit {
                outbox: call_off(&pending, 2),
                ..Commit::default()
            },
            WITHIN,
        )
        .await
        .unwrap();
    let next = claim(&*store, 0, 10).await;
    assert_eq!(
        next.iter()
            .map(|claim| claim.message.id)
            .collect::<Vec<_>>(),
        [message_id(2)]
    );
    settle(&*store, &next[0], JobOutcome::Done).await.unwrap();

    let in_flight = declare_with(&*store, &plain(2), &[(PageAction::Trigger, 3, 0)]).await;
    let sending = claim(&*store, 0, 10).await.remove(0);
    store
        .commit(
            Commit {
                outbox: call_off(&in_flight, 4),
                ..Commit::default()
            },
            WITHIN,
        )
        .await
        .unwrap();
    assert!(claim(&*store, 0, 10).await.is_empty());
    settle(
        &*store,
        &sending,
        JobOutcome::Retry {
            due_at: at(0),
            log: Vec::new(),
        },
    )
    .await
    .unwrap();
    let next = claim(&*store, 0, 10).await;
    assert_eq!(
        next.iter()
            .map(|claim| claim.message.id)
            .collect::<Vec<_>>(),
        [message_id(4)]
    );
}

/// Checks that a message due later is not claimed, and that `next_due` returns its due time.
pub async fn bounded_what_is_not_due_is_not_handed_out<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    declare_with(&*store, &plain(1), &[(PageAction::Trigger, 1, 50)]).await;
    assert!(claim(&*store, 49, 10).await.is_empty());
    assert_eq!(store.next_due(WITHIN).await.unwrap(), Some(at(50)));
    assert_eq!(claim(&*store, 50, 0).await.len(), 0);
    assert_eq!(claim(&*store, 50, 10).await.len(), 1);
}

/// Checks that a dead letter is stored, found by incident and by id, and replayed once, as if
/// it were new.
pub async fn durable_dead_letters_stay_until_they_are_replayed<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let incident = declare_with(&*store, &plain(1), &[(PageAction::Trigger, 1, 0)]).await;
    let first = claim(&*store, 0, 1).await.remove(0);
    let mut log = vec![DeliveryLog::untried(TargetId::log(), at(0))];
    log[0].attempts = 3;
    let over = JobOutcome::DeadLettered { log: log.clone() };
    settle(&*store, &first, over).await.unwrap();
    assert!(claim(&*store, 1_000, 10).await.is_empty());
    for which in [
        DeadLetterFilter::Incident(incident.id),
        DeadLetterFilter::Message(message_id(1)),
        DeadLetterFilter::First(1),
        DeadLetterFilter::First(10),
    ] {
        let kept = store.given_up(which, WITHIN).await.unwrap();
        assert_eq!(kept.len(), 1);
        assert_eq!((kept[0].id, &kept[0].log), (message_id(1), &log));
    }
    for which in [
        DeadLetterFilter::Message(message_id(2)),
        DeadLetterFilter::First(0),
    ] {
        let none = store.given_up(which, WITHIN).await.unwrap();
        assert!(none.is_empty(), "{which:?}");
    }
    let replay = || Commit {
        outbox: vec![OutboxWrite::Replay {
            message: message_id(1),
            due_at: at(50),
        }],
        ..Commit::default()
    };
    store.commit(replay(), WITHIN).await.unwrap();
    let again = store.commit(replay(), WITHIN).await.unwrap_err();
    assert!(matches!(again, StoreError::NotGivenUp(id) if id == message_id(1)));
    assert!(claim(&*store, 49, 10).await.is_empty());
    let claimed = claim(&*store, 50, 10).await.remove(0);
    assert_eq!(
        (claimed.message.id, claimed.message.log.len()),
        (message_id(1), 0)
    );
    // The lease before the replay is not valid any more.
    assert!(first.lease.token < claimed.lease.token);
    settle(&*store, &claimed, JobOutcome::Done).await.unwrap();
    let left = store
        .given_up(DeadLetterFilter::Incident(incident.id), WITHIN)
        .await
        .unwrap();
    assert!(left.is_empty());
}

/// **Ordered:** the backlog counts the waiting messages, and has the time of the oldest page
/// that no pager has accepted.
pub async fn ordered_the_backlog_tells_what_waits<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let backlog = async || store.backlog(WITHIN).await.unwrap();
    assert_eq!(backlog().await, Backlog::default());
    use PageAction::{Acknowledge, Trigger};
    declare_with(&*store, &plain(1), &[(Trigger, 1, 7), (Acknowledge, 2, 8)]).await;
    declare_with(&*store, &plain(2), &[(Trigger, 3, 3)]).await;
    let first = claim(&*store, 9, 1).await.remove(0);
    let told = backlog().await;
    assert_eq!((told.unfinished, told.given_up), (3, 0));
    assert_eq!(told.oldest_page, Some(first.message.committed_at));
    settle(&*store, &first, JobOutcome::DeadLettered { log: vec![] })
        .await
        .unwrap();
    let told = backlog().await;
    assert_eq!((told.unfinished, told.given_up), (2, 1));
    assert!(told.oldest_page.is_some());
    // Only a trigger counts as a page that was not accepted.
    let second = claim(&*store, 9, 1).await.remove(0);
    settle(&*store, &second, JobOutcome::Done).await.unwrap();
    let told = backlog().await;
    assert_eq!((told.unfinished, told.oldest_page), (1, None));
}

/// **Ordered:** hastened messages are due at once; those that are due, leased or completed stay
/// as they are, and an ordering key preserves its order.
pub async fn ordered_hastened_messages_are_due_at_once<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    use PageAction::{Acknowledge, Trigger};
    declare_with(
        &*store,
        &plain(1),
        &[(Trigger, 1, 50), (Acknowledge, 2, 60)],
    )
    .await;
    declare_with(&*store, &plain(2), &[(Trigger, 3, 5)]).await;
    declare_with(&*store, &plain(3), &[(Trigger, 4, 70)]).await;
    let held = claim(&*store, 6, 1).await.remove(0);
    assert_eq!(held.message.id, message_id(3));
    let hasten = |ids: &[u64], second| Commit {
        outbox: vec![OutboxWrite::Hasten {
            messages: ids.iter().map(|n| message_id(*n)).collect(),
            due_at: at(second),
        }],
        ..Commit::default()
    };
    // A later time postpones nothing, and an unknown message is no error.
    for (ids, second) in [(vec![1, 2, 3, 4], 65), (vec![2, 3, 9], 7), (vec![1], 8)] {
        store.commit(hasten(&ids, second), WITHIN).await.unwrap();
    }
    let ids = |claims: &[Claim]| claims.iter().map(|one| one.message.id).collect::<Vec<_>>();
    assert!(claim(&*store, 7, 9).await.is_empty());
    let first = claim(&*store, 8, 9).await;
    assert_eq!(ids(&first), [message_id(1)]);
    settle(&*store, &first[0], JobOutcome::Done).await.unwrap();
    let second = claim(&*store, 8, 9).await;
    assert_eq!(ids(&second), [message_id(2)]);
    settle(&*store, &second[0], JobOutcome::Done).await.unwrap();
    // The leased one is not claimed before its lease ends.
    assert!(claim(&*store, 30, 9).await.is_empty());
    settle(&*store, &held, JobOutcome::Done).await.unwrap();
    assert_eq!(ids(&claim(&*store, 65, 9).await), [message_id(4)]);
}
