//! The connection that stays at hand returns to the pool after a moment.

use std::time::{Duration, Instant};

use incident_core::IncidentId;
use incident_core::port::IncidentStore;
use incident_store_postgres::PgStore;
use incident_test_postgres::{Cluster, Database};
use sqlx::postgres::PgPoolOptions;

use crate::server;

const WITHIN: Duration = Duration::from_secs(5);

fn nobody() -> IncidentId {
    "0190a000-0000-7000-8000-000000000000".parse().unwrap()
}

/// X1: consecutive calls do not wait for the pool's ping, and other users of the pool get the
/// connection within a moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_is_shared_with_the_host_is_given_back_at_once() {
    let database = server::database().await;
    let one = PgPoolOptions::new().max_connections(1);
    let pool = one.connect_with(database.options()).await.unwrap();
    let store = PgStore::new(pool.clone());
    for _ in 0..20 {
        for _ in 0..5 {
            store.load(nobody(), WITHIN).await.unwrap();
        }
        let started = Instant::now();
        let held = pool.acquire().await.unwrap();
        assert!(
            started.elapsed() < Duration::from_secs(1),
            "{:?}",
            started.elapsed()
        );
        // While the host has the connection, the store waits for it like any other user.
        let (store, waits) = (store.clone(), tokio::time::sleep(Duration::from_millis(10)));
        let load = tokio::spawn(async move { store.load(nobody(), WITHIN).await });
        waits.await;
        assert!(!load.is_finished());
        drop(held);
        load.await.unwrap().unwrap();
    }
    // A closing pool gets its connection back.
    store.load(nobody(), WITHIN).await.unwrap();
    tokio::time::timeout(WITHIN, pool.close()).await.unwrap();
}

/// The connection at hand is closed with the store, inside of a runtime or after it.
#[test]
fn a_store_may_outlive_its_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let store = runtime.block_on(async {
        let cluster = Cluster::shared();
        let database = Database::create(cluster, Some(server::template().await))
            .await
            .unwrap();
        let store = PgStore::new(database.pool(2).await.unwrap());
        store.load(nobody(), WITHIN).await.unwrap();
        store
    });
    drop(runtime);
    drop(store);
}
