//! Routes of timelines: write, read, verify, redact.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use incident_core::IncidentId;
use incident_core::incident::{Command, Update};

use crate::http::authorized::Authorized;
use crate::http::command_request::{CommandRequest, IncidentCommand};
use crate::http::list_response::{ListResponse, ListShape};
use crate::http::page::Page;
use crate::http::params::{FromQuery, Params, QueryParameter};
use crate::http::permission;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::response::{JsonResponse, JsonResult};
use crate::http::target::EntryTarget;
use crate::requests::ReasonRequest;
use crate::responses::timeline::{TimelineEntryResponse, TimelineVerificationResponse};
use crate::state::AppState;

/// Number of entries read at a time: one with ten thousand tenants takes a megabyte.
const AT_A_TIME: usize = 26;

/// Handles `POST /sys/incidents/{id}/updates`.
pub(super) async fn update(
    request: IncidentCommand<permission::Update, Update>,
) -> JsonResult<TimelineEntryResponse<'static>> {
    let outcome = request.act(Command::from).await?;
    let entry = outcome.entries.first().ok_or_else(no_entry)?;
    let entry = TimelineEntryResponse::from(entry);
    Ok(JsonResponse::new(StatusCode::CREATED, &entry).replayed(outcome.replayed))
}

/// Returns the problem of a command that left no entry.
fn no_entry() -> Problem {
    Problem::internal("the entry could not be read")
}

/// The query of a timeline.
pub(super) struct TimelineParams {
    /// Number of the entry before the first one of the page.
    after: u64,
    page: Page<u64>,
}

impl FromQuery for TimelineParams {
    const PARAMETERS: &'static [QueryParameter] = &[QueryParameter::of::<u64>(
        "after_seq",
        "Entries after the one with this number.",
    )];

    fn from_query(query: &Query) -> Result<Self, Problem> {
        let page = Page::read(query, query.limit()?)?;
        let after = match page.after {
            Some(after) => after,
            None => query.number("after_seq")?.unwrap_or(0),
        };
        Ok(Self { after, page })
    }
}

/// Handles `GET /sys/incidents/{id}/updates`.
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    Authorized { target: id, .. }: Authorized<permission::Read, IncidentId>,
    Params(TimelineParams { after, page }): Params<TimelineParams>,
) -> JsonResult<ListShape<TimelineEntryResponse<'static>>> {
    let (mut list, mut shown, mut last) = (ListResponse::new(), 0, after);
    while shown < page.to_read() {
        let wanted = AT_A_TIME.min(page.to_read() - shown);
        let audit = state.incidents().audit();
        let entries = audit.timeline(id, last, wanted).await?;
        for entry in entries.iter().take(page.limit - shown) {
            list.push(&TimelineEntryResponse::from(entry))?;
            last = entry.seq;
        }
        shown += entries.len();
        if entries.len() < wanted {
            break;
        }
    }
    let next = (shown > page.limit).then(|| page.cursor(&last));
    list.end(next.as_deref())
}

/// Handles `GET /sys/incidents/{id}/timeline/verify`.
pub(super) async fn verify(
    State(state): State<Arc<AppState>>,
    Authorized { target: id, .. }: Authorized<permission::Read, IncidentId>,
    _: Params<()>,
) -> JsonResult<TimelineVerificationResponse> {
    let verdict = state.incidents().audit().verify_timeline(id).await?;
    Ok(JsonResponse::ok(&TimelineVerificationResponse::from(
        verdict,
    )))
}

/// Handles `POST /sys/incidents/{id}/updates/{seq}/redact`.
pub(super) async fn redact(
    request: CommandRequest<permission::Redact, ReasonRequest, EntryTarget>,
) -> JsonResult<TimelineEntryResponse<'static>> {
    let (entries, replayed) = request
        .run(
            |incidents, context, EntryTarget { id, seq, .. }, body| async move {
                let reason = body.reason;
                let redact = Command::Redact { seq, reason };
                let outcome = incidents.act(&context, id, &redact).await?;
                let entries = incidents.audit().timeline(id, seq - 1, 1).await?;
                Ok((entries, outcome.replayed))
            },
        )
        .await?;
    let entry = TimelineEntryResponse::from(entries.first().ok_or_else(no_entry)?);
    Ok(JsonResponse::ok(&entry).replayed(replayed))
}
