//! The response to a command on an incident.

use axum::http::StatusCode;
use incident_core::engine::CommandOutcome;

use crate::http::response::JsonResponse;
use crate::responses::incident::IncidentResponse;
use crate::state::AppState;

/// Responds with the incident after a command, and with its `ETag`.
pub(super) fn incident_response(
    state: &AppState,
    status: StatusCode,
    outcome: &CommandOutcome,
) -> JsonResponse<IncidentResponse<'static>> {
    let incident = &outcome.incident;
    let body = IncidentResponse::new(incident, state.links(), outcome.deduplicated);
    JsonResponse::new(status, &body)
        .replayed(outcome.replayed)
        .etag(incident.version)
}
