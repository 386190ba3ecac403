//! The statements that count users.

use std::iter;
use std::ops::Range;

use chrono::{DateTime, Utc};
use incident_core::impact::{ImpactCounts, ImpactQuery};
use incident_core::port::UsageError;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection};
use tokio::time::Instant;

use super::state::{PgUsage, TenantKey};
use super::table::{UsageTable, quoted};
use crate::access::{PgSession, limited};
use crate::document::time;
use crate::row;

/// The page of a list of users.
#[derive(Clone, Copy, Debug)]
pub(super) struct ListedPage<'a> {
    /// The name that it begins after; empty for the first one.
    pub(super) after: &'a str,
    /// Maximum number of names.
    pub(super) limit: i64,
}

/// A usage query as its statements take it: the windows of all tenants in four bound lists of
/// equal length.
pub(super) struct QueryPlan<'a> {
    source: &'a PgUsage,
    query: &'a ImpactQuery,
    /// The condition on events beside tenant and time; `$7` is the list of services.
    filter: String,
    /// The index of the tenant in the query, for each window.
    places: Vec<i32>,
    tenants: Vec<&'a str>,
    starts: Vec<DateTime<Utc>>,
    ends: Vec<DateTime<Utc>>,
    /// The page of a list of users, bound after everything else.
    pub(super) page: Option<ListedPage<'a>>,
}

impl TenantKey {
    /// Returns the SQL type to which a tenant's name is cast.
    const fn cast(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Uuid => "uuid",
            Self::Integer => "bigint",
        }
    }

    /// Returns `true` if a tenant of this name can have events.
    fn fits(self, name: &str) -> bool {
        match self {
            Self::Text => true,
            Self::Uuid => uuid::Uuid::try_parse(name).is_ok(),
            Self::Integer => name.parse::<i64>().is_ok(),
        }
    }
}

pub(super) const SPANS: &str = "unnest($1::int[], $2::text[], $3::timestamptz[], $4::timestamptz[]) \
                     as s (place, tenant, start_at, end_at)";

impl<'a> QueryPlan<'a> {
    pub(super) fn of(source: &'a PgUsage, query: &'a ImpactQuery) -> Result<Self, UsageError> {
        let mut plan = Self {
            source,
            query,
            filter: filter(source, query)?,
            places: Vec::new(),
            tenants: Vec::new(),
            starts: Vec::new(),
            ends: Vec::new(),
            page: None,
        };
        for (place, one) in (0..).zip(query.tenants()) {
            if !source.key.fits(one.tenant.as_str()) {
                continue;
            }
            for window in one.windows.as_slice() {
                plan.places.push(place);
                plan.tenants.push(one.tenant.as_str());
                plan.starts.push(time(window.start()));
                plan.ends.push(time(window.end()));
            }
        }
        Ok(plan)
    }

    /// Returns the range of all windows.
    pub(super) fn all(&self) -> Range<usize> {
        0..self.places.len()
    }

    /// Splits the windows into parts for a number of connections. The windows of one tenant
    /// stay together.
    pub(super) fn parts(&self, connections: usize) -> Vec<Range<usize>> {
        let all = self.places.len();
        let long = all.div_ceil(connections.max(1)).max(1);
        let (mut parts, mut start) = (Vec::new(), 0);
        while start < all {
            let mut end = (start + long).min(all);
            while self.is_one_tenant(end) {
                end += 1;
            }
            parts.push(start..end);
            start = end;
        }
        parts
    }

    fn is_one_tenant(&self, end: usize) -> bool {
        let place = |at: usize| self.places.get(at);
        end > 0 && place(end).is_some() && place(end) == place(end - 1)
    }

    /// Computes the size of a range of windows: one unit for each window and one for each of
    /// its hours.
    pub(super) fn units(&self, windows: &Range<usize>) -> u64 {
        let (starts, ends) = (part(&self.starts, windows), part(&self.ends, windows));
        let hours = |(start, end): (&DateTime<Utc>, &DateTime<Utc>)| (*end - start).num_hours();
        let hours = starts.iter().zip(ends).map(hours);
        hours.map(|hours| 1 + hours.unsigned_abs()).sum()
    }

    /// Returns the statement that counts `n` users for each tenant's `place`.
    pub(super) fn counts(&self, windows: &Range<usize>) -> String {
        let events = self.events();
        let mut pairs = part(&self.places, windows).windows(2);
        let single = pairs.all(|two| matches!(two, [a, b] if a != b));
        if single {
            // With one window per tenant, each is counted by itself.
            format!(
                "select s.place, c.n from {SPANS} cross join lateral (select count(distinct u) as n from ({events}) e) c"
            )
        } else {
            format!(
                "select s.place, count(distinct e.u) as n from {SPANS} cross join lateral ({events}) e group by s.place"
            )
        }
    }

    /// Returns the statement that counts the users of all tenants, with -1 as their place.
    pub(super) fn total(&self) -> String {
        let events = self.events();
        // Users are made distinct per tenant first, so that fewer are compared across tenants.
        format!(
            "select -1 as place, count(distinct e.u) as n from {SPANS} \
             cross join lateral (select distinct u from ({events}) e) e"
        )
    }

    /// Converts the rows of these statements to counts.
    pub(super) fn answer<'r>(
        &self,
        rows: impl Iterator<Item = &'r PgRow>,
    ) -> sqlx::Result<ImpactCounts> {
        let mut counts = ImpactCounts::exact(self.query, iter::repeat(0), 0);
        for row in rows {
            let (place, users): (i32, _) = (row::get(row, "place")?, row::count(row, "n")?);
            let place = usize::try_from(place).ok();
            match place.and_then(|place| counts.by_tenant.get_mut(place)) {
                Some(one) => one.unique_users = users,
                None => counts.total_unique_users = users,
            }
        }
        if let [one] = counts.by_tenant.as_slice() {
            // With one tenant, the total is that tenant's count.
            counts.total_unique_users = one.unique_users;
        }
        Ok(counts)
    }

    /// Returns the subquery for the events of a window: always by tenant and time, so that the
    /// index is used for any number of tenants. `$5` and `$6` bound all windows, so that
    /// partitions of other times are excluded from the start.
    pub(super) fn events(&self) -> String {
        self.events_with("")
    }

    /// Returns the same subquery with more columns of the event `e`.
    pub(super) fn events_with(&self, columns: &str) -> String {
        let UsageTable {
            tenant,
            user,
            occurred_at,
            ..
        } = &self.source.table;
        let (tenant, user, at) = (quoted(tenant), quoted(user), quoted(occurred_at));
        format!(
            "select e.{user} as u{columns} from {} e where e.{tenant} = s.tenant::{} \
             and e.{at} >= s.start_at and e.{at} < s.end_at and e.{at} >= $5 and e.{at} < $6{}",
            self.source.table.name(),
            self.source.key.cast(),
            self.filter
        )
    }

    /// Returns `true` if only events of some services count.
    pub(super) const fn has_services(&self) -> bool {
        self.query.services.is_some()
    }

    pub(super) const fn table(&self) -> &UsageTable {
        &self.source.table
    }

    /// Returns the condition on an event `e` beside tenant and time.
    pub(super) fn filter(&self) -> &str {
        &self.filter
    }

    /// Runs a statement for a range of windows.
    pub(super) async fn run(
        &self,
        sql: &str,
        windows: &Range<usize>,
        connection: &mut PgConnection,
    ) -> sqlx::Result<Vec<PgRow>> {
        let (starts, ends) = (part(&self.starts, windows), part(&self.ends, windows));
        // Made of constants, and of names that were checked and quoted.
        let mut statement = sqlx::query(AssertSqlSafe(sql))
            .bind(part(&self.places, windows))
            .bind(part(&self.tenants, windows))
            .bind(starts)
            .bind(ends)
            .bind(starts.iter().min())
            .bind(ends.iter().max());
        if let Some(services) = &self.query.services {
            let services = services.iter().map(|one| one.as_str());
            statement = statement.bind(services.collect::<Vec<_>>());
        }
        if let Some(page) = self.page {
            statement = statement.bind(page.after).bind(page.limit);
        }
        statement.fetch_all(connection).await
    }

    /// Runs a statement and records its duration. If the time may not suffice, the server stops
    /// it when the time is up: it would go on counting for a client that is gone.
    pub(super) async fn run_bounded(
        &self,
        sql: &str,
        windows: &Range<usize>,
        session: &mut PgSession,
    ) -> sqlx::Result<Vec<PgRow>> {
        let left = session.left();
        if self.source.latency.needs_limit(self.units(windows), left) {
            limited!(session, |connection| self
                .run_timed(sql, windows, connection))
        } else {
            self.run_timed(sql, windows, session.connection()).await
        }
    }

    async fn run_timed(
        &self,
        sql: &str,
        windows: &Range<usize>,
        connection: &mut PgConnection,
    ) -> sqlx::Result<Vec<PgRow>> {
        let started = Instant::now();
        let rows = self.run(sql, windows, connection).await;
        let latency = &self.source.latency;
        latency.note(self.units(windows), started.elapsed());
        rows
    }

    /// Returns the number of events in the query as the server's planner estimates it.
    pub(super) async fn estimate(&self, connection: &mut PgConnection) -> sqlx::Result<u64> {
        let UsageTable {
            tenant,
            occurred_at,
            ..
        } = &self.source.table;
        let (tenant, at) = (quoted(tenant), quoted(occurred_at));
        let sql = format!(
            "explain select 1 from {} e where e.{tenant} = any($1::text[]::{}[]) and e.{at} >= $2 and e.{at} < $3",
            self.source.table.name(),
            self.source.key.cast(),
        );
        let plan = sqlx::query(AssertSqlSafe(sql))
            .bind(&self.tenants)
            .bind(self.starts.iter().min())
            .bind(self.ends.iter().max())
            .fetch_one(connection)
            .await?;
        let top: &str = row::get(&plan, "QUERY PLAN")?;
        let rows = top
            .split("rows=")
            .nth(1)
            .and_then(|rest| rest.split(' ').next());
        rows.and_then(|rows| rows.parse().ok())
            .ok_or_else(|| row::unreadable("the query plan has no row estimate"))
    }
}

fn part<'a, T>(list: &'a [T], windows: &Range<usize>) -> &'a [T] {
    list.get(windows.clone()).unwrap_or_default()
}

fn filter(source: &PgUsage, query: &ImpactQuery) -> Result<String, UsageError> {
    let missing = |what: &str| {
        let table = source.table.name();
        UsageError::Refused(format!("the table {table} has no column for {what}"))
    };
    let mut filter = String::new();
    if query.services.is_some() {
        let column = source.table.service.as_deref();
        let column = column.ok_or_else(|| missing("services"))?;
        filter.push_str(&format!(" and e.{} = any($7)", quoted(column)));
    }
    if query.failed_only {
        let column = source.table.failed.as_deref();
        let column = column.ok_or_else(|| missing("failures"))?;
        filter.push_str(&format!(" and e.{}", quoted(column)));
    }
    Ok(filter)
}
