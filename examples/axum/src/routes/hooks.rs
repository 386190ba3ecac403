//! Inbound webhooks of vendors.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use incident_core::engine::{Error, Ingested};
use incident_core::paging::VendorEvent;
use incident_pagers::inbound::{
    InboundWebhook, NotReadable, has_signature, read_opsgenie, read_pagerduty, verify_opsgenie,
    verify_pagerduty,
};
use serde_json::json;
use tokio::time::timeout;

use crate::client;
use crate::document::assemble::{OPSGENIE, PAGERDUTY};
use crate::document::describe::Describe;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;
use crate::http::body;
use crate::http::body_memory::Reservation;
use crate::http::headers::single;
use crate::http::problem::Problem;
use crate::http::response::{JsonResponse, JsonResult};
use crate::http::throttle;
use crate::responses::webhooks::WebhookResponse;
use crate::state::AppState;

/// Maximum time to receive a delivery. PagerDuty gives up after 5 s.
const DELIVERY: Duration = Duration::from_secs(5);
/// Maximum time to look up a dedup key that the webhook leaves out.
const LOOKUP: Duration = Duration::from_millis(2_500);
/// Maximum time for the store. Together with the look-up it is below PagerDuty's 5 s.
const STORE: Duration = Duration::from_millis(1_500);

/// Label of wrong tokens and signatures in metrics.
const PLACE: &str = "hooks";

/// Defines the delivery of a vendor, whose body is read once its sender is known.
macro_rules! deliveries {
    ($($(#[$doc:meta])* $name:ident: $scheme:expr;)+) => {$(
        $(#[$doc])*
        pub(super) struct $name(Request);

        impl<S: Send + Sync> FromRequest<S> for $name {
            type Rejection = Infallible;

            async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
                Ok(Self(request))
            }
        }

        impl Describe for $name {
            fn describe(operation: &mut Operation, _: &mut Schemas) {
                operation.secured_by($scheme);
                describe_delivery(operation);
            }
        }
    )+};
}

deliveries! {
    /// A delivery of PagerDuty.
    PagerDutyDelivery: PAGERDUTY;
    /// A delivery of OpsGenie.
    OpsGenieDelivery: OPSGENIE;
}

fn describe_delivery(operation: &mut Operation) {
    // Vendors add members as they like, and bodies that are unreadable are accepted.
    operation.body(false, [("application/json", json!({ "type": "object" }))]);
    body::describe_read(operation);
    operation.uses_store();
    for (status, cause) in [
        (
            StatusCode::BAD_REQUEST,
            "the body is incomplete, or a header is repeated",
        ),
        (
            StatusCode::UNAUTHORIZED,
            "the signature or token is invalid",
        ),
        (
            StatusCode::NOT_FOUND,
            "the host does not accept this vendor",
        ),
        (
            StatusCode::CONFLICT,
            "an event with this id was received with other content, or the incident was changed concurrently",
        ),
        (
            StatusCode::UNPROCESSABLE_ENTITY,
            "a value of the event is invalid",
        ),
        (StatusCode::TOO_MANY_REQUESTS, "too many invalid signatures"),
    ] {
        operation.problem(status, cause);
    }
}

/// Handles `POST /hooks/pagerduty`.
pub(super) async fn pagerduty(
    State(state): State<Arc<AppState>>,
    PagerDutyDelivery(request): PagerDutyDelivery,
) -> JsonResult<WebhookResponse> {
    if state.hooks().pagerduty.is_empty() {
        return Err(Problem::not_found("route"));
    }
    let (parts, body) = request.into_parts();
    let signature = signatures(&parts.headers);
    // Checked before reading the body, which any client may send.
    if !has_signature(Some(&signature)) {
        return Err(not_proven(&state, &parts));
    }
    let reservation = state.body_memory().hooks();
    let bytes = delivery(body, &reservation).await?;
    verify_pagerduty(&bytes, Some(&signature), &state.hooks().pagerduty)
        .map_err(|_| not_proven(&state, &parts))?;
    client::note_known(&parts.extensions);
    let Some(event) = event_of(read_pagerduty(body::without_mark(&bytes))) else {
        return Ok(taken("ignored"));
    };
    let event = match &state.hooks().pagerduty_rest {
        Some(rest) => rest.complete(event, LOOKUP).await.map_err(|error| {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "webhook deferred: the vendor will repeat it"
            );
            Problem::unavailable("could not look up the alert's dedup key at PagerDuty")
        })?,
        None => event,
    };
    ingest(&state, event).await
}

/// Handles `POST /hooks/opsgenie`.
pub(super) async fn opsgenie(
    State(state): State<Arc<AppState>>,
    OpsGenieDelivery(request): OpsGenieDelivery,
) -> JsonResult<WebhookResponse> {
    if state.hooks().opsgenie.is_empty() {
        return Err(Problem::not_found("route"));
    }
    let (parts, body) = request.into_parts();
    let token = once(&parts.headers, header::AUTHORIZATION.as_str())?
        .or(once(&parts.headers, "x-webhook-token")?);
    verify_opsgenie(token, &state.hooks().opsgenie).map_err(|_| not_proven(&state, &parts))?;
    client::note_known(&parts.extensions);
    let reservation = state.body_memory().hooks();
    let bytes = delivery(body, &reservation).await?;
    match event_of(read_opsgenie(body::without_mark(&bytes))) {
        Some(event) => ingest(&state, event).await,
        None => Ok(taken("ignored")),
    }
}

/// Reads the body of a delivery.
async fn delivery(body: axum::body::Body, reservation: &Reservation) -> Result<Bytes, Problem> {
    let reading = body::read(body, body::BODY_LIMIT, reservation);
    timeout(DELIVERY, reading).await.unwrap_or_else(|_| {
        Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "request_timeout",
            "timed out waiting for the request body",
        ))
    })
}

/// Returns the signatures of all header fields: fields of one name form a list (RFC 9110, 5.3).
fn signatures(headers: &HeaderMap) -> String {
    let fields = headers.get_all("x-pagerduty-signature").iter();
    let fields: Vec<&str> = fields.filter_map(|field| field.to_str().ok()).collect();
    fields.join(",")
}

fn once<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    single(headers, name).map_err(|_| Problem::unreadable("expected each token header once"))
}

/// Returns the event of a delivery. An unreadable one is accepted: a redelivery would be no better.
fn event_of(read: Result<InboundWebhook, NotReadable>) -> Option<VendorEvent> {
    match read {
        Ok(InboundWebhook::Event(event)) => Some(*event),
        Ok(other) => {
            tracing::debug!(?other, "webhook ignored");
            None
        }
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "invalid webhook");
            None
        }
    }
}

async fn ingest(state: &AppState, event: VendorEvent) -> JsonResult<WebhookResponse> {
    let incidents = state.incidents().clone();
    let vendor = event.vendor.clone();
    let work = state.run_command(async move {
        match incidents.signals().vendor_event(&event).await {
            Err(Error::IdempotencyKeyMismatch) => Ok(None),
            other => Ok(Some(other?)),
        }
    });
    let outcome = timeout(STORE, work)
        .await
        .unwrap_or_else(|_| Err(Problem::unavailable("the database is unavailable; retry")))?;
    match outcome {
        None => Err(Problem::new(
            StatusCode::CONFLICT,
            "event_changed",
            "an event with this id was already received with different content",
        )),
        Some(Ingested::Applied { repeated, .. }) if repeated => Ok(taken("duplicate")),
        Some(Ingested::Applied { .. }) => Ok(taken("applied")),
        Some(Ingested::Ignored(why)) => {
            tracing::info!(why, %vendor, "webhook accepted without a change");
            Ok(taken("ignored"))
        }
        Some(_) => Ok(taken("ignored")),
    }
}

fn taken(result: &'static str) -> JsonResponse<WebhookResponse> {
    JsonResponse::new(StatusCode::ACCEPTED, &WebhookResponse { result })
}

/// Counts an unauthenticated delivery, and returns its problem.
fn not_proven(state: &AppState, parts: &Parts) -> Problem {
    let from = state.client_address(parts);
    match state.wrong_tokens().count(from, PLACE) {
        Some(wait) => throttle::too_many(wait),
        None => Problem::new(
            StatusCode::UNAUTHORIZED,
            "not_proven",
            "invalid webhook signature",
        ),
    }
}
