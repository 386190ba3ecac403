//! JSON responses.

use std::marker::PhantomData;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use incident_core::Version;
use schemars::JsonSchema;
use serde::Serialize;

use super::problem::{NOSNIFF, Problem};
use crate::document::describe::DescribeAnswer;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The result of a handler that responds with the JSON of a `T`.
pub(crate) type JsonResult<T> = Result<JsonResponse<T>, Problem>;

/// A body that may borrow what it shows.
pub(crate) trait ResponseBody: Serialize {
    /// The same type without a lifetime, for the schema.
    type Shape: JsonSchema;
}

/// Names the types of bodies; those that borrow with a lifetime.
macro_rules! response_bodies {
    ($($body:ident)* ; $($borrowing:ident)*) => {
        $(impl $crate::http::response::ResponseBody for $body {
            type Shape = Self;
        })*
        $(impl $crate::http::response::ResponseBody for $borrowing<'_> {
            type Shape = $borrowing<'static>;
        })*
    };
}

pub(crate) use response_bodies;

/// A response with the JSON of a `T`.
#[derive(Debug)]
pub(crate) struct JsonResponse<T> {
    response: Response,
    body: PhantomData<fn() -> T>,
}

impl<T> JsonResponse<T> {
    /// Creates a response and serializes the value directly into its body.
    pub(crate) fn new(status: StatusCode, value: &impl ResponseBody<Shape = T>) -> Self {
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
        Self {
            response: (status, headers, bytes).into_response(),
            body: PhantomData,
        }
    }

    /// Creates a response with status 200.
    pub(crate) fn ok(value: &impl ResponseBody<Shape = T>) -> Self {
        Self::new(StatusCode::OK, value)
    }

    /// Marks the response as replayed if it was stored under the same idempotency key.
    pub(crate) fn replayed(mut self, replayed: bool) -> Self {
        if replayed {
            let value = HeaderValue::from_static("true");
            self.response.headers_mut().insert(REPLAYED, value);
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
            self.response.headers_mut().insert(name, value);
        }
        self
    }
}

impl<T> IntoResponse for JsonResponse<T> {
    fn into_response(self) -> Response {
        self.response
    }
}

impl<T: JsonSchema> DescribeAnswer for JsonResponse<T> {
    fn describe_answer(operation: &mut Operation, schemas: &mut Schemas) {
        operation.answer("application/json", schemas.response::<T>());
    }
}
