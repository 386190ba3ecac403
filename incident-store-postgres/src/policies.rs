//! Reads of the policies.

use std::time::Duration;

use async_trait::async_trait;
use incident_core::Timestamp;
use incident_core::policy::PolicyRecord;
use incident_core::port::{Policies, StoreError};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use crate::access::read;
use crate::document::time;
use crate::row;
use crate::store::PgStore;

#[async_trait]
impl Policies for PgStore {
    async fn policy_at(
        &self,
        time: Timestamp,
        timeout: Duration,
    ) -> Result<Option<PolicyRecord>, StoreError> {
        read!(&self.pool, timeout, |connection| at(connection, time))
    }

    async fn policies(
        &self,
        limit: usize,
        timeout: Duration,
    ) -> Result<Vec<PolicyRecord>, StoreError> {
        read!(&self.pool, timeout, |connection| newest(connection, limit))
    }
}

async fn at(connection: &mut PgConnection, at: Timestamp) -> sqlx::Result<Option<PolicyRecord>> {
    let sql = "select hash, since, body from incident.policies where since <= $1 order by seq desc limit 1";
    let found = sqlx::query(sql)
        .bind(time(at))
        .fetch_optional(connection)
        .await?;
    found.as_ref().map(record).transpose()
}

async fn newest(connection: &mut PgConnection, limit: usize) -> sqlx::Result<Vec<PolicyRecord>> {
    let sql = "select hash, since, body from incident.policies order by seq desc limit $1";
    let found = sqlx::query(sql)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await?;
    found.iter().map(record).collect()
}

fn record(row: &PgRow) -> sqlx::Result<PolicyRecord> {
    Ok(PolicyRecord {
        hash: row::hash(row, "hash")?,
        since: row::time(row, "since")?,
        body: row::get::<&str>(row, "body")?.into(),
    })
}
