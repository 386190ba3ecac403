//! The port to on-call.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::paging::{DeliveryResult, PageEvent, TargetId};

/// A client that sends pages to one target.
///
/// # Contract
/// **Idempotent:** sending the same event again while its alert is open wakes no one: the
/// target knows the incident by [`PageEvent::dedup_key`].
/// **Ordered:** the engine sends the events of one incident to one target one after the other;
/// the pager has no queue of its own.
/// **Bounded:** answers within `timeout`, with `Unknown` if the target did not answer by then.
/// **Errors:** [`DeliveryResult::NotSent`] only if the target certainly did not take the event;
/// whenever it may have, [`DeliveryResult::Unknown`]. No result contains a secret.
/// **Cancellation:** dropping the future may leave the event sent or not; the engine then
/// treats it as unknown.
#[async_trait]
pub trait Pager: Send + Sync + fmt::Debug {
    /// Returns the id of the target, by which timeline, audit and metrics know it.
    fn target_id(&self) -> TargetId;

    /// Returns `true` if it can change the severity of an open alert without waking anyone.
    /// [`Reprioritise`](crate::paging::PageAction) is sent to it only then.
    fn follows_severity(&self) -> bool;

    /// Sends one event.
    async fn send(&self, page: &PageEvent, timeout: Duration) -> DeliveryResult;
}
