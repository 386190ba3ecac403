//! Routes of the audit trail.

use std::sync::Arc;

use axum::extract::State;
use incident_core::audit::Chain;
use incident_core::port::AuditQuery;
use incident_core::schema::StoredName;
use incident_core::{IncidentId, Timestamp};

use crate::http::authorized::Authorized;
use crate::http::list_response::ListShape;
use crate::http::page::Page;
use crate::http::params::{FromQuery, Params, QueryParameter};
use crate::http::permission;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::response::{JsonResponse, JsonResult};
use crate::responses::audit::{AuditEntryResponse, AuditVerificationResponse};
use crate::state::AppState;

/// The query of the audit trail.
pub(super) struct AuditParams {
    filter: AuditQuery,
    page: Page<(Timestamp, Chain, u64)>,
}

impl FromQuery for AuditParams {
    const PARAMETERS: &'static [QueryParameter] = &[
        QueryParameter::of::<IncidentId>("incident", "Entries about this incident."),
        QueryParameter::of::<StoredName>("actor", "Entries of this actor."),
        QueryParameter::of::<Timestamp>("from", "Entries from this time on."),
    ];

    fn from_query(query: &Query) -> Result<Self, Problem> {
        let limit = query.limit()?;
        let mut filter = AuditQuery {
            chain: query.read::<IncidentId>("incident")?.map(Chain::Incident),
            actor: query.name("actor")?,
            from: query.time("from")?,
            ..AuditQuery::default()
        };
        let page = Page::read(query, limit)?;
        (filter.after, filter.limit) = (page.after, page.to_read());
        Ok(Self { filter, page })
    }
}

/// Handles `GET /sys/audit`.
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    _: Authorized<permission::ReadAudit>,
    Params(AuditParams { filter, page }): Params<AuditParams>,
) -> JsonResult<ListShape<AuditEntryResponse<'static>>> {
    let found = state.incidents().audit().list(&filter).await?;
    let found = page.of(found, |last| (last.payload.at, last.chain, last.seq));
    found.respond(AuditEntryResponse::from)
}

/// Handles `GET /sys/audit/verify`.
pub(super) async fn verify(
    State(state): State<Arc<AppState>>,
    _: Authorized<permission::ReadAudit>,
    _: Params<()>,
) -> JsonResult<AuditVerificationResponse> {
    let verdict = state.incidents().audit().verify().await?;
    Ok(JsonResponse::ok(&AuditVerificationResponse::from(verdict)))
}
