//! Statements over HTTP.

use std::error::Error;
use std::time::Duration;

use incident_core::port::UsageError;
use reqwest::header::HeaderValue;
use reqwest::multipart::{Form, Part};
use reqwest::{Client, ClientBuilder, RequestBuilder, redirect};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use crate::address::Address;

/// Time-out of connecting.
const CONNECT: Duration = Duration::from_secs(3);

/// Idle time after which a connection is closed here: older versions of ClickHouse close it
/// after 3 s.
const IDLE: Duration = Duration::from_secs(2);

/// Maximum number of rows of an insert, which is one block. A day with more rows takes several.
pub(crate) const BLOCK_ROWS: usize = 1_000_000;

/// Settings of every insert, regardless of the user's profile, as far as the server knows them.
/// A deferred insert (`async_insert`) would be acknowledged before it is visible, and lost with
/// the server; one that is split into blocks becomes visible in parts.
pub(crate) const PINNED: [(&str, &str); 6] = [
    ("async_insert", "0"),
    ("wait_for_async_insert", "1"),
    ("max_insert_block_size", "1000000"),
    ("min_insert_block_size_rows", "1000000"),
    // 0 switches the limit in bytes off: only rows count.
    ("min_insert_block_size_bytes", "0"),
    // Several threads would create several blocks.
    ("input_format_parallel_parsing", "0"),
];

/// Maximum length of a server's error message that is reported, in characters.
const TOLD: usize = 500;

/// Error codes from ClickHouse's `ErrorCodes.cpp`.
const TIMEOUT_EXCEEDED: u32 = 159;
const TOO_SLOW: u32 = 160;
const MEMORY_LIMIT_EXCEEDED: u32 = 241;

/// An external table that is sent with a statement.
#[derive(Debug)]
pub(crate) struct External {
    pub(crate) name: &'static str,
    /// Columns with their types.
    pub(crate) structure: &'static str,
    pub(crate) rows: Vec<u8>,
}

/// An error of a statement.
#[derive(Debug)]
pub(crate) enum ClientFailure {
    Late,
    Memory,
    /// The server was not reached, or its reply was not read to the end.
    Transport(reqwest::Error),
    Other(Box<dyn Error + Send + Sync>),
}

impl From<ClientFailure> for UsageError {
    fn from(failure: ClientFailure) -> Self {
        match failure {
            ClientFailure::Late => Self::TimedOut,
            ClientFailure::Memory => Self::Refused(
                "ClickHouse ran out of memory for this query; request an estimate, fewer tenants or a shorter period"
                    .to_owned(),
            ),
            ClientFailure::Transport(source) => Self::Unavailable(source.into()),
            ClientFailure::Other(source) => Self::Unavailable(source),
        }
    }
}

/// A refusal by the server, with its message.
#[derive(Debug, thiserror::Error)]
#[error("ClickHouse rejected the statement: {0}")]
pub(crate) struct ServerRefusal(String);

/// A client for one server.
#[derive(Clone, Debug)]
pub(crate) struct ClickHouseClient {
    client: Client,
    pub(crate) address: Address,
    /// The settings of [`PINNED`] that the server knows.
    pinned: Vec<(&'static str, &'static str)>,
}

/// Creates a client that follows no redirects, as these would carry the password elsewhere.
pub(crate) fn client(address: &Address) -> reqwest::Result<Client> {
    let builder = Client::builder()
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .redirect(redirect::Policy::none())
        .user_agent(concat!(
            "incident-usage-clickhouse/",
            env!("CARGO_PKG_VERSION")
        ));
    // A proxy would send requests for this machine elsewhere.
    let builder = if address.is_loopback() {
        builder.no_proxy()
    } else {
        builder
    };
    if address.base.scheme() == "http" {
        without_certificates(builder).build()
    } else {
        builder.build()
    }
}

/// Removes the root certificates, so that plain HTTP works on a system without any.
#[cfg(feature = "rustls")]
fn without_certificates(builder: ClientBuilder) -> ClientBuilder {
    builder.tls_certs_only([])
}

#[cfg(not(feature = "rustls"))]
fn without_certificates(builder: ClientBuilder) -> ClientBuilder {
    builder
}

impl ClickHouseClient {
    pub(crate) const fn new(client: Client, address: Address) -> Self {
        Self {
            client,
            address,
            pinned: Vec::new(),
        }
    }

    /// Queries which settings of inserts the server knows, and pins those: an older server
    /// refuses a statement with unknown settings.
    pub(crate) async fn pin(&mut self, deadline: Instant) -> Result<(), ClientFailure> {
        #[derive(serde::Deserialize)]
        struct KnownReplica {
            data: Vec<(String,)>,
        }
        let names: Vec<String> = PINNED.iter().map(|(name, _)| format!("'{name}'")).collect();
        let sql = format!(
            "select name from system.settings where name in ({})",
            names.join(", ")
        );
        let known: KnownReplica = self.ask(&sql, Vec::new(), deadline).await?;
        let is_known = |(name, _): &(&str, &str)| known.data.iter().any(|(one,)| one == name);
        self.pinned = PINNED.into_iter().filter(is_known).collect();
        Ok(())
    }

    /// Runs a query, and parses its rows from `JSONCompact`.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        sql: &str,
        tables: Vec<External>,
        deadline: Instant,
    ) -> Result<T, ClientFailure> {
        let sql = format!("{sql} format JSONCompact");
        let mut request = self.request(deadline);
        if tables.is_empty() {
            // Older versions refuse a form without parts.
            return read(request.body(sql), deadline).await;
        }
        request = request.query(&[("query", &*sql)]);
        let mut form = Form::new();
        for External {
            name,
            structure,
            rows,
        } in tables
        {
            request = request.query(&[
                (format!("{name}_structure").as_str(), structure),
                (format!("{name}_format").as_str(), "RowBinary"),
            ]);
            form = form.part(name, Part::bytes(rows).file_name(name));
        }
        read(request.multipart(form), deadline).await
    }

    /// Runs a statement; with data it is an insert.
    pub(crate) async fn tell(
        &self,
        sql: &str,
        data: Vec<u8>,
        deadline: Instant,
    ) -> Result<(), ClientFailure> {
        let request = self.request(deadline);
        let request = if data.is_empty() {
            // Nor do they accept a request without a body.
            request.body(sql.to_owned())
        } else {
            request
                .query(&[("query", sql)])
                .query(&self.pinned)
                .body(data)
        };
        sent(request, deadline).await?;
        Ok(())
    }

    fn request(&self, deadline: Instant) -> RequestBuilder {
        let left = deadline.saturating_duration_since(Instant::now());
        // The server then stops by itself; it would go on counting for a client that is gone.
        let seconds = (left.as_secs() + u64::from(left.subsec_nanos() > 0)).max(1);
        let settings = [
            ("database", &*self.address.database),
            ("max_execution_time", &*seconds.to_string()),
            // Otherwise an error after the first rows would come with the status of success.
            ("wait_end_of_query", "1"),
            ("output_format_json_quote_64bit_integers", "1"),
            // A batch is stored on its shard before it is acknowledged.
            ("insert_distributed_sync", "1"),
        ];
        let request = self.client.post(self.address.base.clone()).query(&settings);
        [
            ("X-ClickHouse-User", &*self.address.user),
            ("X-ClickHouse-Key", self.address.password()),
        ]
        .into_iter()
        .fold(request, |request, (name, value)| {
            match HeaderValue::from_str(value) {
                Ok(mut value) => {
                    value.set_sensitive(true);
                    request.header(name, value)
                }
                // Sending then fails, with an error about the header.
                Err(_) => request.header(name, value),
            }
        })
    }
}

async fn read<T: DeserializeOwned>(
    request: RequestBuilder,
    deadline: Instant,
) -> Result<T, ClientFailure> {
    let text = sent(request, deadline).await?;
    serde_json::from_str(&text).map_err(|error| ClientFailure::Other(error.into()))
}

async fn sent(request: RequestBuilder, deadline: Instant) -> Result<String, ClientFailure> {
    let answer = async {
        let response = request.send().await?;
        let status = response.status();
        Ok((status, response.text().await?))
    };
    let answer: reqwest::Result<_> = timeout_at(deadline, answer)
        .await
        .map_err(|_| ClientFailure::Late)?;
    // The URL contains the statement, which does not belong in an error.
    let (status, text) = answer.map_err(|error| ClientFailure::Transport(error.without_url()))?;
    if status.is_success() {
        return Ok(text);
    }
    Err(match code(&text) {
        Some(TIMEOUT_EXCEEDED | TOO_SLOW) => ClientFailure::Late,
        Some(MEMORY_LIMIT_EXCEEDED) => ClientFailure::Memory,
        _ => {
            let told: String = text.chars().take(TOLD).collect();
            ClientFailure::Other(ServerRefusal(told.trim().to_owned()).into())
        }
    })
}

/// Reads the error code: `Code: 159, e.displayText() = ...` in older versions,
/// `Code: 159. DB::Exception: ...` in newer ones.
fn code(text: &str) -> Option<u32> {
    let rest = text.strip_prefix("Code: ")?;
    let end = rest.find(|byte: char| !byte.is_ascii_digit())?;
    rest.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_in_both_ways() {
        for (text, expected) in [
            (
                "Code: 159, e.displayText() = DB::Exception: Timeout",
                Some(159),
            ),
            ("Code: 241. DB::Exception: Memory limit", Some(241)),
            ("Code: x", None),
            ("Poco::Exception", None),
            ("Code: 99999999999. DB", None),
        ] {
            assert_eq!(code(text), expected, "{text}");
        }
    }
}
