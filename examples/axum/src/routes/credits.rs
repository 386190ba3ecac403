//! Routes of the credit ledger and its decisions.

use std::sync::Arc;

use axum::extract::State;
use incident_core::billing::{CreditDecision, CreditState};
use incident_core::port::CreditQuery;
use incident_core::{CreditId, IncidentId, TenantId};

use crate::http::authorized::Authorized;
use crate::http::body::CommandBody;
use crate::http::command_request::CommandRequest;
use crate::http::list_response::ListShape;
use crate::http::page::Page;
use crate::http::params::{FromQuery, Params, QueryParameter};
use crate::http::permission;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::response::{JsonResponse, JsonResult};
use crate::requests::{EmptyBody, ReasonRequest};
use crate::responses::credits::CreditResponse;
use crate::state::AppState;

/// A decision on a credit.
type Decision<B> = CommandRequest<permission::DecideCredit, B, CreditId>;

/// The query of the ledger.
pub(super) struct CreditParams {
    filter: CreditQuery,
    /// Position by count, which is stable because the ledger only grows at its end.
    page: Page<usize>,
}

impl FromQuery for CreditParams {
    const PARAMETERS: &'static [QueryParameter] = &[
        QueryParameter::of::<CreditState>("state", "Credits in this state."),
        QueryParameter::of::<TenantId>("tenant", "Credits of this tenant."),
        QueryParameter::of::<IncidentId>("incident", "Credits for this incident."),
    ];

    fn from_query(query: &Query) -> Result<Self, Problem> {
        let filter = CreditQuery {
            state: query.get("state").map(state).transpose()?,
            incident: query.read("incident")?,
            tenant: query.read::<TenantId>("tenant")?,
            ..CreditQuery::default()
        };
        let page = Page::read(query, query.limit()?)?;
        Ok(Self { filter, page })
    }
}

fn state(name: &str) -> Result<CreditState, Problem> {
    let mut known = CreditState::ALL.into_iter();
    known.find(|state| state.name() == name).ok_or_else(|| {
        let names = CreditState::ALL.map(CreditState::name).join(", ");
        Problem::field("/state", format!("expected one of {names}"))
    })
}

/// Handles `GET /sys/sla/credits`.
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    _: Authorized<permission::Read>,
    Params(CreditParams { filter, page }): Params<CreditParams>,
) -> JsonResult<ListShape<CreditResponse<'static>>> {
    let rows = state.incidents().credits().list(&filter).await?;
    let before = page.after.unwrap_or(0);
    let rows = rows.iter().skip(before).take(page.to_read()).collect();
    let found = page.of(rows, |_| before + page.limit);
    found.respond(|row| CreditResponse::from(*row))
}

/// Handles `POST /sys/sla/credits/{id}/approve`.
pub(super) async fn approve(request: Decision<EmptyBody>) -> JsonResult<CreditResponse<'static>> {
    decide(request, |EmptyBody {}| CreditDecision::Approve).await
}

/// Handles `POST /sys/sla/credits/{id}/waive`.
pub(super) async fn waive(request: Decision<ReasonRequest>) -> JsonResult<CreditResponse<'static>> {
    decide(request, |body| CreditDecision::Waive {
        reason: body.reason,
    })
    .await
}

async fn decide<B: CommandBody>(
    request: Decision<B>,
    decision: impl FnOnce(B) -> CreditDecision,
) -> JsonResult<CreditResponse<'static>> {
    let decided = request
        .run(|incidents, context, id, body| {
            let decision = decision(body);
            async move { incidents.credits().decide(&context, id, &decision).await }
        })
        .await?;
    let body = CreditResponse::from(&decided.credit);
    Ok(JsonResponse::ok(&body).replayed(decided.replayed))
}
