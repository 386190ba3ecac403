//! Makes the tables.

use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection, Row, SqlSafeStr};

use crate::read_only;

/// The migrations, in order. A migration that was released is never changed.
const MIGRATIONS: [(i64, &str, &str); 5] = [
    (
        1,
        "incident",
        include_str!("../migrations/0001_incident.sql"),
    ),
    (
        2,
        "alerts_and_leases",
        include_str!("../migrations/0002_alerts_and_leases.sql"),
    ),
    (
        3,
        "one_round_trip",
        include_str!("../migrations/0003_one_round_trip.sql"),
    ),
    (
        4,
        "redaction",
        include_str!("../migrations/0004_redaction.sql"),
    ),
    (
        5,
        "kept_credits",
        include_str!("../migrations/0005_kept_credits.sql"),
    ),
];

/// The newest of them.
pub(crate) const LATEST: i64 = 5;

/// The schema that everything lies in.
pub(crate) const SCHEMA: &str = "incident";

/// The tables could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The server cannot be reached.
    #[error("the server cannot be reached")]
    Connect(#[source] sqlx::Error),
    /// The server takes no writes; the sentence says why, and what to do.
    #[error("{0}")]
    ReadOnly(&'static str),
    /// A migration failed; it was undone.
    #[error("the migration failed and was undone")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// It took too long: another process may be migrating.
    #[error("the migration did not end in time")]
    Late,
}

/// Brings the schema `incident` of a database up to date.
///
/// Runs on a connection of its own, which is closed afterwards: a migration that
/// fails leaves its lock behind on a pooled one. Processes that migrate at the
/// same time wait for each other. The list of what was applied is
/// `incident._migrations`, so that a host's own migrations are not disturbed.
///
/// A newer version may have migrated further; that is no error here.
///
/// # Errors
/// The server cannot be reached, a migration failed, or `timeout` is over.
pub async fn migrate(options: &PgConnectOptions, timeout: Duration) -> Result<(), MigrateError> {
    let work = async {
        let mut connection = PgConnection::connect_with(options)
            .await
            .map_err(MigrateError::Connect)?;
        if is_current(&mut connection).await {
            // A server's own role may not be allowed to migrate, and need not.
            let _ = connection.close().await;
            return Ok(());
        }
        if let Some(reason) = read_only::reason(&mut connection)
            .await
            .map_err(MigrateError::Connect)?
        {
            let _ = connection.close().await;
            return Err(MigrateError::ReadOnly(reason));
        }
        // `run` is generic over what it takes a connection from, and its future is
        // then `Send` for no caller; this is what it calls.
        let done = migrator().run_direct(None, &mut connection, false).await;
        // The connection may be broken by then; what counts is the migration.
        let _ = connection.close().await;
        done.map_err(MigrateError::Migrate)
    };
    tokio::time::timeout(timeout, work)
        .await
        .unwrap_or(Err(MigrateError::Late))
}

async fn is_current(connection: &mut PgConnection) -> bool {
    let sql = "select coalesce(max(version), 0) as version from incident._migrations where success";
    let found = sqlx::query(sql).fetch_one(connection).await;
    found.is_ok_and(|row| {
        row.try_get::<i64, _>("version")
            .is_ok_and(|version| version >= LATEST)
    })
}

fn migrator() -> Migrator {
    let migrations = MIGRATIONS
        .into_iter()
        .map(|(version, name, sql)| {
            let kind = MigrationType::Simple;
            Migration::new(version, name.into(), kind, sql.into_sql_str(), false)
        })
        .collect();
    let mut migrator = Migrator::with_migrations(migrations);
    migrator.dangerous_set_table_name(format!("{SCHEMA}._migrations"));
    migrator.create_schema(SCHEMA);
    migrator.set_ignore_missing(true);
    migrator
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_is_the_last() {
        let last = MIGRATIONS.last().map(|(version, _, _)| *version);
        assert_eq!(last, Some(LATEST));
        assert!(MIGRATIONS.is_sorted_by_key(|(version, _, _)| *version));
    }
}
