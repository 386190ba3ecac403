//! One HTTP request to a vendor: within a deadline, without redirects, with a bounded answer.

#[cfg(feature = "vendors")]
mod answer;
pub(crate) mod base_url;
pub(crate) mod build_error;
mod client;
#[cfg(feature = "vendors")]
pub(crate) mod log_exchange;
#[cfg(feature = "vendors")]
pub(crate) mod receipt;
mod retry_after;
#[cfg(feature = "vendors")]
pub(crate) mod secret;
#[cfg(any(feature = "billing", feature = "notices"))]
mod signing_secret;

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, Request, Response, StatusCode, Url};
#[cfg(any(feature = "vendors", feature = "billing"))]
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

#[cfg(feature = "vendors")]
pub(crate) use answer::{answer, refused};
pub use base_url::BaseUrl;
pub use build_error::PagerBuildError;
pub use client::client_builder;
pub(crate) use client::client_for;
pub(crate) use retry_after::retry_after;
#[cfg(feature = "vendors")]
pub use secret::{ApiKey, RoutingKey};
#[cfg(any(feature = "billing", feature = "notices"))]
pub use signing_secret::SigningSecret;

/// Maximum duration of an exchange, whatever timeout the caller allows.
const TOTAL: Duration = Duration::from_secs(10);

/// Maximum time for reading the body once the status is known. The status decides the outcome; the
/// body only explains it.
const BODY: Duration = Duration::from_secs(2);

/// Maximum size of a body, in bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// Maximum length of an answer in the log, in characters.
#[cfg(any(feature = "billing", feature = "notices"))]
const EXCERPT: usize = 300;

/// Maximum size of a body in [`send_for_text`], in bytes.
#[cfg(feature = "billing")]
const LONG_LIMIT: usize = 16 * 1024 * 1024;

/// The limits on reading a body: its size and the time it may take.
#[derive(Clone, Copy)]
struct BodyLimit {
    bytes: usize,
    time: Duration,
}

/// The outcome of sending a request.
#[derive(Debug)]
pub(crate) enum Sent {
    /// The vendor answered.
    Answered(VendorResponse),
    /// No connection was made, so the vendor received nothing.
    NotConnected(String),
    /// The request may have arrived, but its answer was lost.
    Lost(String),
}

/// A vendor's answer.
#[derive(Debug)]
pub(crate) struct VendorResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Vec<u8>,
}

impl VendorResponse {
    /// Creates a reply from its parts, for tests without a vendor.
    ///
    /// A status that HTTP does not have becomes 502, and a header with an invalid name is left
    /// out.
    ///
    /// # Errors
    /// Fails if the value of a header is not valid.
    #[cfg(feature = "testing")]
    pub(crate) fn of(
        status: u16,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Self, reqwest::header::InvalidHeaderValue> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            if let Ok(name) = reqwest::header::HeaderName::try_from(*name) {
                map.insert(name, value.parse()?);
            }
        }
        Ok(Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY),
            headers: map,
            body: body.as_bytes().to_vec(),
        })
    }

    /// Returns the body, if it is complete JSON.
    #[cfg(any(feature = "vendors", feature = "billing"))]
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Returns the beginning of the body for the log, on one line, without the given secrets.
    #[cfg(any(feature = "billing", feature = "notices"))]
    pub(crate) fn excerpt(&self, secrets: &[&str]) -> String {
        let mut text = self.text();
        for secret in secrets {
            text = text.replace(secret, "[secret]");
        }
        let blank = |c: char| c.is_whitespace() || c.is_control();
        let words: Vec<&str> = text.split(blank).filter(|word| !word.is_empty()).collect();
        words.join(" ").chars().take(EXCERPT).collect()
    }

    /// Returns the body as text, as far as it was read.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends a request and reads the answer, both within `timeout` and at most 10 s.
pub(crate) async fn send(client: &Client, request: Request, timeout: Duration) -> Sent {
    let limit = BodyLimit {
        bytes: BODY_LIMIT,
        time: BODY,
    };
    exchange(client, request, timeout, limit).await
}

/// Sends a request as [`send`] does, for an answer whose body is needed: up to 16 MiB of it are
/// read.
#[cfg(feature = "billing")]
pub(crate) async fn send_for_text(client: &Client, request: Request, timeout: Duration) -> Sent {
    let limit = BodyLimit {
        bytes: LONG_LIMIT,
        time: TOTAL,
    };
    exchange(client, request, timeout, limit).await
}

async fn exchange(client: &Client, request: Request, timeout: Duration, limit: BodyLimit) -> Sent {
    let deadline = Instant::now() + timeout.min(TOTAL);
    let asked = request.url().clone();
    let response = match timeout_at(deadline, client.execute(request)).await {
        Err(_) => return Sent::Lost("timed out waiting for a response".to_owned()),
        // Nothing is sent before the connection is made, so a time-out then is no lost request.
        Ok(Err(error)) if error.is_connect() => return Sent::NotConnected(chain(error)),
        Ok(Err(error)) => return Sent::Lost(chain(error)),
        Ok(Ok(response)) => response,
    };
    if was_redirected(&asked, response.url()) {
        // Happens only with a host's own client that follows redirects.
        return Sent::Lost(
            "the HTTP client followed a redirect; disable redirects in it".to_owned(),
        );
    }
    Sent::Answered(read(response, deadline, limit).await)
}

fn was_redirected(asked: &Url, answered: &Url) -> bool {
    asked.as_str() != answered.as_str()
}

async fn read(mut response: Response, deadline: Instant, limit: BodyLimit) -> VendorResponse {
    let (status, headers) = (response.status(), response.headers().clone());
    let deadline = deadline.min(Instant::now() + limit.time);
    let mut body = Vec::new();
    // A body that is late or breaks off is returned as far as it came.
    while let Ok(Ok(Some(chunk))) = timeout_at(deadline, response.chunk()).await {
        let room = limit.bytes - body.len();
        body.extend(chunk.iter().take(room));
        if body.len() == limit.bytes {
            break;
        }
    }
    VendorResponse {
        status,
        headers,
        body,
    }
}

/// Returns the text of an error and its causes, without the URL.
fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
