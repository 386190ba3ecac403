//! Routes of billing: recomputing credits, comparing with the sink, resending batches.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use incident_core::{Month, Period, PeriodKind};

use crate::http::authorized::Authorized;
use crate::http::command_request::CommandRequest;
use crate::http::params::{FromQuery, Params, QueryParameter};
use crate::http::permission;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::response::{JsonResponse, JsonResult};
use crate::http::target::BatchTarget;
use crate::requests::{EmptyBody, RecomputeRequest};
use crate::responses::billing::{BillingReportResponse, ResentBatchResponse};
use crate::responses::credits::RecomputedResponse;
use crate::state::AppState;

/// The query of the report on billing.
pub(super) struct BillingParams {
    period: Option<Period>,
}

impl FromQuery for BillingParams {
    const PARAMETERS: &'static [QueryParameter] = &[QueryParameter::of::<Period>(
        "period",
        "A month, a quarter or a year; this month if absent.",
    )];
    const IS_PAGED: bool = false;

    fn from_query(query: &Query) -> Result<Self, Problem> {
        let period = query.read("period")?;
        Ok(Self { period })
    }
}

/// Handles `GET /sys/sla/billing?period=`: compares the issued credits of a month, quarter or year
/// with those in the sink.
pub(super) async fn report(
    State(state): State<Arc<AppState>>,
    _: Authorized<permission::Read>,
    Params(BillingParams { period }): Params<BillingParams>,
) -> JsonResult<BillingReportResponse<'static>> {
    let now = Month::of(state.incidents().reports().now());
    let period = period.unwrap_or_else(|| Period::of_month(now, PeriodKind::Month));
    let report = state.incidents().credits().billing_report(period).await?;
    Ok(JsonResponse::ok(&BillingReportResponse::from(&report)))
}

/// Handles `POST /sys/sla/billing/{batch}/resend`: submits a batch that was held back once more.
pub(super) async fn resend(
    request: CommandRequest<permission::DecideCredit, EmptyBody, BatchTarget>,
) -> JsonResult<ResentBatchResponse> {
    let batch = request.target().id()?;
    request
        .run(|incidents, context, _, EmptyBody {}| async move {
            incidents.credits().resend_batch(&context, batch).await
        })
        .await?;
    let body = ResentBatchResponse { batch };
    Ok(JsonResponse::new(StatusCode::ACCEPTED, &body))
}

/// Handles `POST /sys/sla/credits/recompute {"month"}`: recomputes under the current terms.
pub(super) async fn recompute(
    request: CommandRequest<permission::DecideCredit, RecomputeRequest>,
) -> JsonResult<RecomputedResponse> {
    let body = request
        .run(|incidents, context, (), body| async move {
            let month = body.month;
            let changed = incidents.credits().recompute(&context, month).await?;
            Ok(RecomputedResponse { changed, month })
        })
        .await?;
    Ok(JsonResponse::ok(&body))
}
