//! Mock vendors, for the tests of hosts and of this package.
//!
//! A [`MockVendor`] listens on a loopback port, manages alerts by the vendor's rules, refuses what
//! the vendor refuses, and counts a *wake* only when an alert opens. It can be given a fault for
//! each request: see [`Fault`].
//!
//! ```
//! use std::sync::Arc;
//! use incident_core::paging::PageAction;
//! use incident_core::port::Pager;
//! use incident_core::testing::a_page;
//! use incident_pagers::testing::{Fault, MockVendor};
//! use incident_pagers::{PagerDuty, RoutingKey};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let vendor = MockVendor::pagerduty().await?;
//! let key = RoutingKey::new("0123456789abcdef0123456789abcdef")?;
//! let pager = PagerDuty::builder(key).base_url(vendor.base_url()).build()?;
//!
//! // The first page is taken, but its answer is lost; the retry wakes nobody.
//! vendor.script([Fault::AcceptThenLose]);
//! for _ in 0..2 {
//!     pager.send(&a_page(PageAction::Trigger), std::time::Duration::from_secs(5)).await;
//! }
//! assert_eq!((vendor.requests().len(), vendor.wakes().len()), (2, 1));
//! # Ok(())
//! # }
//! ```

mod billing;
mod book;
mod fault;
mod http;
mod limit;
mod notices;
mod opsgenie;
mod pagerduty;
mod rules;
mod signature;
mod stand_in;
mod webhooks;

use incident_core::paging::DeliveryResult;

/// Returns the outcome that the PagerDuty adapter derives from an HTTP answer, for tests that
/// model the vendor on a clock of their own, without sockets.
///
/// A status or a header value that HTTP does not allow counts as a 502. A header with an invalid
/// name is ignored.
#[must_use]
pub fn pagerduty_answer(status: u16, headers: &[(&str, &str)], body: &str) -> DeliveryResult {
    match crate::transport::VendorResponse::of(status, headers, body) {
        Ok(reply) => crate::pagerduty::answer_of(reply),
        Err(_) => DeliveryResult::Unknown,
    }
}

pub use billing::Billing;
pub use book::{Alert, AlertState, RecordedRequest, WokenBy};
pub use fault::{CannedResponse, Fault, RecordedAttempt};
pub use notices::{CountedNotice, NoticeReceiver};
pub use stand_in::MockVendor;
pub use webhooks::{Delivered, Webhooks};
