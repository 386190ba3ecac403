//! All tenants that an incident hits, page by page.

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use incident_core::actor::{Action, Caller};
use incident_core::incident::AffectedTenant;
use incident_core::{TenantId, Timestamp};
use serde::Serialize;

use super::Id;
use super::list::ListBody;
use crate::app::App;
use crate::http::problem::Problem;
use crate::http::query::Query;

#[derive(Serialize)]
struct End<'a> {
    /// None where it hits all tenants.
    affected_tenants_total: Option<u64>,
    next_cursor: Option<&'a str>,
}

/// `GET /sys/incidents/{id}/tenants`: in order of name. A list that is replaced between
/// two pages goes on after the place where the first one ended.
pub(super) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    app.incidents
        .audit()
        .authorize(&caller, Action::Read, Some(id))
        .await?;
    let query = Query::parse(raw.as_deref(), &[])?;
    let limit = query.limit()?;
    let after = query.cursor()?.as_deref().map(row_of).transpose()?;
    let incident = app.incidents.get(id).await?;
    let rows = incident.affected_tenants.rows_after(after.as_ref());
    let mut body = ListBody::new();
    for row in rows.iter().take(limit) {
        body.push(row)?;
    }
    let last = rows.get(limit - 1).filter(|_| rows.len() > limit);
    let next = last.map(|last| query.cursor_at(&place_of(last)));
    body.end_with(&End {
        affected_tenants_total: incident.affected_tenants.rows(),
        next_cursor: next.as_deref(),
    })
}

/// A row as a place: its times in microseconds, and its name, which may hold blanks.
fn place_of(row: &AffectedTenant) -> String {
    let time =
        |time: Option<Timestamp>| time.map_or_else(|| "-".to_owned(), |at| at.micros().to_string());
    format!("{} {} {}", time(row.from), time(row.until), row.tenant_id)
}

fn row_of(place: &str) -> Result<AffectedTenant, Problem> {
    let wrong = || {
        Problem::field(
            "/cursor",
            "expected a cursor from an answer to the same filters",
        )
    };
    let time = |text: &str| match text {
        "-" => Ok(None),
        text => text
            .parse()
            .ok()
            .and_then(|micros| Timestamp::from_micros(micros).ok())
            .map(Some)
            .ok_or_else(wrong),
    };
    let mut parts = place.splitn(3, ' ');
    let (Some(from), Some(until), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(wrong());
    };
    Ok(AffectedTenant {
        tenant_id: TenantId::stored(name).map_err(|_| wrong())?,
        from: time(from)?,
        until: time(until)?,
    })
}
