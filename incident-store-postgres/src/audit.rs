//! Reads of the audit trail.

use std::time::Duration;

use async_trait::async_trait;
use incident_core::audit::{self, AuditEntry, AuditOutcome, Chain};
use incident_core::port::{AuditLog, AuditQuery, StoreError};
use incident_core::{IncidentId, Timestamp};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::access::read;
use crate::document::SYSTEM;
use crate::row::{self, unreadable};
use crate::store::PgStore;

#[async_trait]
impl AuditLog for PgStore {
    async fn audit(
        &self,
        query: &AuditQuery,
        timeout: Duration,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        read!(&self.pool, timeout, |connection| entries(connection, query))
    }

    async fn audit_chain(
        &self,
        chain: Chain,
        after_seq: u64,
        limit: usize,
        timeout: Duration,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        read!(&self.pool, timeout, |connection| links(
            connection, chain, after_seq, limit
        ))
    }

    async fn audit_chains(
        &self,
        after: Option<Chain>,
        limit: usize,
        timeout: Duration,
    ) -> Result<Vec<Chain>, StoreError> {
        read!(&self.pool, timeout, |connection| chains(
            connection, after, limit
        ))
    }
}

async fn entries(
    connection: &mut PgConnection,
    query: &AuditQuery,
) -> sqlx::Result<Vec<AuditEntry>> {
    let (wanted, mut query) = (query.limit, query.clone());
    let mut found = Vec::new();
    loop {
        let rows = sql(&query).build().fetch_all(&mut *connection).await?;
        let read = rows.iter().map(entry);
        if !query.skip_unreadable {
            return read.collect();
        }
        found.extend(read.filter_map(Result::ok));
        // Callers take a list below its limit for the last one: replace the rows that were
        // skipped.
        let missing = wanted.saturating_sub(found.len());
        match rows.last() {
            Some(last) if missing > 0 && rows.len() >= query.limit => {
                let at = Timestamp::from_micros(row::get(last, "at")?).map_err(unreadable)?;
                query.after = Some((at, chain(last)?, row::count(last, "seq")?));
                query.limit = missing;
            }
            _ => return Ok(found),
        }
    }
}

async fn links(
    connection: &mut PgConnection,
    chain: Chain,
    after_seq: u64,
    limit: usize,
) -> sqlx::Result<Vec<AuditEntry>> {
    let sql = "select chain, seq, canonical, prev_hash, hash from incident.audit \
               where chain = $1 and seq > $2 order by seq limit $3";
    let rows = sqlx::query(sql)
        .bind(chain_uuid(chain))
        .bind(i64::try_from(after_seq).unwrap_or(i64::MAX))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await?;
    rows.iter().map(entry).collect()
}

async fn chains(
    connection: &mut PgConnection,
    after: Option<Chain>,
    limit: usize,
) -> sqlx::Result<Vec<Chain>> {
    let sql = "select chain from incident.audit_heads \
               where $1::uuid is null or chain > $1 order by chain limit $2";
    let rows = sqlx::query(sql)
        .bind(after.map(chain_uuid))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await?;
    rows.iter().map(chain).collect()
}

fn sql(query: &AuditQuery) -> QueryBuilder<Postgres> {
    let AuditQuery {
        chain,
        actor,
        action,
        outcome,
        from,
        to,
        newest_first,
        after,
        limit,
        skip_unreadable: _,
    } = query;
    let select = "select at, chain, seq, canonical, prev_hash, hash from incident.audit where true";
    let mut sql = QueryBuilder::new(select);
    if let Some(chain) = chain {
        sql.push(" and chain = ").push_bind(chain_uuid(*chain));
    }
    if let Some(actor) = actor {
        sql.push(" and actor = ").push_bind(actor.clone());
    }
    if let Some(from) = from {
        sql.push(" and at >= ").push_bind(from.micros());
    }
    if let Some(to) = to {
        sql.push(" and at < ").push_bind(to.micros());
    }
    for (member, value) in [
        ("action", action.as_deref()),
        ("outcome", outcome.map(AuditOutcome::name)),
    ] {
        if let Some(value) = value {
            sql.push(format!(" and canonical::jsonb ->> '{member}' = "));
            sql.push_bind(value.to_owned());
        }
    }
    let (is_next, direction) = match newest_first {
        true => ("<", " desc"),
        false => (">", ""),
    };
    if let Some((at, chain, seq)) = after {
        sql.push(format!(" and (at, chain, seq) {is_next} ("));
        sql.push_bind(at.micros());
        sql.push(", ").push_bind(chain_uuid(*chain));
        sql.push(", ")
            .push_bind(i64::try_from(*seq).unwrap_or(i64::MAX))
            .push(")");
    }
    sql.push(format!(
        " order by at{direction}, chain{direction}, seq{direction} limit "
    ));
    sql.push_bind(i64::try_from(*limit).unwrap_or(i64::MAX));
    sql
}

fn chain_uuid(chain: Chain) -> Uuid {
    match chain {
        Chain::System => SYSTEM,
        Chain::Incident(id) => id.uuid(),
    }
}

fn chain(row: &PgRow) -> sqlx::Result<Chain> {
    let id: Uuid = row::get(row, "chain")?;
    Ok(if id == SYSTEM {
        Chain::System
    } else {
        Chain::Incident(IncidentId::from_uuid(id))
    })
}

fn entry(row: &PgRow) -> sqlx::Result<AuditEntry> {
    let canonical = row::get::<String>(row, "canonical")?.into_bytes();
    Ok(AuditEntry {
        chain: chain(row)?,
        seq: row::count(row, "seq")?,
        payload: audit::read(&canonical).map_err(unreadable)?,
        canonical,
        prev_hash: row::hash(row, "prev_hash")?,
        hash: row::hash(row, "hash")?,
    })
}
