//! Taking events in.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use chrono::NaiveDate;
use incident_core::impact::ApiUsageEvent;
use incident_core::port::{UsageError, UsageSink};
use sqlx::PgConnection;
use tokio::time::{Instant, timeout_at};

use super::table::UsageTable;
use super::{PgUsage, trouble};
use crate::document::time;
use crate::failure::Failure;

/// Most days that the events of one batch may lie on: each needs a partition.
const MOST_DAYS: usize = 400;

const COPY: &str = "copy incident.usage_events (tenant_id, user_id, service, occurred_at, failed, endpoint) from stdin";

/// How much is sent to the server at a time.
const PIECE: usize = 256 * 1024;

#[async_trait]
impl UsageSink for PgUsage {
    async fn record(&self, events: Vec<ApiUsageEvent>, within: Duration) -> Result<(), UsageError> {
        if self.0.table != UsageTable::own() {
            let why = "the host's table is only read; write events where the host does";
            return Err(UsageError::Refused(why.to_owned()));
        }
        if events.is_empty() {
            return Ok(());
        }
        let day = |event: &ApiUsageEvent| time(event.occurred_at).date_naive();
        let days: BTreeSet<NaiveDate> = events.iter().map(day).collect();
        if days.len() > MOST_DAYS {
            let why = format!(
                "the events lie on {} days; send those of at most {MOST_DAYS} days at a time",
                days.len()
            );
            return Err(UsageError::Refused(why));
        }
        let until = Instant::now() + within;
        match self.copied(&events, &days, until).await {
            // Somebody dropped a day's partition, to be rid of it: the day begins anew.
            Err(failure) if failure.is_without_partition() => {
                self.known_days().clear();
                self.copied(&events, &days, until).await
            }
            other => other,
        }
        .map_err(trouble)
    }
}

impl PgUsage {
    fn known_days(&self) -> std::sync::MutexGuard<'_, BTreeSet<NaiveDate>> {
        self.0.days.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One statement for the events, so they are there together or not at all.
    async fn copied(
        &self,
        events: &[ApiUsageEvent],
        days: &BTreeSet<NaiveDate>,
        until: Instant,
    ) -> Result<(), Failure> {
        let new: Vec<NaiveDate> = days.difference(&*self.known_days()).copied().collect();
        let mut session = self.0.server.session_to_write(until).await?;
        // What is copied inside of a transaction of somebody else's is not kept.
        session.free().await?;
        let answer = timeout_at(until, copy(session.connection(), &new, events)).await;
        session.end(answer)?;
        self.known_days().extend(new);
        Ok(())
    }
}

async fn copy(
    connection: &mut PgConnection,
    new: &[NaiveDate],
    events: &[ApiUsageEvent],
) -> sqlx::Result<()> {
    if !new.is_empty() {
        let sql = "select incident.usage_days($1)";
        sqlx::query(sql).bind(new).execute(&mut *connection).await?;
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

/// A line of PostgreSQL's text format.
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
