//! The body of a list, written item by item.

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::written;
use crate::http::problem::Problem;

/// A list that is being written. No item is held once it is in it.
#[derive(Debug)]
pub(super) struct ListBody {
    bytes: Vec<u8>,
    is_empty: bool,
}

impl ListBody {
    pub(super) fn new() -> Self {
        Self {
            bytes: b"{\"items\":[".to_vec(),
            is_empty: true,
        }
    }

    /// Appends an item.
    pub(super) fn push(&mut self, item: &impl Serialize) -> Result<(), Problem> {
        if !self.is_empty {
            self.bytes.push(b',');
        }
        self.is_empty = false;
        write(&mut self.bytes, item)
    }

    /// The answer, with the cursor of the next page if there is one.
    pub(super) fn end(self, next: Option<&str>) -> Result<Response, Problem> {
        self.end_with(&End { next_cursor: next })
    }

    /// The answer with the members of an object after the items.
    pub(super) fn end_with(mut self, members: &impl Serialize) -> Result<Response, Problem> {
        self.bytes.push(b']');
        let open = self.bytes.len();
        write(&mut self.bytes, members)?;
        // `{"a":1}` goes on as `,"a":1}`.
        if let Some(brace) = self.bytes.get_mut(open) {
            *brace = b',';
        }
        Ok(written(StatusCode::OK, self.bytes))
    }
}

#[derive(Serialize)]
struct End<'a> {
    next_cursor: Option<&'a str>,
}

/// Appends a value as JSON.
pub(super) fn write(bytes: &mut Vec<u8>, value: &impl Serialize) -> Result<(), Problem> {
    serde_json::to_writer(bytes, value).map_err(|_| {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Problem::new(status, "internal", "the answer could not be written")
    })
}
