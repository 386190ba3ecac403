//! The vendor's proof of acceptance.

use incident_core::paging::Receipt;

use crate::vendor::fit;
use crate::vendor::transport::Reply;

/// The longest id of a request that is kept.
const ID: usize = 200;

/// The id of the request: in the body as OpsGenie gives it, else in a header.
pub(crate) fn receipt(reply: &Reply) -> Receipt {
    let body = reply.json();
    let in_body = body
        .as_ref()
        .and_then(|body| body.get("requestId")?.as_str());
    let in_head = || reply.headers.get("x-request-id")?.to_str().ok();
    let id = in_body.or_else(in_head).map(|id| fit::line(id, ID));
    Receipt {
        request_id: id.filter(|id| !id.is_empty()),
    }
}
