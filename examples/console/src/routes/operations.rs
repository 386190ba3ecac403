//! Health and readiness.

use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use incident_core::actor::{Action, Caller};
use serde_json::json;

use super::answer;
use crate::app::App;
use crate::http::problem::Problem;

/// The process is alive.
pub(super) async fn healthz() -> Response {
    answer(StatusCode::OK, &json!({"status": "ok"}))
}

/// The process can do its work: the store answers.
pub(super) async fn readyz(State(app): State<App>) -> Result<Response, Problem> {
    app.incidents.ready().await?;
    Ok(answer(
        StatusCode::OK,
        &json!({"status": "ready", "store": app.store}),
    ))
}

/// Prometheus' text format. What waits is measured now, so that an old page shows
/// at once.
pub(super) async fn metrics(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Problem> {
    app.incidents.authorize(&caller, Action::Read, None).await?;
    let Some(metrics) = &app.metrics else {
        return Err(Problem::not_found("route"));
    };
    // Without the store the other figures are still worth having.
    let _ = app.incidents.measure().await;
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((kind, metrics.text()).into_response())
}
