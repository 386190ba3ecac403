//! The public page: no token, ready bytes.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::app::App;
use crate::http::conditions::none_match;
use crate::http::problem::Problem;
use crate::public_cache::{Away, Ready};

/// A cache in between shows a page no longer than this process would.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=60, stale-if-error=60");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Status pages of others read it in the browser.
const ANYBODY: HeaderValue = HeaderValue::from_static("*");

/// The public routes: nothing is wrapped around them.
pub fn public_router() -> Router<App> {
    Router::new().route("/public/status/active", get(active))
}

async fn active(State(app): State<App>, request: Request) -> Response {
    let (clock, store) = (app.clone(), app.clone());
    let page = app
        .public
        .get(
            move || clock.incidents.now(),
            move || async move { store.incidents.public_page().await },
        )
        .await;
    let mut response = match page {
        Ok(ready) => answer(&ready, request.headers()),
        Err(Away) => {
            Problem::unavailable("the public page cannot be built now; try again").into_response()
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANYBODY);
    response
}

fn answer(ready: &Ready, asked: &HeaderMap) -> Response {
    let etag = ready.etag.clone();
    if asked.contains_key(header::IF_NONE_MATCH)
        && none_match(asked, etag.to_str().unwrap_or_default())
    {
        let headers = [(header::ETAG, etag), (header::CACHE_CONTROL, CACHE)];
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let headers = [
        (header::CONTENT_TYPE, JSON),
        (header::CACHE_CONTROL, CACHE),
        (header::ETAG, etag),
    ];
    (headers, ready.bytes.clone()).into_response()
}
