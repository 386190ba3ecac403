//! The examples of the document: requests as people send them, and the responses to them, recorded
//! by a test that sends each one and compares.

use serde_json::Value;

const RECORDED: &str = include_str!("examples.json");

/// Recorded examples, by operation.
#[derive(Debug)]
pub(crate) struct Examples(Value);

impl Examples {
    /// Returns the recorded examples.
    pub(crate) fn recorded() -> Self {
        Self(serde_json::from_str(RECORDED).unwrap_or_default())
    }

    /// Returns the body of a request to an operation in a media type.
    pub(crate) fn request(&self, id: &str, media: &str) -> Option<&Value> {
        self.0.get(id)?.get("request")?.get(media)
    }

    /// Returns the body of a response of an operation.
    pub(crate) fn response(&self, id: &str, status: &str, media: &str) -> Option<&Value> {
        self.0.get(id)?.get("responses")?.get(status)?.get(media)
    }
}
