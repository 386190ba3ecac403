//! Reports on one incident: affected users, SLA.

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use incident_core::actor::{Action, Caller};
use incident_core::engine::{ImpactRequest, Method};

use super::{Id, answer};
use crate::app::App;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::view;

type Answer = Result<Response, Problem>;

pub(super) async fn affected_users(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    RawQuery(raw): RawQuery,
) -> Answer {
    app.incidents
        .audit()
        .authorize(&caller, Action::Read, Some(id))
        .await?;
    let query = Query::parse(raw.as_deref(), &["services", "failed_only", "method"])?;
    let method = match query.get("method") {
        None | Some("exact") => Method::Exact,
        Some("estimate") => Method::Estimate,
        Some(_) => return Err(Problem::field("/method", "expected exact or estimate")),
    };
    let report = app
        .incidents
        .reports()
        .affected_users(id, wanted(&query)?.method(method))
        .await?;
    Ok(answer(StatusCode::OK, &view::impact(id, &report)))
}

/// When they were first hit, in which services and through which endpoints.
pub(super) async fn breakdown(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    RawQuery(raw): RawQuery,
) -> Answer {
    app.incidents
        .audit()
        .authorize(&caller, Action::Read, Some(id))
        .await?;
    let query = Query::parse(raw.as_deref(), &["services", "failed_only"])?;
    let report = app
        .incidents
        .reports()
        .impact_breakdown(id, wanted(&query)?)
        .await?;
    Ok(answer(StatusCode::OK, &view::breakdown(id, &report)))
}

/// Which events count: of affected services only, failed ones only.
fn wanted(query: &Query) -> Result<ImpactRequest, Problem> {
    let mut request = match query.get("services") {
        None | Some("all") => ImpactRequest::default(),
        Some("affected") => ImpactRequest::default().affected_services(),
        Some(_) => return Err(Problem::field("/services", "expected all or affected")),
    };
    request.failed_only = query.flag("failed_only")?;
    Ok(request)
}

pub(super) async fn sla_impact(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    RawQuery(raw): RawQuery,
) -> Answer {
    app.incidents
        .audit()
        .authorize(&caller, Action::Read, Some(id))
        .await?;
    Query::parse(raw.as_deref(), &[])?;
    let report = app.incidents.reports().sla_impact(id).await?;
    Ok(answer(StatusCode::OK, &view::sla(id, &report)))
}
