//! PagerDuty's REST API: keys of alerts, and confirmation of pages.

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

/// Base URL of the REST API in the US; `https://api.eu.pagerduty.com` in the EU.
const BASE: &str = "https://api.pagerduty.com";

/// Maximum number of alerts read per incident at PagerDuty. One of ours has one alert, or more
/// after a merge.
const ALERTS: u32 = 25;

/// A client of PagerDuty's REST API.
///
/// It needs a token of its own (read-only is enough), and exists because webhooks may omit the key
/// of an alert and because only this API confirms pages.
#[derive(Clone, Debug)]
pub struct PagerDutyRest {
    base: BaseUrl,
    token: SecretString,
    client: Client,
}

/// A failed lookup at PagerDuty's REST API. **Handling:** answer the webhook with HTTP 503, so
/// that it is delivered again.
#[derive(Debug, thiserror::Error)]
#[error("PagerDuty's REST API did not return the alerts' dedup keys: {0}")]
pub struct LookupError(String);

impl PagerDutyRest {
    /// Creates a client of the API. Without `base` it uses the US address.
    ///
    /// # Errors
    /// Fails if the token is not 1 to 200 visible ASCII characters, or if no HTTP client can be
    /// built. No error repeats the token.
    pub fn new(
        token: impl Into<String>,
        base: Option<BaseUrl>,
        client: Option<Client>,
    ) -> Result<Self, PagerBuildError> {
        let token = token.into();
        let fits = (1..=200).contains(&token.len());
        if !fits || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            let expected = "a PagerDuty REST API token: 1 to 200 visible ASCII characters";
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

    /// Adds the `dedup_key` to an event that came without one of ours, if the PagerDuty incident
    /// has an alert of ours.
    ///
    /// # Errors
    /// Returns [`LookupError`] if PagerDuty did not answer, or not as it documents.
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

    /// Creates a check that confirms the pages of a target through this account.
    #[must_use]
    pub fn checking(&self, target: TargetId) -> PagerDutyCheck {
        PagerDutyCheck {
            target,
            rest: self.clone(),
        }
    }

    /// Lists the keys of the alerts of a PagerDuty incident.
    async fn keys(&self, vendor_id: &str, timeout: Duration) -> Result<Vec<String>, LookupError> {
        let id = utf8_percent_encode(vendor_id, NON_ALPHANUMERIC);
        let call = format!("/incidents/{id}/alerts?limit={ALERTS}");
        let alerts = self.list(&call, "alerts", timeout).await?;
        let key = |alert: Value| Some(alert.get("alert_key")?.as_str()?.to_owned());
        Ok(alerts.into_iter().filter_map(key).collect())
    }

    /// Reads a list from the API. Returns an empty one if PagerDuty answers 404.
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
            .map_err(|_| LookupError("the token is not a valid header value".to_owned()))?;
        token.set_sensitive(true);
        let request = self
            .client
            .get(url)
            .header(AUTHORIZATION, token)
            .header(ACCEPT, "application/vnd.pagerduty+json;version=2")
            .build()
            .map_err(|_| LookupError("the request could not be built".to_owned()))?;
        let reply = match transport::send(&self.client, request, timeout).await {
            Sent::Answered(reply) => reply,
            Sent::NotConnected(why) | Sent::Lost(why) => return Err(LookupError(why)),
        };
        // The incident was deleted, or belongs to another account.
        if reply.status == reqwest::StatusCode::NOT_FOUND {
            return Ok(Vec::new());
        }
        let body = reply.json().filter(|_| reply.status.is_success());
        let list = body.and_then(|body| Some(body.get(name)?.as_array()?.clone()));
        list.ok_or_else(|| LookupError(format!("status {}", reply.status)))
    }
}

/// A check whether PagerDuty opened an incident for a page.
///
/// The Events API also answers 202 for a disabled service, in a maintenance window and if a rule
/// suppresses the event; only the REST API shows the difference.
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
        // The newest incident of this key: a page after a reopening creates another one.
        let call = format!(
            "/incidents?incident_key={key}&date_range=all&sort_by=created_at%3Adesc&limit=1"
        );
        match self.rest.list(&call, "incidents", timeout).await {
            // None: the service is disabled or the event was suppressed, which `check` reports.
            Ok(found) => found.first().map_or(AlertStatus::Unknown, status_of),
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "not reconciled");
                AlertStatus::Unknown
            }
        }
    }
}

/// Converts a PagerDuty incident to the status of its alert.
///
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
