//! List responses, serialized item by item.

use std::marker::PhantomData;

use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::problem::Problem;
use super::response::{JsonResponse, JsonResult, ResponseBody, response_bodies};

/// A list under construction, of items of the shape `T`. Items are serialized at once and not
/// stored.
#[derive(Debug)]
pub(crate) struct ListResponse<T> {
    bytes: Vec<u8>,
    is_empty: bool,
    items: PhantomData<fn() -> T>,
}

/// A page of a list.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "{T}List")]
#[expect(
    dead_code,
    reason = "a list is serialized item by item; this is its schema"
)]
pub(crate) struct ListShape<T, E = NextCursor<'static>> {
    /// The items of this page.
    items: Vec<T>,
    #[schemars(flatten)]
    end: E,
}

impl<T> ListResponse<T> {
    /// Creates an empty list.
    pub(crate) fn new() -> Self {
        Self {
            bytes: b"{\"items\":[".to_vec(),
            is_empty: true,
            items: PhantomData,
        }
    }

    /// Appends an item.
    ///
    /// # Errors
    /// Returns 500 if it cannot be serialized.
    pub(crate) fn push(&mut self, item: &impl ResponseBody<Shape = T>) -> Result<(), Problem> {
        if !self.is_empty {
            self.bytes.push(b',');
        }
        self.is_empty = false;
        write(&mut self.bytes, item)
    }

    /// Ends the list with the cursor of the next page, if there is one.
    pub(crate) fn end(self, next: Option<&str>) -> JsonResult<ListShape<T>> {
        self.end_with(&NextCursor { next_cursor: next })
    }

    /// Ends the list with the members of an object after the items.
    pub(crate) fn end_with<E: ResponseBody>(
        mut self,
        members: &E,
    ) -> JsonResult<ListShape<T, E::Shape>> {
        self.bytes.push(b']');
        let open = self.bytes.len();
        write(&mut self.bytes, members)?;
        // `{"a":1}` is appended as `,"a":1}`.
        if let Some(brace) = self.bytes.get_mut(open) {
            *brace = b',';
        }
        Ok(JsonResponse::from_bytes(StatusCode::OK, self.bytes))
    }
}

/// The members after the items.
#[derive(Debug, JsonSchema, Serialize)]
pub(crate) struct NextCursor<'a> {
    /// The value of `cursor` for the next page; null at the end.
    next_cursor: Option<&'a str>,
}

response_bodies! { ; NextCursor }

/// Appends a value as JSON.
fn write(bytes: &mut Vec<u8>, value: &impl Serialize) -> Result<(), Problem> {
    serde_json::to_writer(bytes, value)
        .map_err(|_| Problem::internal("the response could not be serialized"))
}
