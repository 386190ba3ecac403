//! The event stream: `GET /sys/events`.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use incident_core::port::ChangePosition;
use serde_json::json;

use super::event_stream::{self, StreamLogin};
use crate::document::describe::{Describe, DescribeAnswer};
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;
use crate::events::{StreamStart, read_id};
use crate::http::authorized::Authorized;
use crate::http::body_memory::Reservation;
use crate::http::headers::single;
use crate::http::params::{FromQuery, Params, QueryParameter};
use crate::http::permission;
use crate::http::problem::{NOSNIFF, Problem};
use crate::http::query::Query;
use crate::state::AppState;

const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
/// A proxy that compresses a stream holds its events back.
const CACHE: HeaderValue = HeaderValue::from_static("no-store, no-transform");
/// The header by which nginx passes on events at once.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const NO: HeaderValue = HeaderValue::from_static("no");

const LAST_EVENT_ID: &str = "last-event-id";

/// The query of the event stream.
pub(super) struct EventParams {
    after: Option<ChangePosition>,
}

impl FromQuery for EventParams {
    const PARAMETERS: &'static [QueryParameter] = &[QueryParameter::of::<String>(
        "after",
        "The id of the last event that the client knows; `Last-Event-ID` takes precedence.",
    )];
    const IS_PAGED: bool = false;

    fn from_query(query: &Query) -> Result<Self, Problem> {
        let expected = "expected the id of an event, such as 00000000000000ab-17";
        let read = |text: &str| read_id(text).ok_or_else(|| Problem::field("/after", expected));
        let after = query.get("after").map(read).transpose()?;
        Ok(Self { after })
    }
}

/// The head of the request, with which the login is checked again while the stream lasts.
pub(super) struct StreamRequest(Parts);

impl<S: Send + Sync> FromRequestParts<S> for StreamRequest {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.clone()))
    }
}

impl Describe for StreamRequest {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.header(
            "Last-Event-ID",
            "The id of the last event that the client got; an unknown one gets `reset`.",
            json!({ "type": "string" }),
        );
        operation.problem(StatusCode::NOT_FOUND, "the host has no events");
        let most = "too many streams of this caller";
        operation.problem(StatusCode::TOO_MANY_REQUESTS, most);
        operation.problem(StatusCode::SERVICE_UNAVAILABLE, "too many streams");
    }
}

/// An open stream.
pub(super) struct EventStreamResponse(Response);

impl IntoResponse for EventStreamResponse {
    fn into_response(self) -> Response {
        self.0
    }
}

impl DescribeAnswer for EventStreamResponse {
    fn describe_answer(operation: &mut Operation, _: &mut Schemas) {
        operation.answer("text/event-stream", json!({ "type": "string" }));
    }
}

/// Handles `GET /sys/events`.
pub(super) async fn stream(
    State(state): State<Arc<AppState>>,
    allowed: Authorized<permission::Read>,
    Params(EventParams { after }): Params<EventParams>,
    StreamRequest(mut parts): StreamRequest,
) -> Result<EventStreamResponse, Problem> {
    let feed = state.events()?;
    let caller = allowed.context.caller;
    let opened = feed.open(&caller.actor, start(&parts.headers, after))?;
    // It ends with the request; a stream may take days.
    parts.extensions.remove::<Reservation>();
    let login = StreamLogin::new(Arc::clone(&state), parts, caller);
    let headers = [
        (header::CONTENT_TYPE, EVENT_STREAM),
        (header::CACHE_CONTROL, CACHE),
        (ACCEL_BUFFERING, NO),
        (header::X_CONTENT_TYPE_OPTIONS, NOSNIFF),
    ];
    let body = Body::from_stream(event_stream::frames(opened, login));
    Ok(EventStreamResponse((headers, body).into_response()))
}

/// Returns the place at which a stream begins. The header, which browsers send when they
/// reconnect, is newer than the query.
fn start(headers: &HeaderMap, after: Option<ChangePosition>) -> StreamStart {
    match single(headers, LAST_EVENT_ID) {
        Ok(None) => after.map_or(StreamStart::Now, StreamStart::After),
        Ok(Some(id)) => read_id(id).map_or(StreamStart::Unknown, StreamStart::After),
        Err(_) => StreamStart::Unknown,
    }
}
