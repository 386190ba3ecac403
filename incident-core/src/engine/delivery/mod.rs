//! Delivery of the outbox: pages, their confirmation, and what vendors report.

pub(super) mod confirm;
pub(super) mod deliver;
pub(super) mod end_test;
pub(super) mod gates;
pub(super) mod group;
pub(super) mod outcome;
pub(super) mod reconcile;
pub(super) mod record;
pub(super) mod relay;
pub(super) mod resend;
pub(super) mod retry;
pub(super) mod returned;
pub(super) mod route;
pub(super) mod send;
pub(super) mod test_page;
pub(super) mod vendor_events;
