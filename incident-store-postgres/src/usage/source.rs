//! The usage source on PostgreSQL.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::try_join_all;
use incident_core::TenantId;
use incident_core::impact::{Breakdown, ImpactCounts, ImpactQuery, MAX_DAYS};
use incident_core::port::{TenantDirectory, UsageError, UsageSource};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row};
use tokio::time::Instant;

use super::count::QueryPlan;
use super::incremental::MIN_COST;
use super::latency::LatencyTracker;
use super::state::{PgUsage, TenantKey, usage_error};
use super::table::{UsageTable, quoted};
use crate::access::{PgServer, Session, again, limited};
use crate::failure::Failure;
use crate::row;

/// How long a look at one column of the host's table may take.
const LOOK: Duration = Duration::from_secs(5);

/// How many connections a question takes at a time, unless told otherwise.
const CONNECTIONS: usize = 2;

/// Makes a [`PgUsage`].
#[derive(Debug)]
#[must_use]
pub struct PgUsageBuilder {
    pool: PgPool,
    connections: usize,
    follow_from: Duration,
    most_days: usize,
}

/// A table that events cannot be counted in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UsageTableError {
    /// The server cannot be asked.
    #[error("the server cannot be asked about the table")]
    Server(#[source] sqlx::Error),
    /// The table or a column is not there.
    #[error("there is no column {column} in {table}")]
    Missing {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A column has a type that cannot be used.
    #[error("the column {column} is {found}; expected {expected}")]
    Type {
        /// The column.
        column: String,
        /// Its type.
        found: String,
        /// What would do.
        expected: &'static str,
    },
}

impl PgUsage {
    /// Our own table, which [`migrate`](crate::migrate) made.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self::builder(pool).build()
    }

    /// The host's table. It is only read, and never changed.
    ///
    /// # Errors
    /// A column is missing or has a type that cannot be used.
    pub async fn over(pool: PgPool, table: UsageTable) -> Result<Self, UsageTableError> {
        Self::builder(pool).build_over(table).await
    }

    /// Starts with the host's pool.
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
    /// Asks over so many connections of the pool at a time, where there are several
    /// tenants: one for the total, the others for the counts. Two if not given.
    pub fn connections(self, connections: usize) -> Self {
        let connections = connections.max(1);
        Self {
            connections,
            ..self
        }
    }

    /// Follows questions about our own table that take as long: one that is asked again with
    /// a later end, as a report on a live incident is, costs what came since. 20 ms if
    /// not given.
    pub fn incremental_above(self, took: Duration) -> Self {
        Self {
            follow_from: took,
            ..self
        }
    }

    /// Holds events of so many days at most, [`MAX_DAYS`] if not given: each day is a
    /// partition of our own table, and a question looks at each that it may need.
    pub fn days_at_most(self, days: usize) -> Self {
        Self {
            most_days: days,
            ..self
        }
    }

    /// Over our own table, which [`migrate`](crate::migrate) made.
    #[must_use]
    pub fn build(self) -> PgUsage {
        self.with(UsageTable::own(), TenantKey::Text)
    }

    /// Over the host's table. It is only read, and never changed.
    ///
    /// # Errors
    /// A column is missing or has a type that cannot be used.
    pub async fn build_over(self, table: UsageTable) -> Result<PgUsage, UsageTableError> {
        // Of any type, but there: found missing now rather than in the first report.
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

/// The columns whose type matters, the tenant's first, with the types that do.
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
    /// The rows of a statement about some of the windows of a question.
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

    /// All of a question, over several connections. The total looks at as much as all counts
    /// together, so it has one of its own.
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
        let rows = try_join_all(total.into_iter().chain(counts)).await?;
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

    /// A question that took too long is refused with its size, if that can be told by the
    /// end of it.
    async fn answered<T>(
        &self,
        found: Result<T, Failure>,
        asked: &QueryPlan<'_>,
        query: &ImpactQuery,
        deadline: Instant,
    ) -> Result<T, UsageError> {
        match found {
            Err(failure) if failure.is_late() => Err(UsageError::TimedOut {
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

async fn broken_down(session: &mut Session, asked: &QueryPlan<'_>) -> sqlx::Result<Breakdown> {
    limited!(session, |connection| asked.breakdown(connection))
}

/// How much of the time is left for saying how large a question was.
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

    /// The exact counts: without an extension of the server, an estimate would take it as
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

/// Every tenant, by jumping from one to the next in the index.
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
