//! The port to the log of changes, numbered alike for all replicas of a host.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use super::StoreError;
use crate::IncidentId;

/// A position in a [`ChangeLog`]: after the change with this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChangePosition {
    /// The run of numbers that it belongs to.
    pub epoch: u64,
    /// The number of the last change before it; 0 before the first.
    pub seq: u64,
}

/// A hint that incidents changed, or may have changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeHint {
    /// The incidents.
    pub incidents: Vec<IncidentId>,
    /// `true` if the public page may look different.
    pub public: bool,
}

/// A part of a [`ChangeLog`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRange {
    /// The position before the first change: the requested one, or the oldest if that is unknown.
    pub after: ChangePosition,
    /// The changes, ascending: their numbers follow that of `after` without a gap.
    pub changes: Vec<ChangeHint>,
}

/// The changes of incidents, numbered alike for all replicas that share a store.
///
/// # Contract
/// **Ordered:** numbers begin at 1 in each epoch and have no gap, and a change never appears before
/// a position that was returned. All callers get the same changes under the same numbers. A change
/// that was committed before the call has a number in its answer or in a later part of it.
/// **Durable:** changes are returned for at least two minutes, to every later handle too. A position
/// that is older, of another epoch or of no change is answered from the oldest position on, so that
/// a caller sees by [`ChangeRange::after`] that it missed something. An epoch never returns.
/// **Isolated:** concurrent calls lose nothing and number nothing twice.
/// **Bounded:** answers within `timeout`, with at most `limit` changes.
///
/// Commits make the changes, so the tests of this contract are those of the store that a log belongs
/// to.
#[async_trait]
pub trait ChangeLog: Debug + Send + Sync {
    /// Returns the changes after a position; those that are still stored if there is none.
    async fn after(
        &self,
        position: Option<ChangePosition>,
        limit: usize,
        timeout: Duration,
    ) -> Result<ChangeRange, StoreError>;
}
