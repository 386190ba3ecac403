//! Confirmation of pages: OpsGenie queues an accepted request and processes it later.

use std::time::Duration;

use async_trait::async_trait;
use incident_core::PersonName;
use incident_core::paging::{AlertStatus, Confirmation, PageEvent, Receipt, TargetId};
use incident_core::port::{PageCheck, Pager};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::AUTHORIZATION;
use reqwest::{Request, StatusCode};
use serde_json::Value;

use super::{OpsGenie, is_ours};
use crate::transport::{self, Sent, VendorResponse};

/// Confirmation by the status of the request.
///
/// Source of the rules: OpsGenie's "Get Request Status" and the error type `RequestNotProcessed`
/// of its SDKs. Jira Service Management has the same call.
#[async_trait]
impl PageCheck for OpsGenie {
    fn target_id(&self) -> TargetId {
        Pager::target_id(self)
    }

    async fn check(&self, _page: &PageEvent, receipt: &Receipt, timeout: Duration) -> Confirmation {
        let Some(request) = self.status_of(receipt) else {
            return Confirmation::Unknown;
        };
        match transport::send(&self.client, request, timeout).await {
            Sent::Answered(reply) => confirmation(&reply),
            Sent::NotConnected(_) | Sent::Lost(_) => Confirmation::Unknown,
        }
    }

    async fn status(&self, dedup_key: &str, timeout: Duration) -> AlertStatus {
        let Some(request) = self.get(&super::alert_of(dedup_key)) else {
            return AlertStatus::Unknown;
        };
        match transport::send(&self.client, request, timeout).await {
            Sent::Answered(reply) => status(&reply),
            Sent::NotConnected(_) | Sent::Lost(_) => AlertStatus::Unknown,
        }
    }
}

impl OpsGenie {
    fn status_of(&self, receipt: &Receipt) -> Option<Request> {
        let id = utf8_percent_encode(receipt.request_id.as_ref()?, NON_ALPHANUMERIC);
        self.get(&format!("/v2/alerts/requests/{id}"))
    }

    fn get(&self, call: &str) -> Option<Request> {
        self.client
            .get(self.base.call(call).ok()?)
            .header(AUTHORIZATION, self.authorization()?)
            .build()
            .ok()
    }
}

fn confirmation(reply: &VendorResponse) -> Confirmation {
    let body = reply.json().unwrap_or_default();
    if reply.status == StatusCode::NOT_FOUND {
        let kind = reply.headers.get("x-opsgenie-errortype");
        let waits = kind.is_some_and(|kind| kind == "RequestNotProcessed");
        // The id came from the vendor, so any other 404 does not say what became of the request.
        return if waits {
            Confirmation::NotYet
        } else {
            Confirmation::Unknown
        };
    }
    let Some(data) = body.get("data").filter(|_| reply.status == StatusCode::OK) else {
        return Confirmation::Unknown;
    };
    let flag = |name: &str| data.get(name).and_then(Value::as_bool);
    let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default();
    match flag("isSuccess").or(flag("success")) {
        Some(true) => Confirmation::Opened,
        // An alert of this alias was already open: people know of it.
        Some(false) if !text("alertId").is_empty() => Confirmation::Opened,
        Some(false) => Confirmation::NotOpened,
        None => Confirmation::Unknown,
    }
}

/// Converts an answer to the status of the alert.
///
/// Source: definitions `Alert` and `AlertReport` of the Alerts API. An alias finds only an open
/// alert, so the vendor's 404 means that it is closed.
fn status(reply: &VendorResponse) -> AlertStatus {
    let body = reply.json().unwrap_or_default();
    if reply.status == StatusCode::NOT_FOUND && is_ours(reply) {
        return AlertStatus::Closed(None);
    }
    let Some(data) = body.get("data").filter(|_| reply.status == StatusCode::OK) else {
        return AlertStatus::Unknown;
    };
    let by = |name: &str| {
        let person = data.get("report").and_then(|report| report.get(name));
        PersonName::new(person?.as_str()?).ok()
    };
    let acknowledged = data.get("acknowledged").and_then(Value::as_bool);
    match data.get("status").and_then(Value::as_str) {
        Some("closed") => AlertStatus::Closed(by("closedBy")),
        Some("open") if acknowledged == Some(true) => {
            AlertStatus::Acknowledged(by("acknowledgedBy"))
        }
        Some("open") => AlertStatus::Open,
        _ => AlertStatus::Unknown,
    }
}
