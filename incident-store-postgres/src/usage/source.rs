//! The usage source on PostgreSQL.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::try_join_all;
use incident_core::TenantId;
use incident_core::impact::{Breakdown, ImpactCounts, ImpactQuery, MAX_DAYS, UserPage};
use incident_core::port::{TenantDirectory, UsageError, UsageSource};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row};
use tokio::time::Instant;

use super::count::{ListedPage, QueryPlan};
use super::incremental::MIN_COST;
use super::latency::LatencyTracker;
use super::state::{PgUsage, TenantKey, usage_error};
use super::table::{UsageTable, quoted};
use crate::access::{PgServer, PgSession, again, limited};
use crate::failure::Failure;
use crate::row;

/// Time-out of the check of one column of the host's table.
const LOOK: Duration = Duration::from_secs(5);

/// Default number of connections that a query uses at a time.
const CONNECTIONS: usize = 2;

/// A builder of [`PgUsage`].
#[derive(Debug)]
#[must_use]
pub struct PgUsageBuilder {
    pool: PgPool,
    connections: usize,
    follow_from: Duration,
    most_days: usize,
}

/// An error of a table in which events cannot be counted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UsageTableError {
    /// The server does not reply, or refuses to describe the table.
    #[error("could not inspect the usage table")]
    Server(#[source] sqlx::Error),
    /// The table or the column does not exist.
    #[error("the table {table} has no column {column}")]
    Missing {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// The column has a type that cannot be used.
    #[error("the column {column} is {found}; expected {expected}")]
    Type {
        /// The column.
        column: String,
        /// Its type.
        found: String,
        /// The supported types.
        expected: &'static str,
    },
}

impl PgUsage {
    /// Creates a source over `incident.usage_events`, which [`migrate`](crate::migrate)
    /// creates.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self::builder(pool).build()
    }

    /// Creates a source over the host's table, which is only read and never changed.
    ///
    /// # Errors
    /// Fails as [`PgUsageBuilder::build_over`] does.
    pub async fn over(pool: PgPool, table: UsageTable) -> Result<Self, UsageTableError> {
        Self::builder(pool).build_over(table).await
    }

    /// Creates a builder over the host's pool.
    pub const fn builder(pool: PgPool) -> PgUsageBuilder {
        PgUsageBuilder {
            pool,
            connections: CONNECTIONS,
            follow_from: MIN_COST,
            most_days: MAX_DAYS,
        }
    }
}

impl PgUsageBuilder {
    /// Sets the maximum number of connections that a query uses at a time: of several tenants one
    /// for the total, the others for the counts. Default: 2.
    pub fn connections(self, connections: usize) -> Self {
        let connections = connections.max(1);
        Self {
            connections,
            ..self
        }
    }

    /// Sets the duration from which a query over `incident.usage_events` is followed: if it is
    /// repeated with a later end, as for a report on a live incident, only the events that came
    /// since are counted. Default: 20 ms.
    pub fn incremental_above(self, took: Duration) -> Self {
        Self {
            follow_from: took,
            ..self
        }
    }

    /// Sets the maximum number of days with events: each day is a partition of
    /// `incident.usage_events`, and a query visits each one that it may need. Default:
    /// [`MAX_DAYS`].
    pub fn days_at_most(self, days: usize) -> Self {
        Self {
            most_days: days,
            ..self
        }
    }

    /// Builds a source over `incident.usage_events`, which [`migrate`](crate::migrate) creates.
    #[must_use]
    pub fn build(self) -> PgUsage {
        self.with(UsageTable::own(), TenantKey::Text)
    }

    /// Builds a source over the host's table, which is only read and never changed.
    ///
    /// # Errors
    /// Returns [`UsageTableError::Missing`] if the table or a column does not exist,
    /// [`UsageTableError::Type`] if one has a type that cannot be used, and
    /// [`UsageTableError::Server`] if the server does not reply or refuses the lookup.
    pub async fn build_over(self, table: UsageTable) -> Result<PgUsage, UsageTableError> {
        // It may have any type, but must exist: a typo is found now instead of in the first
        // report.
        type_of(&self.pool, &table, &table.user).await?;
        let mut types = Vec::new();
        for (column, expected) in columns(&table) {
            types.push((column, type_of(&self.pool, &table, column).await?, expected));
        }
        for (column, found, expected) in &types {
            if !expected.split(", ").any(|one| one == found) {
                return Err(UsageTableError::Type {
                    column: (*column).to_owned(),
                    found: found.clone(),
                    expected,
                });
            }
        }
        let tenant = types.first().map_or("", |(_, found, _)| found.as_str());
        let key = match tenant {
            "uuid" => TenantKey::Uuid,
            "bigint" | "integer" | "smallint" => TenantKey::Integer,
            _ => TenantKey::Text,
        };
        Ok(self.with(table, key))
    }

    fn with(self, table: UsageTable, key: TenantKey) -> PgUsage {
        PgUsage {
            server: PgServer::new(self.pool),
            table,
            key,
            connections: self.connections,
            days: Arc::default(),
            latency: LatencyTracker::default(),
            started: Instant::now(),
            live: Arc::default(),
            follow_from: self.follow_from,
            most_days: self.most_days,
        }
    }
}

const TENANT_TYPES: &str = "text, character varying, uuid, bigint, integer, smallint";
const TEXT_TYPES: &str = "text, character varying";

/// Returns the columns whose type matters, the tenant's first, with their supported types.
fn columns(table: &UsageTable) -> Vec<(&str, &'static str)> {
    let mut columns = vec![
        (table.tenant.as_str(), TENANT_TYPES),
        (table.occurred_at.as_str(), "timestamp with time zone"),
    ];
    columns.extend(table.service.as_deref().map(|column| (column, TEXT_TYPES)));
    columns.extend(table.failed.as_deref().map(|column| (column, "boolean")));
    columns.extend(table.endpoint.as_deref().map(|column| (column, TEXT_TYPES)));
    columns
}

async fn type_of(
    pool: &PgPool,
    table: &UsageTable,
    column: &str,
) -> Result<String, UsageTableError> {
    let sql = "select format_type(a.atttypid, null) as type from pg_attribute a \
               join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace \
               where n.nspname = $1 and c.relname = $2 and a.attname = $3 and a.attnum > 0 and not a.attisdropped";
    let found = sqlx::query(sql)
        .bind(&table.schema)
        .bind(&table.table)
        .bind(column)
        .fetch_optional(pool);
    let found = tokio::time::timeout(LOOK, found).await;
    let late = |_| UsageTableError::Server(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()));
    let found = found.map_err(late)?.map_err(UsageTableError::Server)?;
    let missing = || UsageTableError::Missing {
        table: table.name(),
        column: column.to_owned(),
    };
    let found = found.ok_or_else(missing)?;
    found.try_get("type").map_err(UsageTableError::Server)
}

impl PgUsage {
    /// Reads the rows of a statement for a range of a query's windows.
    async fn rows(
        &self,
        asked: &QueryPlan<'_>,
        sql: String,
        windows: Range<usize>,
        deadline: Instant,
    ) -> Result<Vec<PgRow>, Failure> {
        again!(&self.server, deadline, |session| asked.run_bounded(
            &sql,
            &windows,
            &mut session
        ))
    }

    /// Counts a query in full, over several connections. The total reads as much as all other
    /// counts together, so it has a connection of its own.
    async fn whole(
        &self,
        asked: &QueryPlan<'_>,
        query: &ImpactQuery,
        deadline: Instant,
    ) -> Result<ImpactCounts, Failure> {
        let several = query.tenants().len() > 1;
        let parts = if several {
            asked.parts(self.connections.saturating_sub(1))
        } else {
            vec![asked.all()]
        };
        let total = several.then(|| self.rows(asked, asked.total(), asked.all(), deadline));
        let counts = parts.into_iter().map(|part| {
            let sql = asked.counts(&part);
            self.rows(asked, sql, part, deadline)
        });
        let jobs = total.into_iter().chain(counts);
        let mut rows = Vec::new();
        if self.connections == 1 {
            for job in jobs {
                rows.push(job.await?);
            }
        } else {
            rows = try_join_all(jobs).await?;
        }
        asked.answer(rows.iter().flatten()).map_err(Failure::of)
    }

    async fn breakdown_of(
        &self,
        asked: &QueryPlan<'_>,
        deadline: Instant,
    ) -> Result<Breakdown, Failure> {
        again!(&self.server, deadline, |session| broken_down(
            &mut session,
            asked
        ))
    }

    /// Converts the result of a query. One that took too long is refused with its size, if the
    /// server reports that before `deadline`.
    async fn answered<T>(
        &self,
        found: Result<T, Failure>,
        asked: &QueryPlan<'_>,
        query: &ImpactQuery,
        deadline: Instant,
    ) -> Result<T, UsageError> {
        match found {
            Err(failure) if failure.is_late() => Err(UsageError::QueryTimedOut {
                tenants: query.tenants().len(),
                events: self.size(asked, deadline).await,
            }),
            other => other.map_err(usage_error),
        }
    }

    async fn size(&self, asked: &QueryPlan<'_>, deadline: Instant) -> Option<u64> {
        let estimate = again!(&self.server, deadline, |session| asked
            .estimate(session.connection()));
        estimate.ok()
    }
}

async fn broken_down(session: &mut PgSession, asked: &QueryPlan<'_>) -> sqlx::Result<Breakdown> {
    limited!(session, |connection| asked.breakdown(connection))
}

async fn listed(session: &mut PgSession, asked: &QueryPlan<'_>) -> sqlx::Result<Vec<String>> {
    limited!(session, |connection| asked.users(connection))
}

/// Time that is reserved for reporting the size of a query that was too large.
const RESERVE: Duration = Duration::from_millis(300);

#[async_trait]
impl UsageSource for PgUsage {
    fn name(&self) -> &'static str {
        "postgres"
    }

    async fn unique_users(
        &self,
        query: &ImpactQuery,
        timeout: Duration,
    ) -> Result<ImpactCounts, UsageError> {
        let asked = QueryPlan::of(self, query)?;
        let started = Instant::now();
        let end = started + timeout;
        let deadline = end - RESERVE.min(timeout / 5);
        let found = match self.followed(&asked, query, deadline).await {
            Ok(Some(counts)) => return Ok(counts),
            Ok(None) => self.whole(&asked, query, deadline).await,
            Err(failure) => Err(failure),
        };
        if let Ok(counts) = &found {
            self.note(query, started.elapsed(), counts);
        }
        self.answered(found, &asked, query, end).await
    }

    /// Returns the exact counts: without an extension of the server, an estimate would take as
    /// long.
    async fn estimates(
        &self,
        query: &ImpactQuery,
        timeout: Duration,
    ) -> Result<ImpactCounts, UsageError> {
        let counts = self.unique_users(query, timeout).await?;
        Ok(counts.with_relative_error(0))
    }

    async fn breakdown(
        &self,
        query: &ImpactQuery,
        timeout: Duration,
    ) -> Result<Breakdown, UsageError> {
        let asked = QueryPlan::of(self, query)?;
        let end = Instant::now() + timeout;
        let deadline = end - RESERVE.min(timeout / 5);
        let found = self.breakdown_of(&asked, deadline).await;
        self.answered(found, &asked, query, end).await
    }

    async fn users(
        &self,
        query: &ImpactQuery,
        after: Option<&str>,
        limit: usize,
        timeout: Duration,
    ) -> Result<UserPage, UsageError> {
        let mut asked = QueryPlan::of(self, query)?;
        asked.page = Some(ListedPage {
            after: after.unwrap_or_default(),
            limit: i64::try_from(limit).unwrap_or(i64::MAX),
        });
        let end = Instant::now() + timeout;
        let deadline = end - RESERVE.min(timeout / 5);
        let found = again!(&self.server, deadline, |session| listed(
            &mut session,
            &asked
        ));
        let names = self.answered(found, &asked, query, end).await?;
        Ok(UserPage::new(names, limit))
    }
}

#[async_trait]
impl TenantDirectory for PgUsage {
    async fn tenants(&self, timeout: Duration) -> Result<Vec<TenantId>, UsageError> {
        let deadline = Instant::now() + timeout;
        let tenants = again!(&self.server, deadline, |session| tenants(
            session.connection(),
            self
        ));
        tenants.map_err(usage_error)
    }
}

/// Lists every tenant, by jumping from one to the next in the index.
async fn tenants(connection: &mut PgConnection, source: &PgUsage) -> sqlx::Result<Vec<TenantId>> {
    let (table, tenant) = (source.table.name(), quoted(&source.table.tenant));
    let sql = format!(
        "with recursive seen as ( \
             (select {tenant} as t from {table} order by {tenant} limit 1) \
             union all \
             select (select e.{tenant} from {table} e where e.{tenant} > seen.t order by e.{tenant} limit 1) \
             from seen where seen.t is not null) \
         select t::text as tenant from seen where t is not null"
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| row::stored(row, "tenant")).collect()
}
