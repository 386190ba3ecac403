//! The public page: without a token, from cached bytes.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any};

use crate::document::describe::DescribeAnswer;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;
use crate::http::cache_control::PUBLIC;
use crate::http::conditions::{Conditional, none_match};
use crate::http::fallback;
use crate::http::problem::{NOSNIFF, Problem};
use crate::public_cache::{CachedPage, Unavailable};
use crate::public_pages::current;
use crate::responses::public::PublicPageResponse;
use crate::state::AppState;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Allows status pages of any origin to read it in the browser.
const ANYBODY: HeaderValue = HeaderValue::from_static("*");
/// Exposes the `ETag` to scripts.
const TAG: HeaderValue = HeaderValue::from_static("etag");

/// Time for which a browser may cache a preflight, in seconds: a day (browsers limit it further).
const A_DAY: HeaderValue = HeaderValue::from_static("86400");
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

/// Returns a handler of public data that pages of any origin may read.
pub(super) fn shared(handler: MethodRouter<Arc<AppState>>) -> MethodRouter<Arc<AppState>> {
    handler.options(preflight).fallback(wrong_method)
}

/// Returns the fallback for other public paths.
pub(super) fn others() -> Router<Arc<AppState>> {
    Router::new().route("/public/{*rest}", any(unknown))
}

/// A response with the public page.
pub(super) struct ActivePage(Response);

impl IntoResponse for ActivePage {
    fn into_response(self) -> Response {
        self.0
    }
}

impl DescribeAnswer for ActivePage {
    fn describe_answer(operation: &mut Operation, schemas: &mut Schemas) {
        let schema = schemas.response::<PublicPageResponse<'static>>();
        operation.answer("application/json", schema);
        operation.problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "there is no page that is fresh enough",
        );
    }
}

/// Responds to a preflight, so that pages of any origin may read public data (Fetch, 3.3.5: "CORS
/// protocol").
async fn preflight() -> Response {
    let headers = [
        (header::ALLOW, METHODS),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, ANYBODY),
        (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        // Without credentials the wildcard stands for all headers.
        (header::ACCESS_CONTROL_ALLOW_HEADERS, ANYBODY),
        (header::ACCESS_CONTROL_MAX_AGE, A_DAY),
        (header::X_CONTENT_TYPE_OPTIONS, NOSNIFF),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

async fn wrong_method() -> Response {
    let mut response = fallback::wrong_method().await.into_response();
    response.headers_mut().insert(header::ALLOW, METHODS);
    readable(response)
}

async fn unknown() -> Response {
    readable(Problem::not_found("route").into_response())
}

/// Adds the headers that let pages of other origins read a response.
fn readable(mut response: Response) -> Response {
    make_readable(response.headers_mut());
    response
}

fn make_readable(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANYBODY);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, TAG);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
}

/// Handles `GET /public/status/active`.
pub(super) async fn active(
    State(state): State<Arc<AppState>>,
    Conditional(request): Conditional,
) -> ActivePage {
    ActivePage(match current(&state).await {
        Ok(ready) => answer(&ready, request.headers()),
        Err(Unavailable) => readable(
            Problem::unavailable("the public status page is unavailable; retry").into_response(),
        ),
    })
}

fn answer(ready: &CachedPage, asked: &HeaderMap) -> Response {
    if asked.contains_key(header::IF_NONE_MATCH)
        && none_match(asked, ready.etag.to_str().unwrap_or_default())
    {
        let headers = [
            (header::ETAG, ready.etag.clone()),
            (header::CACHE_CONTROL, PUBLIC),
        ];
        return readable((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let mut response = Response::new(Body::from(ready.bytes.clone()));
    // Cloning a prepared map is much cheaper than inserting the headers one by one.
    let headers = ready.headers.get_or_init(|| headers_of(ready));
    response.headers_mut().clone_from(headers);
    response
}

/// Returns the headers of a response with a page.
fn headers_of(ready: &CachedPage) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, JSON);
    headers.insert(header::CACHE_CONTROL, PUBLIC);
    headers.insert(header::ETAG, ready.etag.clone());
    make_readable(&mut headers);
    headers.insert(header::CONTENT_LENGTH, ready.bytes.len().into());
    headers
}
