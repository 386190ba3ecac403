//! Health and readiness.

use serde::Serialize;

/// The process is alive.
#[derive(Serialize)]
pub(crate) struct HealthResponse {
    pub(crate) status: &'static str,
}

/// The process can do its work.
#[derive(Serialize)]
pub(crate) struct ReadinessResponse {
    pub(crate) status: &'static str,
    /// `memory` or `postgres`.
    pub(crate) store: &'static str,
    /// How far the clock of the store is ahead, where the two are apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) store_clock_ahead_ms: Option<i64>,
}
