//! The contract of stores of sessions, run by each of them.

#![expect(
    clippy::unwrap_used,
    reason = "tests, and what they share, fail by panicking"
)]

use std::sync::Arc;
use std::time::Duration;

use incident_axum::{MAX_SESSIONS, MemorySessions, Session, SessionId, SessionStore};
use incident_core::{PersonName, Timestamp};

fn at(seconds: u64) -> Timestamp {
    let start: Timestamp = "2026-11-27T03:00:00.123456Z".parse().unwrap();
    start.saturating_add(Duration::from_secs(seconds))
}

fn session(number: u8, person: &str, seconds: u64) -> Session {
    Session {
        id: SessionId([number; 32]),
        person: person.parse().unwrap(),
        login: [255 - number; 32],
        created_at: at(seconds),
        used_at: at(seconds),
    }
}

async fn found(store: &dyn SessionStore, number: u8) -> Option<Session> {
    store.find(SessionId([number; 32])).await.unwrap()
}

async fn sessions_are_stored_touched_and_removed(store: &dyn SessionStore) {
    let one = session(1, "anna d'Arc \u{e9}", 0);
    assert_eq!(found(store, 1).await, None);
    store.insert(&one).await.unwrap();
    assert_eq!(found(store, 1).await, Some(one.clone()));
    for (touched, expected) in [(20, 20), (10, 20), (30, 30)] {
        store.touch(one.id, at(touched)).await.unwrap();
        let used_at = found(store, 1).await.unwrap().used_at;
        assert_eq!(used_at, at(expected), "never back");
    }
    store.remove(one.id).await.unwrap();
    store.remove(one.id).await.unwrap();
    store.touch(one.id, at(40)).await.unwrap();
    assert_eq!(found(store, 1).await, None, "removed sessions stay removed");
}

async fn sessions_of_a_person_are_removed_together(store: &dyn SessionStore) {
    for (number, person) in [(1, "anna"), (2, "bob"), (3, "anna")] {
        store.insert(&session(number, person, 0)).await.unwrap();
    }
    let anna: PersonName = "anna".parse().unwrap();
    assert_eq!(store.remove_all_of(&anna).await.unwrap(), 2);
    assert_eq!(store.remove_all_of(&anna).await.unwrap(), 0);
    assert!(found(store, 2).await.is_some());
    store.remove(SessionId([2; 32])).await.unwrap();
}

async fn expired_sessions_are_removed(store: &dyn SessionStore) {
    for (number, created) in [(1, 0), (2, 10), (3, 20)] {
        store
            .insert(&session(number, "anna", created))
            .await
            .unwrap();
    }
    store.touch(SessionId([2; 32]), at(30)).await.unwrap();
    store.remove_expired(at(5), at(20)).await.unwrap();
    assert_eq!(found(store, 1).await, None);
    assert!(found(store, 2).await.is_some() && found(store, 3).await.is_some());
    store.remove_expired(at(0), at(25)).await.unwrap();
    assert_eq!(found(store, 3).await, None);
    store.remove_expired(at(11), at(0)).await.unwrap();
    assert_eq!(found(store, 2).await, None);
}

async fn the_oldest_of_a_person_give_way(store: &dyn SessionStore) {
    let most = u8::try_from(MAX_SESSIONS).unwrap();
    store.insert(&session(200, "bob", 0)).await.unwrap();
    for number in 0..most + 2 {
        let seconds = u64::from(number) + 1;
        store
            .insert(&session(number, "anna", seconds))
            .await
            .unwrap();
    }
    for (number, is_left) in [
        (0, false),
        (1, false),
        (2, true),
        (most + 1, true),
        (200, true),
    ] {
        assert_eq!(found(store, number).await.is_some(), is_left, "{number}");
    }
    // One whose clock is behind is the newest all the same.
    store.insert(&session(100, "anna", 0)).await.unwrap();
    assert!(found(store, 100).await.is_some());
    let anna: PersonName = "anna".parse().unwrap();
    let removed = store.remove_all_of(&anna).await.unwrap();
    assert_eq!(removed, u64::from(most));
    store.remove(SessionId([200; 32])).await.unwrap();
}

/// Removal and use at the same time: a removed session is never stored again.
async fn a_race_of_touch_and_remove_removes(store: Arc<dyn SessionStore>) {
    for round in 0..50 {
        let one = session(1, "anna", 0);
        store.insert(&one).await.unwrap();
        let touching = {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.touch(one.id, at(round)).await })
        };
        store.remove(one.id).await.unwrap();
        touching.await.unwrap().unwrap();
        assert_eq!(found(&*store, 1).await, None);
    }
}

async fn contract(store: Arc<dyn SessionStore>) {
    sessions_are_stored_touched_and_removed(&*store).await;
    sessions_of_a_person_are_removed_together(&*store).await;
    expired_sessions_are_removed(&*store).await;
    the_oldest_of_a_person_give_way(&*store).await;
    a_race_of_touch_and_remove_removes(store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_keeps_the_contract() {
    contract(Arc::new(MemorySessions::default())).await;
}

#[cfg(feature = "postgres")]
mod postgres {
    use incident_axum::PgSessions;
    use incident_test_postgres::{Cluster, Database};

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn postgres_keeps_the_contract() {
        let database = Database::create(Cluster::shared(), None).await.unwrap();
        let store = PgSessions::new(database.pool(4).await.unwrap());
        store.migrate().await.unwrap();
        store.migrate().await.unwrap();
        contract(Arc::new(store)).await;
    }

    /// Replicas that start at once create one table; one that may not create it finds it.
    #[tokio::test(flavor = "multi_thread")]
    async fn replicas_start_together() {
        let database = Database::create(Cluster::shared(), None).await.unwrap();
        let pool = database.pool(8).await.unwrap();
        let starts = (0..8).map(|_| {
            let store = PgSessions::new(pool.clone());
            tokio::spawn(async move { store.migrate().await })
        });
        for start in starts.collect::<Vec<_>>() {
            start.await.unwrap().unwrap();
        }
    }

    /// A database that does not answer is an error, within seconds.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_store_that_is_away_is_an_error() {
        let database = Database::create(Cluster::shared(), None).await.unwrap();
        let pool = database.pool(1).await.unwrap();
        let store = PgSessions::new(pool.clone());
        store.migrate().await.unwrap();
        let _held = pool.acquire().await.unwrap();
        let began = std::time::Instant::now();
        assert!(store.find(SessionId([1; 32])).await.is_err());
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}
