//! The table of events: its statement and the check of its columns.

use std::collections::BTreeSet;
use std::error::Error;

use serde::Deserialize;
use tokio::time::Instant;

use crate::address::Address;
use crate::client::{ClickHouseClient, ClientFailure};

/// An error of a server or a table that cannot be used. No message contains the password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The HTTP client cannot be created.
    #[error("could not create an HTTP client")]
    Client(#[source] reqwest::Error),
    /// The server does not reply. Waiting may help.
    #[error("could not connect to {address}: {reason}")]
    Unreachable {
        /// The address.
        address: Address,
        /// The reason.
        reason: String,
    },
    /// The server refused a statement.
    #[error("{address}: {reason}")]
    Refused {
        /// The address.
        address: Address,
        /// The server's message.
        reason: String,
    },
    /// The table lacks the column, or has it with another type.
    #[error("{address}: the column {column} is {found}; expected {expected}")]
    Column {
        /// The address.
        address: Address,
        /// The column.
        column: &'static str,
        /// Its type, or `missing`.
        found: String,
        /// The supported type.
        expected: &'static str,
    },
}

/// The columns that are read, with their supported types. The user may be of any type.
const COLUMNS: [(&str, &[&str], &str); 6] = [
    ("tenant_id", &TEXT, "String"),
    ("occurred_at", &["Int64"], "Int64, microseconds since 1970"),
    ("user_id", &[], "of any type"),
    ("service_id", &TEXT, "String"),
    ("failed", &["UInt8", "Bool"], "UInt8"),
    ("endpoint", &TEXT, "String, empty if there is no value"),
];

/// Length of a day, hence of a partition, in microseconds.
pub(crate) const DAY_US: i64 = 86_400_000_000;

const TEXT: [&str; 2] = ["String", "LowCardinality(String)"];

/// Returns the statement that creates the table. Days are numbers, so that the server's time
/// zone does not matter; a repeated event is merged away in the background.
pub(crate) fn ddl(address: &Address) -> String {
    format!(
        "create table if not exists {} (\
         tenant_id String, occurred_at Int64, user_id String, service_id String, failed UInt8, endpoint String, \
         at DateTime alias toDateTime(intDiv(occurred_at, 1000000))\
         ) engine = ReplacingMergeTree() \
         partition by intDiv(occurred_at, {DAY_US}) \
         primary key (tenant_id, occurred_at) \
         order by (tenant_id, occurred_at, user_id, service_id, failed, endpoint)",
        address.name()
    )
}

#[derive(Deserialize)]
struct TableColumns {
    data: Vec<(String, String)>,
}

/// Creates the table if there is none, and checks its columns.
pub(crate) async fn prepare(
    server: &mut ClickHouseClient,
    deadline: Instant,
) -> Result<(), OpenError> {
    let address = server.address.clone();
    let refused = |failure| opened(&address, failure);
    server.pin(deadline).await.map_err(refused)?;
    let mut found = columns(server, deadline).await.map_err(refused)?;
    if found.is_empty() {
        let made = server.tell(&ddl(&address), Vec::new(), deadline).await;
        made.map_err(refused)?;
        found = columns(server, deadline).await.map_err(refused)?;
    }
    for (column, types, expected) in COLUMNS {
        let known = found.iter().find(|(name, _)| name == column);
        let known = known.map(|(_, of)| of.as_str());
        if known.is_none_or(|known| !types.is_empty() && !types.contains(&known)) {
            return Err(OpenError::Column {
                address: address.clone(),
                column,
                found: known.unwrap_or("missing").to_owned(),
                expected,
            });
        }
    }
    Ok(())
}

/// Lists the days with events, by their number since 1970: those of the partitions, of which a
/// distributed table has none.
pub(crate) async fn days(
    server: &ClickHouseClient,
    deadline: Instant,
) -> Result<BTreeSet<i64>, ClientFailure> {
    #[derive(Deserialize)]
    struct Days {
        data: Vec<(String,)>,
    }
    let sql = format!(
        "select distinct partition from system.parts where active and database = '{}' and table = '{}'",
        server.address.database, server.address.table
    );
    let found: Days = server.ask(&sql, Vec::new(), deadline).await?;
    // A host's own table may be partitioned in another way.
    let days = found.data.iter().filter_map(|(day,)| day.parse().ok());
    Ok(days.collect())
}

async fn columns(
    server: &ClickHouseClient,
    deadline: Instant,
) -> Result<Vec<(String, String)>, ClientFailure> {
    // Both names were checked: letters, digits and underscores.
    let sql = format!(
        "select name, type from system.columns where database = '{}' and table = '{}'",
        server.address.database, server.address.table
    );
    Ok(server
        .ask::<TableColumns>(&sql, Vec::new(), deadline)
        .await?
        .data)
}

fn opened(address: &Address, failure: ClientFailure) -> OpenError {
    let address = address.clone();
    match failure {
        ClientFailure::Late => OpenError::Unreachable {
            address,
            reason: "timed out waiting for a response".to_owned(),
        },
        ClientFailure::Transport(error) => OpenError::Unreachable {
            address,
            reason: with_causes(&error),
        },
        ClientFailure::Memory => OpenError::Refused {
            address,
            reason: "out of memory".to_owned(),
        },
        ClientFailure::Other(error) => OpenError::Refused {
            address,
            reason: with_causes(&*error),
        },
    }
}

fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told.push_str(": ");
        told.push_str(&error.to_string());
        cause = error.source();
    }
    told
}
