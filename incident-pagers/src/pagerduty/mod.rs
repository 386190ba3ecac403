//! PagerDuty, over its Events API v2.

mod event;
mod rest;
mod severity;

use std::time::Duration;

use async_trait::async_trait;
use incident_core::paging::{DeliveryResult, NotSentReason, PageAction, PageEvent, TargetId};
use incident_core::port::Pager;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Request, StatusCode};
use tokio::time::Instant;

pub use rest::{LookupError, PagerDutyCheck, PagerDutyRest};
pub use severity::{PagerDutySeverities, PagerDutySeverity};

use crate::content::template::PageTemplate;
use crate::transport::base_url::{Base, BaseUrl};
use crate::transport::build_error::PagerBuildError;
use crate::transport::log_exchange::note;
use crate::transport::receipt::{receipt, reduced, wants_less};
use crate::transport::secret::{RoutingKey, account};
use crate::transport::{self, Sent, VendorResponse, answer, client_for, refused};

/// A pager for a PagerDuty service.
///
/// Source of the rules: PagerDuty's "Events API v2" documentation and OpenAPI description.
/// PagerDuty deduplicates per routing key and `dedup_key`, and only while the alert is open; it
/// drops an acknowledge or resolve without an open alert. `202` means that the event was accepted,
/// not that a person was woken: a disabled service or a maintenance window also answers `202`.
///
/// ```
/// use incident_pagers::{PagerDuty, PagerDutyRegion, RoutingKey};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = RoutingKey::new("0123456789abcdef0123456789abcdef")?;
/// let pager = PagerDuty::builder(key).region(PagerDutyRegion::Eu).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PagerDuty {
    target: TargetId,
    base: BaseUrl,
    enqueue: reqwest::Url,
    key: RoutingKey,
    client: Client,
    severities: PagerDutySeverities,
    template: PageTemplate,
}

/// The region of an account. A key works in one region only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PagerDutyRegion {
    /// `https://events.pagerduty.com`.
    #[default]
    Us,
    /// `https://events.eu.pagerduty.com`.
    Eu,
}

/// A builder of a [`PagerDuty`].
#[derive(Clone, Debug)]
#[must_use]
pub struct PagerDutyBuilder {
    key: RoutingKey,
    base: Base,
    name: String,
    client: Option<Client>,
    severities: PagerDutySeverities,
    template: PageTemplate,
}

impl PagerDuty {
    /// The default name of the target.
    pub const NAME: &str = "pagerduty";

    /// Creates a builder with the key of an Events API v2 integration, in the US region.
    pub fn builder(key: RoutingKey) -> PagerDutyBuilder {
        PagerDutyBuilder {
            key,
            base: PagerDutyRegion::Us.base(),
            name: Self::NAME.to_owned(),
            client: None,
            severities: PagerDutySeverities::default(),
            template: PageTemplate::default(),
        }
    }

    /// Returns the base URL of the API.
    #[must_use]
    pub const fn base_url(&self) -> &BaseUrl {
        &self.base
    }

    /// Builds the request for a page, key included. Returns `None` if PagerDuty has no event for
    /// its action.
    fn request(&self, page: &PageEvent) -> Option<Request> {
        let severity = self.severities.of(page.severity, page.urgency);
        let body = event::body(self.key.expose(), page, severity, &self.template).ok()?;
        self.post(body)
    }

    /// Builds the request for a trigger with its minimal body.
    fn bare_request(&self, page: &PageEvent) -> Option<Request> {
        let severity = self.severities.of(page.severity, page.urgency);
        self.post(event::bare(self.key.expose(), page, severity).ok()?)
    }

    fn post(&self, body: Vec<u8>) -> Option<Request> {
        self.client
            .post(self.enqueue.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body)
            .build()
            .ok()
    }

    /// Returns the outcome of a request, and logs it.
    fn judge(&self, page: &PageEvent, sent: &Sent) -> DeliveryResult {
        let answer = outcome(sent);
        let what = page.action.noun();
        note(&self.target, what, sent, &answer, self.key.expose());
        answer
    }
}

impl PagerDutyRegion {
    const fn base(self) -> Base {
        Base::Known(match self {
            Self::Us => "https://events.pagerduty.com",
            Self::Eu => "https://events.eu.pagerduty.com",
        })
    }
}

impl PagerDutyBuilder {
    /// Sets the region. Defaults to [`PagerDutyRegion::Us`].
    pub fn region(self, region: PagerDutyRegion) -> Self {
        let base = region.base();
        Self { base, ..self }
    }

    /// Sets the base URL, for a gateway or a mock vendor.
    pub fn base_url(self, url: BaseUrl) -> Self {
        let base = Base::Given(url);
        Self { base, ..self }
    }

    /// Sets the name of the target, for a second PagerDuty service. Defaults to `pagerduty`.
    pub fn named(self, name: &str) -> Self {
        let name = name.to_owned();
        Self { name, ..self }
    }

    /// Sets the host's HTTP client, instead of one built here.
    ///
    /// It must not follow redirects; [`client_builder`](crate::client_builder) returns a builder
    /// that a host can add to.
    pub fn client(self, client: Client) -> Self {
        let client = Some(client);
        Self { client, ..self }
    }

    /// Sets the PagerDuty severity of each of our severities.
    pub fn severities(self, severities: PagerDutySeverities) -> Self {
        Self { severities, ..self }
    }

    /// Sets the parts of every page that come from the host.
    pub fn template(self, template: PageTemplate) -> Self {
        Self { template, ..self }
    }

    /// Builds the pager.
    ///
    /// # Errors
    /// Returns [`PagerBuildError::Invalid`] if the name is not valid for a target. Fails if no
    /// HTTP client can be built.
    pub fn build(self) -> Result<PagerDuty, PagerBuildError> {
        let base = self.base.url()?;
        let account = account(&base.to_string(), self.key.expose());
        Ok(PagerDuty {
            target: TargetId::new(&self.name)?.in_account(&account)?,
            enqueue: base.call("/v2/enqueue")?,
            client: client_for(self.client, &base)?,
            base,
            key: self.key,
            severities: self.severities,
            template: self.template,
        })
    }
}

#[async_trait]
impl Pager for PagerDuty {
    fn target_id(&self) -> TargetId {
        self.target.clone()
    }

    fn follows_severity(&self) -> bool {
        false
    }

    async fn send(&self, page: &PageEvent, timeout: Duration) -> DeliveryResult {
        let deadline = Instant::now() + timeout;
        let Some(request) = self.request(page) else {
            return refused(NotSentReason::Rejected);
        };
        let sent = transport::send(&self.client, request, timeout).await;
        let answer = self.judge(page, &sent);
        if !wants_less(&sent, &answer) || page.action != PageAction::Trigger {
            return answer;
        }
        let Some(request) = self.bare_request(page) else {
            return answer;
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let sent = transport::send(&self.client, request, left).await;
        reduced(self.judge(page, &sent))
    }
}

/// Returns the outcome that a pager derives from an HTTP answer of PagerDuty, for tests that model
/// the vendor without sockets.
#[cfg(feature = "testing")]
pub(crate) fn answer_of(reply: VendorResponse) -> DeliveryResult {
    outcome(&Sent::Answered(reply))
}

fn outcome(sent: &Sent) -> DeliveryResult {
    match sent {
        Sent::NotConnected(_) => refused(NotSentReason::Unreachable),
        Sent::Lost(_) => DeliveryResult::Unknown,
        Sent::Answered(reply) if names_the_key(reply) => refused(NotSentReason::Unauthorized),
        Sent::Answered(reply) => answer(reply, receipt(reply), is_ours),
    }
}

/// Returns `true` if a 400 is about the routing key: PagerDuty answers 400 to a wrong key as well
/// as to a wrong body.
fn names_the_key(reply: &VendorResponse) -> bool {
    let text = reply.text().to_ascii_lowercase();
    reply.status == StatusCode::BAD_REQUEST
        && (text.contains("routing_key") || text.contains("routing key"))
}

fn is_ours(reply: &VendorResponse) -> bool {
    let body = reply.json();
    body.is_some_and(|body| body.get("status").is_some_and(|status| status == "success"))
}
