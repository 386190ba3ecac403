//! Usage events.

use serde::Serialize;

/// How many events were taken in.
#[derive(Serialize)]
pub(crate) struct UsageAcceptedResponse {
    pub(crate) accepted: u64,
}
