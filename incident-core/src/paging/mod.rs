//! Paging: what is sent, what became of it, and what to do next.

mod backoff;
mod confirm;
mod escalation;
mod event;
mod gate;
mod state;
mod step;
mod target;
mod test_page;
mod vendor_event;

pub use backoff::{Backoff, clamp_retry_after};
pub use confirm::{AlertStatus, Confirmation};
pub use escalation::Escalation;
pub use event::{
    DeliveryResult, NotSent, NotSentReason, PageAction, PageEvent, Receipt, Urgency, dedup_key,
    incident_of_key,
};
pub use gate::{Admission, AdmitRequest, BreakerTransition, Deferral, Gate, GateSettings};
pub use state::{AlertSeen, Paging, PagingState};
pub use step::{DeliveryLog, DeliveryMode, FailoverPolicy, LastResult, NextAction, next_step};
pub use target::TargetId;
pub(crate) use test_page::test_event;
pub use test_page::{EndTest, PagerTest, TEST_LASTS, TestOutcome, TestedTarget, test_key};
pub use vendor_event::{InboundPolicy, MAX_VENDOR_EVENT_AGE, VendorEvent, VendorEventKind};
