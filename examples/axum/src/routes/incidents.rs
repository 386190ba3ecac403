//! Routes of incidents: declare, list, show, change, acknowledge, page, publish, link.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use incident_core::incident::{Command, Publish, Refusal, Severity, Status};
use incident_core::port::IncidentFilter;
use incident_core::schema::{SearchText, StoredName};
use incident_core::{IncidentId, Timestamp};

use super::incident_response::incident_response;
use crate::http::authorized::Authorized;
use crate::http::command_request::{CommandRequest, IncidentCommand};
use crate::http::list_response::ListShape;
use crate::http::mount_prefix::MountPrefix;
use crate::http::page::Page;
use crate::http::params::{FromQuery, Params, QueryParameter};
use crate::http::permission;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::response::{JsonResponse, JsonResult};
use crate::requests::change::ChangeRequest;
use crate::requests::declare::DeclareRequest;
use crate::requests::incident::{
    AcknowledgeRequest, NotifiedRequest, PageRequest, PostMortemRequest,
};
use crate::responses::incident::{IncidentListItem, IncidentResponse};
use crate::state::AppState;

/// Handles `POST /sys/incidents`.
pub(super) async fn declare(
    State(state): State<Arc<AppState>>,
    MountPrefix(prefix): MountPrefix,
    request: CommandRequest<permission::Declare, DeclareRequest>,
) -> JsonResult<IncidentResponse<'static>> {
    let outcome = request
        .run(|incidents, context, (), body| {
            let declare = body.declare().map_err(Refusal::from);
            async move { incidents.declare(&context, &declare?).await }
        })
        .await?;
    let status = if outcome.deduplicated {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    let location = format!("{prefix}/sys/incidents/{}", outcome.incident.id);
    Ok(incident_response(&state, status, &outcome).location(&location))
}

/// The query of the list of incidents.
pub(crate) struct IncidentParams {
    /// The filter, for one incident more than the page shows.
    pub(crate) filter: IncidentFilter,
    /// The page.
    pub(crate) page: Page<(Timestamp, IncidentId)>,
}

impl FromQuery for IncidentParams {
    const PARAMETERS: &'static [QueryParameter] = &[
        QueryParameter::word(
            "status",
            "Live incidents, those that were resolved, or also those that were cancelled or merged; `active` if absent.",
            &["active", "resolved", "all"],
        ),
        QueryParameter::of::<Severity>("severity", "Incidents of this severity."),
        QueryParameter::of::<StoredName>("tenant", "Incidents that affect this tenant."),
        QueryParameter::of::<StoredName>("service", "Incidents that affect this service."),
        QueryParameter::of::<SearchText>("q", "Incidents with this text in title or summary."),
        QueryParameter::of::<Timestamp>("from", "Incidents that were declared from this time on."),
        QueryParameter::of::<Timestamp>("to", "Incidents that were declared before this time."),
    ];

    fn from_query(query: &Query) -> Result<Self, Problem> {
        let limit = query.limit()?;
        let mut filter = IncidentFilter {
            statuses: statuses(query)?,
            severity: query.read::<Severity>("severity")?,
            tenant: query.name("tenant")?,
            service: query.name("service")?,
            text: query.text("q")?,
            from: query.time("from")?,
            to: query.time("to")?,
            ..IncidentFilter::default()
        };
        let page = Page::read(query, limit)?;
        (filter.after, filter.limit) = (page.after, page.to_read());
        if let (Some(from), Some(to)) = (filter.from, filter.to)
            && to <= from
        {
            return Err(Problem::field("/to", "expected a time after `from`"));
        }
        Ok(Self { filter, page })
    }
}

fn statuses(query: &Query) -> Result<BTreeSet<Status>, Problem> {
    match query.get("status") {
        None | Some("active") => Ok(Status::live()),
        Some("resolved") => Ok(BTreeSet::from([Status::Resolved, Status::Closed])),
        Some("all") => Ok(BTreeSet::new()),
        Some(_) => Err(Problem::field(
            "/status",
            "expected active, resolved or all",
        )),
    }
}

/// Handles `GET /sys/incidents`.
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    _: Authorized<permission::Read>,
    Params(params): Params<IncidentParams>,
) -> JsonResult<ListShape<IncidentListItem<'static>>> {
    let found = state.incidents().list(&params.filter).await?;
    let found = params.page.of(found, |last| (last.declared_at, last.id));
    found.respond(IncidentListItem::from)
}

/// Handles `GET /sys/incidents/{id}`.
pub(super) async fn show(
    State(state): State<Arc<AppState>>,
    Authorized { target: id, .. }: Authorized<permission::Read, IncidentId>,
) -> JsonResult<IncidentResponse<'static>> {
    let incident = state.incidents().get(id).await?;
    let now = state.incidents().reports().now();
    let warnings = state.incidents().warnings(&incident, now);
    let body = IncidentResponse::new(&incident, state.links(), &warnings, false);
    Ok(JsonResponse::ok(&body).etag(incident.version))
}

/// Handles `PATCH /sys/incidents/{id}`.
pub(super) async fn change(
    State(state): State<Arc<AppState>>,
    request: IncidentCommand<permission::Change, ChangeRequest>,
) -> JsonResult<IncidentResponse<'static>> {
    let outcome = request.try_act(ChangeRequest::command).await?;
    Ok(incident_response(&state, StatusCode::OK, &outcome))
}

/// Handles `POST /sys/incidents/{id}/acknowledge`.
pub(super) async fn acknowledge(
    State(state): State<Arc<AppState>>,
    request: IncidentCommand<permission::Acknowledge, AcknowledgeRequest>,
) -> JsonResult<IncidentResponse<'static>> {
    let outcome = request
        .act(|body| Command::Acknowledge { at: body.at })
        .await?;
    Ok(incident_response(&state, StatusCode::OK, &outcome))
}

/// Handles `POST /sys/incidents/{id}/page`.
pub(super) async fn page(
    State(state): State<Arc<AppState>>,
    request: IncidentCommand<permission::Page, PageRequest>,
) -> JsonResult<IncidentResponse<'static>> {
    let outcome = request.act(PageRequest::command).await?;
    Ok(incident_response(&state, StatusCode::ACCEPTED, &outcome))
}

/// Handles `POST /sys/incidents/{id}/affected-users/notified`.
pub(super) async fn mark_users_notified(
    State(state): State<Arc<AppState>>,
    request: IncidentCommand<permission::Change, NotifiedRequest>,
) -> JsonResult<IncidentResponse<'static>> {
    let outcome = request
        .act(|body| Command::MarkUsersNotified { note: body.note })
        .await?;
    Ok(incident_response(&state, StatusCode::OK, &outcome))
}

/// Handles `POST /sys/incidents/{id}/authority/notified`.
pub(super) async fn mark_authority_notified(
    State(state): State<Arc<AppState>>,
    request: IncidentCommand<permission::Change, NotifiedRequest>,
) -> JsonResult<IncidentResponse<'static>> {
    let outcome = request
        .act(|body| Command::MarkAuthorityNotified { note: body.note })
        .await?;
    Ok(incident_response(&state, StatusCode::OK, &outcome))
}

/// Handles `POST /sys/incidents/{id}/public`.
pub(super) async fn publish(
    State(state): State<Arc<AppState>>,
    request: IncidentCommand<permission::Publish, Publish>,
) -> JsonResult<IncidentResponse<'static>> {
    let outcome = request.act(Command::from).await?;
    Ok(incident_response(&state, StatusCode::OK, &outcome))
}

/// Handles `POST /sys/incidents/{id}/post-mortem`.
pub(super) async fn link_post_mortem(
    State(state): State<Arc<AppState>>,
    request: IncidentCommand<permission::LinkPostMortem, PostMortemRequest>,
) -> JsonResult<IncidentResponse<'static>> {
    let outcome = request
        .act(|body| Command::LinkPostMortem { url: body.url })
        .await?;
    Ok(incident_response(&state, StatusCode::OK, &outcome))
}
