//! Suggestions of the correlation engine.

use axum::extract::State;
use axum::http::StatusCode;
use incident_core::port::SuggestionQuery;
use incident_core::suggestion::Suggest;
use incident_core::{SuggestionId, Timestamp};

use crate::http::authorized::Authorized;
use crate::http::command_request::CommandRequest;
use crate::http::page::Page;
use crate::http::params::{FromQuery, Params};
use crate::http::permission;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::response::{Answer, JsonResponse};
use crate::responses::suggestions::SuggestionResponse;
use crate::state::AppState;

/// `POST /sys/incidents/suggestions`.
pub(super) async fn suggest(
    State(state): State<AppState>,
    request: CommandRequest<permission::Suggest, Suggest>,
) -> Answer {
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
    let now = state.incidents().reports().now();
    let suggestion = &made.suggestion;
    let body = SuggestionResponse::new(suggestion, suggestion.state(now), made.live_incident);
    Ok(JsonResponse::new(status, &body).replayed(made.replayed))
}

/// The query of the list of suggestions.
pub(super) struct SuggestionParams {
    page: Page<(Timestamp, SuggestionId)>,
}

impl FromQuery for SuggestionParams {
    const NAMES: &'static [&'static str] = &[];

    fn from_query(query: &Query) -> Result<Self, Problem> {
        let page = Page::read(query, query.limit()?)?;
        Ok(Self { page })
    }
}

/// `GET /sys/incidents/suggestions`.
pub(super) async fn list(
    State(state): State<AppState>,
    _: Authorized<permission::Read>,
    Params(SuggestionParams { page }): Params<SuggestionParams>,
) -> Answer {
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
