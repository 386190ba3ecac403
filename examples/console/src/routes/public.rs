//! The public page: no token, ready bytes.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::app::App;
use crate::http::conditions::none_match;
use crate::http::problem::Problem;

const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=60, stale-if-error=3600");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The public routes: nothing is wrapped around them.
pub fn public_router() -> Router<App> {
    Router::new().route("/public/status/active", get(active))
}

async fn active(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let ready = app
        .public
        .get(|| app.incidents.now(), || app.incidents.public_page())
        .await?;
    let headers = request.headers();
    let etag = ready.etag.clone();
    if headers.contains_key(header::IF_NONE_MATCH)
        && none_match(headers, etag.to_str().unwrap_or_default())
    {
        return Ok((
            StatusCode::NOT_MODIFIED,
            [(header::ETAG, etag), (header::CACHE_CONTROL, CACHE)],
        )
            .into_response());
    }
    let headers = [
        (header::CONTENT_TYPE, JSON),
        (header::CACHE_CONTROL, CACHE),
        (header::ETAG, etag),
    ];
    Ok((headers, ready.bytes.clone()).into_response())
}
