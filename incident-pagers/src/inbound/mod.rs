//! What vendors send us: proven to be theirs, and read.
//!
//! Functions over bytes and headers, for any HTTP server. A host hands what is
//! read to [`Incidents::ingest_vendor_event`](incident_core::engine::SignalsHandle::vendor_event), and
//! answers:
//!
//! | what | answer |
//! |---|---|
//! | not proven to be the vendor's | 401 or 403 |
//! | read, of no interest, unknown, or heard before | 2xx |
//! | the event came before, and said something else | 409 |
//! | our own store does not answer | 503, within 5 s |
//!
//! Never a 4xx for troubles of our own: PagerDuty drops an event that is answered
//! 4xx, and after three drops in a row stops delivering for a day.

mod opsgenie;
mod pagerduty;
mod secret;

use incident_core::paging::VendorEvent;

pub use opsgenie::{read_opsgenie, verify_opsgenie};
pub use pagerduty::{has_signature, read_pagerduty, verify_pagerduty};
pub use secret::WebhookSecret;

/// It is not proven that the vendor sent it. **Handling:** refuse it, and say no
/// more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the delivery is not signed with a secret that is known here")]
pub struct NotProven;

/// A delivery, as far as it concerns us.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InboundWebhook {
    /// Something happened to an alert.
    Event(Box<VendorEvent>),
    /// Of no interest: a ping, another resource, a kind that came later.
    Other(String),
}

/// It is the vendor's, and cannot be read. **Handling:** answer with success and
/// log it; sent again it would not be better.
#[derive(Debug, thiserror::Error)]
#[error("the delivery is not what {vendor} documents: {reason}")]
pub struct NotReadable {
    vendor: &'static str,
    reason: String,
}
