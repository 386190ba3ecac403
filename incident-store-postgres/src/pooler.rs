//! Whether something between here and the server lends its connections.

use sqlx::{Connection, Executor, PgConnection, Row};

/// How a pooler, such as PgBouncer, lends the server's connections to its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lending {
    /// For as long as a client is connected, or there is no pooler.
    Session,
    /// For a transaction: whatever a client sets up there meets another client.
    Transaction {
        /// Whether the pooler keeps track of prepared statements (PgBouncer 1.21 and later,
        /// `max_prepared_statements`).
        prepares: bool,
    },
}

/// How often it is tried to be lent what another client has just given back.
const MAX_PROBES: u32 = 3;

/// Finds out how connections are lent, with two of them to the same place, on which nothing
/// is left behind.
///
/// One sets a setting of no meaning; the other one, in a transaction, so that it holds what
/// it is lent, looks whether it meets it.
///
/// # Errors
/// The server, or the pooler, refuses.
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

/// Whether a statement that was prepared on one connection of the server is there on another.
async fn prepares(one: &mut PgConnection, other: &mut PgConnection) -> sqlx::Result<bool> {
    let asked = || sqlx::query("select $1::int").bind(1);
    if let Err(error) = asked().execute(&mut *one).await {
        return no_such_statement(error);
    }
    // Whatever that was prepared on is lent to somebody else now.
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
