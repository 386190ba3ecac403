//! Responses to webhooks of vendors.

use schemars::JsonSchema;
use serde::Serialize;

use crate::http::response::response_bodies;

response_bodies! { WebhookResponse ; }

/// Outcome of a delivery.
#[derive(JsonSchema, Serialize)]
pub(crate) struct WebhookResponse {
    pub(crate) result: &'static str,
}
