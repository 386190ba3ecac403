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
    // As they were then: a response that is sent again is the same.
    let at = incident.last_recorded_at;
    let warnings = state.incidents().warnings(incident, at);
    let body = IncidentResponse::new(incident, state.links(), &warnings, outcome.deduplicated);
    JsonResponse::new(status, &body)
        .replayed(outcome.replayed)
        .etag(incident.version)
}
