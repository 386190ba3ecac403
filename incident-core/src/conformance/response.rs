//! Contracts of what is due, and of the policies.

use std::sync::Arc;

use futures_util::FutureExt;

use super::races::tasks;
use super::sample::{at, declared, everything, id, keep, plain, updated};
use super::{SpawnAll, StoreBackend, WITHIN};
use crate::commit::{Commit, OutboxWrite};
use crate::incident::{Incident, RuleFired, Status};
use crate::notice::Notice;
use crate::outbox::{Message, MessageBody};
use crate::policy::{Policy, PolicyRecord, Trigger};
use crate::port::{IncidentFilter, StoreError};
use crate::{Name, RuleName};

/// Returns an incident with a time at which its next rule fires, and its commit.
fn due_at(n: u64, second: Option<u64>) -> (Arc<Incident>, Commit) {
    let (_, mut commit) = declared(&plain(n));
    let after = Arc::make_mut(&mut commit.writes[0].after);
    after.state_mut().clocks.due_at = second.map(at);
    (Arc::clone(&commit.writes[0].after), commit)
}

/// Checks that incidents are found from the time on at which their next rule fires, the one that is due
/// longest first, and no longer after a write that set another one or none.
pub async fn ordered_incidents_are_found_when_a_rule_is_due<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    for (n, second) in [(1, Some(50)), (2, None), (3, Some(40)), (4, Some(60))] {
        store.commit(due_at(n, second).1, WITHIN).await.unwrap();
    }
    let due = |by: u64, limit: usize| IncidentFilter {
        due_by: Some(at(by)),
        limit,
        ..everything()
    };
    let found = async |by: u64, limit: usize| {
        let filter = due(by, limit);
        let found = store.list(&filter, WITHIN).await.unwrap();
        let outlines = store.outlines(&filter, WITHIN).await.unwrap();
        let found: Vec<_> = found.iter().map(|one| one.id).collect();
        let outlined: Vec<_> = outlines.iter().map(|one| one.id).collect();
        assert_eq!(outlined, found, "outlines are in the order of the list");
        found
    };
    assert_eq!(found(39, 10).await, []);
    assert_eq!(found(40, 10).await, [id(3)]);
    assert_eq!(found(59, 10).await, [id(3), id(1)]);
    assert_eq!(found(60, 10).await, [id(3), id(1), id(4)]);
    assert_eq!(found(60, 2).await, [id(3), id(1)]);
    // Page by page, whatever moves behind the place.
    let mut pages = due(60, 1);
    for n in [3, 1, 4] {
        let page = store.list(&pages, WITHIN).await.unwrap();
        assert_eq!(page.iter().map(|one| one.id).collect::<Vec<_>>(), [id(n)]);
        pages.after = Some(pages.place(&page[0]));
    }
    assert_eq!(store.list(&pages, WITHIN).await.unwrap(), []);
    for (n, second) in [(3, Some(70)), (1, None)] {
        let before = store.load(id(n), WITHIN).await.unwrap().unwrap();
        let (_, mut commit) = updated(&before, None, "later");
        let after = Arc::make_mut(&mut commit.writes[0].after);
        after.state_mut().clocks.due_at = second.map(at);
        store.commit(commit, WITHIN).await.unwrap();
    }
    assert_eq!(found(69, 10).await, [id(4)]);
    assert_eq!(found(70, 10).await, [id(4), id(3)]);
    assert_eq!(found(75, 1).await, [id(4)]);
    assert_eq!(store.mismatch(id(3), WITHIN).await.unwrap(), None);
    // Active ones have clocks, and of those that ended the ones of which a rule is due.
    for n in [2, 4] {
        let before = store.load(id(n), WITHIN).await.unwrap().unwrap();
        let (_, commit) = updated(&before, Some(Status::Resolved), "over");
        store.commit(commit, WITHIN).await.unwrap();
    }
    let filter = IncidentFilter {
        with_clocks: true,
        ..everything()
    };
    let listed = store.list(&filter, WITHIN).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|one| one.id).collect();
    assert_eq!(listed, [id(4), id(3), id(1)]);
}

fn notice(incident: &Incident, n: u32) -> OutboxWrite {
    let notice = Notice {
        incident_id: incident.id,
        fired: RuleFired {
            rule: RuleName::new("unacknowledged").unwrap(),
            trigger: Trigger::Unacknowledged,
            epoch: 1,
            n,
            skipped: 0,
            due_at: at(900),
            late: false,
            notify: vec![Name::new("backup").unwrap()],
        },
        group: Name::new("backup").unwrap(),
        channel: Name::new("chat").unwrap(),
        fired_at: at(900),
    };
    OutboxWrite::Add(Box::new(Message {
        id: notice.message_id(),
        incident_id: Some(incident.id),
        priority: incident.severity,
        body: MessageBody::Notice(notice),
        committed_at: at(900),
        due_at: at(900),
        log: Vec::new(),
    }))
}

/// Checks that the notice of a level is added once, as its id follows from the incident, the rule,
/// the epoch and the level: a second commit with it is refused whole.
pub async fn idempotent_a_notice_is_added_once<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let incident = keep(&*store, &plain(1)).await;
    let add = async |n| {
        let before = store.load(incident.id, WITHIN).await.unwrap().unwrap();
        let (_, mut commit) = updated(&before, None, "fired");
        commit.outbox = vec![notice(&incident, n)];
        store.commit(commit, WITHIN).await.map(drop)
    };
    add(0).await.unwrap();
    assert!(matches!(add(0).await, Err(StoreError::Refused(_))));
    assert_eq!(
        store
            .timeline(incident.id, 0, 10, WITHIN)
            .await
            .unwrap()
            .len(),
        2
    );
    add(1).await.unwrap();
    let backlog = store.backlog(WITHIN).await.unwrap();
    assert_eq!(
        (backlog.unfinished, backlog.oldest_notice),
        (2, Some(at(900)))
    );
}

fn record(update_every: u32, second: u64) -> PolicyRecord {
    let mut policy = Policy::default();
    policy.sev1.update_every_minutes = Some(update_every);
    PolicyRecord::new(&policy, at(second)).unwrap()
}

fn of(policy: PolicyRecord) -> Commit {
    Commit {
        policy: Some(policy),
        ..Commit::default()
    }
}

/// Checks that replicas which start together store their policy once, and that the newest one is
/// not stored again.
pub async fn isolated_a_policy_is_stored_once<B: StoreBackend>(spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    for round in 1..=10_u32 {
        spawn(tasks(|n| {
            let store = Arc::clone(&store);
            async move {
                let commit = of(record(round, u64::from(round) * 100 + n));
                store.commit(commit, WITHIN).await.unwrap();
            }
            .boxed()
        }))
        .await;
        let stored = store.policies(100, WITHIN).await.unwrap();
        assert_eq!(stored.len(), round as usize);
        assert_eq!(stored[0].hash, record(round, 0).hash);
    }
}

/// Checks that the policy of a time is the newest one that held by then, as it was stored.
pub async fn ordered_the_policy_of_a_time_is_found<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let policies = [record(10, 100), record(20, 200), record(10, 300)];
    for policy in &policies {
        store.commit(of(policy.clone()), WITHIN).await.unwrap();
    }
    let found = async |second| store.policy_at(at(second), WITHIN).await.unwrap();
    assert_eq!(found(99).await, None);
    for (second, place) in [(100, 0), (199, 0), (200, 1), (299, 1), (300, 2), (900, 2)] {
        assert_eq!(
            found(second).await.as_ref(),
            Some(&policies[place]),
            "{second}"
        );
    }
    let newest: Vec<_> = policies.iter().rev().take(2).cloned().collect();
    assert_eq!(store.policies(2, WITHIN).await.unwrap(), newest);
    assert_eq!(
        found(250)
            .await
            .unwrap()
            .policy()
            .unwrap()
            .sev1
            .update_every_minutes,
        Some(20)
    );
}
