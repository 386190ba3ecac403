//! JSON responses.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use incident_core::Version;
use serde::Serialize;

use super::problem::{NOSNIFF, Problem};

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The result of a handler that responds with JSON.
pub(crate) type JsonResult = Result<JsonResponse, Problem>;

/// A JSON response.
#[derive(Debug)]
pub(crate) struct JsonResponse(Response);

impl JsonResponse {
    /// Creates a response and serializes the value directly into its body.
    pub(crate) fn new(status: StatusCode, value: &impl Serialize) -> Self {
        Self::from_bytes(status, serde_json::to_vec(value).unwrap_or_default())
    }

    /// Creates a response from serialized JSON.
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

    /// Creates a response with status 200.
    pub(crate) fn ok(value: &impl Serialize) -> Self {
        Self::new(StatusCode::OK, value)
    }

    /// Marks the response as replayed if it was stored under the same idempotency key.
    pub(crate) fn replayed(mut self, replayed: bool) -> Self {
        if replayed {
            let value = HeaderValue::from_static("true");
            self.0.headers_mut().insert(REPLAYED, value);
        }
        self
    }

    /// Sets the `ETag` of a version.
    pub(crate) fn etag(self, version: Version) -> Self {
        self.header(header::ETAG, &format!("\"{}\"", version.0))
    }

    /// Sets the `Location` of the resource.
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
