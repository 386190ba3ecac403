//! The event stream: `GET /sys/events`.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use incident_core::port::ChangePosition;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
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

/// Pattern of an id of at most 19 digits, which fits 64 bits.
const ID: &str = "^[0-9a-f]{16}-(0|[1-9][0-9]{0,18})$";

/// The id of an event in a query, as the document describes it.
struct EventId;

impl JsonSchema for EventId {
    fn schema_name() -> Cow<'static, str> {
        "EventId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": ID, "examples": ["5f1c09b7a2d3e486-42"] })
    }
}

/// The query of the event stream.
pub(super) struct EventParams {
    after: Option<ChangePosition>,
}

impl FromQuery for EventParams {
    const PARAMETERS: &'static [QueryParameter] = &[QueryParameter::of::<EventId>(
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
        // Of each event, as tools read such a media type (OpenAPI 3.2 has `itemSchema` for it).
        operation.answer(
            "text/event-stream",
            json!({
                "type": "object",
                "properties": {
                    "id": { "type": "string", "pattern": ID },
                    "event": { "type": "string", "enum": ["change", "reset"] },
                    "data": {
                        "type": "string",
                        "description": "JSON: `incidents`, the ids of what changed, and `public`, if the status page may look different; `{}` of a reset.",
                    },
                    "retry": { "type": "integer", "description": "Milliseconds." },
                },
            }),
        );
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
