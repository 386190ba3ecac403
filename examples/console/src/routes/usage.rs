//! Usage events: an array, all or nothing; or a stream of lines.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use http_body_util::BodyExt;
use incident_core::actor::{Action, Caller};
use incident_core::engine::Ask;
use incident_core::impact::ApiUsageEvent;
use serde_json::json;

use super::replayable;
use crate::app::App;
use crate::http::body::{self, BODY_LIMIT};
use crate::http::problem::Problem;

/// The limit of an array of events.
const ARRAY_LIMIT: usize = 16 * 1024 * 1024;
/// How many lines of a stream are kept at a time.
const BATCH: usize = 5_000;

pub(super) async fn record(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Problem> {
    app.incidents
        .authorize(&caller, Action::RecordUsage, None)
        .await?;
    let (parts, body) = request.into_parts();
    if body::media_type(&parts.headers).as_deref() == Some("application/x-ndjson") {
        let accepted = stream(&app, &Ask::by(caller), body).await?;
        return Ok(replayable(
            StatusCode::ACCEPTED,
            &json!({"accepted": accepted}),
            false,
        ));
    }
    body::must_be_json(&parts.headers)?;
    let bytes = body::read(body, ARRAY_LIMIT).await?;
    let events: Vec<ApiUsageEvent> = body::json(&bytes)?;
    let (ask, turn) = app.conditions(caller, &parts, &bytes).await?;
    let (incidents, usage) = (app.incidents.clone(), Arc::clone(&app.usage));
    let (accepted, replayed) = app
        .run(async move {
            let _turn = turn;
            Ok(incidents.record_usage(&ask, &*usage, events).await?)
        })
        .await?;
    Ok(replayable(
        StatusCode::ACCEPTED,
        &json!({"accepted": accepted}),
        replayed,
    ))
}

/// Takes lines as they come, in constant memory. Batches before a bad line stay.
async fn stream(app: &App, ask: &Ask, mut body: Body) -> Result<u64, Problem> {
    let mut lines = Lines::default();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            Problem::unreadable("the body could not be read to its end")
                .after(lines.number, lines.accepted)
        })?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        let mut rest: &[u8] = data;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end);
            lines.take(line)?;
            rest = after.get(1..).unwrap_or_default();
            if lines.batch.len() >= BATCH {
                lines.keep(app, ask).await?;
            }
        }
        lines.carry(rest)?;
    }
    lines.take(b"")?;
    lines.keep(app, ask).await?;
    Ok(lines.accepted)
}

#[derive(Default)]
struct Lines {
    /// The beginning of a line whose end has not come.
    open: Vec<u8>,
    batch: Vec<ApiUsageEvent>,
    number: u64,
    accepted: u64,
}

impl Lines {
    fn carry(&mut self, part: &[u8]) -> Result<(), Problem> {
        if self.open.len() + part.len() > BODY_LIMIT {
            return Err(body::too_large().after(self.number + 1, self.accepted));
        }
        self.open.extend_from_slice(part);
        Ok(())
    }

    fn take(&mut self, end: &[u8]) -> Result<(), Problem> {
        if self.open.is_empty() {
            return self.line(end);
        }
        self.carry(end)?;
        let mut line = std::mem::take(&mut self.open);
        self.line(&line)?;
        // The next one has room there.
        line.clear();
        self.open = line;
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Problem> {
        self.number += 1;
        if line.len() > BODY_LIMIT {
            return Err(body::too_large().after(self.number, self.accepted));
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let event = body::json_object(line).map_err(|problem| self.bad(problem))?;
        self.batch.push(event);
        Ok(())
    }

    /// A line that is not JSON is one that does not fit: 422, as for any other.
    fn bad(&self, problem: Problem) -> Problem {
        let problem = if problem.errors().is_empty() {
            Problem::field("", "the line is not JSON")
        } else {
            problem
        };
        problem.after(self.number, self.accepted)
    }

    async fn keep(&mut self, app: &App, ask: &Ask) -> Result<(), Problem> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.batch);
        let (incidents, usage, ask) = (app.incidents.clone(), Arc::clone(&app.usage), ask.clone());
        let (count, _) = app
            .run(async move { Ok(incidents.record_usage(&ask, &*usage, batch).await?) })
            .await
            .map_err(|problem| problem.after(self.number, self.accepted))?;
        self.accepted += count;
        Ok(())
    }
}
