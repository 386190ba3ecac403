//! A database for each test.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use crate::Cluster;

/// Databases whose tests have ended; they are dropped before the next one is created.
static OVER: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Lock of the creation of databases: a template must not be in use while it is copied.
static MAKING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A database of its own on a server. After this value is dropped, the next creation removes
/// the database.
#[derive(Debug)]
pub struct Database {
    name: String,
    options: PgConnectOptions,
}

impl Database {
    /// Creates an empty database, or a copy of a template.
    ///
    /// # Errors
    /// Fails if the server cannot be reached or refuses.
    pub async fn create(cluster: &Cluster, template: Option<&str>) -> sqlx::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{count}", std::process::id());
        Self::named(cluster, name, template).await
    }

    /// Creates a database with a given name.
    ///
    /// # Errors
    /// Fails if the server cannot be reached or refuses, for instance because the name is
    /// taken.
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

    /// Returns the database's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the options to connect to the database.
    #[must_use]
    pub fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// Creates a pool of connections to the database.
    ///
    /// # Errors
    /// Fails if the server cannot be reached or refuses.
    pub async fn pool(&self, connections: u32) -> sqlx::Result<PgPool> {
        let pool = PgPoolOptions::new().max_connections(connections);
        pool.connect_with(self.options()).await
    }

    /// Leaks the database: it is not removed after this value, so that it can serve as a
    /// template. Returns its name.
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
