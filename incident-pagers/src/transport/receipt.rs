//! The vendor's proof of acceptance.

use incident_core::paging::{DeliveryResult, NotSentReason, Receipt};

use crate::content::truncate;
use crate::transport::{Sent, VendorResponse};

/// The longest id of a request that is kept.
const ID: usize = 200;

/// The same answer, where it is to a page that was cut down to the least.
pub(crate) fn reduced(answer: DeliveryResult) -> DeliveryResult {
    match answer {
        DeliveryResult::Accepted(receipt) => DeliveryResult::Accepted(Receipt {
            reduced: true,
            ..receipt
        }),
        DeliveryResult::NotSent(_) | DeliveryResult::Unknown => answer,
    }
}

/// Whether the vendor refuses what a request says. A page is then sent once more,
/// cut down to the least: that must not leave anybody asleep. A wrong address or
/// a wrong key would not be helped by it.
pub(crate) fn wants_less(sent: &Sent, answer: &DeliveryResult) -> bool {
    let refused = matches!(answer, DeliveryResult::NotSent(not_sent) if not_sent.reason == NotSentReason::Rejected);
    let body =
        matches!(sent, Sent::Answered(reply) if matches!(reply.status.as_u16(), 400 | 413 | 422));
    refused && body
}

/// The id of the request: in the body as OpsGenie gives it, else in a header.
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
