//! Paging: requests to pagers, their results, and the choice of the next action.

mod backoff;
mod confirm;
mod escalation;
mod event;
mod gate;
mod key;
mod result;
mod retry;
mod state;
mod step;
mod target;
mod target_state;
mod test_page;
mod vendor_event;

pub use backoff::{Backoff, clamp_retry_after};
pub use confirm::{AlertStatus, Confirmation};
pub use escalation::Escalation;
pub use event::{PageAction, PageEvent, Urgency};
pub use gate::{Admission, AdmitRequest, BreakerTransition, Gate, GateSettings};
pub use key::{dedup_key, incident_of_key};
pub use result::{DeliveryResult, NotSent, NotSentReason, Receipt};
pub use retry::{Retried, RetryOf};
pub use state::{AlertSeen, Paging, PagingState};
pub use step::{DeliveryLog, DeliveryMode, FailoverPolicy, LastResult, NextAction, next_step};
pub use target::TargetId;
pub(crate) use target_state::LastResults;
pub use target_state::{TargetFailure, TargetState};
pub(crate) use test_page::test_event;
pub use test_page::{EndTest, PagerTest, TEST_LASTS, TestOutcome, TestedTarget, test_key};
pub use vendor_event::{InboundPolicy, MAX_VENDOR_EVENT_AGE, VendorEvent, VendorEventKind};
