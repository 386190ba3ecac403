//! Counting distinct users.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use incident_core::TenantId;
use incident_core::impact::{ApiUsageEvent, ImpactCounts, ImpactQuery, TenantCount};
use incident_core::port::{TenantDirectory, UsageError, UsageSink, UsageSource};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row};
use tokio::time::{Instant, timeout_at};

use crate::access::{Session, Timed};
use crate::document::time;
use crate::failure::{Failure, Late};
use crate::row;
use crate::usage_table::{UsageTable, quoted};

/// Counts distinct users exactly, in our own table or in the host's. Clones
/// share its pool.
#[derive(Clone, Debug)]
pub struct PgUsage(Arc<Source>);

#[derive(Debug)]
struct Source {
    pool: PgPool,
    table: UsageTable,
    key: TenantKey,
}

/// The type of the column of tenants: a parameter is cast to it, never the
/// column, which would leave its index unused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TenantKey {
    Text,
    Uuid,
    Integer,
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
        Self(Arc::new(Source {
            pool,
            table: UsageTable::own(),
            key: TenantKey::Text,
        }))
    }

    /// The host's table. It is only read, and never changed.
    ///
    /// # Errors
    /// A column is missing or has a type that cannot be used.
    pub async fn over(pool: PgPool, table: UsageTable) -> Result<Self, UsageTableError> {
        // Of any type, but there: found missing now rather than in the first report.
        type_of(&pool, &table, &table.user).await?;
        let mut types = Vec::new();
        for (column, expected) in columns(&table) {
            types.push((column, type_of(&pool, &table, column).await?, expected));
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
        Ok(Self(Arc::new(Source { pool, table, key })))
    }

    async fn session(&self, until: Instant) -> Result<Session, UsageError> {
        Session::open(&self.0.pool, until).await.map_err(trouble)
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
        .fetch_optional(pool)
        .await
        .map_err(UsageTableError::Server)?;
    let missing = || UsageTableError::Missing {
        table: table.name(),
        column: column.to_owned(),
    };
    let found = found.ok_or_else(missing)?;
    found.try_get("type").map_err(UsageTableError::Server)
}

fn trouble(failure: Failure) -> UsageError {
    match failure {
        Failure::Before(source) | Failure::During(source) if source.is::<Late>() => {
            UsageError::TimedOut
        }
        Failure::Before(source) | Failure::During(source) | Failure::Unreadable(source) => {
            UsageError::Unavailable(source)
        }
        Failure::Server(error) => UsageError::Unavailable(Box::new(error)),
    }
}

fn ended<T>(session: Session, answer: Timed<T>) -> Result<T, UsageError> {
    session.end(answer).map_err(trouble)
}

/// One window of one tenant of the question.
struct Span {
    place: i32,
    tenant: String,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

impl TenantKey {
    /// The type that a name is cast to.
    const fn cast(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Uuid => "uuid",
            Self::Integer => "bigint",
        }
    }

    /// Whether a tenant of this name can have events at all.
    fn fits(self, name: &str) -> bool {
        match self {
            Self::Text => true,
            Self::Uuid => uuid::Uuid::try_parse(name).is_ok(),
            Self::Integer => name.parse::<i64>().is_ok(),
        }
    }
}

impl Source {
    /// What an event must be, beside tenant and time; `$5` are the services.
    fn filter(&self, query: &ImpactQuery) -> Result<String, UsageError> {
        let missing = |what: &str| {
            let table = self.table.name();
            UsageError::Unavailable(format!("the table {table} has no column of {what}").into())
        };
        let mut filter = String::new();
        if query.services.is_some() {
            let column = self
                .table
                .service
                .as_deref()
                .ok_or_else(|| missing("services"))?;
            filter.push_str(&format!(" and e.{} = any($5)", quoted(column)));
        }
        if query.failed_only {
            let column = self
                .table
                .failed
                .as_deref()
                .ok_or_else(|| missing("failures"))?;
            filter.push_str(&format!(" and e.{}", quoted(column)));
        }
        Ok(filter)
    }

    /// The events of each window: always by tenant and time, so that the index
    /// serves however many tenants there are.
    fn events(&self, filter: &str) -> String {
        let UsageTable {
            tenant,
            user,
            occurred_at,
            ..
        } = &self.table;
        let (tenant, user, at) = (quoted(tenant), quoted(user), quoted(occurred_at));
        format!(
            "select e.{user} as u from {} e where e.{tenant} = s.tenant::{} \
             and e.{at} >= s.start_at and e.{at} < s.end_at{filter}",
            self.table.name(),
            self.key.cast()
        )
    }

    fn spans(&self, query: &ImpactQuery) -> Vec<Span> {
        let mut spans = Vec::new();
        for (place, one) in (0..).zip(query.tenants()) {
            if !self.key.fits(one.tenant.as_str()) {
                continue;
            }
            spans.extend(one.windows.as_slice().iter().map(|window| Span {
                place,
                tenant: one.tenant.as_str().to_owned(),
                start: time(window.start()),
                end: time(window.end()),
            }));
        }
        spans
    }
}

const SPANS: &str = "unnest($1::int[], $2::text[], $3::timestamptz[], $4::timestamptz[]) \
                     as s (place, tenant, start_at, end_at)";

/// Counts by place, and in all.
async fn count(
    connection: &mut PgConnection,
    source: &Source,
    query: &ImpactQuery,
    filter: &str,
) -> sqlx::Result<(Vec<(i32, u64)>, u64)> {
    let spans = source.spans(query);
    let events = source.events(filter);
    let single = spans
        .windows(2)
        .all(|two| matches!(two, [a, b] if a.place != b.place));
    let by_tenant = if single {
        // One window per tenant: each is counted by itself.
        format!(
            "select s.place, c.n from {SPANS} cross join lateral (select count(distinct u) as n from ({events}) e) c"
        )
    } else {
        format!(
            "select s.place, count(distinct e.u) as n from {SPANS} cross join lateral ({events}) e group by s.place"
        )
    };
    let rows = asked(by_tenant, &spans, query, &mut *connection).await?;
    let counts: Vec<(i32, u64)> = rows
        .iter()
        .map(|row| Ok((row::get(row, "place")?, row::count(row, "n")?)))
        .collect::<sqlx::Result<_>>()?;
    if query.tenants().len() < 2 {
        let total = counts.iter().map(|(_, count)| count).sum();
        return Ok((counts, total));
    }
    let total =
        format!("select count(distinct e.u) as n from {SPANS} cross join lateral ({events}) e");
    let rows = asked(total, &spans, query, connection).await?;
    let total = rows.first().map_or(Ok(0), |row| row::count(row, "n"))?;
    Ok((counts, total))
}

async fn asked(
    sql: String,
    spans: &[Span],
    query: &ImpactQuery,
    connection: &mut PgConnection,
) -> sqlx::Result<Vec<sqlx::postgres::PgRow>> {
    // Made of constants and of names that were checked and quoted.
    let mut statement = sqlx::query(AssertSqlSafe(sql))
        .bind(spans.iter().map(|span| span.place).collect::<Vec<_>>())
        .bind(
            spans
                .iter()
                .map(|span| span.tenant.clone())
                .collect::<Vec<_>>(),
        )
        .bind(spans.iter().map(|span| span.start).collect::<Vec<_>>())
        .bind(spans.iter().map(|span| span.end).collect::<Vec<_>>());
    if let Some(services) = &query.services {
        let services = services.iter().map(|one| one.as_str().to_owned());
        statement = statement.bind(services.collect::<Vec<_>>());
    }
    statement.fetch_all(connection).await
}

#[async_trait]
impl UsageSource for PgUsage {
    fn name(&self) -> &'static str {
        "postgres"
    }

    async fn unique_users(
        &self,
        query: &ImpactQuery,
        within: Duration,
    ) -> Result<ImpactCounts, UsageError> {
        let until = Instant::now() + within;
        let filter = self.0.filter(query)?;
        let mut session = self.session(until).await?;
        let answer = timeout_at(until, count(session.connection(), &self.0, query, &filter)).await;
        let (counts, total_unique_users) = ended(session, answer)?;
        let places: HashMap<i32, u64> = counts.into_iter().collect();
        let by_tenant = (0..).zip(query.tenants()).map(|(place, one)| TenantCount {
            tenant: one.tenant.clone(),
            unique_users: places.get(&place).copied().unwrap_or(0),
        });
        Ok(ImpactCounts {
            by_tenant: by_tenant.collect(),
            total_unique_users,
        })
    }
}

#[async_trait]
impl UsageSink for PgUsage {
    async fn record(&self, events: Vec<ApiUsageEvent>, within: Duration) -> Result<(), UsageError> {
        if self.0.table != UsageTable::own() {
            let why = "the host's table is only read; write events where the host does";
            return Err(UsageError::Unavailable(why.into()));
        }
        let until = Instant::now() + within;
        let mut session = Session::clean(&self.0.pool, until).await.map_err(trouble)?;
        let answer = timeout_at(until, insert(session.connection(), &events)).await;
        ended(session, answer)
    }
}

async fn insert(connection: &mut PgConnection, events: &[ApiUsageEvent]) -> sqlx::Result<()> {
    let sql = "insert into incident.usage_events (tenant_id, user_id, service, occurred_at, failed, endpoint) \
               select * from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::boolean[], $6::text[])";
    let texts = |of: fn(&ApiUsageEvent) -> &str| -> Vec<String> {
        events.iter().map(|event| of(event).to_owned()).collect()
    };
    sqlx::query(sql)
        .bind(texts(|event| event.tenant_id.as_str()))
        .bind(texts(|event| event.user_id.as_str()))
        .bind(texts(|event| event.service.as_str()))
        .bind(
            events
                .iter()
                .map(|event| time(event.occurred_at))
                .collect::<Vec<_>>(),
        )
        .bind(events.iter().map(|event| event.failed).collect::<Vec<_>>())
        .bind(
            events
                .iter()
                .map(|event| event.endpoint.as_ref().map(|text| text.as_str().to_owned()))
                .collect::<Vec<_>>(),
        )
        .execute(connection)
        .await?;
    Ok(())
}

#[async_trait]
impl TenantDirectory for PgUsage {
    async fn tenants(&self, within: Duration) -> Result<Vec<TenantId>, UsageError> {
        let until = Instant::now() + within;
        let mut session = self.session(until).await?;
        let answer = timeout_at(until, tenants(session.connection(), &self.0)).await;
        ended(session, answer)
    }
}

/// Every tenant, by jumping from one to the next in the index.
async fn tenants(connection: &mut PgConnection, source: &Source) -> sqlx::Result<Vec<TenantId>> {
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
    rows.iter().map(|row| row::parsed(row, "tenant")).collect()
}
