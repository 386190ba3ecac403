//! The log of changes, numbered by polls: no commit writes it.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use incident_core::IncidentId;
use incident_core::port::{ChangeHint, ChangeLog, ChangePosition, ChangeRange, StoreError};
use sqlx::{PgConnection, PgPool};
use tokio::time::Instant;
use uuid::Uuid;

use crate::access::{Again, PgServer, read};
use crate::failure::Failure;
use crate::row::{self, unreadable};
use crate::store::PgStore;

/// Query of the changes after a position, and of whether numbers are due: something changed, the
/// last numbers are half a minute old, or a new run of them has to begin. Writes nothing.
const AFTER: &str = "select f.epoch, a.seq, \
       array(select c.incident_id from incident.changes c where c.seq > a.seq order by c.seq limit $3) as incidents, \
       array(select c.public from incident.changes c where c.seq > a.seq order by c.seq limit $3) as publics, \
       f.polled_at not between clock_timestamp() - interval '30 s' and clock_timestamp() + interval '30 s' \
           or f.origin is distinct from incident.database_origin() \
           or coalesce(f.epoch = $1 and $2 > f.last_seq, false) \
           or incident.has_unnumbered_changes(incident.unnumbered_since(f.polled_at)) as is_due \
    from incident.change_feed f \
    cross join lateral (select coalesce(min(c.seq) - 1, f.last_seq) as seq from incident.changes c) o \
    cross join lateral (select case when f.epoch = $1 and $2 between o.seq and f.last_seq \
        then $2 else o.seq end as seq) a";

const NUMBER: &str = "select incident.number_changes($1, $2)";

/// The log of changes in the schema `incident` of a PostgreSQL database. Clones share its pool.
///
/// It numbers what changed when it is read, under a lock by which all replicas agree, and keeps
/// the numbers for five minutes. A read that finds nothing new is one statement and writes nothing,
/// except every half a minute the time. Commits are never slowed down or blocked.
///
/// A new epoch begins if nobody read the log for ten minutes, after a failover, and in a restored
/// database.
#[derive(Clone)]
pub struct PgChangeLog {
    server: PgServer,
}

impl fmt::Debug for PgChangeLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgChangeLog").finish_non_exhaustive()
    }
}

impl PgChangeLog {
    /// Creates a log over the host's pool, with the tables that [`migrate`](crate::migrate)
    /// creates.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self {
            server: PgServer::new(pool),
        }
    }

    /// Numbers what changed. It may be repeated: what has a number gets no other one.
    async fn number(
        &self,
        position: Option<ChangePosition>,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let mut again = Again::deadline(deadline);
        loop {
            let outcome = self.number_once(position, &mut again).await;
            match outcome {
                Err(failure) if again.is_worth_another(&failure) => {}
                other => return other,
            }
        }
    }

    async fn number_once(
        &self,
        position: Option<ChangePosition>,
        again: &mut Again,
    ) -> Result<(), Failure> {
        let mut session = again.session(&self.server).await?;
        // In a transaction that was left open the numbers would be given and never be seen.
        session.free().await?;
        let (epoch, seq) = bound(position);
        let number = sqlx::query(NUMBER).bind(epoch).bind(seq);
        let number = number.execute(session.connection());
        let answer = tokio::time::timeout_at(again.until(), number).await;
        session.end(answer).map(drop)
    }
}

impl PgStore {
    /// Returns the log of the changes of this store, over the same pool.
    #[must_use]
    pub fn change_log(&self) -> PgChangeLog {
        PgChangeLog {
            server: self.pool.clone(),
        }
    }
}

#[async_trait]
impl ChangeLog for PgChangeLog {
    async fn after(
        &self,
        position: Option<ChangePosition>,
        limit: usize,
        timeout: Duration,
    ) -> Result<ChangeRange, StoreError> {
        let deadline = Instant::now() + timeout;
        let left = || deadline.saturating_duration_since(Instant::now());
        let (range, is_due) = read!(&self.server, left(), |connection| changes_after(
            connection, position, limit
        ))?;
        if !is_due {
            return Ok(range);
        }
        let numbered = self.number(position, deadline).await;
        numbered.map_err(Failure::of_read)?;
        let read = read!(&self.server, left(), |connection| changes_after(
            connection, position, limit
        ));
        read.map(|(range, _)| range)
    }
}

async fn changes_after(
    connection: &mut PgConnection,
    position: Option<ChangePosition>,
    limit: usize,
) -> sqlx::Result<(ChangeRange, bool)> {
    let (epoch, seq) = bound(position);
    let row = sqlx::query(AFTER)
        .bind(epoch)
        .bind(seq)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_one(connection)
        .await?;
    let incidents: Vec<Uuid> = row::get(&row, "incidents")?;
    let publics: Vec<bool> = row::get(&row, "publics")?;
    if incidents.len() != publics.len() {
        return Err(unreadable("the columns of the changes differ in length"));
    }
    let changes = incidents.into_iter().zip(publics);
    let range = ChangeRange {
        after: ChangePosition {
            epoch: u64::from_be_bytes(row::get::<i64>(&row, "epoch")?.to_be_bytes()),
            seq: row::count(&row, "seq")?,
        },
        changes: changes
            .map(|(id, public)| ChangeHint {
                incidents: vec![IncidentId::from_uuid(id)],
                public,
            })
            .collect(),
    };
    Ok((range, row::get(&row, "is_due")?))
}

/// Returns a position as the database has it. A number beyond its range is one of no change.
fn bound(position: Option<ChangePosition>) -> (Option<i64>, Option<i64>) {
    let epoch = position.map(|position| i64::from_be_bytes(position.epoch.to_be_bytes()));
    let seq = position.map(|position| i64::try_from(position.seq).unwrap_or(i64::MAX));
    (epoch, seq)
}
