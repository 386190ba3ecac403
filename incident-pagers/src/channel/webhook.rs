//! A channel that posts notices over HTTP, signed as Standard Webhooks specifies.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use incident_core::Name;
use incident_core::engine::system::SystemClock;
use incident_core::incident::Incident;
use incident_core::notice::Notice;
use incident_core::port::{Channel, ChannelError, Clock};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Method, Request, StatusCode, Url};

use super::wire::NoticeBody;
use crate::transport::{self, Sent, SigningSecret, VendorResponse, client_for, retry_after};
use crate::{BaseUrl, PagerBuildError};

/// A channel that posts each notice as JSON to one address, with the headers of Standard Webhooks
/// (`webhook-id`, `webhook-timestamp`, `webhook-signature`).
///
/// `webhook-id` is the id of the notice, the same on every attempt, so that a receiver recognizes
/// a repeat. The body has a member `text`, so that incoming webhooks of chats show it.
///
/// | status | outcome |
/// |---|---|
/// | 2xx | sent |
/// | 408, 425, 429, 5xx, no answer | tried again under the same id, for a day |
/// | other | rejected: given up, with an alarm |
#[derive(Debug)]
pub struct WebhookChannel {
    name: Name,
    url: Url,
    secret: SigningSecret,
    client: Client,
    clock: Arc<dyn Clock>,
}

/// A builder of a [`WebhookChannel`].
#[derive(Debug)]
pub struct WebhookChannelBuilder {
    name: Name,
    base: BaseUrl,
    secret: SigningSecret,
    client: Option<Client>,
    clock: Arc<dyn Clock>,
}

impl WebhookChannel {
    /// Creates a builder for a channel at an address.
    ///
    /// ```
    /// use incident_pagers::{BaseUrl, SigningSecret, WebhookChannel};
    /// let secret = SigningSecret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
    /// let address = BaseUrl::new("https://chat.example/hooks/incidents")?;
    /// let channel = WebhookChannel::builder("chat".parse()?, address, secret).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn builder(name: Name, base: BaseUrl, secret: SigningSecret) -> WebhookChannelBuilder {
        WebhookChannelBuilder {
            name,
            base,
            secret,
            client: None,
            clock: Arc::new(SystemClock),
        }
    }

    fn request(&self, notice: &Notice, incident: &Incident) -> Option<Request> {
        let body = serde_json::to_vec(&NoticeBody::new(notice, incident)).ok()?;
        let id = notice.message_id().to_string();
        let seconds = self.clock.now().micros().div_euclid(1_000_000);
        let signature = self.secret.sign(&id, seconds, &body);
        let request = self.client.request(Method::POST, self.url.clone());
        request
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", signature)
            .body(body)
            .build()
            .ok()
    }
}

impl WebhookChannelBuilder {
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

    /// Builds the channel.
    ///
    /// # Errors
    /// Fails if no HTTP client can be built.
    pub fn build(self) -> Result<WebhookChannel, PagerBuildError> {
        Ok(WebhookChannel {
            url: self.base.call("")?,
            client: client_for(self.client, &self.base)?,
            name: self.name,
            secret: self.secret,
            clock: self.clock,
        })
    }
}

fn answered(reply: &VendorResponse) -> Result<(), ChannelError> {
    let status = reply.status;
    if !status.is_success() {
        let (status, said) = (status.as_u16(), reply.text());
        tracing::warn!(status, said, "the channel did not take a notice");
    }
    let reason = format!("HTTP status {}", status.as_u16());
    match status {
        _ if status.is_success() => Ok(()),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Err(ChannelError::Unavailable {
                reason,
                retry_after: retry_after(&reply.headers),
            })
        }
        _ if status.is_server_error() => Err(ChannelError::Unavailable {
            reason,
            retry_after: retry_after(&reply.headers),
        }),
        _ => Err(ChannelError::Rejected(reason)),
    }
}

#[async_trait]
impl Channel for WebhookChannel {
    fn name(&self) -> &Name {
        &self.name
    }

    async fn send(
        &self,
        notice: &Notice,
        incident: &Incident,
        timeout: Duration,
    ) -> Result<(), ChannelError> {
        let Some(request) = self.request(notice, incident) else {
            let reason = "the request could not be built".to_owned();
            return Err(ChannelError::Rejected(reason));
        };
        match transport::send(&self.client, request, timeout).await {
            Sent::NotConnected(reason) | Sent::Lost(reason) => Err(ChannelError::Unavailable {
                reason,
                retry_after: None,
            }),
            Sent::Answered(reply) => answered(&reply),
        }
    }
}
