//! PagerDuty's REST API: which alerts an incident there is made of.

use std::time::Duration;

use async_trait::async_trait;
use incident_core::paging::{
    AlertStatus, Confirmation, PageEvent, Receipt, TargetId, VendorEvent, incident_of_key,
};
use incident_core::port::PageCheck;
use incident_core::{PersonName, ValidationError};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Client;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::transport::base_url::BaseUrl;
use crate::transport::build_error::PagerBuildError;
use crate::transport::{self, Sent, client_for};

/// Where the REST API of an account in the US is; `https://api.eu.pagerduty.com`
/// in the EU.
const BASE: &str = "https://api.pagerduty.com";

/// Alerts of one incident that are looked at: an incident of ours has one, and
/// more where somebody merged.
const ALERTS: u32 = 25;

/// Asks PagerDuty's REST API. It takes a token of its own (read-only will do),
/// and is needed only because webhooks may leave the key of an alert out.
#[derive(Clone, Debug)]
pub struct PagerDutyRest {
    base: BaseUrl,
    token: SecretString,
    client: Client,
}

/// PagerDuty did not tell. **Handling:** let the webhook come again (HTTP: 503).
#[derive(Debug, thiserror::Error)]
#[error("PagerDuty's REST API did not tell the keys of the alerts: {0}")]
pub struct LookupError(String);

impl PagerDutyRest {
    /// A client of the API.
    ///
    /// # Errors
    /// The token is not 1 to 200 letters, digits and signs, or no HTTP client
    /// could be made. No error repeats the token.
    pub fn new(
        token: impl Into<String>,
        base: Option<BaseUrl>,
        client: Option<Client>,
    ) -> Result<Self, PagerBuildError> {
        let token = token.into();
        let fits = (1..=200).contains(&token.len());
        if !fits || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            let expected = "a token of PagerDuty's REST API: 1 to 200 visible ASCII characters";
            return Err(ValidationError::new("token", expected).into());
        }
        let base = match base {
            Some(base) => base,
            None => BaseUrl::new(BASE)?,
        };
        Ok(Self {
            client: client_for(client, &base)?,
            base,
            token: SecretString::from(token),
        })
    }

    /// Adds the key to what was heard without one, where the incident there has
    /// an alert of ours.
    ///
    /// # Errors
    /// PagerDuty did not answer, or not what it documents.
    pub async fn complete(
        &self,
        event: VendorEvent,
        timeout: Duration,
    ) -> Result<VendorEvent, LookupError> {
        let ours = |key: &String| incident_of_key(key).is_some();
        let known = event.dedup_key.as_ref().is_some_and(ours);
        let Some(id) = event.vendor_id.as_ref().filter(|_| !known) else {
            return Ok(event);
        };
        let key = self.keys(id, timeout).await?.into_iter().find(ours);
        Ok(VendorEvent {
            dedup_key: key.or(event.dedup_key),
            ..event
        })
    }

    /// The same account, asked what became of the pages of a target.
    #[must_use]
    pub fn checking(&self, target: TargetId) -> PagerDutyCheck {
        PagerDutyCheck {
            target,
            rest: self.clone(),
        }
    }

    /// The keys of the alerts of an incident there.
    async fn keys(&self, vendor_id: &str, timeout: Duration) -> Result<Vec<String>, LookupError> {
        let id = utf8_percent_encode(vendor_id, NON_ALPHANUMERIC);
        let call = format!("/incidents/{id}/alerts?limit={ALERTS}");
        let alerts = self.list(&call, "alerts", timeout).await?;
        let key = |alert: Value| Some(alert.get("alert_key")?.as_str()?.to_owned());
        Ok(alerts.into_iter().filter_map(key).collect())
    }

    /// A list of the API; empty where the vendor does not know what is asked for.
    async fn list(
        &self,
        call: &str,
        name: &str,
        timeout: Duration,
    ) -> Result<Vec<Value>, LookupError> {
        let url = self.base.call(call);
        let url = url.map_err(|error| LookupError(error.to_string()))?;
        let token = format!("Token token={}", self.token.expose_secret());
        let mut token = HeaderValue::try_from(token)
            .map_err(|_| LookupError("the token is no header".to_owned()))?;
        token.set_sensitive(true);
        let request = self
            .client
            .get(url)
            .header(AUTHORIZATION, token)
            .header(ACCEPT, "application/vnd.pagerduty+json;version=2")
            .build()
            .map_err(|_| LookupError("the request cannot be made".to_owned()))?;
        let reply = match transport::send(&self.client, request, timeout).await {
            Sent::Answered(reply) => reply,
            Sent::NotConnected(why) | Sent::Lost(why) => return Err(LookupError(why)),
        };
        // Deleted there, or of another account.
        if reply.status == reqwest::StatusCode::NOT_FOUND {
            return Ok(Vec::new());
        }
        let body = reply.json().filter(|_| reply.status.is_success());
        let list = body.and_then(|body| Some(body.get(name)?.as_array()?.clone()));
        list.ok_or_else(|| LookupError(format!("status {}", reply.status)))
    }
}

/// Asks whether PagerDuty opened an incident for a page.
///
/// The Events API answers 202 for a disabled service, in a maintenance window and
/// where a rule suppresses the event as well; only the REST API tells.
#[derive(Clone, Debug)]
pub struct PagerDutyCheck {
    target: TargetId,
    rest: PagerDutyRest,
}

#[async_trait]
impl PageCheck for PagerDutyCheck {
    fn target_id(&self) -> TargetId {
        self.target.clone()
    }

    async fn check(&self, page: &PageEvent, _receipt: &Receipt, timeout: Duration) -> Confirmation {
        let key = utf8_percent_encode(&page.dedup_key, NON_ALPHANUMERIC);
        let call = format!(
            "/incidents?incident_key={key}&statuses%5B%5D=triggered&statuses%5B%5D=acknowledged&limit=1"
        );
        match self.rest.list(&call, "incidents", timeout).await {
            Ok(found) if found.is_empty() => Confirmation::NotYet,
            Ok(_) => Confirmation::Opened,
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "not confirmed");
                Confirmation::Unknown
            }
        }
    }

    async fn status(&self, dedup_key: &str, timeout: Duration) -> AlertStatus {
        let key = utf8_percent_encode(dedup_key, NON_ALPHANUMERIC);
        // The newest of this key: a page after a reopen makes another one.
        let call = format!(
            "/incidents?incident_key={key}&date_range=all&sort_by=created_at%3Adesc&limit=1"
        );
        match self.rest.list(&call, "incidents", timeout).await {
            // Of a disabled service, or suppressed: that is for `check` to say.
            Ok(found) => found.first().map_or(AlertStatus::Unknown, status_of),
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "not reconciled");
                AlertStatus::Unknown
            }
        }
    }
}

/// Source: schema `Incident` of PagerDuty's REST API.
fn status_of(incident: &Value) -> AlertStatus {
    let text = |pointer: &str| incident.pointer(pointer).and_then(Value::as_str);
    let person = |agent: &str| {
        // Services and integrations change a status as well.
        let is_person = text(&format!("{agent}/type"))?.starts_with("user");
        let name = text(&format!("{agent}/summary")).filter(|_| is_person)?;
        PersonName::new(name).ok()
    };
    match text("/status") {
        Some("triggered") => AlertStatus::Open,
        Some("acknowledged") => AlertStatus::Acknowledged(
            person("/acknowledgements/0/acknowledger").or_else(|| person("/last_status_change_by")),
        ),
        Some("resolved") if text("/resolve_reason/type") == Some("merge_resolve_reason") => {
            AlertStatus::Merged
        }
        Some("resolved") => AlertStatus::Closed(person("/last_status_change_by")),
        _ => AlertStatus::Unknown,
    }
}
