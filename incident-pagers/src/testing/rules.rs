//! The rules of a vendor.

use std::fmt;
use std::time::Duration;

use super::book::{AlertBook, RecordedRequest};
use super::http::MockReply;

/// What a vendor does with a request.
pub(super) trait Rules: Send + fmt::Debug {
    /// The action and the key of a request, where it has them.
    fn attempt(&self, seen: &RecordedRequest) -> Option<(String, String)>;

    /// The key under which a request counts against the vendor's limit; none for
    /// one that does not.
    fn account(&self, seen: &RecordedRequest) -> Option<String>;

    /// The answer to a request that is taken and not done yet.
    fn taken(&self, seen: &RecordedRequest) -> MockReply;

    /// The answer to one request too many.
    fn throttled(&self, wait: Duration) -> MockReply;

    /// Does it. `keys` are those that are valid; none where all are.
    fn handle(
        &mut self,
        seen: &RecordedRequest,
        keys: Option<&[String]>,
        book: &mut AlertBook,
    ) -> MockReply;
}
