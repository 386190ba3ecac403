//! A database per test.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use crate::Cluster;

/// Databases whose tests are over; dropped before the next one is made.
static OVER: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// One at a time: a template must not be in use while it is copied.
static MAKING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A database of its own in the shared server.
#[derive(Debug)]
pub struct Database {
    name: String,
    options: PgConnectOptions,
}

impl Database {
    /// An empty database, or a copy of a template.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn create(cluster: &Cluster, template: Option<&str>) -> sqlx::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{count}", std::process::id());
        Self::named(cluster, name, template).await
    }

    /// A database with a name.
    ///
    /// # Errors
    /// The server refuses; there is one of this name.
    pub async fn named(
        cluster: &Cluster,
        name: String,
        template: Option<&str>,
    ) -> sqlx::Result<Self> {
        let _turn = MAKING.lock().await;
        let mut server = cluster.options().connect().await?;
        let over = std::mem::take(&mut *OVER.lock().unwrap_or_else(PoisonError::into_inner));
        for old in over {
            let sql = format!("drop database if exists \"{old}\" with (force)");
            server.execute(AssertSqlSafe(sql)).await?;
        }
        let template = template.unwrap_or("template1");
        let sql = format!("create database \"{name}\" template \"{template}\"");
        server.execute(AssertSqlSafe(sql)).await?;
        server.close().await?;
        let options = cluster.options().database(&name);
        Ok(Self { name, options })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How to connect to it.
    #[must_use]
    pub fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// A pool of connections to it.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn pool(&self, connections: u32) -> sqlx::Result<PgPool> {
        let pool = PgPoolOptions::new().max_connections(connections);
        pool.connect_with(self.options()).await
    }

    /// Keeps it when this value goes: as a template.
    #[must_use]
    pub fn leak(mut self) -> String {
        std::mem::take(&mut self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !self.name.is_empty() {
            let name = std::mem::take(&mut self.name);
            OVER.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(name);
        }
    }
}
