//! The middleware that finds out who calls.

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

/// Lets requests under `/sys` pass with a known token only, known route or not.
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
    // Held until the answer is made.
    let reservation = state.body_memory().known();
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(reservation.clone());
    let mut response = next.run(request).await;
    drop(reservation);
    // Tables and figures too: they are nobody else's, and no browser runs them.
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    response
}
