//! The statements that count.

use std::ops::Range;

use chrono::{DateTime, Utc};
use incident_core::impact::ImpactQuery;
use incident_core::port::UsageError;
use sqlx::{AssertSqlSafe, PgConnection};

use super::state::{PgUsage, TenantKey};
use super::table::{UsageTable, quoted};
use crate::document::time;
use crate::row;

/// One window of one tenant of the question.
pub(super) struct Span {
    place: i32,
    tenant: String,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

/// A question as statements take it.
pub(super) struct QueryPlan<'a> {
    source: &'a PgUsage,
    query: &'a ImpactQuery,
    /// What an event must be, beside tenant and time; `$7` are the services.
    filter: String,
    spans: Vec<Span>,
}

/// A part of the question that one connection answers.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// The counts of the tenants of these spans.
    Counts(Range<usize>),
    /// The distinct users of all.
    Total,
}

/// The answer to a part.
pub(super) enum PartAnswer {
    /// By place of the tenant.
    Counts(Vec<(i32, u64)>),
    /// Over all tenants.
    Total(u64),
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

pub(super) const SPANS: &str = "unnest($1::int[], $2::text[], $3::timestamptz[], $4::timestamptz[]) \
                     as s (place, tenant, start_at, end_at)";

impl<'a> QueryPlan<'a> {
    pub(super) fn of(source: &'a PgUsage, query: &'a ImpactQuery) -> Result<Self, UsageError> {
        Ok(Self {
            source,
            query,
            filter: filter(source, query)?,
            spans: spans(source, query),
        })
    }

    /// The parts of the question, for so many connections: the total looks at as much
    /// as all counts together, so it has one of its own.
    pub(super) fn parts(&self, connections: usize) -> Vec<Part> {
        if self.query.tenants().len() < 2 {
            return vec![Part::Counts(0..self.spans.len())];
        }
        let runs = connections.saturating_sub(1).max(1);
        let long = self.spans.len().div_ceil(runs).max(1);
        let (mut parts, mut start) = (vec![Part::Total], 0);
        while start < self.spans.len() {
            let mut end = (start + long).min(self.spans.len());
            // The windows of one tenant are counted together.
            while self.is_one_tenant(end) {
                end += 1;
            }
            parts.push(Part::Counts(start..end));
            start = end;
        }
        parts
    }

    fn is_one_tenant(&self, end: usize) -> bool {
        let place = |at: usize| self.spans.get(at).map(|span| span.place);
        end > 0 && place(end).is_some() && place(end) == place(end - 1)
    }

    /// How much a part asks about: a unit for each window, and one for each hour of it.
    pub(super) fn units(&self, part: &Part) -> u64 {
        let spans = match part {
            Part::Counts(range) => self.spans.get(range.clone()).unwrap_or_default(),
            Part::Total => &self.spans,
        };
        let hours = |span: &Span| (span.end - span.start).num_hours().unsigned_abs();
        spans.iter().map(|span| 1 + hours(span)).sum()
    }

    pub(super) async fn answer(
        &self,
        part: &Part,
        connection: &mut PgConnection,
    ) -> sqlx::Result<PartAnswer> {
        match part {
            Part::Counts(range) => self.counts(range.clone(), connection).await,
            Part::Total => self.total(connection).await,
        }
    }

    async fn counts(
        &self,
        range: Range<usize>,
        connection: &mut PgConnection,
    ) -> sqlx::Result<PartAnswer> {
        let spans = self.spans.get(range).unwrap_or_default();
        let events = self.events();
        let single = spans
            .windows(2)
            .all(|two| matches!(two, [a, b] if a.place != b.place));
        let sql = if single {
            // One window per tenant: each is counted by itself.
            format!(
                "select s.place, c.n from {SPANS} cross join lateral (select count(distinct u) as n from ({events}) e) c"
            )
        } else {
            format!(
                "select s.place, count(distinct e.u) as n from {SPANS} cross join lateral ({events}) e group by s.place"
            )
        };
        let rows = self.run(sql, spans, connection).await?;
        let counts = rows
            .iter()
            .map(|row| Ok((row::get(row, "place")?, row::count(row, "n")?)));
        Ok(PartAnswer::Counts(counts.collect::<sqlx::Result<_>>()?))
    }

    async fn total(&self, connection: &mut PgConnection) -> sqlx::Result<PartAnswer> {
        let events = self.events();
        // Each tenant's users once first: the rest is compared with one another.
        let sql = format!(
            "select count(distinct e.u) as n from {SPANS} cross join lateral (select distinct u from ({events}) e) e"
        );
        let rows = self.run(sql, &self.spans, connection).await?;
        let total = rows.first().map_or(Ok(0), |row| row::count(row, "n"))?;
        Ok(PartAnswer::Total(total))
    }

    /// The events of each window: always by tenant and time, so that the index
    /// serves however many tenants there are. `$5` and `$6` bound all windows, so that
    /// partitions of other times are left out from the start.
    fn events(&self) -> String {
        self.events_with("")
    }

    /// The same with more columns of the event `e`.
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

    pub(super) const fn table(&self) -> &UsageTable {
        &self.source.table
    }

    /// What an event `e` must be, beside tenant and time.
    pub(super) fn filter(&self) -> &str {
        &self.filter
    }

    pub(super) fn spans(&self) -> &[Span] {
        &self.spans
    }

    pub(super) async fn run(
        &self,
        sql: String,
        spans: &[Span],
        connection: &mut PgConnection,
    ) -> sqlx::Result<Vec<sqlx::postgres::PgRow>> {
        // Made of constants and of names that were checked and quoted.
        let mut statement = sqlx::query(AssertSqlSafe(sql))
            .bind(spans.iter().map(|span| span.place).collect::<Vec<_>>())
            .bind(names(spans))
            .bind(spans.iter().map(|span| span.start).collect::<Vec<_>>())
            .bind(spans.iter().map(|span| span.end).collect::<Vec<_>>())
            .bind(spans.iter().map(|span| span.start).min())
            .bind(spans.iter().map(|span| span.end).max());
        if let Some(services) = &self.query.services {
            let services = services.iter().map(|one| one.as_str().to_owned());
            statement = statement.bind(services.collect::<Vec<_>>());
        }
        statement.fetch_all(connection).await
    }

    /// About how many events the question is about, as the server estimates it.
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
        let bounds = |of: fn(&Span) -> DateTime<Utc>| self.spans.iter().map(of);
        let plan = sqlx::query(AssertSqlSafe(sql))
            .bind(names(&self.spans))
            .bind(bounds(|span| span.start).min())
            .bind(bounds(|span| span.end).max())
            .fetch_one(connection)
            .await?;
        let top: &str = row::get(&plan, "QUERY PLAN")?;
        let rows = top
            .split("rows=")
            .nth(1)
            .and_then(|rest| rest.split(' ').next());
        rows.and_then(|rows| rows.parse().ok())
            .ok_or_else(|| row::unreadable("a plan without an estimate"))
    }
}

fn names(spans: &[Span]) -> Vec<String> {
    spans.iter().map(|span| span.tenant.clone()).collect()
}

fn filter(source: &PgUsage, query: &ImpactQuery) -> Result<String, UsageError> {
    let missing = |what: &str| {
        let table = source.table.name();
        UsageError::Refused(format!("the table {table} has no column of {what}"))
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

fn spans(source: &PgUsage, query: &ImpactQuery) -> Vec<Span> {
    let mut spans = Vec::new();
    for (place, one) in (0..).zip(query.tenants()) {
        if !source.key.fits(one.tenant.as_str()) {
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
