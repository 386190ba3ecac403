//! How a stand-in misbehaves.

use std::time::Duration;

/// What a stand-in does with one request instead of answering it.
///
/// That connections are refused is a state of the whole stand-in: see
/// [`MockVendor::refuse`](super::MockVendor::refuse).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// None: the request is handled.
    #[default]
    None,
    /// The connection is reset when the request begins to arrive.
    ResetUnread,
    /// The connection is reset when the request was read; nothing is done.
    ResetRead,
    /// The request is done, and the connection reset instead of an answer.
    AcceptThenLose,
    /// The request is read, and nothing is done or answered, for ever.
    BlackHole,
    /// The request is answered as taken, and done only after the next one: the
    /// vendor's queue turns the two round.
    Overtaken,
    /// The request is done, and answered after this time.
    Sleep(Duration),
    /// The request is done, and answered one byte at a time with this pause
    /// before each.
    Drip(Duration),
    /// The request is done, and answered with a body of so many bytes.
    HugeBody(usize),
    /// Another answer.
    Answer(CannedResponse),
}

/// An answer that is made up beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CannedResponse {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
    pub(super) accepts: bool,
}

/// What a plan decides on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedAttempt {
    /// What is asked: `trigger`, `acknowledge`, `resolve`, or for OpsGenie the
    /// last segment of the path, with `trigger` for a create.
    pub action: String,
    /// The `dedup_key` or the alias.
    pub key: String,
    /// Which attempt at this action and key it is: 1 for the first.
    pub number: u32,
}

impl Fault {
    /// A status instead of doing anything.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self::Answer(CannedResponse::status(status))
    }

    /// A redirect to an address.
    #[must_use]
    pub fn redirect(to: &str) -> Self {
        Self::Answer(CannedResponse::status(307).header("Location", to))
    }
}

impl CannedResponse {
    /// An answer without headers of its own and without a body, to a request
    /// that is not done.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: String::new(),
            accepts: false,
        }
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(self, body: &str) -> Self {
        let body = body.to_owned();
        Self { body, ..self }
    }

    /// Given after the request was done all the same: a 502 of a gateway whose
    /// back end had taken it.
    #[must_use]
    pub const fn after_accepting(mut self) -> Self {
        self.accepts = true;
        self
    }
}
