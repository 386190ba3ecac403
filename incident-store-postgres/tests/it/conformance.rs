//! The contracts of the ports.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use incident_core::conformance::{StoreBackend, UsageBackend};
use incident_core::port::Store;
use incident_store_postgres::PgUsage;
use incident_test_postgres::Database;

use crate::server;

struct Postgres;

#[async_trait]
impl StoreBackend for Postgres {
    type Guard = Database;
    const DURABLE: bool = true;

    async fn open() -> (Arc<dyn Store>, Database) {
        let database = server::database().await;
        (Arc::new(server::store(&database).await), database)
    }

    async fn reopen(database: &Database) -> Arc<dyn Store> {
        Arc::new(server::store(database).await)
    }
}

#[async_trait]
impl UsageBackend for Postgres {
    type Guard = Database;
    type Source = PgUsage;

    async fn open() -> (PgUsage, Database) {
        let database = server::database().await;
        (PgUsage::new(server::pool(&database).await), database)
    }
}

/// A backend that follows every query from the second time on.
struct Followed;

#[async_trait]
impl UsageBackend for Followed {
    type Guard = Database;
    type Source = PgUsage;

    async fn open() -> (PgUsage, Database) {
        let database = server::database().await;
        let usage = PgUsage::builder(server::pool(&database).await);
        (usage.incremental_above(Duration::ZERO).build(), database)
    }
}

mod store {
    incident_core::store_conformance!(super::Postgres);
}

mod followed_usage {
    incident_core::usage_conformance!(super::Followed);
}

mod usage {
    incident_core::usage_conformance!(super::Postgres);
}
