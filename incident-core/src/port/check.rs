//! The port to what became of a page.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::paging::{AlertStatus, Confirmation, PageEvent, Receipt, TargetId};

/// Asks a target what became of a page that it had accepted.
///
/// # Contract
/// **Idempotent:** asking changes nothing at the target.
/// **Bounded:** answers within `timeout`, and `Unknown` if the target did not answer
/// by then.
/// **Errors:** [`Confirmation::NotOpened`] and [`AlertStatus::Closed`] only where
/// the target says so.
#[async_trait]
pub trait PageCheck: Send + Sync + fmt::Debug {
    /// The target it asks: the same as that of its [`Pager`](super::Pager).
    fn target_id(&self) -> TargetId;

    /// What became of a trigger that was accepted with this receipt.
    async fn check(&self, page: &PageEvent, receipt: &Receipt, timeout: Duration) -> Confirmation;

    /// Where the alert of a key stands: what people did there may have been told
    /// by a webhook that was lost.
    async fn status(&self, dedup_key: &str, timeout: Duration) -> AlertStatus;
}
