//! Detection of a connection pooler between this process and the server.

use sqlx::{Connection, Executor, PgConnection, Row};

/// The way in which a pooler, such as PgBouncer, lends the server's connections to its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lending {
    /// Per client connection, or there is no pooler.
    Session,
    /// Per transaction: session state that a client sets reaches other clients.
    Transaction {
        /// `true` if the pooler tracks prepared statements (PgBouncer 1.21 and later,
        /// `max_prepared_statements`).
        prepares: bool,
    },
}

/// Maximum number of attempts to get the server connection that another client has just
/// released.
const MAX_PROBES: u32 = 3;

/// Detects how connections are lent, by means of two connections to the same address. Nothing
/// is left behind on either.
///
/// `one` sets a setting without any effect; `other` begins a transaction, which pins its server
/// connection, and checks whether the setting is visible there.
///
/// # Errors
/// Fails if the server or the pooler refuses a statement.
pub async fn lending(one: &mut PgConnection, other: &mut PgConnection) -> sqlx::Result<Lending> {
    for _ in 0..MAX_PROBES {
        one.execute("set incident.lent = 'yes'").await?;
        let mut held = other.begin().await?;
        let sql = "select coalesce(current_setting('incident.lent', true), '') = 'yes' as met";
        let met: bool = held.fetch_one(sql).await?.try_get("met")?;
        if !met {
            held.rollback().await?;
            one.execute("reset incident.lent").await?;
            continue;
        }
        held.execute("reset incident.lent").await?;
        held.commit().await?;
        return Ok(Lending::Transaction {
            prepares: prepares(one, other).await?,
        });
    }
    Ok(Lending::Session)
}

/// Returns `true` if a statement that was prepared on one server connection is available on
/// another one.
async fn prepares(one: &mut PgConnection, other: &mut PgConnection) -> sqlx::Result<bool> {
    let asked = || sqlx::query("select $1::int").bind(1);
    if let Err(error) = asked().execute(&mut *one).await {
        return no_such_statement(error);
    }
    // The transaction takes the server connection on which the statement was prepared.
    let mut held = other.begin().await?;
    held.execute("select 1").await?;
    let again = asked().execute(&mut *one).await;
    held.rollback().await?;
    match again {
        Ok(_) => Ok(true),
        Err(error) => no_such_statement(error),
    }
}

fn no_such_statement(error: sqlx::Error) -> sqlx::Result<bool> {
    let code = error.as_database_error().and_then(|error| error.code());
    // invalid_sql_statement_name, duplicate_prepared_statement
    match code.as_deref() {
        Some("26000" | "42P05") => Ok(false),
        _ => Err(error),
    }
}
