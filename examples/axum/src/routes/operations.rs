//! Routes of health, readiness and metrics.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::document::describe::DescribeAnswer;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;
use crate::http::authorized::Authorized;
use crate::http::permission;
use crate::http::problem::Problem;
use crate::http::response::{JsonResponse, JsonResult};
use crate::responses::operations::{HealthResponse, ReadinessResponse};
use crate::state::AppState;

/// Handles `GET /healthz`: the process is alive.
pub(super) async fn healthz() -> JsonResponse<HealthResponse> {
    JsonResponse::ok(&HealthResponse { status: "ok" })
}

/// Handles `GET /readyz`: ready if the store responds. Clocks that differ are reported and are no
/// failure, because leases use the store's clock.
pub(super) async fn readyz(State(state): State<Arc<AppState>>) -> JsonResult<ReadinessResponse> {
    let health = state.incidents().worker().health().await?;
    Ok(JsonResponse::ok(&ReadinessResponse {
        status: "ready",
        store: state.store_name(),
        store_clock_ahead_ms: health.clock_ahead.map(|micros| micros / 1_000),
    }))
}

/// A response with metrics.
pub(super) struct MetricsPage(Response);

impl IntoResponse for MetricsPage {
    fn into_response(self) -> Response {
        self.0
    }
}

impl DescribeAnswer for MetricsPage {
    fn describe_answer(operation: &mut Operation, _: &mut Schemas) {
        operation.answer("text/plain", json!({ "type": "string" }));
        operation.problem(StatusCode::NOT_FOUND, "the host has no metrics");
    }
}

/// Handles `GET /metrics`: Prometheus' text format. The outbox is measured now, so that an old page
/// shows at once.
pub(super) async fn metrics(
    State(state): State<Arc<AppState>>,
    _: Authorized<permission::Read>,
) -> Result<MetricsPage, Problem> {
    let Some(metrics) = state.metrics() else {
        return Err(Problem::not_found("route"));
    };
    // The other metrics are useful even without the store.
    let _ = state.incidents().worker().measure().await;
    state.body_memory().measure();
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok(MetricsPage((kind, metrics()).into_response()))
}
