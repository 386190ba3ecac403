//! A channel that posts notices over HTTP, signed as Standard Webhooks specifies.

use std::fmt;
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

/// Length from which a segment of a path may be a token, in bytes.
const TOKEN: usize = 6;

/// A channel that posts each notice as JSON to one address, with the headers of Standard Webhooks
/// (`webhook-id`, `webhook-timestamp`, `webhook-signature`).
///
/// `webhook-id` is the id of the notice, the same on every attempt, so that a receiver recognizes
/// a repeat. The body has a member `text`, so that incoming webhooks of chats show it; their address
/// is a secret, so only its origin is printed. `docs/notices.md` describes the body.
///
/// | status | outcome |
/// |---|---|
/// | 2xx | sent, whatever the body |
/// | 408, 425, 429, 5xx | tried again under the same id, for a day, after the wait that is asked for |
/// | 302, 303, 307, no answer | tried again under the same id, for a day (no redirect is followed) |
/// | other | rejected: given up, with an alarm |
pub struct WebhookChannel {
    name: Name,
    base: BaseUrl,
    url: Url,
    incident_url: Option<UrlOfIncident>,
    secret: SigningSecret,
    client: Client,
    clock: Arc<dyn Clock>,
}

/// A function that returns the address of an incident's page.
type UrlOfIncident = Box<dyn Fn(&Incident) -> String + Send + Sync>;

/// A builder of a [`WebhookChannel`].
pub struct WebhookChannelBuilder {
    name: Name,
    base: BaseUrl,
    incident_url: Option<UrlOfIncident>,
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
            incident_url: None,
            secret,
            client: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// Logs an answer that is no acceptance. A receiver may repeat in it what it got and what it
    /// knows: the secret, the path, and the segments of the path that may be tokens, as they are or
    /// with the escaped slashes of JSON.
    fn log(&self, reply: &VendorResponse) {
        if reply.status.is_success() {
            return;
        }
        let encoded = self.secret.expose();
        let path = self.url.path().trim_end_matches('/');
        let escaped = [encoded.replace('/', r"\/"), path.replace('/', r"\/")];
        let whole = [encoded.as_str(), path, &escaped[0], &escaped[1]];
        let mut secrets: Vec<&str> = whole.into_iter().filter(|one| !one.is_empty()).collect();
        secrets.extend(path.split('/').filter(|segment| segment.len() >= TOKEN));
        let (status, answer) = (reply.status.as_u16(), reply.excerpt(&secrets));
        tracing::warn!(status, answer, "the channel did not take a notice");
    }

    fn request(&self, notice: &Notice, incident: &Incident) -> Option<Request> {
        let url = self.incident_url.as_ref().map(|of| of(incident));
        let body = serde_json::to_vec(&NoticeBody::new(notice, incident, url)).ok()?;
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

    /// Sets the address of an incident's page, which is sent with each notice. None by default.
    ///
    /// ```
    /// # use incident_pagers::{BaseUrl, SigningSecret, WebhookChannel};
    /// # let secret = SigningSecret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
    /// # let address = BaseUrl::new("https://chat.example/hooks/incidents")?;
    /// let page = incident_core::LinkTemplate::new("https://console.example/incidents/{id}")?;
    /// let channel = WebhookChannel::builder("chat".parse()?, address, secret)
    ///     .incident_url(move |one| page.fill(one.id, one.started_at, &one.affected_services))
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn incident_url(
        mut self,
        url: impl Fn(&Incident) -> String + Send + Sync + 'static,
    ) -> Self {
        self.incident_url = Some(Box::new(url));
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
            base: self.base,
            incident_url: self.incident_url,
            secret: self.secret,
            clock: self.clock,
        })
    }
}

impl fmt::Debug for WebhookChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookChannel")
            .field("name", &self.name)
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for WebhookChannelBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookChannelBuilder")
            .field("name", &self.name)
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

fn answered(reply: &VendorResponse) -> Result<(), ChannelError> {
    let status = reply.status;
    if status.is_success() {
        return Ok(());
    }
    let number = status.as_u16();
    let reason = format!("HTTP status {number}");
    match status {
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
        // For now, as of a proxy while the receiver is maintained.
        StatusCode::FOUND | StatusCode::SEE_OTHER | StatusCode::TEMPORARY_REDIRECT => {
            Err(ChannelError::Unavailable {
                reason,
                retry_after: None,
            })
        }
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
            Sent::Answered(reply) => {
                self.log(&reply);
                answered(&reply)
            }
        }
    }
}
