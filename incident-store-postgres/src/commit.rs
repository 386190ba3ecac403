//! Commits, and the incident port.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use incident_core::Timestamp;
use incident_core::chain::Hash;
use incident_core::commit::Commit;
use incident_core::engine::PreparedCommand;
use incident_core::engine::system::SystemClock;
use incident_core::idempotency::{IdempotencyKey, IdempotencyRecord};
use incident_core::incident::{Incident, Outline};
use incident_core::port::{Clock, IncidentFilter, IncidentStore, StoreError};
use incident_core::timeline::SysIncidentUpdateEntry;
use incident_core::{IncidentId, failpoint};
use sqlx::postgres::PgRow;
use sqlx::{Decode, PgConnection, Postgres, Transaction, Type};
use tokio::time::Instant;

use crate::access::{alone, read};
use crate::document::document;
use crate::failure::Failure;
use crate::incidents;
use crate::mismatch::mismatch;
use crate::read_only;
use crate::row;
use crate::store::PgStore;
use crate::timeline;

/// Maximum number of attempts of a commit that collides with another one or is not sent.
const MAX_COLLISION_RETRIES: u32 = 4;

/// Statement that refuses to run inside of a transaction: see `incident.commit`.
const COMMIT: &str = "call incident.commit($1, null, null, null)";

/// Statement for a commit inside of the host's own transaction.
const APPLY: &str = "select seq, prev_hash, hash from incident.apply_commit($1::text::jsonb)";

impl PgStore {
    /// Writes a prepared command inside the host's own transaction, on the host's connection:
    /// both are committed by the host, or neither.
    ///
    /// After its commit the host calls [`PreparedCommand::committed`]. Use
    /// [`commit_with`](Self::commit_with) to do both at the end of a transaction.
    ///
    /// A refusal fails the host's transaction, which is then rolled back. The host is
    /// responsible for deadlines and cancellation. The command's page is due by the server's
    /// clock ([`StoreClock::Server`](crate::StoreClock)).
    ///
    /// # Errors
    /// Fails as [`IncidentStore::commit`] does.
    pub async fn commit_in(
        connection: &mut PgConnection,
        prepared: &PreparedCommand,
    ) -> Result<Vec<SysIncidentUpdateEntry>, StoreError> {
        let commit = prepared.commit();
        let mut document = document(commit)?;
        let length = document.len();
        set_sent_at(&mut document, length, Some(SystemClock.now()));
        let query = sqlx::query(APPLY).bind(document);
        let rows = query.fetch_all(connection).await;
        let rows = rows.map_err(|error| Failure::of(error).of_write())?;
        let entries = commit.writes.iter().flat_map(|write| &write.entries);
        linked_each(entries.cloned(), &rows).map_err(|error| Failure::of(error).of_write())
    }

    /// Commits the host's own transaction together with a prepared command: both the rows that
    /// the host wrote in it and the incident are stored, or neither.
    ///
    /// Writes the command ([`commit_in`](Self::commit_in)), commits, and notifies the engine
    /// ([`PreparedCommand::committed`]), also if the outcome of the commit is unknown. After a
    /// refusal the transaction is rolled back. It must be the outermost one of its connection,
    /// such as `PgPool::begin` returns. The host is responsible for deadlines and cancellation.
    ///
    /// ```no_run
    /// use incident_core::IncidentId;
    /// use incident_core::engine::{Error, Incidents, PreparedCommand, RequestContext};
    /// use incident_core::incident::{Status, Update};
    /// use incident_store_postgres::PgStore;
    ///
    /// # async fn host(
    /// #     pool: sqlx::PgPool, incidents: Incidents, context: RequestContext, id: IncidentId,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let fixed = Update::to_status("rolled back".parse()?, Status::Resolved).into();
    /// let prepared = PreparedCommand::act(&incidents, &context, id, &fixed).await?;
    ///
    /// let mut transaction = pool.begin().await?;
    /// sqlx::query("update complaints set answered_at = now() where incident_id = $1")
    ///     .bind(id.uuid())
    ///     .execute(&mut *transaction)
    ///     .await?;
    /// PgStore::commit_with(transaction, &prepared).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Fails as [`IncidentStore::commit`] does, or if the server does not commit.
    pub async fn commit_with(
        mut transaction: Transaction<'_, Postgres>,
        prepared: &PreparedCommand,
    ) -> Result<Vec<SysIncidentUpdateEntry>, StoreError> {
        let done = Self::commit_in(&mut transaction, prepared).await?;
        let end = transaction.commit().await;
        let end = end.map_err(|error| Failure::of(error).of_write());
        if matches!(end, Ok(()) | Err(StoreError::Unknown(_))) {
            prepared.committed();
        }
        end.map(|()| done)
    }

    /// Sends a document that had `length` bytes before it was sent for the first time.
    async fn send(
        &self,
        document: &mut String,
        length: usize,
        deadline: Instant,
    ) -> Result<PgRow, Failure> {
        let mut session = self.pool.session_to_write(deadline).await?;
        failpoint::hit("before_commit");
        set_sent_at(document, length, self.clock.now());
        let row = alone!(session, |connection| call(connection, document));
        failpoint::hit("after_commit");
        row
    }
}

/// Sets the last member of a document, `sent_at`: the sender's time, by which the server
/// converts due times to its own clock. `length` is the document's length without that member.
fn set_sent_at(document: &mut String, length: usize, now: Option<Timestamp>) {
    if let Some(now) = now {
        document.truncate(length.saturating_sub(1));
        document.push_str(&format!(",\"sent_at\":\"{now}\"}}"));
    }
}

async fn call(connection: &mut PgConnection, document: &str) -> sqlx::Result<PgRow> {
    sqlx::query(COMMIT)
        .bind(document)
        .fetch_one(connection)
        .await
}

/// Returns the entries with the places and hashes that the row of a call lists.
fn linked_all(
    entries: impl Iterator<Item = SysIncidentUpdateEntry>,
    row: &PgRow,
) -> sqlx::Result<Vec<SysIncidentUpdateEntry>> {
    let mut seqs = several::<i64>(row, "seqs")?.into_iter();
    let mut prev_hashes = several(row, "prev_hashes")?.into_iter();
    let mut hashes = several(row, "hashes")?.into_iter();
    let entries = entries.map(|entry| {
        let seq = seqs.next().ok_or_else(not_ours)?;
        let seq = u64::try_from(seq).map_err(row::unreadable)?;
        let prev_hash = Hash(prev_hashes.next().ok_or_else(not_ours)?);
        let hash = Hash(hashes.next().ok_or_else(not_ours)?);
        linked(entry, seq, prev_hash, hash)
    });
    entries.collect()
}

/// Returns the entries with the places and hashes of one row each.
fn linked_each(
    entries: impl Iterator<Item = SysIncidentUpdateEntry>,
    rows: &[PgRow],
) -> sqlx::Result<Vec<SysIncidentUpdateEntry>> {
    let mut rows = rows.iter();
    let entries = entries.map(|entry| {
        let row = rows.next().ok_or_else(not_ours)?;
        let (prev_hash, hash) = (row::hash(row, "prev_hash")?, row::hash(row, "hash")?);
        linked(entry, row::count(row, "seq")?, prev_hash, hash)
    });
    entries.collect()
}

/// Seals an entry as core does and compares the hash with the server's: the same computation
/// exists twice, and a difference means that one of them is wrong.
fn linked(
    entry: SysIncidentUpdateEntry,
    seq: u64,
    prev_hash: Hash,
    hash: Hash,
) -> sqlx::Result<SysIncidentUpdateEntry> {
    let entry = entry.linked(seq, prev_hash);
    if entry.hash == hash {
        Ok(entry)
    } else {
        Err(not_ours())
    }
}

fn not_ours() -> sqlx::Error {
    row::unreadable("the server computed other hashes than incident-core")
}

/// Reads a column with several values; empty if it is null.
fn several<'r, T>(row: &'r PgRow, column: &str) -> sqlx::Result<Vec<T>>
where
    Option<Vec<T>>: Decode<'r, Postgres> + Type<Postgres>,
{
    Ok(row::get::<Option<Vec<T>>>(row, column)?.unwrap_or_default())
}

async fn next_number(connection: &mut PgConnection) -> sqlx::Result<u64> {
    let sql = "select nextval('incident.numbers') as number";
    let row = sqlx::query(sql).fetch_one(connection).await?;
    row::count(&row, "number")
}

#[async_trait]
impl IncidentStore for PgStore {
    /// Sends one statement: if the caller drops the future, it is executed completely or not at
    /// all, and the pool lends its connection again only after it has ended.
    async fn commit(
        &self,
        commit: Commit,
        timeout: Duration,
    ) -> Result<Vec<SysIncidentUpdateEntry>, StoreError> {
        let deadline = Instant::now() + timeout;
        let mut document = document(&commit)?;
        let length = document.len();
        let mut tries = 0;
        let row = loop {
            tries += 1;
            match self.send(&mut document, length, deadline).await {
                // Nothing was written, and the same commit may succeed now.
                Err(failure)
                    if (failure.is_collision() || failure.is_not_sent())
                        && tries < MAX_COLLISION_RETRIES => {}
                other => break other.map_err(Failure::of_write)?,
            }
        };
        let entries = commit.writes.into_iter().flat_map(|write| write.entries);
        linked_all(entries, &row).map_err(|error| Failure::of(error).of_write())
    }

    async fn next_number(&self, timeout: Duration) -> Result<u64, StoreError> {
        read!(&self.pool, timeout, |connection| next_number(connection))
    }

    async fn load(
        &self,
        id: IncidentId,
        timeout: Duration,
    ) -> Result<Option<Arc<Incident>>, StoreError> {
        read!(&self.pool, timeout, |connection| incidents::load(
            connection, id
        ))
    }

    async fn list(
        &self,
        filter: &IncidentFilter,
        timeout: Duration,
    ) -> Result<Vec<Arc<Incident>>, StoreError> {
        read!(&self.pool, timeout, |connection| incidents::list(
            connection, filter
        ))
    }

    async fn outlines(
        &self,
        filter: &IncidentFilter,
        timeout: Duration,
    ) -> Result<Vec<Outline>, StoreError> {
        read!(&self.pool, timeout, |connection| incidents::outlines(
            connection, filter
        ))
    }

    async fn timeline(
        &self,
        id: IncidentId,
        after_seq: u64,
        limit: usize,
        timeout: Duration,
    ) -> Result<Vec<SysIncidentUpdateEntry>, StoreError> {
        read!(&self.pool, timeout, |connection| timeline::entries(
            connection, id, after_seq, limit
        ))
    }

    async fn find_response(
        &self,
        key: &IdempotencyKey,
        now: Timestamp,
        timeout: Duration,
    ) -> Result<Option<IdempotencyRecord>, StoreError> {
        read!(&self.pool, timeout, |connection| incidents::find_response(
            connection, key, now
        ))
    }

    async fn mismatch(
        &self,
        id: IncidentId,
        timeout: Duration,
    ) -> Result<Option<&'static str>, StoreError> {
        read!(&self.pool, timeout, |connection| mismatch(connection, id))
    }

    async fn ready(&self, timeout: Duration) -> Result<(), StoreError> {
        read_only::ready(&self.pool, timeout).await
    }
}
