//! Statements: the credit of each tenant for a period, with its derivation.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use incident_core::sla::SlaStatement;
use incident_core::{Month, TenantId};
use serde_json::json;

use crate::document::describe::DescribeAnswer;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;
use crate::http::authorized::Authorized;
use crate::http::list_response::ListShape;
use crate::http::page::Page;
use crate::http::params::{FromQuery, Params, QueryParameter};
use crate::http::permission;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::response::JsonResponse;
use crate::responses::statements::{StatementResponse, csv};
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
    const PARAMETERS: &'static [QueryParameter] = &[
        QueryParameter::of::<Month>("month", "The month; this month if absent."),
        QueryParameter::of::<TenantId>("tenant", "The statement of this tenant."),
        QueryParameter::word(
            "format",
            "JSON in pages, or one table of all statements; `json` if absent.",
            &["json", "csv"],
        ),
    ];

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

/// Statements in one of their two forms.
pub(super) enum StatementsAnswer {
    List(JsonResponse<ListShape<StatementResponse<'static>>>),
    Table(Response),
}

impl IntoResponse for StatementsAnswer {
    fn into_response(self) -> Response {
        match self {
            Self::List(list) => list.into_response(),
            Self::Table(table) => table,
        }
    }
}

impl DescribeAnswer for StatementsAnswer {
    fn describe_answer(operation: &mut Operation, schemas: &mut Schemas) {
        JsonResponse::<ListShape<StatementResponse<'static>>>::describe_answer(operation, schemas);
        operation.answer("text/csv", json!({ "type": "string" }));
    }
}

/// Handles `GET /sys/sla/statements`: JSON in pages, or one table of all with `format=csv`.
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    _: Authorized<permission::Read>,
    Params(params): Params<StatementParams>,
) -> Result<StatementsAnswer, Problem> {
    let reports = state.incidents().reports();
    let month = params.month.unwrap_or_else(|| Month::of(reports.now()));
    let made = reports.statements(month, params.tenant.as_ref()).await?;
    if params.as_table {
        return table(month, &made).map(StatementsAnswer::Table);
    }
    let page = params.page;
    let later = |name: &str| page.after.as_deref().is_none_or(|after| after < name);
    let left = made.iter().filter(|one| later(one.tenant.as_str()));
    let found = page.of(left.take(page.to_read()).collect(), |last| {
        last.tenant.as_str().to_owned()
    });
    found
        .respond(|one| StatementResponse::from(*one))
        .map(StatementsAnswer::List)
}

fn table(month: Month, made: &[SlaStatement]) -> Result<Response, Problem> {
    let table = csv(made).map_err(|_| Problem::internal("the CSV could not be written"))?;
    let name = format!("attachment; filename=\"statements-{month}.csv\"");
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, name),
    ];
    Ok((headers, table).into_response())
}
