//! Routes of the correlation engine's suggestions.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use incident_core::engine::Suggested;
use incident_core::port::SuggestionQuery;
use incident_core::suggestion::Suggest;
use incident_core::{SuggestionId, Timestamp};

use crate::http::authorized::Authorized;
use crate::http::command_request::CommandRequest;
use crate::http::list_response::ListShape;
use crate::http::page::Page;
use crate::http::params::Params;
use crate::http::permission;
use crate::http::response::{JsonResponse, JsonResult};
use crate::http::target::SuggestionTarget;
use crate::requests::EmptyBody;
use crate::responses::suggestions::SuggestionResponse;
use crate::state::AppState;

/// Handles `POST /sys/incidents/suggestions`.
pub(super) async fn suggest(
    State(state): State<Arc<AppState>>,
    request: CommandRequest<permission::Suggest, Suggest>,
) -> JsonResult<SuggestionResponse<'static>> {
    let made = request
        .run(|incidents, context, (), body| async move {
            incidents.signals().suggest(&context, &body).await
        })
        .await?;
    let status = if made.repeated {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok(suggestion_response(&state, status, &made))
}

/// Handles `POST /sys/incidents/suggestions/{id}/dismiss`.
pub(super) async fn dismiss(
    State(state): State<Arc<AppState>>,
    request: CommandRequest<permission::DismissSuggestion, EmptyBody, SuggestionTarget>,
) -> JsonResult<SuggestionResponse<'static>> {
    let id = request.target().id()?;
    let made = request
        .run(|incidents, context, _, EmptyBody {}| async move {
            incidents.signals().dismiss_suggestion(&context, id).await
        })
        .await?;
    Ok(suggestion_response(&state, StatusCode::OK, &made))
}

fn suggestion_response(
    state: &AppState,
    status: StatusCode,
    made: &Suggested,
) -> JsonResponse<SuggestionResponse<'static>> {
    let now = state.incidents().reports().now();
    let suggestion = &made.suggestion;
    let body = SuggestionResponse::new(suggestion, suggestion.state(now), made.live_incident);
    JsonResponse::new(status, &body).replayed(made.replayed)
}

/// Handles `GET /sys/incidents/suggestions`.
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    _: Authorized<permission::Read>,
    Params(page): Params<Page<(Timestamp, SuggestionId)>>,
) -> JsonResult<ListShape<SuggestionResponse<'static>>> {
    let wanted = SuggestionQuery {
        before: page.after,
        limit: page.to_read(),
    };
    let found = state.incidents().signals().suggestions(&wanted).await?;
    let found = page.of(found, |(last, _)| {
        (last.suggestion.received_at, last.suggestion.id)
    });
    found
        .respond(|(one, state)| SuggestionResponse::new(&one.suggestion, *state, one.live_incident))
}
