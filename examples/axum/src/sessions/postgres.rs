//! Sessions in a PostgreSQL table of their own.

use std::time::Duration;

use async_trait::async_trait;
use incident_core::{PersonName, Timestamp};
use sqlx::postgres::{PgPool, PgQueryResult, PgRow};
use sqlx::{Postgres, Row};

use super::session::{Session, SessionId};
use super::store::{MAX_SESSIONS, SessionError, SessionStore};

/// Maximum time of a call: requests with a session wait for it.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The table and its index, in a schema of their own.
const SCHEMA: &str = include_str!("sessions.sql");

/// Sessions in the table `incident_axum.sessions`, on the host's pool: they outlive the process, and
/// replicas share them. Clones share the pool.
///
/// Every call is a single statement, so that poolers in transaction mode work, and ends within two
/// seconds.
#[derive(Clone, Debug)]
pub struct PgSessions(PgPool);

impl PgSessions {
    /// Creates a store on a pool. Call [`migrate`](Self::migrate) before the first use.
    #[must_use]
    pub const fn new(pool: PgPool) -> Self {
        Self(pool)
    }

    /// Creates the schema `incident_axum` with its table if it is not there. A role that does not
    /// own it gets the rights that it needs by `select incident_axum.grant_to('ROLE')`.
    ///
    /// # Errors
    /// Fails if the database is unavailable, or the table is missing and the role may not create
    /// it.
    pub async fn migrate(&self) -> Result<(), sqlx::Error> {
        if self.exists().await? {
            return Ok(());
        }
        match sqlx::raw_sql(SCHEMA).execute(&self.0).await {
            Ok(_) => Ok(()),
            // Another process may have created it at the same moment, which `if not exists` does
            // not prevent from failing.
            Err(error) if error.as_database_error().is_some() => match self.exists().await {
                Ok(true) => Ok(()),
                _ => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    async fn exists(&self) -> Result<bool, sqlx::Error> {
        // The last thing that is created. Asked of the catalogue, which needs no rights.
        let sql = "select exists (select from pg_catalog.pg_proc p
                       join pg_catalog.pg_namespace n on n.oid = p.pronamespace
                   where n.nspname = 'incident_axum' and p.proname = 'grant_to')";
        bounded(sqlx::query_scalar(sql).fetch_one(&self.0)).await
    }

    async fn execute(
        &self,
        query: sqlx::query::Query<'_, Postgres, sqlx::postgres::PgArguments>,
    ) -> Result<PgQueryResult, SessionError> {
        bounded(query.execute(&self.0)).await.map_err(failed)
    }
}

/// Limits the time of a call. A connection whose query was cut off is not used again.
async fn bounded<T>(call: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    let late = |_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
    tokio::time::timeout(TIMEOUT, call).await.map_err(late)?
}

fn failed(error: sqlx::Error) -> SessionError {
    SessionError(error.into())
}

fn session(row: &PgRow) -> sqlx::Result<Session> {
    Ok(Session {
        id: SessionId(digest(row, "id")?),
        person: PersonName::stored(row.try_get::<&str, _>("person")?).map_err(unreadable)?,
        login: digest(row, "login")?,
        created_at: Timestamp::from_chrono(row.try_get("created_at")?).map_err(unreadable)?,
        used_at: Timestamp::from_chrono(row.try_get("used_at")?).map_err(unreadable)?,
    })
}

fn digest(row: &PgRow, column: &str) -> sqlx::Result<[u8; 32]> {
    row.try_get::<&[u8], _>(column)?
        .try_into()
        .map_err(unreadable)
}

fn unreadable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

#[async_trait]
impl SessionStore for PgSessions {
    async fn insert(&self, new: &Session) -> Result<(), SessionError> {
        let others = i64::try_from(MAX_SESSIONS - 1).unwrap_or(i64::MAX);
        let query = sqlx::query(
            "with surplus as (
                 delete from incident_axum.sessions where id in (
                     select id from incident_axum.sessions where person = $2 and id <> $1
                     order by created_at desc, id desc offset $6))
             insert into incident_axum.sessions (id, person, login, created_at, used_at)
             values ($1, $2, $3, $4, $5)",
        );
        let query = query
            .bind(new.id.0)
            .bind(new.person.as_str())
            .bind(new.login)
            .bind(new.created_at.to_chrono())
            .bind(new.used_at.to_chrono())
            .bind(others);
        self.execute(query).await.map(|_| ())
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, SessionError> {
        let query = sqlx::query(
            "select id, person, login, created_at, used_at from incident_axum.sessions where id = $1",
        );
        let row = bounded(query.bind(id.0).fetch_optional(&self.0)).await;
        let row = row.map_err(failed)?;
        row.as_ref().map(session).transpose().map_err(failed)
    }

    async fn touch(&self, id: SessionId, used_at: Timestamp) -> Result<(), SessionError> {
        let query = sqlx::query(
            "update incident_axum.sessions set used_at = $2 where id = $1 and used_at < $2",
        );
        let query = query.bind(id.0).bind(used_at.to_chrono());
        self.execute(query).await.map(|_| ())
    }

    async fn remove(&self, id: SessionId) -> Result<(), SessionError> {
        let query = sqlx::query("delete from incident_axum.sessions where id = $1");
        self.execute(query.bind(id.0)).await.map(|_| ())
    }

    async fn remove_all_of(&self, person: &PersonName) -> Result<u64, SessionError> {
        let query = sqlx::query("delete from incident_axum.sessions where person = $1");
        let done = self.execute(query.bind(person.as_str())).await?;
        Ok(done.rows_affected())
    }

    async fn remove_expired(
        &self,
        created_before: Timestamp,
        used_before: Timestamp,
    ) -> Result<(), SessionError> {
        let query =
            sqlx::query("delete from incident_axum.sessions where created_at < $1 or used_at < $2");
        let query = query
            .bind(created_before.to_chrono())
            .bind(used_before.to_chrono());
        self.execute(query).await.map(|_| ())
    }
}
