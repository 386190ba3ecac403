//! Detection of servers that accept no writes.

use std::time::Duration;

use incident_core::port::StoreError;
use sqlx::PgConnection;

use crate::access::{PgServer, read};
use crate::row;

const STANDBY: &str =
    "the server is a standby and accepts no writes; connect to the primary, or promote the standby";

const SET_SO: &str = "transactions are read-only by default, so nothing can be stored; \
     set default_transaction_read_only to off for this role and database";

/// Returns the reason why a connection cannot write; `None` if it can.
pub(crate) async fn reason(connection: &mut PgConnection) -> sqlx::Result<Option<&'static str>> {
    let sql = "select pg_is_in_recovery() as standby, \
               current_setting('transaction_read_only') = 'on' as read_only";
    let row = sqlx::query(sql).fetch_one(connection).await?;
    // Asked for first, because a standby reports both.
    Ok(if row::get(&row, "standby")? {
        Some(STANDBY)
    } else if row::get(&row, "read_only")? {
        Some(SET_SO)
    } else {
        None
    })
}

/// Checks that incidents can be read and that the server accepts writes.
pub(crate) async fn ready(server: &PgServer, timeout: Duration) -> Result<(), StoreError> {
    match read!(server, timeout, |connection| look(connection))? {
        Some(reason) => Err(StoreError::ReadOnly(reason.into())),
        None => Ok(()),
    }
}

async fn look(connection: &mut PgConnection) -> sqlx::Result<Option<&'static str>> {
    let sql = "select exists (select 1 from incident.incidents) as any_there";
    sqlx::query(sql).fetch_one(&mut *connection).await?;
    reason(connection).await
}
