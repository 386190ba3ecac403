//! Faults of a mock vendor.

use std::time::Duration;

/// A fault of a mock vendor in handling one request.
///
/// Refusing connections is a state of the whole vendor: see
/// [`MockVendor::refuse`](super::MockVendor::refuse).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// No fault: the request is handled.
    #[default]
    None,
    /// The connection is reset when the request begins to arrive.
    ResetUnread,
    /// The connection is reset after the request is read; the request is not handled.
    ResetRead,
    /// The request is handled, and the connection is reset instead of an answer.
    AcceptThenLose,
    /// The request is read, and never handled or answered.
    BlackHole,
    /// The request is answered as accepted, and handled only after the next one, as in a queue
    /// that swaps the two.
    Overtaken,
    /// The request is handled, and answered after this time.
    Sleep(Duration),
    /// The request is handled, and answered one byte at a time, with this pause before each.
    Drip(Duration),
    /// The request is handled, and answered with a body of this many bytes.
    HugeBody(usize),
    /// The request is handled, and answered with a body that does not end.
    EndlessBody,
    /// The request gets another answer.
    Answer(CannedResponse),
}

/// A prepared answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CannedResponse {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
    pub(super) accepts: bool,
}

/// An attempt that a plan chooses a fault for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedAttempt {
    /// The action: `trigger`, `acknowledge`, `resolve`, or for OpsGenie the last segment of the
    /// path, with `trigger` for a create.
    pub action: String,
    /// The `dedup_key` or the alias.
    pub key: String,
    /// Number of the attempt at this action and key; 1 is the first.
    pub number: u32,
}

impl Fault {
    /// Creates a fault that answers with a status and does not handle the request.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self::Answer(CannedResponse::status(status))
    }

    /// Creates a fault that redirects to an address.
    #[must_use]
    pub fn redirect(to: &str) -> Self {
        Self::Answer(CannedResponse::status(307).header("Location", to))
    }
}

impl CannedResponse {
    /// Creates an answer without headers and body, to a request that is not handled.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: String::new(),
            accepts: false,
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(self, body: &str) -> Self {
        let body = body.to_owned();
        Self { body, ..self }
    }

    /// Makes the vendor handle the request before it gives this answer, as a gateway answers 502
    /// although its back end accepted the request.
    #[must_use]
    pub const fn after_accepting(mut self) -> Self {
        self.accepts = true;
        self
    }
}
