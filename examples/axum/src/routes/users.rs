//! The export of the users whose data an incident lost.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use incident_core::engine::UserExport;
use incident_core::{IncidentId, TenantId, UserId, escape_csv_formula};
use serde_json::json;

use crate::document::describe::DescribeAnswer;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;
use crate::http::authorized::Authorized;
use crate::http::params::Params;
use crate::http::permission;
use crate::http::problem::Problem;
use crate::state::AppState;

/// A page of an export: a tenant and some of its users.
type ExportPage = (TenantId, Vec<UserId>);

/// A table of users, sent while it is read.
pub(super) struct UsersTable(Response);

impl IntoResponse for UsersTable {
    fn into_response(self) -> Response {
        self.0
    }
}

impl DescribeAnswer for UsersTable {
    fn describe_answer(operation: &mut Operation, _: &mut Schemas) {
        operation.answer("text/csv", json!({ "type": "string" }));
    }
}

/// Handles `GET /sys/incidents/{id}/affected-users/export`. An error after the first page breaks
/// the connection off, so that nobody takes a part for the whole.
pub(super) async fn export(
    State(state): State<Arc<AppState>>,
    Authorized {
        context,
        target: id,
        ..
    }: Authorized<permission::ExportUsers, IncidentId>,
    _: Params<()>,
) -> Result<UsersTable, Problem> {
    let mut export = state
        .incidents()
        .reports()
        .export_users(&context, id)
        .await?;
    let first = export.next().await?;
    let name = format!("attachment; filename=\"affected-users-{id}.csv\"");
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, name),
    ];
    let body = Body::from_stream(chunks(export, first));
    Ok(UsersTable((StatusCode::OK, headers, body).into_response()))
}

/// Returns the chunks of the table: its head, then a chunk for each page.
fn chunks(
    export: UserExport,
    first: Option<ExportPage>,
) -> impl Stream<Item = io::Result<Vec<u8>>> + Send {
    let head = stream::once(async { Ok(b"tenant_id,user_id\r\n".to_vec()) });
    let pages = stream::try_unfold((export, first), |(mut export, page)| async move {
        let Some(page) = page else {
            return Ok(None);
        };
        let chunk = rows(&page)?;
        let next = export.next().await.map_err(|error| {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "could not list more users of an export; the connection is closed"
            );
            io::Error::other("the usage source did not answer")
        })?;
        Ok(Some((chunk, (export, next))))
    });
    futures_util::StreamExt::chain(head, pages)
}

/// Writes the rows of a page.
fn rows((tenant, users): &ExportPage) -> io::Result<Vec<u8>> {
    let mut table = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let tenant = escape_csv_formula(tenant.as_str());
    for user in users {
        let user = escape_csv_formula(user.as_str());
        table.write_record([&*tenant, &*user])?;
    }
    table
        .into_inner()
        .map_err(|_| io::Error::other("the CSV could not be written"))
}
