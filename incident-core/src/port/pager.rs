//! The port to on-call.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::paging::{DeliveryResult, PageEvent, TargetId};

/// Sends pages to one target.
///
/// # Contract
/// **Idempotent:** sending the same event again while its alert is open wakes
/// nobody: the target knows the incident by [`PageEvent::dedup_key`].
/// **Ordered:** the engine sends the events of one incident to one target one
/// after the other; the pager keeps no queue of its own.
/// **Bounded:** answers within `timeout`, and `Unknown` if the target did not
/// answer by then.
/// **Errors:** [`DeliveryResult::NotSent`] only where the target certainly did not
/// take the event; whenever it may have, [`DeliveryResult::Unknown`]. Nothing in an
/// answer holds a secret.
/// **Cancellation:** dropping the future may leave the event sent or not; the
/// engine then treats it as unknown.
#[async_trait]
pub trait Pager: Send + Sync + fmt::Debug {
    /// The name under which timeline, audit and metrics know this target.
    fn target_id(&self) -> TargetId;

    /// Whether it can change the severity of an alert that is open, without
    /// waking anybody. It is sent [`Reprioritise`](crate::paging::PageAction)
    /// only if so.
    fn follows_severity(&self) -> bool;

    /// Sends one event.
    async fn send(&self, page: &PageEvent, timeout: Duration) -> DeliveryResult;
}
