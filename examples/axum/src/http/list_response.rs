//! List responses, serialized item by item.

use axum::http::StatusCode;
use serde::Serialize;

use super::problem::Problem;
use super::response::{JsonResponse, JsonResult};

/// A list under construction. Items are serialized at once and not stored.
#[derive(Debug)]
pub(crate) struct ListResponse {
    bytes: Vec<u8>,
    is_empty: bool,
}

impl ListResponse {
    /// Creates an empty list.
    pub(crate) fn new() -> Self {
        Self {
            bytes: b"{\"items\":[".to_vec(),
            is_empty: true,
        }
    }

    /// Appends an item.
    ///
    /// # Errors
    /// Returns 500 if it cannot be serialized.
    pub(crate) fn push(&mut self, item: &impl Serialize) -> Result<(), Problem> {
        if !self.is_empty {
            self.bytes.push(b',');
        }
        self.is_empty = false;
        write(&mut self.bytes, item)
    }

    /// Ends the list with the cursor of the next page, if there is one.
    pub(crate) fn end(self, next: Option<&str>) -> JsonResult {
        self.end_with(&NextCursor { next_cursor: next })
    }

    /// Ends the list with the members of an object after the items.
    pub(crate) fn end_with(mut self, members: &impl Serialize) -> JsonResult {
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
#[derive(Serialize)]
struct NextCursor<'a> {
    next_cursor: Option<&'a str>,
}

/// Appends a value as JSON.
fn write(bytes: &mut Vec<u8>, value: &impl Serialize) -> Result<(), Problem> {
    serde_json::to_writer(bytes, value).map_err(|_| {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Problem::new(status, "internal", "the response could not be serialized")
    })
}
