//! Webhooks of vendors.

use serde::Serialize;

/// What became of a delivery.
#[derive(Serialize)]
pub(crate) struct WebhookResponse {
    pub(crate) result: &'static str,
}
