//! The middleware that authenticates callers.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use incident_core::actor::Caller;

use crate::authenticate::AuthError;
use crate::client;
use crate::http::cross_site;
use crate::http::problem::{NOSNIFF, Problem};
use crate::http::throttle;
use crate::state::AppState;

/// Rejects requests under `/sys` and to `/metrics` without a known token, even for unknown routes.
pub(super) async fn authenticate(
    State(state): State<Arc<AppState>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if !(path == "/metrics" || path == "/sys" || path.starts_with("/sys/")) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    match state.authenticate(&mut parts).await {
        Ok(caller) => known(&state, Request::from_parts(parts, body), &caller, next).await,
        Err(error) => wrong_login(&state, &parts, error).into_response(),
    }
}

/// Returns the problem of a request without a valid login, and counts wrong credentials.
pub(crate) fn wrong_login(state: &AppState, parts: &Parts, error: AuthError) -> Problem {
    if error != AuthError::Invalid {
        return error.into();
    }
    let from = state.client_address(parts);
    let wait = state.wrong_tokens().count(from, "sys");
    wait.map_or_else(|| error.into(), throttle::too_many)
}

/// Passes on the request of a known caller, unless a page of another site sent it.
pub(crate) async fn known(
    state: &AppState,
    mut request: Request,
    caller: &Caller,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    if let Err(problem) = cross_site::check(&parts, state.origins()) {
        return problem.into_response();
    }
    client::note_known(&parts.extensions);
    request = Request::from_parts(parts, body);
    // Held until the response is complete.
    let reservation = state.body_memory().known();
    request.extensions_mut().insert(caller.clone());
    request.extensions_mut().insert(reservation.clone());
    let mut response = next.run(request).await;
    drop(reservation);
    // Tables and figures too: caches must not store them, and browsers must not run them.
    let headers = response.headers_mut();
    let no_store = HeaderValue::from_static("no-store");
    headers.entry(header::CACHE_CONTROL).or_insert(no_store);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    response
}
