//! Routes of pages: retry dead letters, and send test pages.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use incident_core::outbox::DeadLetterFilter;

use super::incident_response::incident_response;
use crate::http::command_request::CommandRequest;
use crate::http::permission;
use crate::http::response::{JsonResponse, JsonResult};
use crate::requests::{EmptyBody, TestPageRequest};
use crate::responses::incident::IncidentResponse;
use crate::responses::pages::PagerTestResponse;
use crate::state::AppState;

/// Handles `POST /sys/pages/{id}/retry`.
pub(super) async fn retry(
    State(state): State<Arc<AppState>>,
    request: CommandRequest<permission::Page, EmptyBody, DeadLetterFilter>,
) -> JsonResult<IncidentResponse<'static>> {
    let outcome = request
        .run(|incidents, context, which, EmptyBody {}| async move {
            incidents.paging().retry(&context, which).await
        })
        .await?;
    Ok(incident_response(&state, StatusCode::ACCEPTED, &outcome))
}

/// Handles `POST /sys/pages/test`.
pub(super) async fn test(
    request: CommandRequest<permission::Page, TestPageRequest>,
) -> JsonResult<PagerTestResponse<'static>> {
    let tested = request
        .run(|incidents, context, (), body| async move {
            incidents.paging().test(&context, body.urgency()).await
        })
        .await?;
    let body = PagerTestResponse::from(&tested.test);
    Ok(JsonResponse::ok(&body).replayed(tested.replayed))
}
