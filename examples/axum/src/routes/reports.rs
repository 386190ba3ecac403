//! Reports on one incident: affected users and SLA.

use std::sync::Arc;

use axum::extract::State;
use incident_core::IncidentId;
use incident_core::engine::{ImpactReport, ImpactRequest, Method};

use crate::http::authorized::Authorized;
use crate::http::params::{FromQuery, Params, QueryParameter};
use crate::http::permission;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::response::{JsonResponse, JsonResult};
use crate::responses::reports::{BreakdownResponse, SlaImpactResponse};
use crate::state::AppState;

const SERVICES: QueryParameter = QueryParameter::word(
    "services",
    "The services whose events count; `all` if absent.",
    &["all", "affected"],
);
const FAILED_ONLY: QueryParameter =
    QueryParameter::of::<bool>("failed_only", "If `true`, only failed requests count.");

/// The query of the report on affected users.
impl FromQuery for ImpactRequest {
    const PARAMETERS: &'static [QueryParameter] = &[
        SERVICES,
        FAILED_ONLY,
        QueryParameter::of::<Method>(
            "method",
            "Exact counts, or estimates with their error; `exact` if absent.",
        ),
    ];
    const IS_PAGED: bool = false;

    fn from_query(query: &Query) -> Result<Self, Problem> {
        let known = [("exact", Method::Exact), ("estimate", Method::Estimate)];
        let method = query.word("method", &known, "expected exact or estimate")?;
        Ok(events(query)?.method(method.unwrap_or_default()))
    }
}

/// The query of the breakdown report.
pub(super) struct BreakdownParams(ImpactRequest);

impl FromQuery for BreakdownParams {
    const PARAMETERS: &'static [QueryParameter] = &[SERVICES, FAILED_ONLY];
    const IS_PAGED: bool = false;

    fn from_query(query: &Query) -> Result<Self, Problem> {
        events(query).map(Self)
    }
}

/// Reads the filter of the events: affected services only, failed ones only.
fn events(query: &Query) -> Result<ImpactRequest, Problem> {
    let known = [("all", false), ("affected", true)];
    let of_affected = query.word("services", &known, "expected all or affected")?;
    let mut request = ImpactRequest::default();
    if of_affected == Some(true) {
        request = request.affected_services();
    }
    request.failed_only = query.flag("failed_only")?;
    Ok(request)
}

/// Handles `GET /sys/incidents/{id}/affected-users`.
pub(super) async fn affected_users(
    State(state): State<Arc<AppState>>,
    Authorized { target: id, .. }: Authorized<permission::Read, IncidentId>,
    Params(request): Params<ImpactRequest>,
) -> JsonResult<ImpactReport> {
    let reports = state.incidents().reports();
    Ok(JsonResponse::ok(
        &reports.affected_users(id, request).await?,
    ))
}

/// Handles `GET /sys/incidents/{id}/affected-users/breakdown`: the first hits of users, by minute,
/// service and endpoint.
pub(super) async fn breakdown(
    State(state): State<Arc<AppState>>,
    Authorized { target: id, .. }: Authorized<permission::Read, IncidentId>,
    Params(BreakdownParams(request)): Params<BreakdownParams>,
) -> JsonResult<BreakdownResponse<'static>> {
    let reports = state.incidents().reports();
    let report = reports.impact_breakdown(id, request).await?;
    Ok(JsonResponse::ok(&BreakdownResponse::new(id, &report)))
}

/// Handles `GET /sys/incidents/{id}/sla-impact`.
pub(super) async fn sla_impact(
    State(state): State<Arc<AppState>>,
    Authorized { target: id, .. }: Authorized<permission::Read, IncidentId>,
    _: Params<()>,
) -> JsonResult<SlaImpactResponse<'static>> {
    let report = state.incidents().reports().sla_impact(id).await?;
    Ok(JsonResponse::ok(&SlaImpactResponse::new(id, &report)))
}
