//! Inbound hooks of vendors.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use incident_core::engine::Heeded;
use incident_core::paging::Heard;
use incident_pagers::inbound::{
    Delivery, NotReadable, read_opsgenie, read_pagerduty, verify_opsgenie, verify_pagerduty,
};
use serde_json::json;

use super::answer;
use crate::app::App;
use crate::http::body;
use crate::http::problem::Problem;

type Answer = Result<Response, Problem>;

/// PagerDuty waits for 5 s; then it sends again.
const WITHIN: Duration = Duration::from_millis(4_500);

/// How long a key that was left out may be asked for.
const LOOKUP: Duration = Duration::from_secs(3);

pub(super) async fn pagerduty(State(app): State<App>, request: Request) -> Answer {
    if app.hooks.pagerduty.is_empty() {
        return Err(Problem::not_found("route"));
    }
    let (headers, bytes) = body_of(request).await?;
    let signature = text(&headers, "x-pagerduty-signature");
    verify_pagerduty(&bytes, signature, &app.hooks.pagerduty).map_err(|_| not_proven())?;
    let Some(heard) = heard(read_pagerduty(&bytes)) else {
        return Ok(taken("nothing to do"));
    };
    in_time(async {
        let heard = match &app.hooks.pagerduty_rest {
            Some(rest) => rest.complete(heard, LOOKUP).await.map_err(|error| {
                tracing::warn!(error = &error as &dyn std::error::Error, "a webhook waits");
                Problem::unavailable("the vendor did not tell whose alert it is")
            })?,
            None => heard,
        };
        heed(&app, heard).await
    })
    .await
}

pub(super) async fn opsgenie(State(app): State<App>, request: Request) -> Answer {
    if app.hooks.opsgenie.is_empty() {
        return Err(Problem::not_found("route"));
    }
    let (headers, bytes) = body_of(request).await?;
    let token = text(&headers, header::AUTHORIZATION.as_str())
        .or_else(|| text(&headers, "x-webhook-token"));
    verify_opsgenie(token, &app.hooks.opsgenie).map_err(|_| not_proven())?;
    match heard(read_opsgenie(&bytes)) {
        Some(heard) => in_time(heed(&app, heard)).await,
        None => Ok(taken("nothing to do")),
    }
}

async fn body_of(request: Request) -> Result<(HeaderMap, Bytes), Problem> {
    let (parts, body) = request.into_parts();
    Ok((parts.headers, body::read(body, body::BODY_LIMIT).await?))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// What cannot be read is the vendor's, and would be no better a second time.
fn heard(read: Result<Delivery, NotReadable>) -> Option<Heard> {
    match read {
        Ok(Delivery::Heard(heard)) => Some(*heard),
        Ok(other) => {
            tracing::debug!(?other, "a webhook of no interest");
            None
        }
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a webhook cannot be read"
            );
            None
        }
    }
}

async fn in_time(work: impl Future<Output = Answer>) -> Answer {
    tokio::time::timeout(WITHIN, work)
        .await
        .unwrap_or_else(|_| Err(Problem::unavailable("the store is away; try again")))
}

async fn heed(app: &App, heard: Heard) -> Answer {
    let incidents = app.incidents.clone();
    let vendor = heard.vendor.clone();
    let heeded = app.run(async move { Ok(incidents.heed(&heard).await?) });
    match heeded.await? {
        Heeded::Taken { repeated, .. } if repeated => Ok(taken("heard before")),
        Heeded::Taken { .. } => Ok(taken("taken in")),
        Heeded::Nothing(why) => {
            tracing::info!(why, %vendor, "a webhook changes nothing");
            Ok(taken("nothing to do"))
        }
        _ => Ok(taken("nothing to do")),
    }
}

fn taken(result: &str) -> Response {
    answer(StatusCode::ACCEPTED, &json!({ "result": result }))
}

fn not_proven() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "not_proven",
        "the delivery is not signed with a secret that is known here",
    )
}
