//! Webhooks from vendors: verification and parsing.
//!
//! The functions take bytes and headers, so they work with any HTTP server. A host passes the
//! parsed event to
//! [`SignalsHandle::vendor_event`](incident_core::engine::SignalsHandle::vendor_event), and
//! answers:
//!
//! | case | answer |
//! |---|---|
//! | not proven to be the vendor's | 401 or 403 |
//! | parsed, of no interest, unknown, or received before | 2xx |
//! | the event was already received with different content | 409 |
//! | our own store does not answer | 503, within 5 s |
//!
//! Never answer 4xx for a fault of our own: PagerDuty drops an event that is answered 4xx, and
//! stops delivering for a day after three drops in a row.

mod opsgenie;
mod pagerduty;
mod secret;

use incident_core::paging::VendorEvent;

pub use opsgenie::{read_opsgenie, verify_opsgenie};
pub use pagerduty::{has_signature, read_pagerduty, verify_pagerduty};
pub use secret::WebhookSecret;

/// The delivery is not proven to be the vendor's. **Handling:** refuse it without details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid webhook signature")]
pub struct NotProven;

/// A parsed delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InboundWebhook {
    /// An event on an alert.
    Event(Box<VendorEvent>),
    /// A delivery of no interest: a ping, another resource, or a kind unknown to this version.
    Other(String),
}

/// The delivery is the vendor's and cannot be parsed. **Handling:** answer with success and log
/// it; a second delivery would be no better.
#[derive(Debug, thiserror::Error)]
#[error("invalid {vendor} webhook: {reason}")]
pub struct NotReadable {
    vendor: &'static str,
    reason: String,
}
