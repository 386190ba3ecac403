//! Outcome of a page, derived from the vendor's HTTP status code.

use incident_core::paging::{DeliveryResult, NotSent, NotSentReason, Receipt};
use reqwest::StatusCode;

use super::{VendorResponse, retry_after};

/// Converts a vendor's answer to the outcome of a page, by its status code.
///
/// `is_ours` checks that the body was written by the vendor: a captive portal also answers 200.
///
/// | status | outcome |
/// |---|---|
/// | 202 | accepted, whatever the body |
/// | other 2xx | accepted if the body is the vendor's, else unknown |
/// | 3xx | not sent: unavailable (no redirect is followed) |
/// | 401, 402, 403 | not sent: unauthorized |
/// | 408 | unknown |
/// | 429 | not sent: rate limited, with the wait that the vendor asks for |
/// | other 4xx, 501, 505 | not sent: rejected |
/// | other 5xx | unknown: the vendor may have accepted it before it failed |
pub(crate) fn answer(
    reply: &VendorResponse,
    receipt: Receipt,
    is_ours: impl FnOnce(&VendorResponse) -> bool,
) -> DeliveryResult {
    let status = reply.status;
    match status {
        StatusCode::ACCEPTED => DeliveryResult::Accepted(receipt),
        StatusCode::UNAUTHORIZED | StatusCode::PAYMENT_REQUIRED | StatusCode::FORBIDDEN => {
            refused(NotSentReason::Unauthorized)
        }
        StatusCode::REQUEST_TIMEOUT => DeliveryResult::Unknown,
        StatusCode::TOO_MANY_REQUESTS => DeliveryResult::NotSent(NotSent {
            reason: NotSentReason::RateLimited,
            retry_after: retry_after(&reply.headers),
        }),
        StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED => {
            refused(NotSentReason::Rejected)
        }
        _ if status.is_success() && is_ours(reply) => DeliveryResult::Accepted(receipt),
        _ if status.is_redirection() => refused(NotSentReason::Unavailable),
        _ if status.is_client_error() => refused(NotSentReason::Rejected),
        _ => DeliveryResult::Unknown,
    }
}

/// Creates a refusal without a `retry_after`.
pub(crate) const fn refused(reason: NotSentReason) -> DeliveryResult {
    DeliveryResult::NotSent(NotSent {
        reason,
        retry_after: None,
    })
}
