//! The event stream: `GET /sys/events`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use incident_core::port::ChangePosition;

use super::event_stream::{self, StreamLogin};
use crate::events::{StreamStart, read_id};
use crate::http::authorized::Authorized;
use crate::http::body_memory::Reservation;
use crate::http::headers::single;
use crate::http::params::{FromQuery, Params};
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
    const NAMES: &'static [&'static str] = &["after"];

    fn from_query(query: &Query) -> Result<Self, Problem> {
        let expected = "expected the id of an event, such as 00000000000000ab-17";
        let read = |text: &str| read_id(text).ok_or_else(|| Problem::field("/after", expected));
        let after = query.get("after").map(read).transpose()?;
        Ok(Self { after })
    }
}

/// Handles `GET /sys/events`.
pub(super) async fn stream(
    State(state): State<Arc<AppState>>,
    allowed: Authorized<permission::Read>,
    Params(EventParams { after }): Params<EventParams>,
    mut parts: Parts,
) -> Result<Response, Problem> {
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
    Ok((headers, body).into_response())
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
