//! Sending a commit.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use incident_core::Timestamp;
use incident_core::chain::{Hash, Head};
use incident_core::commit::{Commit, Committed, IdempotencyRecord, IdempotencyScope};
use incident_core::engine::PreparedCommand;
use incident_core::incident::{Incident, Outline};
use incident_core::port::{Clock, IncidentFilter, IncidentStore, StoreError};
use incident_core::timeline::{SysIncidentUpdateEntry, seal};
use incident_core::{IncidentId, failpoint};
use sqlx::postgres::PgRow;
use sqlx::{Decode, PgConnection, Postgres, Transaction, Type};
use tokio::time::Instant;

use crate::access::{alone, read};
use crate::clock::System;
use crate::document::document;
use crate::failure::Failure;
use crate::incidents;
use crate::misfit::misfit;
use crate::read_only;
use crate::row;
use crate::store::PgStore;
use crate::timeline;

/// How often a commit is tried that stood in the way of another.
const MAX_COLLISION_RETRIES: u32 = 4;

/// Refuses to run inside of a transaction: see `incident.commit`.
const COMMIT: &str = "call incident.commit($1, null, null, null)";

/// Inside of the host's own transaction.
const APPLY: &str = "select seq, prev_hash, hash from incident.apply_commit($1::text::jsonb)";

/// A link as the server sealed it.
struct Sealed {
    seq: u64,
    prev_hash: Hash,
    hash: Hash,
}

impl PgStore {
    /// Writes a prepared command inside the host's own transaction, on the host's
    /// connection: both are there when the host commits, or neither.
    ///
    /// When the host has committed, it calls [`PreparedCommand::committed`].
    /// [`commit_with`](Self::commit_with) does all three where nothing comes after it.
    ///
    /// A refusal fails the host's transaction, which is then rolled back.
    /// Deadlines and cancellation are the host's. Its page is due by the server's clock
    /// ([`StoreClock::Server`](crate::StoreClock)).
    ///
    /// # Errors
    /// As [`IncidentStore::commit`].
    pub async fn commit_in(
        connection: &mut PgConnection,
        prepared: &PreparedCommand,
    ) -> Result<Committed, StoreError> {
        let commit = prepared.commit();
        let document = document(commit)?;
        let document = sent_at(&document, Some(System.now()));
        let links = apply(connection, &document).await;
        let links = links.map_err(|error| Failure::of(error).of_write())?;
        committed(commit, links)
    }

    /// Commits the host's own transaction together with a prepared command: the rows that
    /// the host wrote in it and the incident are kept, or neither.
    ///
    /// Writes the command ([`commit_in`](Self::commit_in)), commits, and tells the engine
    /// ([`PreparedCommand::committed`]), also where nobody can know if it was committed. After
    /// a refusal the transaction is rolled back. It must be the outermost one of its connection,
    /// as `PgPool::begin` makes it. Deadlines and cancellation are the host's.
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
    /// As [`IncidentStore::commit`]; or the server did not commit.
    pub async fn commit_with(
        mut transaction: Transaction<'_, Postgres>,
        prepared: &PreparedCommand,
    ) -> Result<Committed, StoreError> {
        let done = Self::commit_in(&mut transaction, prepared).await?;
        let end = transaction.commit().await;
        let end = end.map_err(|error| Failure::of(error).of_write());
        if matches!(end, Ok(()) | Err(StoreError::Unknown(_))) {
            prepared.committed();
        }
        end.map(|()| done)
    }

    async fn commit_now(&self, commit: Commit, timeout: Duration) -> Result<Committed, StoreError> {
        let deadline = Instant::now() + timeout;
        let text = document(&commit)?;
        let mut tries = 0;
        let links = loop {
            tries += 1;
            match self.send(&text, deadline).await {
                // Nothing was written, and the same may be now.
                Err(failure)
                    if (failure.is_collision() || failure.is_not_sent())
                        && tries < MAX_COLLISION_RETRIES => {}
                other => break other.map_err(Failure::of_write)?,
            }
        };
        committed(&commit, links)
    }

    async fn send(&self, document: &str, deadline: Instant) -> Result<Vec<Sealed>, Failure> {
        let mut session = self.pool.session_to_write(deadline).await?;
        failpoint::hit("before_commit");
        let document = sent_at(document, self.clock.now());
        let links = alone!(session, |connection| call(connection, &document));
        failpoint::hit("after_commit");
        links
    }
}

/// A document with the time at which it is sent, by which the server moves what is due
/// to its own clock.
fn sent_at(document: &str, now: Option<Timestamp>) -> Cow<'_, str> {
    match (document.strip_prefix('{'), now) {
        (Some(rest), Some(now)) => Cow::Owned(format!("{{\"sent_at\":\"{now}\",{rest}")),
        _ => Cow::Borrowed(document),
    }
}

/// The links of the timelines that were sealed.
async fn call(connection: &mut PgConnection, document: &str) -> sqlx::Result<Vec<Sealed>> {
    let query = sqlx::query(COMMIT).bind(document);
    let row = query.fetch_one(connection).await?;
    let seqs: Vec<i64> = several(&row, "seqs")?;
    let (prev_hashes, hashes) = (several(&row, "prev_hashes")?, several(&row, "hashes")?);
    let links = seqs.into_iter().zip(prev_hashes).zip(hashes);
    let links = links.map(|((seq, prev_hash), hash)| {
        Ok(Sealed {
            seq: u64::try_from(seq).map_err(row::unreadable)?,
            prev_hash: Hash(prev_hash),
            hash: Hash(hash),
        })
    });
    links.collect()
}

/// A column of several values; null where there are none.
fn several<'r, T>(row: &'r PgRow, column: &str) -> sqlx::Result<Vec<T>>
where
    Option<Vec<T>>: Decode<'r, Postgres> + Type<Postgres>,
{
    Ok(row::get::<Option<Vec<T>>>(row, column)?.unwrap_or_default())
}

async fn apply(connection: &mut PgConnection, document: &str) -> sqlx::Result<Vec<Sealed>> {
    let query = sqlx::query(APPLY).bind(document);
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(sealed).collect()
}

fn sealed(row: &PgRow) -> sqlx::Result<Sealed> {
    Ok(Sealed {
        seq: row::count(row, "seq")?,
        prev_hash: row::hash(row, "prev_hash")?,
        hash: row::hash(row, "hash")?,
    })
}

/// The entries as core seals them. They must be what the server sealed: the same
/// arithmetic is written twice, and one of the two would be wrong.
fn committed(commit: &Commit, links: Vec<Sealed>) -> Result<Committed, StoreError> {
    let apart = || StoreError::Unknown("the server sealed other entries than core does".into());
    let drafts = commit.writes.iter().flat_map(|write| {
        let id = write.after.id;
        write
            .entries
            .iter()
            .map(move |(draft, salt)| (id, draft, *salt))
    });
    let mut links = links.into_iter();
    let mut entries = Vec::new();
    for (id, draft, salt) in drafts {
        let link = links.next().ok_or_else(apart)?;
        let head = Head {
            seq: link.seq.saturating_sub(1),
            hash: link.prev_hash,
        };
        let entry: SysIncidentUpdateEntry =
            seal(id, head, draft, salt).map_err(|error| StoreError::Unknown(Box::new(error)))?;
        if entry.hash != link.hash {
            return Err(apart());
        }
        entries.push(entry);
    }
    Ok(Committed { entries })
}

async fn next_number(connection: &mut PgConnection) -> sqlx::Result<u64> {
    let sql = "select nextval('incident.numbers') as number";
    let row = sqlx::query(sql).fetch_one(connection).await?;
    row::count(&row, "number")
}

#[async_trait]
impl IncidentStore for PgStore {
    /// One statement, in a task of its own: a caller that goes away undoes
    /// nothing and leaves no connection behind in the middle of something.
    async fn commit(&self, commit: Commit, timeout: Duration) -> Result<Committed, StoreError> {
        let store = self.clone();
        let task = tokio::spawn(async move { store.commit_now(commit, timeout).await });
        task.await
            .unwrap_or_else(|error| Err(StoreError::Unknown(Box::new(error))))
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
        scope: &IdempotencyScope,
        now: Timestamp,
        timeout: Duration,
    ) -> Result<Option<IdempotencyRecord>, StoreError> {
        read!(&self.pool, timeout, |connection| incidents::find_response(
            connection, scope, now
        ))
    }

    async fn misfit(
        &self,
        id: IncidentId,
        timeout: Duration,
    ) -> Result<Option<&'static str>, StoreError> {
        read!(&self.pool, timeout, |connection| misfit(connection, id))
    }

    async fn ready(&self, timeout: Duration) -> Result<(), StoreError> {
        read_only::ready(&self.pool, timeout).await
    }
}
