//! Detection of a connection pooler between this process and the server.

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

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
///
/// The statement returns a text of its own: another client may have left a statement of the same
/// name on the second connection, which would answer in its place.
async fn prepares(one: &mut PgConnection, other: &mut PgConnection) -> sqlx::Result<bool> {
    let text: String = other
        .fetch_one("select gen_random_uuid()::text as text")
        .await?
        .try_get("text")?;
    let sql = format!("select '{text}' as text where $1 = 1");
    let asked = || sqlx::query(AssertSqlSafe(sql.clone())).bind(1);
    if let Err(error) = asked().execute(&mut *one).await {
        return no_such_statement(error);
    }
    // The transaction takes the server connection on which the statement was prepared.
    let mut held = other.begin().await?;
    held.execute("select 1").await?;
    let again = asked().fetch_optional(&mut *one).await;
    held.rollback().await?;
    match again {
        Ok(row) => {
            Ok(row
                .is_some_and(|row: PgRow| row.try_get("text").is_ok_and(|read: &str| read == text)))
        }
        Err(error) => no_such_statement(error),
    }
}

/// Returns `false` for the errors of a statement that is absent, or is another one of its name.
fn no_such_statement(error: sqlx::Error) -> sqlx::Result<bool> {
    let code = error.as_database_error().and_then(|error| error.code());
    match code.as_deref() {
        // invalid_sql_statement_name, duplicate_prepared_statement; another number or type of
        // parameters: protocol_violation and the data exceptions.
        Some("26000" | "42P05" | "08P01" | "22P03" | "22P02" | "22021") => Ok(false),
        _ => Err(error),
    }
}
