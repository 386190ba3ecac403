//! The audit trail.

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use incident_core::actor::{Action, Caller};
use incident_core::audit::Chain;
use incident_core::engine::AuditVerdict;
use incident_core::port::AuditQuery;
use incident_core::{IncidentId, Timestamp};
use serde_json::json;

use super::{answer, page_answer};
use crate::app::App;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::view;

type Answer = Result<Response, Problem>;

pub(super) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    RawQuery(raw): RawQuery,
) -> Answer {
    app.incidents
        .audit()
        .authorize(&caller, Action::ReadAudit, None)
        .await?;
    let query = Query::parse(raw.as_deref(), &["incident", "actor", "from"])?;
    let limit = query.limit()?;
    let wanted = AuditQuery {
        skip_unreadable: false,
        chain: query.read::<IncidentId>("incident")?.map(Chain::Incident),
        actor: query.name("actor")?,
        from: query.time("from")?,
        after: query.cursor()?.as_deref().map(read_place).transpose()?,
        limit: limit + 1,
    };
    let mut found = app.incidents.audit().list(&wanted).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more);
    let next = last.map(|last| {
        query.cursor_at(&format!(
            "{} {} {}",
            last.payload.at.micros(),
            last.chain,
            last.seq
        ))
    });
    page_answer(found.iter().map(view::audit), next.as_deref())
}

fn read_place(place: &str) -> Result<(Timestamp, Chain, u64), Problem> {
    let mut parts = place.split(' ');
    let mut part = || parts.next().unwrap_or_default();
    let at = part()
        .parse()
        .ok()
        .and_then(|us| Timestamp::from_micros(us).ok());
    match (at, part().parse(), part().parse()) {
        (Some(at), Ok(chain), Ok(seq)) => Ok((at, chain, seq)),
        _ => Err(Problem::field(
            "/cursor",
            "expected a cursor from an answer to the same filters",
        )),
    }
}

pub(super) async fn verify(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    RawQuery(raw): RawQuery,
) -> Answer {
    app.incidents
        .audit()
        .authorize(&caller, Action::ReadAudit, None)
        .await?;
    Query::parse(raw.as_deref(), &[])?;
    let value = match app.incidents.audit().verify().await? {
        AuditVerdict::Valid {
            chains,
            entries,
            anchored,
        } => {
            json!({"valid": true, "chains": chains, "entries": entries, "anchored": anchored})
        }
        AuditVerdict::Broken { chain, seq, reason } => {
            json!({"valid": false, "chain": chain.to_string(), "seq": seq, "reason": reason})
        }
    };
    Ok(answer(StatusCode::OK, &value))
}
