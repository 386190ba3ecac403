//! Responses to webhooks of vendors.

use serde::Serialize;

/// Outcome of a delivery.
#[derive(Serialize)]
pub(crate) struct WebhookResponse {
    pub(crate) result: &'static str,
}
