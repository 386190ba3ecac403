//! The routes of the document, for programs and for people.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::document::describe::DescribeAnswer;
use crate::document::operation::Operation;
use crate::document::page::tag;
use crate::document::schemas::Schemas;
use crate::http::conditions::{Conditional, none_match};
use crate::http::mount_prefix::MountPrefix;
use crate::http::problem::NOSNIFF;
use crate::state::AppState;

/// The document changes with the version of this library only.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The document as JSON.
pub(super) struct DocumentJson(Response);

/// The document as a page.
pub(super) struct DocumentPage(Response);

impl IntoResponse for DocumentJson {
    fn into_response(self) -> Response {
        self.0
    }
}

impl IntoResponse for DocumentPage {
    fn into_response(self) -> Response {
        self.0
    }
}

impl DescribeAnswer for DocumentJson {
    fn describe_answer(operation: &mut Operation, _: &mut Schemas) {
        let schema = json!({ "type": "object", "required": ["openapi", "info", "paths"] });
        operation.answer("application/json", schema);
    }
}

impl DescribeAnswer for DocumentPage {
    fn describe_answer(operation: &mut Operation, _: &mut Schemas) {
        operation.answer("text/html", json!({ "type": "string" }));
    }
}

/// Handles `GET /openapi.json`.
pub(super) async fn openapi(
    State(state): State<Arc<AppState>>,
    MountPrefix(prefix): MountPrefix,
    Conditional(request): Conditional,
) -> DocumentJson {
    let document = state.document();
    let json = document.json(&prefix);
    let kind = [(header::CONTENT_TYPE, "application/json")];
    let tag = tag(&json);
    DocumentJson(cached(&request, &tag, || (kind, json).into_response()))
}

/// Handles `GET /docs`.
pub(super) async fn docs(
    State(state): State<Arc<AppState>>,
    Conditional(request): Conditional,
) -> DocumentPage {
    let document = state.document();
    let headers: [(HeaderName, &str); 3] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, document.policy()),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    let body = || (headers, document.page().to_owned()).into_response();
    DocumentPage(cached(&request, &tag(document.page()), body))
}

/// Responds with a body, or with 304 if the client has it.
fn cached(
    request: &axum::extract::Request,
    tag: &str,
    body: impl FnOnce() -> Response,
) -> Response {
    let mut response = if none_match(request.headers(), tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        body()
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CACHE_CONTROL, CACHE);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    response
}
