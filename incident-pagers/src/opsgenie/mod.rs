//! OpsGenie and Jira Service Management Operations, over the Alerts API v2.

mod alert;
mod check;
mod priority;
mod responder;

use std::time::Duration;

use async_trait::async_trait;
use incident_core::ValidationError;
use incident_core::paging::{DeliveryResult, NotSentReason, PageAction, PageEvent, TargetId};
use incident_core::port::Pager;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, Method, Request, StatusCode};
use serde::Serialize;
use tokio::time::Instant;

pub use priority::{OpsGeniePriorities, OpsGeniePriority};
pub use responder::{Responder, ResponderKind};

use crate::content::template::PageTemplate;
use crate::transport::base_url::{Base, BaseUrl};
use crate::transport::build_error::PagerBuildError;
use crate::transport::log_exchange::note;
use crate::transport::receipt::{receipt, reduced, wants_less};
use crate::transport::secret::{ApiKey, account};
use crate::transport::{self, Sent, VendorResponse, answer, client_for, refused};

/// A pager for an API integration of OpsGenie, or of Jira Service Management, which takes the same
/// paths, bodies and key at another address.
///
/// **OpsGenie's API ends on 2027-04-05**, and 120 days after an account was migrated; see
/// [`OpsGenieRegion::Jsm`].
///
/// Source of the rules: Atlassian's "Alert API" and "Integration events" documentation and the
/// vendor's OpenAPI description. OpsGenie deduplicates by alias, and only while the alert is open.
/// `202` means that the request was queued. It also answers `202` to an acknowledge or a close
/// that finds no alert.
///
/// ```
/// use incident_pagers::{ApiKey, OpsGenie, OpsGenieRegion, Responder, ResponderKind};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = ApiKey::new("eb243592-faa2-4ba2-a551q-1afdf565c889")?;
/// let pager = OpsGenie::builder(key)
///     .region(OpsGenieRegion::Jsm)
///     .responder(Responder::by_id(ResponderKind::Schedule, "4513b7ea")?)
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct OpsGenie {
    target: TargetId,
    base: BaseUrl,
    key: ApiKey,
    client: Client,
    priorities: OpsGeniePriorities,
    responders: Vec<Responder>,
    template: PageTemplate,
}

/// The region of an account. A key works in one of them only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpsGenieRegion {
    /// `https://api.opsgenie.com`.
    #[default]
    Us,
    /// `https://api.eu.opsgenie.com`.
    Eu,
    /// Jira Service Management Operations, which replaces OpsGenie in both regions:
    /// `https://api.atlassian.com/jsm/ops/integration`.
    ///
    /// Its aliases are separate: page through only one of the two while an account is migrated, or
    /// people are woken twice.
    Jsm,
}

/// A builder of an [`OpsGenie`].
#[derive(Clone, Debug)]
#[must_use]
pub struct OpsGenieBuilder {
    key: ApiKey,
    base: Base,
    name: String,
    client: Option<Client>,
    priorities: OpsGeniePriorities,
    responders: Vec<Responder>,
    template: PageTemplate,
}

/// Characters that are not encoded in a path segment: the unreserved ones of RFC 3986. An alias
/// with a bare `:` or `/` would be another path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl OpsGenie {
    /// The default name of the target.
    pub const NAME: &str = "opsgenie";

    /// Creates a builder with the key of an API integration, in the US region.
    pub fn builder(key: ApiKey) -> OpsGenieBuilder {
        OpsGenieBuilder {
            key,
            base: OpsGenieRegion::Us.base(),
            name: Self::NAME.to_owned(),
            client: None,
            priorities: OpsGeniePriorities::default(),
            responders: Vec::new(),
            template: PageTemplate::default(),
        }
    }

    /// Returns the base URL of the API.
    #[must_use]
    pub const fn base_url(&self) -> &BaseUrl {
        &self.base
    }

    /// Adds a note to the open alert of a key.
    ///
    /// A note wakes no one. Sending it again adds it again.
    pub async fn note(&self, dedup_key: &str, text: &str, timeout: Duration) -> DeliveryResult {
        let body = alert::Act::saying(text, &self.template);
        let request = self.request(Method::POST, &of_alias(dedup_key, "notes"), &body);
        self.call("note", request, timeout, on_alert).await
    }

    /// Changes the priority of the open alert of a key, which creating the alert again would not
    /// do.
    pub async fn set_priority(
        &self,
        dedup_key: &str,
        priority: OpsGeniePriority,
        timeout: Duration,
    ) -> DeliveryResult {
        let request = self.priority_request(dedup_key, priority);
        self.call("priority", request, timeout, on_alert).await
    }

    fn priority_request(&self, dedup_key: &str, priority: OpsGeniePriority) -> Option<Request> {
        let body = alert::SetPriority { priority };
        self.request(Method::PUT, &of_alias(dedup_key, "priority"), &body)
    }

    fn page_request(&self, page: &PageEvent) -> Option<Request> {
        let act = |verb: &str, what: &str| {
            let body = alert::Act::of(page, what, &self.template);
            self.request(Method::POST, &of_alias(&page.dedup_key, verb), &body)
        };
        match page.action {
            PageAction::Trigger => {
                let priority = self.priorities.of(page.severity);
                let body = alert::CreateAlert::of(page, priority, &self.responders, &self.template);
                self.request(Method::POST, "/v2/alerts", &body)
            }
            PageAction::Acknowledge => act("acknowledge", "was acknowledged"),
            PageAction::Resolve => act("close", "was resolved"),
            PageAction::Reprioritise => {
                self.priority_request(&page.dedup_key, self.priorities.of(page.severity))
            }
        }
    }

    fn request(&self, method: Method, path: &str, body: &impl Serialize) -> Option<Request> {
        self.client
            .request(method, self.base.call(path).ok()?)
            .header(AUTHORIZATION, self.authorization()?)
            .json(body)
            .build()
            .ok()
    }

    fn authorization(&self) -> Option<HeaderValue> {
        let mut key = HeaderValue::try_from(format!("GenieKey {}", self.key.expose())).ok()?;
        key.set_sensitive(true);
        Some(key)
    }

    /// Sends a request, and returns and logs its outcome.
    async fn call(
        &self,
        what: &str,
        request: Option<Request>,
        timeout: Duration,
        outcome: fn(&VendorResponse) -> DeliveryResult,
    ) -> DeliveryResult {
        let Some(request) = request else {
            return refused(NotSentReason::Rejected);
        };
        let sent = transport::send(&self.client, request, timeout).await;
        self.judge(what, &sent, outcome)
    }

    /// Returns the outcome of a request, and logs it.
    fn judge(
        &self,
        what: &str,
        sent: &Sent,
        outcome: fn(&VendorResponse) -> DeliveryResult,
    ) -> DeliveryResult {
        let answer = match sent {
            Sent::NotConnected(_) => refused(NotSentReason::Unreachable),
            Sent::Lost(_) => DeliveryResult::Unknown,
            Sent::Answered(reply) => outcome(reply),
        };
        note(&self.target, what, sent, &answer, self.key.expose());
        answer
    }
}

/// Returns the path of the alert of a key.
fn alert_of(dedup_key: &str) -> String {
    let alias = alert::alias(dedup_key);
    let alias = utf8_percent_encode(&alias, SEGMENT);
    format!("/v2/alerts/{alias}?identifierType=alias")
}

/// Returns the path of a call on the alert of a key.
fn of_alias(dedup_key: &str, verb: &str) -> String {
    let alias = alert::alias(dedup_key);
    let alias = utf8_percent_encode(&alias, SEGMENT);
    format!("/v2/alerts/{alias}/{verb}?identifierType=alias")
}

fn on_create(reply: &VendorResponse) -> DeliveryResult {
    answer(reply, receipt(reply), is_ours)
}

/// Converts the answer to a call on an alert. OpsGenie's own 404 counts as accepted: no alert is
/// open under this alias, so there is nothing to change.
fn on_alert(reply: &VendorResponse) -> DeliveryResult {
    if reply.status == StatusCode::NOT_FOUND && is_ours(reply) {
        DeliveryResult::Accepted(receipt(reply))
    } else {
        on_create(reply)
    }
}

fn is_ours(reply: &VendorResponse) -> bool {
    let body = reply.json();
    body.is_some_and(|body| body.get("requestId").is_some())
}

impl OpsGenieRegion {
    const fn base(self) -> Base {
        Base::Known(match self {
            Self::Us => "https://api.opsgenie.com",
            Self::Eu => "https://api.eu.opsgenie.com",
            Self::Jsm => "https://api.atlassian.com/jsm/ops/integration",
        })
    }
}

impl OpsGenieBuilder {
    /// Sets the region, or Jira Service Management. Defaults to [`OpsGenieRegion::Us`].
    pub fn region(self, region: OpsGenieRegion) -> Self {
        let base = region.base();
        Self { base, ..self }
    }

    /// Sets the base URL, for a gateway or a mock vendor.
    pub fn base_url(self, url: BaseUrl) -> Self {
        let base = Base::Given(url);
        Self { base, ..self }
    }

    /// Sets the name of the target, for a second integration. Defaults to `opsgenie`.
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

    /// Sets the OpsGenie priority of each severity.
    pub fn priorities(self, priorities: OpsGeniePriorities) -> Self {
        Self { priorities, ..self }
    }

    /// Adds a responder to every alert.
    pub fn responder(mut self, responder: Responder) -> Self {
        self.responders.push(responder);
        self
    }

    /// Sets the parts of every page that come from the host.
    pub fn template(self, template: PageTemplate) -> Self {
        Self { template, ..self }
    }

    /// Builds the pager.
    ///
    /// # Errors
    /// Returns [`PagerBuildError::Invalid`] if the name is not valid for a target or there are
    /// more than 50 responders. Fails if no HTTP client can be built.
    pub fn build(self) -> Result<OpsGenie, PagerBuildError> {
        if self.responders.len() > responder::MAX_RESPONDERS {
            return Err(ValidationError::new("responders", "at most 50 responders").into());
        }
        let base = self.base.url()?;
        let account = account(&base.to_string(), self.key.expose());
        Ok(OpsGenie {
            target: TargetId::new(&self.name)?.in_account(&account)?,
            client: client_for(self.client, &base)?,
            base,
            key: self.key,
            priorities: self.priorities,
            responders: self.responders,
            template: self.template,
        })
    }
}

#[async_trait]
impl Pager for OpsGenie {
    fn target_id(&self) -> TargetId {
        self.target.clone()
    }

    fn follows_severity(&self) -> bool {
        true
    }

    async fn send(&self, page: &PageEvent, timeout: Duration) -> DeliveryResult {
        let outcome = match page.action {
            PageAction::Trigger => on_create,
            PageAction::Acknowledge | PageAction::Resolve | PageAction::Reprioritise => on_alert,
        };
        let deadline = Instant::now() + timeout;
        let Some(request) = self.page_request(page) else {
            return refused(NotSentReason::Rejected);
        };
        let what = page.action.noun();
        let sent = transport::send(&self.client, request, timeout).await;
        let answer = self.judge(what, &sent, outcome);
        if !wants_less(&sent, &answer) || page.action != PageAction::Trigger {
            return answer;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let body = alert::Bare::of(page, self.priorities.of(page.severity));
        let request = self.request(Method::POST, "/v2/alerts", &body);
        reduced(self.call(what, request, left, outcome).await)
    }
}
