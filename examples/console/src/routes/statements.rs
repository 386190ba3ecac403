//! Statements: what each tenant is owed for a period, and why.

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use incident_core::actor::{Action, Caller};
use incident_core::{Month, TenantId};

use super::page_answer;
use crate::app::App;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::statements::{csv, json};

type Answer = Result<Response, Problem>;

/// `GET /sys/sla/statements`: JSON in pages, or with `format=csv` one table of all.
pub(super) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    RawQuery(raw): RawQuery,
) -> Answer {
    app.incidents
        .audit()
        .authorize(&caller, Action::Read, None)
        .await?;
    let query = Query::parse(raw.as_deref(), &["month", "tenant", "format"])?;
    let month: Option<Month> = query.read("month")?;
    let month = month.unwrap_or_else(|| Month::of(app.incidents.reports().now()));
    let tenant: Option<TenantId> = query.read("tenant")?;
    let as_table = match query.get("format") {
        None | Some("json") => false,
        Some("csv") => true,
        Some(_) => return Err(Problem::field("/format", "expected json or csv")),
    };
    let limit = query.limit()?;
    let after = query.cursor()?;
    let made = app
        .incidents
        .reports()
        .statements(month, tenant.as_ref())
        .await?;
    if as_table {
        let table = csv(&made).map_err(|_| {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Problem::new(status, "internal", "the table could not be written")
        })?;
        let name = format!("attachment; filename=\"statements-{month}.csv\"");
        let headers = [
            (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
            (CONTENT_DISPOSITION, name),
        ];
        return Ok((headers, table).into_response());
    }
    let later = |name: &str| after.as_deref().is_none_or(|after| after < name);
    let mut left = made.iter().filter(|one| later(one.tenant.as_str()));
    let shown: Vec<_> = left.by_ref().take(limit).collect();
    let more = left.next().is_some();
    let next = shown
        .last()
        .filter(|_| more)
        .map(|last| query.cursor_at(last.tenant.as_str()));
    page_answer(shown.into_iter().map(json), next.as_deref())
}
