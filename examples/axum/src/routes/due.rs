//! Routes of what is due.

use std::sync::Arc;

use axum::extract::State;
use incident_core::{IncidentId, Timestamp};

use crate::http::authorized::Authorized;
use crate::http::list_response::ListShape;
use crate::http::page::Page;
use crate::http::params::Params;
use crate::http::permission;
use crate::http::response::{JsonResponse, JsonResult};
use crate::responses::due::{DueListItem, DueResponse};
use crate::state::AppState;

/// Handles `GET /sys/due`.
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    _: Authorized<permission::Read>,
    Params(page): Params<Page<(Timestamp, IncidentId)>>,
) -> JsonResult<ListShape<DueListItem<'static>>> {
    let reports = state.incidents().reports();
    let found = reports.due(page.after, page.to_read()).await?;
    let found = page.of(found, |last| (last.incident.declared_at, last.incident.id));
    let now = reports.now();
    found.respond(|one| DueListItem::new(one, now))
}

/// Handles `GET /sys/incidents/{id}/due`.
pub(super) async fn show(
    State(state): State<Arc<AppState>>,
    Authorized { target: id, .. }: Authorized<permission::Read, IncidentId>,
) -> JsonResult<DueResponse<'static>> {
    let incident = state.incidents().get(id).await?;
    let reports = state.incidents().reports();
    let (due, rules) = reports.due_of(&incident);
    let body = DueResponse::new(&incident, &due, &rules, reports.now());
    Ok(JsonResponse::ok(&body))
}
