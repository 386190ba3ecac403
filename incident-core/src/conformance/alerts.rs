//! Contracts about alerts: which incident stands for one, and which incidents a claim has seen.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;

use super::races::tasks;
use super::sample::{Sample, declared, id, plain, updated};
use super::{SpawnAll, StoreBackend, WITHIN};
use crate::commit::{AlertClaim, Commit};
use crate::incident::{Incident, Mode, State, Status};
use crate::port::{IncidentFilter, Store, StoreError};
use crate::timeline::SysIncidentUpdateEntry;
use crate::{IncidentId, Name};

fn key(name: &str) -> Name {
    Name::new(name).unwrap()
}

/// Returns an incident `n` declared for the alert `cpu`, with its state changed, and its
/// commit.
fn for_alert(n: u64, change: impl Fn(&mut State)) -> (Arc<Incident>, Commit) {
    let sample = Sample {
        alert: Some("cpu"),
        ..plain(n)
    };
    let (incident, mut commit) = declared(&sample);
    let mut after = Incident::clone(&incident);
    change(after.state_mut());
    let after = Arc::new(after);
    for write in &mut commit.writes {
        write.after = Arc::clone(&after);
    }
    (after, commit)
}

/// Returns a commit that changes the state of an incident, without an entry.
fn changed(before: &Incident, change: impl Fn(&mut State)) -> Commit {
    let (after, mut commit) = updated(before, None, "changed");
    let mut after = Incident::clone(&after);
    change(after.state_mut());
    for write in &mut commit.writes {
        write.after = Arc::new(after.clone());
    }
    commit
}

async fn live(store: &dyn Store, alert: &str) -> BTreeSet<IncidentId> {
    let filter = IncidentFilter {
        statuses: Status::live(),
        alert: Some(key(alert)),
        limit: 100,
        ..IncidentFilter::default()
    };
    let found = store.list(&filter, WITHIN).await.unwrap();
    found.iter().map(|one| one.id).collect()
}

fn holder(answer: Result<Vec<SysIncidentUpdateEntry>, StoreError>) -> Option<IncidentId> {
    match answer {
        Ok(_) => None,
        Err(StoreError::AlertKeyTaken(holder)) => Some(holder),
        Err(other) => panic!("{other:?}"),
    }
}

/// **Isolated:** the same alert in another environment is a different alert, and a drill or a
/// retrospective incident stands for none.
pub async fn isolated_alerts_are_those_of_an_environment_and_of_live_mode<B: StoreBackend>(
    _spawn: SpawnAll,
) {
    let (store, _guard) = B::open().await;
    let elsewhere = |state: &mut State| state.environment = key("staging");
    for commit in [
        for_alert(1, |state| state.mode = Mode::Drill).1,
        for_alert(2, |state| state.mode = Mode::Retrospective).1,
        for_alert(3, elsewhere).1,
        for_alert(4, |_| {}).1,
    ] {
        assert_eq!(holder(store.commit(commit, WITHIN).await), None);
    }
    let again = store.commit(for_alert(5, |_| {}).1, WITHIN).await;
    assert_eq!(holder(again), Some(id(4)));
    let again = store.commit(for_alert(5, elsewhere).1, WITHIN).await;
    assert_eq!(holder(again), Some(id(3)));
    // All of them are found by it while they are live.
    assert_eq!(live(&*store, "cpu").await, (1..=4).map(id).collect());
    assert!(live(&*store, "disk").await.is_empty());
    let drill = store.load(id(1), WITHIN).await.unwrap().unwrap();
    let over = updated(&drill, Some(Status::Resolved), "over").1;
    store.commit(over, WITHIN).await.unwrap();
    assert_eq!(live(&*store, "cpu").await, (2..=4).map(id).collect());
}

/// **Isolated:** an alert that one write of a commit releases may be taken by another write,
/// whichever of the two comes first by id.
pub async fn isolated_an_alert_moves_within_one_commit<B: StoreBackend>(_spawn: SpawnAll) {
    for (from, to) in [(1, 2), (2, 1)] {
        let (store, _guard) = B::open().await;
        let (source, commit) = for_alert(from, |_| {});
        store.commit(commit, WITHIN).await.unwrap();
        let (target, commit) = declared(&plain(to));
        store.commit(commit, WITHIN).await.unwrap();
        let takes = |state: &mut State| state.merged_alerts = vec![key("cpu")];
        // Refused while the other incident stands for it.
        let refused = store.commit(changed(&target, takes), WITHIN).await;
        assert_eq!(holder(refused), Some(source.id));
        let mut merge = changed(&target, takes);
        let gives_up = changed(&source, |state| state.status = Status::Resolved);
        merge.writes.extend(gives_up.writes);
        merge.writes.sort_by_key(|write| write.after.id);
        store.commit(merge, WITHIN).await.unwrap();
        assert_eq!(live(&*store, "cpu").await, BTreeSet::from([target.id]));
        let again = store.commit(for_alert(3, |_| {}).1, WITHIN).await;
        assert_eq!(holder(again), Some(target.id));
        // The alert is free when the target ends.
        let target = store.load(target.id, WITHIN).await.unwrap().unwrap();
        let over = updated(&target, Some(Status::Resolved), "over").1;
        store.commit(over, WITHIN).await.unwrap();
        let (_, commit) = for_alert(3, |_| {});
        assert_eq!(holder(store.commit(commit, WITHIN).await), None);
        // An incident whose alert moved on no longer holds it.
        let third = store.load(id(3), WITHIN).await.unwrap().unwrap();
        let moved = changed(&third, |state| state.alert_moved = true);
        store.commit(moved, WITHIN).await.unwrap();
        assert_eq!(
            holder(store.commit(for_alert(4, |_| {}).1, WITHIN).await),
            None
        );
        assert_eq!(live(&*store, "cpu").await, [3, 4].map(id).into());
    }
}

fn claiming(n: u64, seen: &BTreeSet<IncidentId>) -> Commit {
    let drill = |state: &mut State| state.mode = Mode::Drill;
    Commit {
        alert: Some(AlertClaim {
            key: key("cpu"),
            seen: seen.iter().copied().collect(),
        }),
        ..for_alert(n, drill).1
    }
}

/// **Isolated:** a claim on an alert has seen every live incident of it, also those that stand
/// for it by a merge.
pub async fn isolated_a_claim_has_seen_every_live_incident<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let none = BTreeSet::new();
    store.commit(claiming(1, &none), WITHIN).await.unwrap();
    let unseen = store.commit(claiming(2, &none), WITHIN).await;
    assert_eq!(holder(unseen), Some(id(1)));
    let (target, commit) = declared(&plain(3));
    store.commit(commit, WITHIN).await.unwrap();
    let takes = |state: &mut State| state.merged_alerts = vec![key("cpu")];
    store.commit(changed(&target, takes), WITHIN).await.unwrap();
    let seen = BTreeSet::from([id(1)]);
    let unseen = store.commit(claiming(2, &seen), WITHIN).await;
    assert_eq!(holder(unseen), Some(id(3)));
    // The refused commit stored nothing, and an incident that is over need not be seen.
    let first = store.load(id(1), WITHIN).await.unwrap().unwrap();
    let over = updated(&first, Some(Status::Resolved), "over").1;
    store.commit(over, WITHIN).await.unwrap();
    let seen = BTreeSet::from([id(3)]);
    store.commit(claiming(2, &seen), WITHIN).await.unwrap();
    assert_eq!(live(&*store, "cpu").await, [2, 3].map(id).into());
}

/// **Isolated:** of concurrent claims each has seen those that were stored before it.
pub async fn isolated_claims_at_a_time_have_seen_each_other<B: StoreBackend>(spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let sizes = Arc::new(Mutex::new(Vec::new()));
    spawn(tasks(|n| {
        let (store, sizes) = (Arc::clone(&store), Arc::clone(&sizes));
        async move {
            loop {
                let seen = live(&*store, "cpu").await;
                match store.commit(claiming(n + 1, &seen), WITHIN).await {
                    Ok(_) => return sizes.lock().unwrap().push(seen.len()),
                    Err(StoreError::AlertKeyTaken(other)) => assert!(!seen.contains(&other)),
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
        .boxed()
    }))
    .await;
    let mut sizes = sizes.lock().unwrap().clone();
    sizes.sort_unstable();
    let count = sizes.len();
    assert_eq!(sizes, (0..count).collect::<Vec<_>>());
}
