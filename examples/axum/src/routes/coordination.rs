//! Routes of the response to an incident: roles, approvals, checklists.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use incident_core::IncidentId;
use incident_core::incident::{ApprovalStep, ChangeRole, Command, TickItem};

use super::incident_response::incident_response;
use crate::http::authorized::Authorized;
use crate::http::command_request::{CommandRequest, IncidentCommand};
use crate::http::params::Params;
use crate::http::permission;
use crate::http::problem::Problem;
use crate::http::response::{JsonResponse, JsonResult};
use crate::http::target::{ApprovalTarget, ChecklistItemTarget};
use crate::requests::ReasonRequest;
use crate::requests::coordination::{ApprovalRequest, NoteRequest};
use crate::responses::coordination::ChecklistsResponse;
use crate::responses::incident::IncidentResponse;
use crate::state::AppState;

/// Handles `POST /sys/incidents/{id}/roles`.
pub(super) async fn change_role(
    State(state): State<Arc<AppState>>,
    request: IncidentCommand<permission::Change, ChangeRole>,
) -> JsonResult<IncidentResponse<'static>> {
    let change = |body| Command::ChangeRole(Box::new(body));
    let outcome = request.act(change).await?;
    Ok(incident_response(&state, StatusCode::OK, &outcome))
}

/// Handles `POST /sys/incidents/{id}/approvals`.
pub(super) async fn request_approval(
    State(state): State<Arc<AppState>>,
    request: IncidentCommand<permission::Update, ApprovalRequest>,
) -> JsonResult<IncidentResponse<'static>> {
    let step = |body: ApprovalRequest| Command::Approve(ApprovalStep::Request { text: body.text });
    let outcome = request.act(step).await?;
    Ok(incident_response(&state, StatusCode::CREATED, &outcome))
}

/// Handles `POST /sys/incidents/{id}/approvals/{number}/approve`.
pub(super) async fn approve(
    State(state): State<Arc<AppState>>,
    request: CommandRequest<permission::Update, NoteRequest, ApprovalTarget>,
) -> JsonResult<IncidentResponse<'static>> {
    decide(&state, request, |number, body| ApprovalStep::Approve {
        number,
        note: body.note,
    })
    .await
}

/// Handles `POST /sys/incidents/{id}/approvals/{number}/refuse`.
pub(super) async fn refuse(
    State(state): State<Arc<AppState>>,
    request: CommandRequest<permission::Update, ReasonRequest, ApprovalTarget>,
) -> JsonResult<IncidentResponse<'static>> {
    decide(&state, request, |number, body| ApprovalStep::Refuse {
        number,
        reason: body.reason,
    })
    .await
}

/// Handles `POST /sys/incidents/{id}/approvals/{number}/withdraw`.
pub(super) async fn withdraw(
    State(state): State<Arc<AppState>>,
    request: CommandRequest<permission::Update, ReasonRequest, ApprovalTarget>,
) -> JsonResult<IncidentResponse<'static>> {
    decide(&state, request, |number, body| ApprovalStep::Withdraw {
        number,
        reason: body.reason,
    })
    .await
}

async fn decide<B: Send + 'static>(
    state: &AppState,
    request: CommandRequest<permission::Update, B, ApprovalTarget>,
    step: impl FnOnce(u32, B) -> ApprovalStep,
) -> Result<JsonResponse<IncidentResponse<'static>>, Problem> {
    let outcome = request
        .run(
            |incidents, context, ApprovalTarget { id, number, .. }, body| {
                let command = Command::Approve(step(number, body));
                async move { incidents.act(&context, id, &command).await }
            },
        )
        .await?;
    Ok(incident_response(state, StatusCode::OK, &outcome))
}

/// Handles `GET /sys/incidents/{id}/checklists`.
pub(super) async fn checklists(
    State(state): State<Arc<AppState>>,
    Authorized { target: id, .. }: Authorized<permission::Read, IncidentId>,
    _: Params<()>,
) -> JsonResult<ChecklistsResponse<'static>> {
    let incident = state.incidents().get(id).await?;
    let progress = state.incidents().checklists().progress(&incident);
    let body = ChecklistsResponse {
        checklists: progress.map(Into::into).collect(),
    };
    Ok(JsonResponse::ok(&body))
}

/// Handles `POST /sys/incidents/{id}/checklists/{name}/{item}`.
pub(super) async fn tick(
    State(state): State<Arc<AppState>>,
    request: CommandRequest<permission::Update, NoteRequest, ChecklistItemTarget>,
) -> JsonResult<IncidentResponse<'static>> {
    let outcome = request
        .run(|incidents, context, target, body| {
            let ChecklistItemTarget { id, name, item } = target;
            let command = Command::Tick(Box::new(TickItem::new(name, item, body.note)));
            async move { incidents.act(&context, id, &command).await }
        })
        .await?;
    Ok(incident_response(&state, StatusCode::OK, &outcome))
}
