//! Storage: everything in memory, or in PostgreSQL.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use incident_axum::{MemorySessions, SessionStore};
use incident_core::engine::system::SystemClock;
use incident_core::engine::{BuildError, Incidents};
use incident_core::port::{ChangeLog, Clock, Store, TenantDirectory, UsageSink, UsageSource};
use incident_store_memory::{MemoryStore, MemoryUsage};
use incident_store_postgres::{
    Finding, FindingSeverity, Lending, MigrateError, PgStore, PgUsage, UsageTable, doctor, lending,
    migrate,
};
use incident_usage_clickhouse::{Address, ClickHouseUsage, OpenError};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor};

use crate::policy_file::PolicyFile;
use crate::sessions;

/// Maximum time to wait for the database at startup.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Server-side limits in case the client is gone; above the deadlines used here.
const LIMITS: &str = "set statement_timeout = '30s'; set lock_timeout = '5s'; \
     set idle_in_transaction_session_timeout = '10s'";

/// Maximum time of one connection attempt at startup.
const CONNECT: Duration = Duration::from_secs(10);

/// Maximum time of a migration, including the wait for another process that migrates.
const MIGRATION: Duration = Duration::from_secs(120);

/// Maximum wait for a connection before a request gets 503.
const ACQUIRE: Duration = Duration::from_secs(2);

/// Maximum time of an examination by the doctor.
const EXAMINATION: Duration = Duration::from_secs(10);

/// Connections for requests, for the relay and for usage events. The pools are separate, so that
/// neither a surge of requests nor slow queries can delay pages or declarations. Together they are
/// as many as PgBouncer allows by default.
const CONNECTIONS: u32 = 12;
const RELAY_CONNECTIONS: u32 = 4;
const USAGE_CONNECTIONS: u32 = 4;

/// A database, from `DATABASE_URL`. Its debug output does not contain the password.
#[derive(Clone)]
pub struct DatabaseSettings(PgConnectOptions);

impl fmt::Debug for DatabaseSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({self})")
    }
}

/// Address of the database, without the password.
impl fmt::Display for DatabaseSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (options, database) = (&self.0, self.0.get_database().unwrap_or_default());
        match options.get_socket() {
            Some(socket) => write!(f, "{database} at {}", socket.display()),
            None => write!(
                f,
                "{database} at {}:{}",
                options.get_host(),
                options.get_port()
            ),
        }
    }
}

impl FromStr for DatabaseSettings {
    type Err = &'static str;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let rest = url
            .strip_prefix("postgres://")
            .or_else(|| url.strip_prefix("postgresql://"))
            .ok_or("expected postgres://USER@HOST/DATABASE")?;
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        if !authority.contains('@') && !rest.contains("user=") {
            return Err("the user is missing; expected postgres://USER@HOST/DATABASE");
        }
        let options: PgConnectOptions = url
            .parse()
            .map_err(|_| "expected postgres://USER:PASSWORD@HOST:PORT/DATABASE")?;
        if options.get_database().is_none_or(str::is_empty) {
            return Err("the database name is missing; expected postgres://USER@HOST/DATABASE");
        }
        // Startup parameters are kept to a minimum, because poolers refuse others (PgBouncer:
        // "unsupported startup parameter").
        let options = options.application_name("incident-console");
        Ok(Self(options.extra_float_digits(None)))
    }
}

/// A database that cannot be used. No message contains a password.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// It does not respond, or refuses the connection.
    #[error("DATABASE_URL: could not connect to {0}")]
    Unreachable(DatabaseSettings, #[source] sqlx::Error),
    /// The tables could not be migrated.
    #[error("DATABASE_URL: could not migrate {0}")]
    Migrate(DatabaseSettings, #[source] MigrateError),
    /// The connections of a pooler cannot be used.
    #[error("DATABASE_URL: {0} is behind a connection pooler in transaction mode")]
    Pooler(DatabaseSettings, #[source] PoolerError),
    /// Data confirmed as stored could be lost.
    #[error(
        "DATABASE_URL: {0} is unsafe: {1} (set INCIDENT_ALLOW_UNSAFE_DATABASE=1 to start anyway)"
    )]
    Unsafe(DatabaseSettings, String),
    /// Usage events cannot be stored or counted at their address.
    #[error("USAGE_URL: {0}")]
    Usage(OpenError),
    /// The table of sessions could not be created.
    #[error("DATABASE_URL: could not migrate {0}")]
    Sessions(DatabaseSettings, #[source] sqlx::Error),
    /// It could not be examined.
    #[error("DATABASE_URL: could not check {0}")]
    Doctor(DatabaseSettings, #[source] incident_core::port::StoreError),
    /// Its contents could not be verified.
    #[error("DATABASE_URL: could not verify {0}")]
    Verify(DatabaseSettings, #[source] incident_core::engine::Error),
}

/// Advice about a pooler in transaction mode.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum PoolerError {
    /// Prepared statements are lost with each transaction.
    #[error(
        "the connection pooler does not support prepared statements: set pool_mode = session for this database, or \
         max_prepared_statements = 200 (PgBouncer 1.21 and later), or connect to PostgreSQL directly"
    )]
    Statements,
    /// Migrations need a session lock.
    #[error("to migrate, connect to PostgreSQL directly, or set pool_mode = session")]
    Migration,
}

/// A store, with the usage source.
#[derive(Clone)]
pub struct Storage {
    /// `memory` or `postgres`.
    pub name: &'static str,
    /// The lines to print at startup.
    pub startup_lines: Vec<String>,
    /// Sentences about the schema and the settings of the store, as they were at the start.
    pub facts: Vec<String>,
    /// The store of incidents and everything that belongs to them.
    pub store: Arc<dyn Store>,
    /// The log by which replicas number changes alike; in memory there are no replicas.
    pub changes: Option<Arc<dyn ChangeLog>>,
    /// The source of affected users.
    pub usage: Arc<dyn UsageSource>,
    /// The sink of usage events.
    pub sink: Arc<dyn UsageSink>,
    /// The directory of all tenants.
    pub directory: Arc<dyn TenantDirectory>,
    /// The sessions of people who sign in.
    pub sessions: Arc<dyn SessionStore>,
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Returns the line about the store to print at startup.
pub(crate) fn store_line(database: Option<&DatabaseSettings>) -> String {
    match database {
        Some(database) => format!("store: PostgreSQL, {database}"),
        None => "store: in memory; everything is lost at exit".to_owned(),
    }
}

/// Returns the line about a usage source of its own to print at startup.
pub(crate) fn usage_line(address: &Address) -> String {
    format!("usage: ClickHouse, {address}")
}

impl Default for Storage {
    /// Creates a storage in memory.
    fn default() -> Self {
        let usage = MemoryUsage::default();
        Self {
            name: "memory",
            startup_lines: vec![store_line(None)],
            facts: Vec::new(),
            store: Arc::new(MemoryStore::default()),
            changes: None,
            usage: Arc::new(usage.clone()),
            sink: Arc::new(usage.clone()),
            directory: Arc::new(usage),
            sessions: Arc::new(MemorySessions::default()),
        }
    }
}

impl Storage {
    /// Builds an engine without pagers. It must not drain the outbox: it would have no target for
    /// pending pages of live incidents.
    ///
    /// # Errors
    /// Never fails for a valid storage; fallible only because the builder is.
    pub fn engine(self, policy: &PolicyFile) -> Result<Incidents, BuildError> {
        let builder = policy.engine(self.store).usage(self.usage);
        builder.directory(self.directory).build()
    }

    /// Returns the maximum number of connections of its pools.
    #[must_use]
    pub fn connections(&self) -> usize {
        match self.name {
            "postgres" => (CONNECTIONS + RELAY_CONNECTIONS + USAGE_CONNECTIONS) as usize,
            _ => 0,
        }
    }

    /// Stores usage events elsewhere: waits for the server, creates its table, and refuses an
    /// incompatible one.
    ///
    /// # Errors
    /// Returns [`StorageError::Usage`] if the server or its table cannot be used.
    pub async fn with_usage(self, address: &Address) -> Result<Self, StorageError> {
        let started = Instant::now();
        let usage = loop {
            match ClickHouseUsage::open(address.clone(), EXAMINATION).await {
                Ok(usage) => break usage,
                Err(OpenError::Unreachable { .. }) if started.elapsed() < CONNECT_TIMEOUT => {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                Err(error) => return Err(StorageError::Usage(error)),
            }
        };
        let mut startup_lines = self.startup_lines;
        startup_lines.push(usage_line(address));
        Ok(Self {
            startup_lines,
            usage: Arc::new(usage.clone()),
            sink: Arc::new(usage.clone()),
            directory: Arc::new(usage),
            ..self
        })
    }

    /// Opens a database: waits for it, migrates it, and refuses it if it is unsafe.
    ///
    /// # Errors
    /// Fails if it cannot be used; see [`StorageError`].
    pub async fn open(
        database: &DatabaseSettings,
        allow_unsafe: bool,
    ) -> Result<Self, StorageError> {
        database.wait().await?;
        let lending = database.lending().await?;
        // Migrations need a session lock, which such a pooler does not support; missing tables are
        // found below.
        let mut facts = Vec::new();
        if lending == Lending::Session {
            database.migrate().await?;
            facts.push("the schema was brought up to date at the start".to_owned());
        }
        let pool = database.pool_for(CONNECTIONS, lending);
        for finding in database.examine(&pool).await? {
            match finding.level {
                FindingSeverity::Unsafe if !allow_unsafe => {
                    return Err(StorageError::Unsafe(database.clone(), finding.message));
                }
                FindingSeverity::Unsafe | FindingSeverity::Warning => {
                    tracing::warn!("database check: {finding}");
                    facts.push(finding.message);
                }
            }
        }
        let usage = PgUsage::new(database.pool_for(USAGE_CONNECTIONS, lending));
        let relay = database.pool_for(RELAY_CONNECTIONS, lending);
        let sessions = sessions::open(pool.clone()).await;
        let store = PgStore::builder(pool).relay_pool(relay).build();
        Ok(Self {
            name: "postgres",
            startup_lines: vec![store_line(Some(database))],
            facts,
            changes: Some(Arc::new(store.change_log())),
            store: Arc::new(store),
            usage: Arc::new(usage.clone()),
            sink: Arc::new(usage.clone()),
            directory: Arc::new(usage),
            sessions,
        })
    }
}

impl DatabaseSettings {
    /// Waits up to half a minute for the database, and migrates it.
    ///
    /// # Errors
    /// Fails if it does not respond, refuses the connection, or cannot be migrated.
    pub async fn migrate(&self) -> Result<(), StorageError> {
        self.wait().await?;
        if self.lending().await? != Lending::Session {
            return Err(StorageError::Pooler(self.clone(), PoolerError::Migration));
        }
        migrate(&self.0, MIGRATION)
            .await
            .map_err(|error| StorageError::Migrate(self.clone(), error))
    }

    /// Checks once that the database responds and can be used.
    ///
    /// # Errors
    /// Fails if it does not respond or refuses the connection; the error has the reason, which a
    /// pool's error lacks.
    pub async fn reach(&self) -> Result<(), StorageError> {
        self.lending().await.map(|_| ())
    }

    async fn connects(&self) -> sqlx::Result<()> {
        let late = |_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
        let connected = tokio::time::timeout(CONNECT, self.0.connect()).await;
        let connection = connected.map_err(late)??;
        let _ = connection.close().await;
        Ok(())
    }

    /// Returns the role that connects.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        Some(self.0.get_username()).filter(|name| !name.is_empty())
    }

    /// Returns the name of the database.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.get_database()
    }

    async fn wait(&self) -> Result<(), StorageError> {
        let started = Instant::now();
        loop {
            match self.connects().await {
                Ok(()) => return Ok(()),
                Err(error) if may_come(&error) && started.elapsed() < CONNECT_TIMEOUT => {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                Err(error) => return Err(StorageError::Unreachable(self.clone(), error)),
            }
        }
    }

    /// Returns the problems of the database.
    ///
    /// # Errors
    /// Fails if it does not respond.
    pub async fn examine(&self, pool: &PgPool) -> Result<Vec<Finding>, StorageError> {
        let now = SystemClock.now();
        doctor(pool, &UsageTable::own(), now, EXAMINATION)
            .await
            .map_err(|error| StorageError::Doctor(self.clone(), error))
    }

    /// Detects how a pooler, if any, lends connections.
    ///
    /// # Errors
    /// Fails if it does not respond, or if the pooler's connections cannot be used.
    pub async fn lending(&self) -> Result<Lending, StorageError> {
        let asked = async {
            let (mut one, mut other) = (self.0.connect().await?, self.0.connect().await?);
            let lending = lending(&mut one, &mut other).await?;
            let _ = (one.close().await, other.close().await);
            Ok(lending)
        };
        let late = |_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
        let lending = tokio::time::timeout(CONNECT, asked).await;
        let lending = lending.map_err(late).and_then(|lending| lending);
        let lending = lending.map_err(|error| StorageError::Unreachable(self.clone(), error))?;
        if matches!(lending, Lending::Transaction { prepares: false }) {
            let error = PoolerError::Statements;
            return Err(StorageError::Pooler(self.clone(), error));
        }
        Ok(lending)
    }

    /// Returns a lazy pool for a server, or for a pooler that lends a connection for the session.
    #[must_use]
    pub fn pool(&self, connections: u32) -> PgPool {
        self.pool_for(connections, Lending::Session)
    }

    fn pool_for(&self, connections: u32, lending: Lending) -> PgPool {
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE)
            // Calls detect a dead connection themselves and take another one.
            .test_before_acquire(false);
        // Settings made in a lent transaction would apply to other clients.
        let pool = if matches!(lending, Lending::Session) {
            pool.after_connect(|connection, _| {
                Box::pin(async move { connection.execute(LIMITS).await.map(|_| ()) })
            })
        } else {
            pool
        };
        pool.connect_lazy_with(self.0.clone())
    }
}

/// Returns whether waiting helps: the server is not reachable yet or is starting. A wrong password
/// stays wrong.
fn may_come(error: &sqlx::Error) -> bool {
    match error.as_database_error() {
        // cannot_connect_now
        Some(refusal) => refusal.code().is_some_and(|code| code == "57P03"),
        None => matches!(error, sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_address_is_valid() {
        let guide = include_str!("../../../docs/postgres.md");
        let line = guide
            .lines()
            .find_map(|line| line.strip_prefix("DATABASE_URL='"));
        let address = line.and_then(|line| line.strip_suffix('\'')).unwrap();
        let settings: DatabaseSettings = address.parse().unwrap();
        assert_eq!(settings.to_string(), "incident at db.example:5432");
    }

    #[test]
    fn the_pools_are_those_of_the_table() {
        let table = include_str!("../../../docs/limits.md");
        let value = |name: &str| {
            let row = table
                .lines()
                .find(|line| line.starts_with(&format!("| {name} |")));
            let value = row.and_then(|row| row.split('|').nth(2)).unwrap();
            value.trim().to_owned()
        };
        for (name, connections) in [
            ("connections for requests", CONNECTIONS),
            ("connections of the relay", RELAY_CONNECTIONS),
            (
                "connections for usage events and questions",
                USAGE_CONNECTIONS,
            ),
        ] {
            assert_eq!(value(name), connections.to_string(), "{name}");
        }
        // As many as PgBouncer allows by default.
        assert_eq!(CONNECTIONS + RELAY_CONNECTIONS + USAGE_CONNECTIONS, 20);
        let seconds = |time: Duration| format!("{} s", time.as_secs());
        assert_eq!(value("wait for a connection"), seconds(ACQUIRE));
        let start = format!(
            "{}, {} for one attempt",
            seconds(CONNECT_TIMEOUT),
            seconds(CONNECT)
        );
        assert_eq!(value("wait for the database at the start"), start);
        let migration = format!("{}; {}", seconds(MIGRATION), seconds(EXAMINATION));
        assert_eq!(value("migration; look of the doctor"), migration);
    }

    #[test]
    fn passwords_are_never_shown_and_urls_are_checked() {
        let database: DatabaseSettings = "postgres://app:canary@db.example:5433/console"
            .parse()
            .unwrap();
        assert_eq!(database.to_string(), "console at db.example:5433");
        assert!(!format!("{database:?}").contains("canary"));
        let socket: DatabaseSettings = "postgres://app@localhost/console?host=/run/pg"
            .parse()
            .unwrap();
        assert_eq!(socket.to_string(), "console at /run/pg");
        for (wrong, word) in [
            ("mysql://u:canary@h/d", "postgres://"),
            ("postgres://db.example/console", "user"),
            ("postgres://app:canary@db.example", "database"),
            ("postgres://app:canary@db.example:port/x", "HOST"),
        ] {
            let error = wrong.parse::<DatabaseSettings>().unwrap_err();
            assert!(error.contains(word) && !error.contains("canary"), "{error}");
        }
    }
}
