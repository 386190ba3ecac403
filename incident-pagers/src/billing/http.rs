//! A sink that posts credits over HTTP, signed as Standard Webhooks specifies.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use incident_core::ValidationError;
use incident_core::billing::{Batch, HeldCredit, Lookup, Submission};
use incident_core::engine::system::SystemClock;
use incident_core::paging::{NotSent, NotSentReason, TargetId};
use incident_core::port::{BillingSink, Clock, LookupBy};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Method, Request, StatusCode, Url};

use super::wire::{LookupAnswer, LookupQuery};
use crate::transport::{self, Sent, SigningSecret, VendorResponse, client_for, retry_after};
use crate::{BaseUrl, PagerBuildError};

/// Time for which receivers remember ids, by default. Payment providers store idempotency keys for
/// a day.
const KEY_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// A billing sink that posts each batch as JSON to one address, with the headers of Standard
/// Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature`) and an `Idempotency-Key`.
///
/// `webhook-id` and `Idempotency-Key` are the id of the batch. They and the bytes of the body are
/// the same on every attempt. Any 2xx counts as acceptance, of this attempt or an earlier one; its
/// body is ignored.
///
/// Booked credits are looked up with a post to `<address>/status`, signed alike: `{"keys": [...]}`
/// or `{"period": "2026-11"}`, answered by `{"held": [{"key", "credit_percent", "amount"}]}`. 404,
/// 405 and 501 mean that the receiver has no lookup.
///
/// | status | outcome |
/// |---|---|
/// | 2xx | accepted |
/// | 409, 425, 429, 503 | certainly not accepted; retried, after the wait that is asked for |
/// | 401, 403 | the key is refused: held back, with an alarm |
/// | other 4xx, 3xx | refused: held back, with an alarm |
/// | 408, other 5xx | unknown; retried under the same key |
#[derive(Debug)]
pub struct HttpSink {
    submit: Url,
    status: Url,
    secret: SigningSecret,
    client: Client,
    key_window: Duration,
    target: TargetId,
    clock: Arc<dyn Clock>,
}

/// A builder of an [`HttpSink`].
#[derive(Debug)]
pub struct HttpSinkBuilder {
    base: BaseUrl,
    secret: SigningSecret,
    key_window: Duration,
    client: Option<Client>,
    clock: Arc<dyn Clock>,
}

impl HttpSink {
    /// Creates a builder for a sink at an address.
    ///
    /// ```
    /// use incident_pagers::{BaseUrl, HttpSink, SigningSecret};
    /// let secret = SigningSecret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
    /// let address = BaseUrl::new("https://billing.example/hooks/credits")?;
    /// let sink = HttpSink::builder(address, secret).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn builder(base: BaseUrl, secret: SigningSecret) -> HttpSinkBuilder {
        HttpSinkBuilder {
            base,
            secret,
            key_window: KEY_WINDOW,
            client: None,
            clock: Arc::new(SystemClock),
        }
    }

    fn request(&self, url: &Url, id: &str, body: Vec<u8>) -> Result<Request, ValidationError> {
        let seconds = self.clock.now().micros().div_euclid(1_000_000);
        let signature = self.secret.sign(id, seconds, &body);
        self.client
            .request(Method::POST, url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("idempotency-key", id)
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", signature)
            .body(body)
            .build()
            .map_err(|_| ValidationError::new("request", "valid HTTP header values"))
    }
}

impl HttpSinkBuilder {
    /// Sets the time for which the receiver remembers the id of a batch. Defaults to a day.
    ///
    /// After that time, a batch that may have been accepted is looked up before it is sent again.
    #[must_use]
    pub const fn key_window(mut self, window: Duration) -> Self {
        self.key_window = window;
        self
    }

    /// Sets the host's own client. It must not follow redirects.
    #[must_use]
    pub fn client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// Sets the clock of the timestamps. Defaults to the system clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Builds the sink.
    ///
    /// # Errors
    /// Fails if no HTTP client can be built.
    pub fn build(self) -> Result<HttpSink, PagerBuildError> {
        Ok(HttpSink {
            submit: self.base.call("")?,
            status: self.base.call("/status")?,
            client: client_for(self.client, &self.base)?,
            secret: self.secret,
            key_window: self.key_window,
            target: TargetId::new("http")?,
            clock: self.clock,
        })
    }
}

const fn refused(reason: NotSentReason, retry_after: Option<Duration>) -> Submission {
    Submission::NotSent(NotSent {
        reason,
        retry_after,
    })
}

fn answered(reply: &VendorResponse) -> Submission {
    let status = reply.status;
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            refused(NotSentReason::Unauthorized, None)
        }
        StatusCode::CONFLICT | StatusCode::TOO_EARLY | StatusCode::SERVICE_UNAVAILABLE => {
            refused(NotSentReason::Unavailable, retry_after(&reply.headers))
        }
        StatusCode::TOO_MANY_REQUESTS => {
            refused(NotSentReason::RateLimited, retry_after(&reply.headers))
        }
        StatusCode::REQUEST_TIMEOUT => Submission::Unknown,
        _ if status.is_success() => Submission::Accepted,
        _ if status.is_client_error() || status.is_redirection() => {
            refused(NotSentReason::Rejected, None)
        }
        _ => Submission::Unknown,
    }
}

#[async_trait]
impl BillingSink for HttpSink {
    fn target_id(&self) -> TargetId {
        self.target.clone()
    }

    fn key_window(&self) -> Option<Duration> {
        Some(self.key_window)
    }

    async fn submit(&self, batch: &Batch, timeout: Duration) -> Submission {
        let (id, body) = (batch.id().to_string(), batch.body().as_bytes().to_vec());
        let Ok(request) = self.request(&self.submit, &id, body) else {
            return refused(NotSentReason::Rejected, None);
        };
        match transport::send(&self.client, request, timeout).await {
            Sent::NotConnected(reason) => {
                tracing::debug!(reason, "billing is unreachable");
                refused(NotSentReason::Unreachable, None)
            }
            Sent::Lost(reason) => {
                tracing::debug!(
                    reason,
                    "no response from billing; it is unknown whether it accepted the batch"
                );
                Submission::Unknown
            }
            Sent::Answered(reply) => {
                if !reply.status.is_success() {
                    let status = reply.status.as_u16();
                    let answer = reply.excerpt(&[&self.secret.expose()]);
                    tracing::warn!(status, answer, "billing rejected a batch of credits");
                }
                answered(&reply)
            }
        }
    }

    async fn lookup(&self, asked: LookupBy<'_>, timeout: Duration) -> Lookup {
        let question = LookupQuery::from(asked);
        let Ok(body) = serde_json::to_vec(&question) else {
            return Lookup::Unavailable;
        };
        // A lookup changes nothing, so each one gets an id of its own.
        let id = format!("status_{}", self.clock.now().micros());
        let Ok(request) = self.request(&self.status, &id, body) else {
            return Lookup::Unavailable;
        };
        let Sent::Answered(reply) = transport::send_for_text(&self.client, request, timeout).await
        else {
            return Lookup::Unavailable;
        };
        match reply.status {
            StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::NOT_IMPLEMENTED => Lookup::Unsupported,
            status if status.is_success() => {
                match reply.json().map(serde_json::from_value::<LookupAnswer>) {
                    Some(Ok(answer)) => {
                        Lookup::Found(answer.held.into_iter().map(HeldCredit::from).collect())
                    }
                    Some(Err(_)) | None => Lookup::Unavailable,
                }
            }
            _ => Lookup::Unavailable,
        }
    }
}
