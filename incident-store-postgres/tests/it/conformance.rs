//! The contracts of the ports.

use std::sync::Arc;

use async_trait::async_trait;
use incident_core::conformance::StoreBackend;
use incident_core::port::Store;
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

incident_core::store_conformance!(Postgres);
