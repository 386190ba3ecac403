//! A database for each test, copied from a template with the incident tables.

use std::time::Duration;

use incident_store_postgres::{PgStore, StoreClock, migrate};
use incident_test_postgres::{Cluster, Database};
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor};
use tokio::sync::OnceCell;

static TEMPLATE: OnceCell<String> = OnceCell::const_new();

/// Time-out of a migration, longer than any takes.
pub(crate) const MIGRATION: Duration = Duration::from_secs(30);

/// The role of a server, which owns nothing.
pub(crate) const APP: &str = "app";

/// Creates [`APP`], which another test binary may have done on a server that was given.
pub(crate) const CREATE_APP: &str =
    "do $$ begin create role app login; exception when duplicate_object then null; end $$";

pub(crate) async fn template() -> &'static str {
    TEMPLATE
        .get_or_init(|| async {
            let database = Database::create(Cluster::shared(), None).await.unwrap();
            migrate(&database.options(), MIGRATION).await.unwrap();
            let mut owner = database.options().connect().await.unwrap();
            owner.execute(CREATE_APP).await.unwrap();
            owner
                .execute("select incident.grant_to('app')")
                .await
                .unwrap();
            owner.close().await.unwrap();
            database.leak()
        })
        .await
}

/// Creates a database with the incident tables.
pub(crate) async fn database() -> Database {
    Database::create(Cluster::shared(), Some(template().await))
        .await
        .unwrap()
}

/// Creates a pool of connections with the role of a server.
pub(crate) async fn pool(database: &Database) -> PgPool {
    let options = database.options().username(APP);
    PgPoolOptions::new()
        .max_connections(10)
        .connect_with(options)
        .await
        .unwrap()
}

/// Creates a store on a database, for tests that set a clock by hand.
pub(crate) async fn store(database: &Database) -> PgStore {
    PgStore::builder(pool(database).await)
        .clock(StoreClock::Caller)
        .build()
}
