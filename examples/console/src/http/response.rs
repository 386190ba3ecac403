//! Answers in JSON.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use incident_core::Version;
use serde::Serialize;

use super::problem::{NOSNIFF, Problem};

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The result of a handler that answers in JSON.
pub(crate) type JsonResult = Result<JsonResponse, Problem>;

/// An answer in JSON.
#[derive(Debug)]
pub(crate) struct JsonResponse(Response);

impl JsonResponse {
    /// Makes an answer; the value is written straight into its bytes.
    pub(crate) fn new(status: StatusCode, value: &impl Serialize) -> Self {
        Self::from_bytes(status, serde_json::to_vec(value).unwrap_or_default())
    }

    /// Makes an answer of JSON that is written.
    pub(crate) fn from_bytes(status: StatusCode, bytes: Vec<u8>) -> Self {
        let headers = [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            ),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (header::X_CONTENT_TYPE_OPTIONS, NOSNIFF),
        ];
        Self((status, headers, bytes).into_response())
    }

    /// Makes an answer with status 200.
    pub(crate) fn ok(value: &impl Serialize) -> Self {
        Self::new(StatusCode::OK, value)
    }

    /// Marks the answer if it was given before, under the same key.
    pub(crate) fn replayed(mut self, replayed: bool) -> Self {
        if replayed {
            let value = HeaderValue::from_static("true");
            self.0.headers_mut().insert(REPLAYED, value);
        }
        self
    }

    /// Sets the tag of a version.
    pub(crate) fn etag(self, version: Version) -> Self {
        self.header(header::ETAG, &format!("\"{}\"", version.0))
    }

    /// Sets where the resource is.
    pub(crate) fn location(self, path: &str) -> Self {
        self.header(header::LOCATION, path)
    }

    fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers_mut().insert(name, value);
        }
        self
    }
}

impl IntoResponse for JsonResponse {
    fn into_response(self) -> Response {
        self.0
    }
}
