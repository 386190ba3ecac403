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

/// The longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(3);

/// ClickHouse drops idle connections after 3 s in older versions.
const IDLE: Duration = Duration::from_secs(2);

/// Most rows of an insert: it is one block, and a batch of a day with more has several.
pub(crate) const BLOCK_ROWS: usize = 1_000_000;

/// Settings of every insert, whatever the profile of the user says; those that the server
/// knows. An insert that is put off (`async_insert`) would be answered before it can be
/// seen, and lost with the server; one that is cut into blocks is seen in part.
pub(crate) const PINNED: [(&str, &str); 6] = [
    ("async_insert", "0"),
    ("wait_for_async_insert", "1"),
    ("max_insert_block_size", "1000000"),
    ("min_insert_block_size_rows", "1000000"),
    // Nothing: only rows count.
    ("min_insert_block_size_bytes", "0"),
    // Several threads would make several blocks.
    ("input_format_parallel_parsing", "0"),
];

/// How much of an error's text is kept.
const TOLD: usize = 500;

/// Codes of `ErrorCodes.cpp`.
const TIMEOUT_EXCEEDED: u32 = 159;
const TOO_SLOW: u32 = 160;
const MEMORY_LIMIT_EXCEEDED: u32 = 241;

/// A table that travels with a statement.
#[derive(Debug)]
pub(crate) struct External {
    pub(crate) name: &'static str,
    /// Columns with their types.
    pub(crate) structure: &'static str,
    pub(crate) rows: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum ClientFailure {
    Late,
    Memory,
    /// The server was not reached, or its answer not read to the end.
    Transport(reqwest::Error),
    Other(Box<dyn Error + Send + Sync>),
}

impl From<ClientFailure> for UsageError {
    fn from(failure: ClientFailure) -> Self {
        match failure {
            ClientFailure::Late => Self::TimedOut {
                tenants: 0,
                events: None,
            },
            ClientFailure::Memory => Self::Refused(
                "ClickHouse has too little memory for so large a question; ask about less, or for an estimate"
                    .to_owned(),
            ),
            ClientFailure::Transport(source) => Self::Unavailable(source.into()),
            ClientFailure::Other(source) => Self::Unavailable(source),
        }
    }
}

/// What the server refused.
#[derive(Debug, thiserror::Error)]
#[error("ClickHouse refused the statement: {0}")]
pub(crate) struct ServerRefusal(String);

/// A client for one server.
#[derive(Clone, Debug)]
pub(crate) struct ClickHouseClient {
    client: Client,
    pub(crate) address: Address,
    /// Those of [`PINNED`] that it knows.
    pinned: Vec<(&'static str, &'static str)>,
}

/// A client that follows no redirects, which would carry the password elsewhere.
pub(crate) fn client(address: &Address) -> reqwest::Result<Client> {
    let builder = Client::builder()
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .redirect(redirect::Policy::none())
        .user_agent(concat!(
            "incident-usage-clickhouse/",
            env!("CARGO_PKG_VERSION")
        ));
    // A proxy would send what is meant for this machine elsewhere.
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

/// Plain HTTP needs none, so a system without any will do.
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

    /// Asks which of the settings of inserts the server knows: an older one refuses the
    /// others by name.
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

    /// Rows, as `JSONCompact` has them.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        sql: &str,
        tables: Vec<External>,
        deadline: Instant,
    ) -> Result<T, ClientFailure> {
        let sql = format!("{sql} format JSONCompact");
        let mut request = self.request(deadline);
        if tables.is_empty() {
            // Older versions take no form without a part.
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

    /// A statement, with its data if it has some: then it is an insert.
    pub(crate) async fn tell(
        &self,
        sql: &str,
        data: Vec<u8>,
        deadline: Instant,
    ) -> Result<(), ClientFailure> {
        let request = self.request(deadline);
        let request = if data.is_empty() {
            // Nor a request without a body.
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
        // The server stops by itself: it would go on counting for a client that is gone.
        let seconds = (left.as_secs() + u64::from(left.subsec_nanos() > 0)).max(1);
        let settings = [
            ("database", &*self.address.database),
            ("max_execution_time", &*seconds.to_string()),
            // An error after the first rows would come with the status of success.
            ("wait_end_of_query", "1"),
            ("output_format_json_quote_64bit_integers", "1"),
            // A batch is on its shard when it is answered.
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
                // Fails when it is sent, with a word about the header.
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
    // The address holds the statement.
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

/// `Code: 159, e.displayText() = ...` in older versions, `Code: 159. DB::Exception: ...`
/// in newer ones.
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
