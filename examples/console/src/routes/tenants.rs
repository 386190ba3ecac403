//! All tenants that an incident hits, page by page.

use axum::extract::State;
use incident_core::IncidentId;
use incident_core::incident::AffectedTenant;

use crate::http::authorized::Authorized;
use crate::http::list_response::ListResponse;
use crate::http::page::Page;
use crate::http::params::{FromQuery, Params};
use crate::http::permission;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::response::Answer;
use crate::responses::tenants::TenantsEndResponse;
use crate::state::AppState;

/// The query of the list of tenants.
pub(super) struct TenantParams {
    page: Page<AffectedTenant>,
}

impl FromQuery for TenantParams {
    const NAMES: &'static [&'static str] = &[];

    fn from_query(query: &Query) -> Result<Self, Problem> {
        let page = Page::read(query, query.limit()?)?;
        Ok(Self { page })
    }
}

/// `GET /sys/incidents/{id}/tenants`: in order of name. A list that is replaced between
/// two pages goes on after the place where the first one ended.
pub(super) async fn list(
    State(state): State<AppState>,
    Authorized { target: id, .. }: Authorized<permission::Read, IncidentId>,
    Params(TenantParams { page }): Params<TenantParams>,
) -> Answer {
    let incident = state.incidents().get(id).await?;
    let affected = &incident.affected_tenants;
    let rows = affected.rows_after(page.after.as_ref()).iter();
    let rows: Vec<&AffectedTenant> = rows.take(page.to_read()).collect();
    let found = page.of(rows, |last| (*last).clone());
    let mut list = ListResponse::new();
    for row in &found.items {
        list.push(row)?;
    }
    list.end_with(&TenantsEndResponse {
        affected_tenants_total: affected.rows(),
        next_cursor: found.next_cursor,
    })
}
