//! Pages: try again what was given up, and "does my pager work?".

use axum::Extension;
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use incident_core::MessageId;
use incident_core::actor::{Action, Caller};
use incident_core::engine::Error;
use incident_core::outbox::DeadLetterFilter;

use super::bodies::{Nothing, TestPage};
use super::{incident_answer, replayable};
use crate::app::{App, Asked};
use crate::http::problem::Problem;
use crate::view;

type Answer = Result<Response, Problem>;

/// The id of an incident, for all its pages, or of one page: people hold the
/// former, alarms and logs the latter.
#[derive(Clone, Copy, Debug)]
pub(super) struct PageId(DeadLetterFilter);

impl FromRequestParts<App> for PageId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let missing = || Problem::not_found("page");
        let Path(text) = Path::<String>::from_request_parts(parts, app)
            .await
            .map_err(|_| missing())?;
        let (Ok(incident), Ok(message)) = (text.parse(), text.parse::<MessageId>()) else {
            return Err(missing());
        };
        match app.incidents.get(incident).await {
            Ok(_) => Ok(Self(DeadLetterFilter::Incident(incident))),
            Err(Error::NotFound(_)) => Ok(Self(DeadLetterFilter::Message(message))),
            Err(error) => Err(error.into()),
        }
    }
}

pub(super) async fn retry(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    PageId(which): PageId,
    request: Request,
) -> Answer {
    app.incidents
        .audit()
        .authorize(&caller, Action::Page, None)
        .await?;
    let Asked {
        context,
        body,
        turn,
    } = app.asked::<Nothing>(caller, request, Some("{}")).await?;
    let Nothing {} = body;
    let incidents = app.incidents.clone();
    let done = app
        .run(async move {
            let _turn = turn;
            Ok(incidents.paging().retry(&context, which).await?)
        })
        .await?;
    Ok(incident_answer(
        &app,
        StatusCode::ACCEPTED,
        &done.incident,
        false,
        done.replayed,
    ))
}

pub(super) async fn test(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Answer {
    app.incidents
        .audit()
        .authorize(&caller, Action::Page, None)
        .await?;
    let Asked {
        context,
        body,
        turn,
    } = app.asked::<TestPage>(caller, request, Some("{}")).await?;
    let incidents = app.incidents.clone();
    let tested = app
        .run(async move {
            let _turn = turn;
            Ok(incidents.paging().test(&context, body.urgency()).await?)
        })
        .await?;
    Ok(replayable(
        StatusCode::OK,
        &view::pager_test(&tested.test),
        tested.replayed,
    ))
}
