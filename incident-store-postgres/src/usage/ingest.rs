//! Storage of usage events.

use std::collections::BTreeSet;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use incident_core::impact::{ApiUsageEvent, UsageDays};
use incident_core::port::{UsageError, UsageSink};
use sqlx::{AssertSqlSafe, Executor, PgConnection};
use tokio::time::{Instant, timeout_at};

use super::state::{PgUsage, usage_error};
use super::table::UsageTable;
use crate::failure::{Failure, TOO_MANY_DAYS};

/// Returns the statement that creates the partitions of days, given by their number since 1970;
/// `None` without days. It fails with [`TOO_MANY_DAYS`] if there would be more than `most` in
/// all. One statement, under the lock that every creation of partitions takes, so that
/// concurrent writers cannot exceed the limit.
///
/// The days are numbers that this module computes, so they may be part of the text.
fn making(days: impl Iterator<Item = i64>, most: usize) -> Option<String> {
    let days: Vec<String> = days
        .map(|day| format!("date '1970-01-01' + {day}"))
        .collect();
    if days.is_empty() {
        return None;
    }
    Some(format!(
        "do $$ declare days date[] := array[{}]::date[]; held bigint; fresh bigint; \
         begin \
             perform pg_advisory_xact_lock(hashtextextended('incident.usage_days', 0)); \
             select count(*) into held from pg_inherits where inhparent = 'incident.usage_events'::regclass; \
             select count(*) into fresh from unnest(days) as day where not exists ( \
                 select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace \
                 where n.nspname = 'incident' and c.relname = 'usage_' || to_char(day, 'YYYYMMDD')); \
             if held + fresh > {most} and fresh > 0 then \
                 raise exception using errcode = '{TOO_MANY_DAYS}', message = 'too many days of usage', \
                     detail = (held + fresh)::text; \
             end if; \
             perform incident.usage_days(days); \
         end $$",
        days.join(", ")
    ))
}

/// Maximum number of days that are remembered to have a partition.
const MAX_KNOWN: usize = 10_000;

const COPY: &str = "copy incident.usage_events (tenant_id, user_id, service, occurred_at, failed, endpoint) from stdin";

/// Size of the pieces in which events are sent to the server, in bytes.
const PIECE: usize = 256 * 1024;

#[async_trait]
impl UsageSink for PgUsage {
    async fn record(
        &self,
        events: Vec<ApiUsageEvent>,
        timeout: Duration,
    ) -> Result<(), UsageError> {
        if self.table != UsageTable::own() {
            let why = "usage events cannot be written here: the usage table belongs to the host and is only read";
            return Err(UsageError::Refused(why.to_owned()));
        }
        if events.is_empty() {
            return Ok(());
        }
        let mut days = UsageDays::default();
        for event in &events {
            let day = days.add(event.occurred_at);
            day.map_err(|too_many| UsageError::Refused(too_many.to_string()))?;
        }
        let deadline = Instant::now() + timeout;
        match self.copied(&events, &days, deadline).await {
            // The partition of a day was dropped to delete its events; it is created again.
            Err(failure) if failure.is_without_partition() => {
                self.known_days().clear();
                self.copied(&events, &days, deadline).await
            }
            other => other,
        }
        .map_err(|failure| match failure.too_many_days() {
            Some(days) => UsageError::TooManyDays {
                days,
                limit: u64::try_from(self.most_days).unwrap_or(u64::MAX),
            },
            None => usage_error(failure),
        })
    }
}

impl PgUsage {
    fn known_days(&self) -> MutexGuard<'_, BTreeSet<i64>> {
        self.days.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Copies the events with one statement, so that all of them are stored or none.
    async fn copied(
        &self,
        events: &[ApiUsageEvent],
        days: &UsageDays,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let make = {
            let known = self.known_days();
            let new = days.numbers().filter(|day| !known.contains(day));
            making(new, self.most_days)
        };
        let mut session = self.server.session_to_write(deadline).await?;
        // Events that are copied inside of a transaction that was left open would be rolled
        // back.
        session.free().await?;
        let answer = timeout_at(deadline, copy(session.connection(), make, events)).await;
        session.end(answer)?;
        let mut known = self.known_days();
        if known.len() > MAX_KNOWN {
            // Some of the days were dropped since; those that still exist are found again.
            known.clear();
        }
        known.extend(days.numbers());
        Ok(())
    }
}

async fn copy(
    connection: &mut PgConnection,
    make: Option<String>,
    events: &[ApiUsageEvent],
) -> sqlx::Result<()> {
    if let Some(make) = make {
        connection.execute(AssertSqlSafe(make)).await?;
    }
    let mut copy = connection.copy_in_raw(COPY).await?;
    let mut piece = Vec::with_capacity(PIECE + 1_024);
    for event in events {
        write(&mut piece, event);
        if piece.len() >= PIECE {
            copy.send(piece.as_slice()).await?;
            piece.clear();
        }
    }
    copy.send(piece.as_slice()).await?;
    copy.finish().await?;
    Ok(())
}

/// Appends an event as a line of PostgreSQL's text format.
fn write(out: &mut Vec<u8>, event: &ApiUsageEvent) {
    for name in [
        event.tenant_id.as_str(),
        event.user_id.as_str(),
        event.service.as_str(),
    ] {
        escape(out, name);
        out.push(b'\t');
    }
    out.extend_from_slice(event.occurred_at.to_string().as_bytes());
    out.extend_from_slice(if event.failed { b"\tt\t" } else { b"\tf\t" });
    match &event.endpoint {
        Some(endpoint) => escape(out, endpoint.as_str()),
        None => out.extend_from_slice(b"\\N"),
    }
    out.push(b'\n');
}

fn escape(out: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            byte => out.push(byte),
        }
    }
}
