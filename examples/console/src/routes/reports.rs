//! Reports: affected users, SLA, the ledger.

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use incident_core::TenantId;
use incident_core::actor::{Action, Caller};
use incident_core::billing::CreditState;
use incident_core::port::CreditQuery;

use super::{Id, answer, page_answer};
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
        .authorize(&caller, Action::Read, Some(id))
        .await?;
    let query = Query::parse(raw.as_deref(), &["services", "failed_only", "method"])?;
    let affected_only = match query.get("services") {
        None | Some("all") => false,
        Some("affected") => true,
        Some(_) => return Err(Problem::field("/services", "expected all or affected")),
    };
    match query.get("method") {
        None | Some("exact") => {}
        Some("estimate") => {
            return Err(Problem::field(
                "/method",
                "this usage source counts exactly only: expected exact",
            ));
        }
        Some(_) => return Err(Problem::field("/method", "expected exact or estimate")),
    }
    let report = app
        .incidents
        .affected_users(id, affected_only, query.flag("failed_only")?)
        .await?;
    Ok(answer(StatusCode::OK, &view::impact(id, &report)))
}

pub(super) async fn sla_impact(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    RawQuery(raw): RawQuery,
) -> Answer {
    app.incidents
        .authorize(&caller, Action::Read, Some(id))
        .await?;
    Query::parse(raw.as_deref(), &[])?;
    let report = app.incidents.sla_impact(id).await?;
    Ok(answer(StatusCode::OK, &view::sla(id, &report)))
}

pub(super) async fn credits(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    RawQuery(raw): RawQuery,
) -> Answer {
    app.incidents.authorize(&caller, Action::Read, None).await?;
    let query = Query::parse(raw.as_deref(), &["state", "tenant", "incident"])?;
    let state = match query.get("state") {
        None => None,
        Some("estimated") => Some(CreditState::Estimated),
        Some("approved") => Some(CreditState::Approved),
        Some("waived") => Some(CreditState::Waived),
        Some("issued") => Some(CreditState::Issued),
        Some("superseded") => Some(CreditState::Superseded),
        Some(_) => {
            return Err(Problem::field(
                "/state",
                "expected estimated, approved, waived, issued or superseded",
            ));
        }
    };
    let wanted = CreditQuery {
        incident: query.read("incident")?,
        tenant: query.read::<TenantId>("tenant")?,
        period: None,
        state,
    };
    let limit = query.limit()?;
    let wrong = |_| {
        Problem::field(
            "/cursor",
            "expected a cursor from an answer to the same filters",
        )
    };
    let skip: usize = query
        .cursor()?
        .map_or(Ok(0), |place| place.parse())
        .map_err(wrong)?;
    let rows = app.incidents.credits(&wanted).await?;
    // The ledger only grows at its end, so a count is a place that stays.
    let next = (rows.len() > skip + limit).then(|| query.cursor_at(&(skip + limit).to_string()));
    let items: Vec<_> = rows
        .iter()
        .skip(skip)
        .take(limit)
        .map(view::credit)
        .collect();
    Ok(page_answer(&items, next.as_deref()))
}
