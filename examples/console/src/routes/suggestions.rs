//! Suggestions of the correlation engine.

use axum::Extension;
use axum::extract::{RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use incident_core::actor::{Action, Caller};
use incident_core::port::SuggestionQuery;
use incident_core::suggestion::Suggest;

use super::incidents::read_place;
use super::{page_answer, replayable};
use crate::app::{App, Asked};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::view;

type Answer = Result<Response, Problem>;

pub(super) async fn suggest(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Answer {
    app.incidents
        .audit()
        .authorize(&caller, Action::Suggest, None)
        .await?;
    let Asked {
        context,
        body,
        turn,
    } = app.asked::<Suggest>(caller, request, None).await?;
    let incidents = app.incidents.clone();
    let made = app
        .run(async move {
            let _turn = turn;
            Ok(incidents.signals().suggest(&context, &body).await?)
        })
        .await?;
    let status = if made.repeated {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    let state = made.suggestion.state(app.incidents.reports().now());
    Ok(replayable(
        status,
        &view::suggestion(&made.suggestion, state, made.live_incident),
        made.replayed,
    ))
}

pub(super) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    RawQuery(raw): RawQuery,
) -> Answer {
    app.incidents
        .audit()
        .authorize(&caller, Action::Read, None)
        .await?;
    let query = Query::parse(raw.as_deref(), &[])?;
    let limit = query.limit()?;
    let before = query.cursor()?.as_deref().map(read_place).transpose()?;
    let mut found = app
        .incidents
        .signals()
        .suggestions(&SuggestionQuery {
            before,
            limit: limit + 1,
        })
        .await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more);
    let next = last.map(|(one, _)| {
        query.cursor_at(&view::place(one.suggestion.received_at, one.suggestion.id))
    });
    let items = found
        .iter()
        .map(|(one, state)| view::suggestion(&one.suggestion, *state, one.live_incident));
    page_answer(items, next.as_deref())
}
