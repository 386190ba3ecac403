//! Responses of health and readiness.

use schemars::JsonSchema;
use serde::Serialize;

use crate::http::response::response_bodies;

response_bodies! { HealthResponse ReadinessResponse ;  }

/// Response of a process that is alive.
#[derive(JsonSchema, Serialize)]
pub(crate) struct HealthResponse {
    pub(crate) status: &'static str,
}

/// Response of a process that can do its work.
#[derive(JsonSchema, Serialize)]
pub(crate) struct ReadinessResponse {
    pub(crate) status: &'static str,
    /// The name of the store, such as `memory` or `postgres`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) store: Option<&'static str>,
    /// Milliseconds by which the store's clock is ahead, if the clocks differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) store_clock_ahead_ms: Option<i64>,
}
