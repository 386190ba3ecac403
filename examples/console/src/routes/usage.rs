//! Usage events: an array, all or nothing; or a stream of lines.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt;
use incident_core::actor::{Action, Caller};
use incident_core::engine::RequestContext;
use incident_core::impact::ApiUsageEvent;
use serde_json::json;

use super::lines::Lines;
use super::replayable;
use crate::app::App;
use crate::http::body;
use crate::http::coding::{Coding, Decoder, coding};
use crate::http::problem::Problem;
use crate::http::room::Room;

/// The limit of an array of events, decoded.
const ARRAY_LIMIT: usize = 16 * 1024 * 1024;
/// The types that the route takes.
const SEND: &str = "send application/json, or lines as application/x-ndjson";

pub(super) async fn record(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Problem> {
    app.incidents
        .audit()
        .authorize(&caller, Action::RecordUsage, None)
        .await?;
    let (parts, body) = request.into_parts();
    let (coding, room) = (coding(&parts.headers)?, app.room(&parts));
    if body::is_lines(&parts.headers) {
        let lines = Lines::new(&app, RequestContext::new(caller), room);
        let accepted = stream(lines, body, coding).await?;
        return Ok(replayable(
            StatusCode::ACCEPTED,
            &json!({"accepted": accepted}),
            false,
        ));
    }
    body::must_be(&parts.headers, SEND)?;
    let bytes = body::read(body, ARRAY_LIMIT, &room).await?;
    // The key stands for what was sent, whatever its coding.
    let sent = decoded(coding, bytes, &room)?;
    let events: Vec<ApiUsageEvent> = body::json(&sent)?;
    let (context, turn) = app.conditions(caller, &parts, &sent).await?;
    let (incidents, usage) = (app.incidents.clone(), Arc::clone(&app.usage));
    let (accepted, replayed) = app
        .run(async move {
            let _turn = turn;
            Ok(incidents
                .signals()
                .record_usage(&context, &*usage, events)
                .await?)
        })
        .await?;
    Ok(replayable(
        StatusCode::ACCEPTED,
        &json!({"accepted": accepted}),
        replayed,
    ))
}

/// Decodes an array, up to its limit.
fn decoded(coding: Coding, bytes: Bytes, room: &Room) -> Result<Bytes, Problem> {
    let mut decoder = Decoder::new(coding);
    if decoder.is_plain() {
        return Ok(bytes);
    }
    let (mut all, mut piece) = (Vec::new(), Vec::new());
    let mut add = |piece: &[u8]| {
        if all.len() + piece.len() > ARRAY_LIMIT {
            return Err(body::too_large());
        }
        room.take(piece.len())?;
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

/// Takes lines as they come, in constant memory. Batches before a bad line stay.
async fn stream(mut lines: Lines<'_>, mut body: Body, coding: Coding) -> Result<u64, Problem> {
    let mut decoder = Decoder::new(coding);
    let mut text = Vec::new();
    loop {
        let next = tokio::select! {
            biased;
            next = body.frame() => next,
            // A client that sends nothing more for now hears of it at once.
            problem = lines.refused() => return Err(problem),
        };
        let Some(frame) = next else {
            break;
        };
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => return Err(lines.broken_off(body::not_read(&error)).await),
        };
        let Some(data) = frame.data_ref() else {
            continue;
        };
        for piece in decoder.pieces(data) {
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
