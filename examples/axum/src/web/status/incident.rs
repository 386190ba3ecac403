//! `GET /status/incidents/{id}`: the page of one incident.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use incident_core::PublicId;

use super::edition::Edition;
use super::edition_request::EditionRequest;
use super::message;
use super::old_incidents::OldLookup;
use super::ready_page::common_headers;
use super::show::{respond, respond_old};
use crate::document::describe::Describe;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;
use crate::http::cache_control::PUBLIC;
use crate::public_pages::current;
use crate::state::AppState;
use crate::web::page::WebPage;

/// The way from the page to where the routes are mounted.
const ROOT: &str = "../../";

/// The id in the path; none if it is not an id.
pub(crate) struct PublicIdPath(Option<PublicId>);

impl<S: Send + Sync> FromRequestParts<S> for PublicIdPath {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let id = Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(id.ok().and_then(|Path(id)| id.parse().ok())))
    }
}

impl Describe for PublicIdPath {
    fn describe(_: &mut Operation, _: &mut Schemas) {}
}

/// Handles `GET /status/incidents/{id}`. Ids that are unknown, hidden, of no incident, or no ids at
/// all are answered alike.
pub(crate) async fn show(
    State(state): State<Arc<AppState>>,
    PublicIdPath(id): PublicIdPath,
    request: EditionRequest,
) -> WebPage {
    let Some(id) = id else {
        return WebPage(message::not_found(&state.site(), &request));
    };
    let Ok(ready) = current(&state).await else {
        return WebPage(old_copy(&state, id, &request));
    };
    match ready.status.incident(id) {
        Some(copy) => respond(copy.page(request.edition), &request),
        None => older(&state, id, &request).await,
    }
}

/// Responds with an incident that the history no longer has. This is rare, and boxed so that the
/// futures of all other requests stay small.
fn older<'a>(
    state: &'a Arc<AppState>,
    id: PublicId,
    request: &'a EditionRequest,
) -> impl Future<Output = WebPage> + Send + 'a {
    let (cache, edition) = (state.public_cache(), request.edition);
    Box::pin(async move {
        let (incidents, generation) = (state.incidents(), cache.generation());
        let found = cache.old.find(incidents, state.site(), id, generation);
        match found.await {
            OldLookup::Found(one) => respond(one.copy.page(edition), request),
            OldLookup::Moved(to) => WebPage(moved(to, edition)),
            OldLookup::Nothing => WebPage(message::not_found(&state.site(), request)),
            OldLookup::Unavailable => WebPage(old_copy(state, id, request)),
        }
    })
}

/// Responds while the store cannot be read: with the last copy of the incident that may be shown.
fn old_copy(state: &AppState, id: PublicId, request: &EditionRequest) -> Response {
    let (cache, edition) = (state.public_cache(), request.edition);
    let last = cache.last();
    if let Some((page, copy)) = last
        .as_ref()
        .and_then(|page| Some((page, page.status.incident(id)?)))
    {
        return respond_old(copy.page(edition), edition, page.read_at, page.age());
    }
    match cache.old.last(id, cache.generation()) {
        Some(one) => respond_old(one.copy.page(edition), edition, one.read_at, one.age()),
        None => message::unavailable(&state.site(), request, ROOT),
    }
}

/// Leads to the incident that another one was merged into, as long as it was: that may change.
fn moved(to: PublicId, edition: Edition) -> Response {
    let mut response = StatusCode::TEMPORARY_REDIRECT.into_response();
    let headers = response.headers_mut();
    *headers = common_headers(PUBLIC);
    headers.remove(header::CONTENT_TYPE);
    // Relative to this page.
    if let Ok(address) = HeaderValue::from_str(&format!("{to}{}", edition.query())) {
        headers.insert(header::LOCATION, address);
    }
    response
}
