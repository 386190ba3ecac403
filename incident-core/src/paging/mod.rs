//! Paging: what is sent, what became of it, and what to do next.

mod backoff;
mod event;
mod state;
mod step;

pub use backoff::{Backoff, clamp_retry_after};
pub use event::{
    NotSent, NotSentReason, PageAction, PageAnswer, PageEvent, Receipt, TargetId, Urgency,
    dedup_key,
};
pub use state::{Paging, PagingState};
pub use step::{FailoverPolicy, Goal, LastAnswer, Step, TargetLog, next_step};
