//! The route of all tenants that an incident affects, in pages.

use std::sync::Arc;

use axum::extract::State;
use incident_core::IncidentId;
use incident_core::incident::AffectedTenant;

use crate::http::authorized::Authorized;
use crate::http::list_response::{ListResponse, ListShape};
use crate::http::page::Page;
use crate::http::params::Params;
use crate::http::permission;
use crate::http::response::JsonResult;
use crate::responses::tenants::TenantsEndResponse;
use crate::state::AppState;

/// Handles `GET /sys/incidents/{id}/tenants`, in order of name. If the list is replaced between two
/// pages, the next one continues after the position where the last one ended.
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    Authorized { target: id, .. }: Authorized<permission::Read, IncidentId>,
    Params(page): Params<Page<AffectedTenant>>,
) -> JsonResult<ListShape<AffectedTenant, TenantsEndResponse>> {
    let incident = state.incidents().get(id).await?;
    let affected = &incident.affected_tenants;
    let rows = affected.rows_after(page.after.as_ref()).iter();
    let rows: Vec<&AffectedTenant> = rows.take(page.to_read()).collect();
    let found = page.of(rows, |last| (*last).clone());
    let mut list = ListResponse::new();
    for row in &found.items {
        list.push(*row)?;
    }
    list.end_with(&TenantsEndResponse {
        affected_tenants_total: affected.rows(),
        next_cursor: found.next_cursor,
    })
}
