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

/// The process can do its work: the store answers. Clocks that are apart are shown and
/// do not end it: leases go by the store's.
pub(super) async fn readyz(State(app): State<App>) -> Result<Response, Problem> {
    let health = app.incidents.worker().health().await?;
    let mut ready = json!({"status": "ready", "store": app.store});
    if let (Some(ahead), Some(ready)) = (health.clock_ahead, ready.as_object_mut()) {
        ready.insert("store_clock_ahead_ms".to_owned(), (ahead / 1_000).into());
    }
    Ok(answer(StatusCode::OK, &ready))
}

/// Prometheus' text format. What waits is measured now, so that an old page shows
/// at once.
pub(super) async fn metrics(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Problem> {
    app.incidents
        .audit()
        .authorize(&caller, Action::Read, None)
        .await?;
    let Some(metrics) = &app.metrics else {
        return Err(Problem::not_found("route"));
    };
    // Without the store the other figures are still worth having.
    let _ = app.incidents.worker().measure().await;
    app.bodies.measure();
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((kind, metrics.text()).into_response())
}
