//! The vendor's proof of acceptance.

use incident_core::paging::{DeliveryResult, NotSentReason, Receipt};

use crate::content::truncate;
use crate::transport::{Sent, VendorResponse};

/// Maximum length of a stored request id, in characters.
const ID: usize = 200;

/// Marks an accepted answer as one to a page that was reduced to its minimal body.
pub(crate) fn reduced(answer: DeliveryResult) -> DeliveryResult {
    match answer {
        DeliveryResult::Accepted(receipt) => DeliveryResult::Accepted(Receipt {
            reduced: true,
            ..receipt
        }),
        DeliveryResult::NotSent(_) | DeliveryResult::Unknown => answer,
    }
}

/// Returns `true` if the vendor refused the content of a request (400, 413 or 422).
///
/// A trigger is then sent once more with its minimal body, so that a field the vendor dislikes
/// does not stop the page. That would not help with a wrong address or a wrong key.
pub(crate) fn wants_less(sent: &Sent, answer: &DeliveryResult) -> bool {
    let refused = matches!(answer, DeliveryResult::NotSent(not_sent) if not_sent.reason == NotSentReason::Rejected);
    let body =
        matches!(sent, Sent::Answered(reply) if matches!(reply.status.as_u16(), 400 | 413 | 422));
    refused && body
}

/// Reads the request id from the body, as OpsGenie sends it, else from the `x-request-id` header.
pub(crate) fn receipt(reply: &VendorResponse) -> Receipt {
    let body = reply.json();
    let in_body = body
        .as_ref()
        .and_then(|body| body.get("requestId")?.as_str());
    let in_head = || reply.headers.get("x-request-id")?.to_str().ok();
    let id = in_body
        .or_else(in_head)
        .map(|id| truncate::single_line(id, ID));
    Receipt {
        request_id: id.filter(|id| !id.is_empty()),
        reduced: false,
    }
}
