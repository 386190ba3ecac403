//! Health and readiness.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
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
