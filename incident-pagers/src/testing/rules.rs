//! The rules of a vendor.

use std::fmt;
use std::time::Duration;

use super::book::{AlertBook, RecordedRequest};
use super::http::MockReply;

/// The reactions of a vendor to requests.
pub(super) trait Rules: Send + fmt::Debug {
    /// Returns the action and the key of a request, if it has them.
    fn attempt(&self, seen: &RecordedRequest) -> Option<(String, String)>;

    /// Returns the key under which a request counts against the vendor's rate limit, or `None` if
    /// it does not count.
    fn account(&self, seen: &RecordedRequest) -> Option<String>;

    /// Returns the answer to a request that is accepted and not handled yet.
    fn taken(&self, seen: &RecordedRequest) -> MockReply;

    /// Returns the answer to a request over the rate limit.
    fn throttled(&self, wait: Duration) -> MockReply;

    /// Runs a request against the alerts, and returns the answer. `keys` are the valid keys;
    /// `None` means that all are.
    fn handle(
        &mut self,
        seen: &RecordedRequest,
        keys: Option<&[String]>,
        book: &mut AlertBook,
    ) -> MockReply;
}
