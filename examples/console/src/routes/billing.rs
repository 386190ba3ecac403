//! Billing: credits computed anew, what the sink holds, batches sent again.

use axum::Extension;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use incident_core::actor::{Action, Caller};
use incident_core::{MessageId, Month, Period, PeriodKind};
use serde::Deserialize;
use serde_json::json;

use super::answer;
use super::bodies::Nothing;
use crate::app::{App, Asked};
use crate::billing;
use crate::http::problem::Problem;
use crate::http::query::Query;

type Answer = Result<Response, Problem>;

/// `GET /sys/sla/billing?period=`: what was issued of a month, quarter or year,
/// against what the sink holds of it.
pub(super) async fn report(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    RawQuery(raw): RawQuery,
) -> Answer {
    app.incidents
        .audit()
        .authorize(&caller, Action::Read, None)
        .await?;
    let query = Query::parse(raw.as_deref(), &["period"])?;
    let period: Option<Period> = query.read("period")?;
    let now = Month::of(app.incidents.reports().now());
    let period = period.unwrap_or_else(|| Period::of_month(now, PeriodKind::Month));
    let report = app.incidents.credits().billing_report(period).await?;
    Ok(answer(StatusCode::OK, &billing::report(&report)))
}

/// `POST /sys/sla/billing/{batch}/resend`: a batch that was held back goes to the sink
/// once more.
pub(super) async fn resend(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(batch): Path<String>,
    request: Request,
) -> Answer {
    app.incidents
        .audit()
        .authorize(&caller, Action::DecideCredit, None)
        .await?;
    let batch: MessageId = batch.parse().map_err(|_| Problem::not_found("batch"))?;
    let Asked { context, turn, .. } = app.asked::<Nothing>(caller, request, Some("{}")).await?;
    let incidents = app.incidents.clone();
    app.run(async move {
        let _turn = turn;
        Ok(incidents.credits().resend_batch(&context, batch).await?)
    })
    .await?;
    Ok(answer(StatusCode::ACCEPTED, &json!({"batch": batch})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recompute {
    month: Month,
}

/// `POST /sys/sla/credits/recompute {"month"}`: under the terms that hold now.
pub(super) async fn recompute(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Answer {
    app.incidents
        .audit()
        .authorize(&caller, Action::DecideCredit, None)
        .await?;
    let Asked {
        context,
        body,
        turn,
    } = app.asked::<Recompute>(caller, request, None).await?;
    let (incidents, month) = (app.incidents.clone(), body.month);
    let changed = app
        .run(async move {
            let _turn = turn;
            Ok(incidents.credits().recompute(&context, month).await?)
        })
        .await?;
    let made = json!({"month": month, "changed": changed});
    Ok(answer(StatusCode::OK, &made))
}
