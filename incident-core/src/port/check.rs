//! The port that checks the alerts of accepted pages.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::paging::{AlertStatus, Confirmation, PageEvent, Receipt, TargetId};

/// A client that asks a target about the alert of an accepted page.
///
/// # Contract
/// **Idempotent:** a check changes nothing at the target.
/// **Bounded:** answers within `timeout`, with `Unknown` if the target did not answer by then.
/// **Errors:** [`Confirmation::NotOpened`] and [`AlertStatus::Closed`] only if the target says
/// so.
#[async_trait]
pub trait PageCheck: Send + Sync + fmt::Debug {
    /// Returns the target: the same as that of its [`Pager`](super::Pager).
    fn target_id(&self) -> TargetId;

    /// Checks if a trigger that was accepted with this receipt opened an alert.
    async fn check(&self, page: &PageEvent, receipt: &Receipt, timeout: Duration) -> Confirmation;

    /// Reads the state of the alert of a key, as a webhook about it may have been lost.
    async fn status(&self, dedup_key: &str, timeout: Duration) -> AlertStatus;
}
