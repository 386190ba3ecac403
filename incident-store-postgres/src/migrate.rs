//! Creation and upgrade of the schema.

use std::time::Duration;

use sqlx::migrate::{Migrate, Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection, Executor, SqlSafeStr};

use crate::{read_only, row};

/// The migrations, in order. A released migration is never changed.
const MIGRATIONS: [(i64, &str, &str); 10] = [
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
    (
        6,
        "functions_and_names",
        include_str!("../migrations/0006_functions_and_names.sql"),
    ),
    (7, "changes", include_str!("../migrations/0007_changes.sql")),
    (
        8,
        "public_ids",
        include_str!("../migrations/0008_public_ids.sql"),
    ),
    (
        9,
        "dismissed_suggestions",
        include_str!("../migrations/0009_dismissed_suggestions.sql"),
    ),
    (
        10,
        "response",
        include_str!("../migrations/0010_response.sql"),
    ),
];

/// Version of the newest migration.
pub(crate) const LATEST: i64 = 10;

/// The functions, procedures and trigger functions of this version. They are created after the
/// migrations and replace those of an older version.
const FUNCTIONS: &str = concat!(
    include_str!("../sql/chains.sql"),
    include_str!("../sql/commit.sql"),
    include_str!("../sql/credits.sql"),
    include_str!("../sql/outbox.sql"),
    include_str!("../sql/redaction.sql"),
    include_str!("../sql/guards.sql"),
    include_str!("../sql/usage.sql"),
    include_str!("../sql/changes.sql"),
    include_str!("../sql/roles.sql"),
    include_str!("../sql/version_5.sql"),
);

/// Version of [`FUNCTIONS`], to be raised when released functions change. Functions of a higher
/// version stay as they are, so that a process about to be replaced does not restore its own.
const FUNCTIONS_VERSION: i64 = 5;

/// Query that is true if the functions are those of this version or of a newer one.
const FUNCTIONS_ARE_CURRENT: &str = "select exists (select 1 from incident._functions where version > $1 \
     or version = $1 and hash = sha256(convert_to($2, 'UTF8'))) as current";

const NOTE_FUNCTIONS: &str = "insert into incident._functions (version, hash) \
     values ($1, sha256(convert_to($2, 'UTF8'))) \
     on conflict (version) do update set hash = excluded.hash, applied_at = excluded.applied_at";

/// Name of the schema that holds all tables.
pub(crate) const SCHEMA: &str = "incident";

/// An error of [`migrate`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The server cannot be reached.
    #[error("could not connect to the server")]
    Connect(#[source] sqlx::Error),
    /// The server accepts no writes; the message names the reason and the remedy.
    #[error("{0}")]
    ReadOnly(&'static str),
    /// A migration failed and was rolled back.
    #[error("the migration failed and was rolled back")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// The time-out expired: another process may be migrating.
    #[error("the migration timed out")]
    Late,
}

/// Brings the schema `incident` of a database up to date.
///
/// Runs on a connection of its own, which is closed afterwards: a failed migration would leave
/// its lock behind on a pooled one. Concurrent migrations wait for each other. Applied
/// migrations are listed in `incident._migrations`, so that the host's own migrations are not
/// disturbed.
///
/// A schema that a newer version has migrated further is not an error.
///
/// # Errors
/// Returns [`MigrateError::Connect`] if the server cannot be reached,
/// [`MigrateError::ReadOnly`] if it accepts no writes, [`MigrateError::Migrate`] if a migration
/// fails, and [`MigrateError::Late`] if `timeout` expires.
pub async fn migrate(options: &PgConnectOptions, timeout: Duration) -> Result<(), MigrateError> {
    let work = async {
        let mut connection = PgConnection::connect_with(options)
            .await
            .map_err(MigrateError::Connect)?;
        if is_current(&mut connection).await {
            // The role of an application may not migrate, and does not have to.
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
        let done = bring_up_to_date(&mut connection).await;
        // Closing may fail on a broken connection; only the result of the migration counts. The
        // lock ends with the connection.
        let _ = connection.close().await;
        done.map_err(MigrateError::Migrate)
    };
    tokio::time::timeout(timeout, work)
        .await
        .unwrap_or(Err(MigrateError::Late))
}

async fn is_current(connection: &mut PgConnection) -> bool {
    let sql = "select coalesce(max(version), 0) as version from incident._migrations where success";
    let found = sqlx::query(sql).fetch_one(&mut *connection).await;
    let is_latest =
        found.is_ok_and(|row| row::get::<i64>(&row, "version").is_ok_and(|one| one >= LATEST));
    is_latest && functions_are_current(connection).await.unwrap_or(false)
}

/// Returns `true` if the functions are those of this version or of a newer one.
pub(crate) async fn functions_are_current(connection: &mut PgConnection) -> sqlx::Result<bool> {
    let found = sqlx::query(FUNCTIONS_ARE_CURRENT)
        .bind(FUNCTIONS_VERSION)
        .bind(FUNCTIONS);
    row::get(&found.fetch_one(connection).await?, "current")
}

/// Applies migrations and functions in one transaction: processes of the previous version run
/// on meanwhile, and never see functions of one version on tables of another.
async fn bring_up_to_date(
    connection: &mut PgConnection,
) -> Result<(), sqlx::migrate::MigrateError> {
    // The migrator takes the lock once more and releases it before the transaction ends. This
    // one makes other migrations, of any version, wait for the commit.
    connection.lock().await?;
    let mut transaction = connection.begin().await?;
    // `run` is generic over the source of its connection, which makes its future `Send` for no
    // caller; this is the method that it calls.
    migrator()
        .run_direct(None, &mut *transaction, false)
        .await?;
    if !functions_are_current(&mut transaction).await? {
        transaction.execute(FUNCTIONS).await?;
        let note = sqlx::query(NOTE_FUNCTIONS)
            .bind(FUNCTIONS_VERSION)
            .bind(FUNCTIONS);
        note.execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
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
