//! The middleware that authenticates callers.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::auth::NotKnown;
use crate::http::problem::{NOSNIFF, Problem};
use crate::http::throttle;
use crate::server::ClientConnection;
use crate::state::AppState;

/// Rejects requests under `/sys` and to `/metrics` without a known token, even for unknown routes.
pub(super) async fn authenticate(
    State(state): State<Arc<AppState>>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if !(path == "/metrics" || path == "/sys" || path.starts_with("/sys/")) {
        return next.run(request).await;
    }
    let client = request.extensions().get::<Arc<ClientConnection>>();
    let caller = match state.tokens().authenticate(request.headers()) {
        Ok(caller) => caller,
        Err(NotKnown::Wrong) => {
            let from = client.map(|client| client.address());
            let wait = state.wrong_tokens().count(from, "sys");
            let problem = wait.map_or_else(|| NotKnown::Wrong.into(), throttle::too_many);
            return problem.into_response();
        }
        Err(other) => return Problem::from(other).into_response(),
    };
    if let Some(client) = client {
        client.note_known();
    }
    // Held until the response is complete.
    let reservation = state.body_memory().known();
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(reservation.clone());
    let mut response = next.run(request).await;
    drop(reservation);
    // Tables and figures too: caches must not store them, and browsers must not run them.
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    response
}
