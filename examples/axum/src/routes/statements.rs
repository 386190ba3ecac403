//! Statements: the credit of each tenant for a period, with its derivation.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use incident_core::sla::SlaStatement;
use incident_core::{Month, TenantId};

use crate::http::authorized::Authorized;
use crate::http::page::Page;
use crate::http::params::{FromQuery, Params};
use crate::http::permission;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::responses::statements::{csv, json};
use crate::state::AppState;

/// The query of statements.
pub(super) struct StatementParams {
    month: Option<Month>,
    tenant: Option<TenantId>,
    as_table: bool,
    /// By the name of the tenant.
    page: Page<String>,
}

impl FromQuery for StatementParams {
    const NAMES: &'static [&'static str] = &["month", "tenant", "format"];

    fn from_query(query: &Query) -> Result<Self, Problem> {
        Ok(Self {
            month: query.read("month")?,
            tenant: query.read("tenant")?,
            as_table: query
                .word(
                    "format",
                    &[("json", false), ("csv", true)],
                    "expected json or csv",
                )?
                .unwrap_or(false),
            page: Page::read(query, query.limit()?)?,
        })
    }
}

/// Handles `GET /sys/sla/statements`: JSON in pages, or one table of all with `format=csv`.
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    _: Authorized<permission::Read>,
    Params(params): Params<StatementParams>,
) -> Result<Response, Problem> {
    let reports = state.incidents().reports();
    let month = params.month.unwrap_or_else(|| Month::of(reports.now()));
    let made = reports.statements(month, params.tenant.as_ref()).await?;
    if params.as_table {
        return table(month, &made);
    }
    let page = params.page;
    let later = |name: &str| page.after.as_deref().is_none_or(|after| after < name);
    let left = made.iter().filter(|one| later(one.tenant.as_str()));
    let found = page.of(left.take(page.to_read()).collect(), |last| {
        last.tenant.as_str().to_owned()
    });
    let answer = found.respond(|one| json(one))?;
    Ok(answer.into_response())
}

fn table(month: Month, made: &[SlaStatement]) -> Result<Response, Problem> {
    let table = csv(made).map_err(|_| {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Problem::new(status, "internal", "the CSV could not be written")
    })?;
    let name = format!("attachment; filename=\"statements-{month}.csv\"");
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, name),
    ];
    Ok((headers, table).into_response())
}
