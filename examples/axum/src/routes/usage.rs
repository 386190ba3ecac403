//! Routes of usage events: an array, all or nothing, or a stream of lines.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use bytes::Bytes;
use incident_core::engine::UsageAccepted;
use incident_core::impact::ApiUsageEvent;
use serde_json::json;

use super::lines::NdjsonLines;
use crate::document::describe::Describe;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;
use crate::http::authorized::Authorized;
use crate::http::body;
use crate::http::body_memory::Reservation;
use crate::http::coding::{Coding, Decoder, coding};
use crate::http::command_request::reservation;
use crate::http::conditions;
use crate::http::permission;
use crate::http::problem::Problem;
use crate::http::response::{JsonResponse, JsonResult};
use crate::state::AppState;

/// Maximum size of an array of events after decoding, in bytes.
const ARRAY_LIMIT: usize = 16 * 1024 * 1024;
/// Media types that the route accepts.
const SEND: &str = "expected Content-Type: application/json or application/x-ndjson";

/// The body of usage events, which is read as it arrives.
pub(super) struct UsageBody(Request);

impl<S: Send + Sync> FromRequest<S> for UsageBody {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
        Ok(Self(request))
    }
}

impl Describe for UsageBody {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        let events = schemas.request::<Vec<ApiUsageEvent>>();
        let lines = json!({
            "type": "string",
            "description": "One event per line, each as in the array. There may be any number.",
        });
        operation.body(true, [("application/json", events), (body::NDJSON, lines)]);
        body::describe(operation);
        conditions::describe(operation, false);
        operation.problem(
            StatusCode::NOT_FOUND,
            "the host has no sink of usage events",
        );
        operation.problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "the sink of usage events is unavailable or full",
        );
    }
}

/// Handles `POST /sys/usage-events`.
pub(super) async fn record(
    State(state): State<Arc<AppState>>,
    Authorized { mut context, .. }: Authorized<permission::RecordUsage>,
    UsageBody(request): UsageBody,
) -> JsonResult<UsageAccepted> {
    let usage = state.usage()?;
    let (parts, body) = request.into_parts();
    let (coding, reservation) = (coding(&parts.headers)?, reservation(&parts, &state));
    if body::is_lines(&parts.headers) {
        // A stream has no key and no version; headers that are unreadable are refused all the same.
        conditions::read(&mut context.clone(), &parts, &[])?;
        let lines = NdjsonLines::new(&state, usage, context, reservation);
        return Ok(taken(stream(lines, body, coding).await?));
    }
    body::must_be(&parts.headers, SEND)?;
    let bytes = body::read(body, ARRAY_LIMIT, &reservation).await?;
    // The key stands for the decoded content, whatever its coding.
    let sent = decoded(coding, bytes, &reservation)?;
    let events: Vec<ApiUsageEvent> = body::json(&sent)?;
    conditions::read(&mut context, &parts, &sent)?;
    let key_guard = state.key_guard(&context).await?;
    let incidents = state.incidents().clone();
    let accepted = state
        .run_keyed(key_guard, async move {
            let signals = incidents.signals();
            signals.record_usage(&context, &*usage, events).await
        })
        .await?;
    Ok(taken(accepted))
}

fn taken(accepted: UsageAccepted) -> JsonResponse<UsageAccepted> {
    JsonResponse::new(StatusCode::ACCEPTED, &accepted).replayed(accepted.replayed)
}

/// Decodes an array, up to its limit.
fn decoded(coding: Coding, bytes: Bytes, reservation: &Reservation) -> Result<Bytes, Problem> {
    let mut decoder = Decoder::new(coding);
    if decoder.is_plain() {
        return Ok(bytes);
    }
    let (mut all, mut piece) = (Vec::new(), Vec::new());
    let mut add = |piece: &[u8]| {
        if all.len() + piece.len() > ARRAY_LIMIT {
            return Err(body::too_large());
        }
        reservation.reserve(piece.len())?;
        all.extend_from_slice(piece);
        Ok(())
    };
    for part in decoder.pieces(&bytes) {
        decoder.decode(part, &mut piece)?;
        add(&piece)?;
    }
    add(&decoder.end()?)?;
    Ok(all.into())
}

/// Processes lines as they arrive, in constant memory. Batches before an invalid line stay stored.
async fn stream(
    mut lines: NdjsonLines<'_>,
    mut body: Body,
    coding: Coding,
) -> Result<UsageAccepted, Problem> {
    let mut decoder = Decoder::new(coding);
    let mut text = Vec::new();
    loop {
        let next = tokio::select! {
            biased;
            next = body::next_data(&mut body) => next,
            // Reports a failed batch at once, even to a client that pauses.
            problem = lines.refused() => return Err(problem),
        };
        let data = match next {
            None => break,
            Some(Ok(data)) => data,
            Some(Err(problem)) => return Err(lines.broken_off(problem).await),
        };
        for piece in decoder.pieces(&data) {
            if decoder.is_plain() {
                lines.add(piece).await?;
                continue;
            }
            if let Err(problem) = decoder.decode(piece, &mut text) {
                return Err(lines.broken_off(problem).await);
            }
            lines.add(&text).await?;
        }
    }
    match decoder.end() {
        Ok(rest) => lines.add(&rest).await?,
        Err(problem) => return Err(lines.broken_off(problem).await),
    }
    lines.end().await
}
