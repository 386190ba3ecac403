//! The public page: no token, ready bytes.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};

use crate::app::App;
use crate::http::conditions::none_match;
use crate::http::problem::{NOSNIFF, Problem};
use crate::public_cache::{Away, Ready};

/// A cache in between shows a page no longer than this process would.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=60, stale-if-error=60");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Status pages of others read it in the browser.
const ANYBODY: HeaderValue = HeaderValue::from_static("*");
/// Without this a script does not see the tag.
const TAG: HeaderValue = HeaderValue::from_static("etag");

/// A browser need not ask again for a day (browsers keep it for less).
const A_DAY: HeaderValue = HeaderValue::from_static("86400");
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

/// The public routes: nothing is wrapped around them.
pub fn public_router() -> Router<App> {
    Router::new()
        .route(
            "/public/status/active",
            get(active).options(preflight).fallback(wrong_method),
        )
        .route("/public/{*rest}", any(unknown))
}

/// Tells a browser that pages of others may read public data (Fetch, 3.3.5: "CORS protocol").
async fn preflight() -> Response {
    let headers = [
        (header::ALLOW, METHODS),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, ANYBODY),
        (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        // Without credentials it stands for all of them.
        (header::ACCESS_CONTROL_ALLOW_HEADERS, ANYBODY),
        (header::ACCESS_CONTROL_MAX_AGE, A_DAY),
        (header::X_CONTENT_TYPE_OPTIONS, NOSNIFF),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

async fn wrong_method() -> Response {
    let mut response = super::wrong_method().await.into_response();
    response.headers_mut().insert(header::ALLOW, METHODS);
    readable(response)
}

async fn unknown() -> Response {
    readable(Problem::not_found("route").into_response())
}

/// Lets pages of others read an answer.
fn readable(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANYBODY);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, TAG);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    response
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
    readable(match page {
        Ok(ready) => answer(&ready, request.headers()),
        Err(Away) => {
            Problem::unavailable("the public page cannot be built now; try again").into_response()
        }
    })
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
