//! `GET /status`: the page of all incidents.

use std::sync::Arc;
use std::time::Duration;

use askama::filters::Safe;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use incident_core::Timestamp;

use super::edition::Edition;
use super::edition_request::EditionRequest;
use super::incident_view::Views;
use super::message;
use super::ready_page::ReadyPage;
use crate::http::problem::Problem;
use crate::public_cache::Unavailable;
use crate::public_pages::current;
use crate::state::AppState;
use crate::web::page::WebPage;
use crate::web::texts::fill;

/// Handles `GET /status`.
pub(crate) async fn show(State(state): State<Arc<AppState>>, request: EditionRequest) -> WebPage {
    let edition = request.edition;
    let copy = match current(&state).await {
        Ok(ready) => return respond(ready.status.page(edition), &request),
        Err(Unavailable) => state.public_cache().last(),
    };
    WebPage(match copy {
        Some(old) => respond_old(old.status.page(edition), edition, old.read_at, old.age()),
        None => message::unavailable(&state.site(), &request, ""),
    })
}

/// Responds with a page.
pub(super) fn respond(page: Option<Arc<ReadyPage>>, request: &EditionRequest) -> WebPage {
    WebPage(page.map_or_else(failed, |page| page.respond(request)))
}

/// Responds with a page that was read at a time, with a sentence that says how old it is.
pub(super) fn respond_old(
    page: Option<Arc<ReadyPage>>,
    edition: Edition,
    read_at: Timestamp,
    age: Duration,
) -> Response {
    let Views { texts, times, .. } = Views::new(edition, read_at);
    let (time, age) = (times.exact(&read_at).0, times.duration(age));
    let sentence = Safe(fill(texts.copy, &[("time", &time), ("age", &age)]));
    page.map_or_else(failed, |page| page.respond_old(&sentence))
}

/// Responds to a page that could not be rendered; the reason is in the log.
fn failed() -> Response {
    Problem::internal("the page could not be rendered").into_response()
}
