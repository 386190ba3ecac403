//! The paging state of an incident.

use serde::{Deserialize, Serialize};

use super::{Receipt, TargetId};
use crate::{IncidentId, Timestamp};

/// The state of a page, in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PagingState {
    /// No one is to be paged.
    #[default]
    None,
    /// Committed, not yet sent.
    Pending,
    /// Accepted by a vendor.
    Accepted,
    /// Tried without success; it is tried again.
    Failing,
    /// Dead-lettered: no longer tried, with an alarm.
    GivenUp,
    /// Acknowledged or resolved before any trigger was accepted.
    Superseded,
}

/// The state of an alert at the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertSeen {
    /// It is open.
    Open,
    /// It is closed.
    Closed,
}

/// The paging summary of an incident.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paging {
    /// The state of the page.
    pub state: PagingState,
    /// The number of the page: 0 for none, then 1, 2, ...
    pub epoch: u32,
    /// Time of the page's commit: a vendor's report about an earlier time concerns an earlier
    /// page.
    #[serde(default)]
    pub begun_at: Option<Timestamp>,
    /// The target that accepted it, or was tried last.
    pub target: Option<TargetId>,
    /// Number of attempts.
    pub attempts: u32,
    /// Time of acceptance.
    pub accepted_at: Option<Timestamp>,
    /// The last failure in a few words, without secrets.
    pub error: Option<String>,
    /// Time of the next attempt.
    pub next_attempt_at: Option<Timestamp>,
    /// Targets at which an alert may be open: acknowledge and resolve go there.
    pub touched: Vec<TargetId>,
    /// `true` if the page was acknowledged.
    pub acknowledged: bool,
    /// The receipt of the target that accepted it.
    #[serde(default)]
    pub receipt: Option<Receipt>,
    /// Time at which the target was found to have opened an alert.
    #[serde(default)]
    pub confirmed_at: Option<Timestamp>,
    /// Time of the alarm that the target had opened no alert.
    #[serde(default)]
    pub unconfirmed_at: Option<Timestamp>,
    /// Time of the alarm that no pager had accepted this page in time.
    #[serde(default)]
    pub overdue_at: Option<Timestamp>,
    /// The incident under whose open alert this page is grouped.
    #[serde(default)]
    pub waits_behind: Option<IncidentId>,
    /// Time at which the vendor was found to have closed the alert although it was not closed
    /// here.
    #[serde(default)]
    pub closed_there_at: Option<Timestamp>,
    /// Number of times a page of this incident failed over although an earlier target may have
    /// taken it: the number of possible duplicate wake-ups.
    #[serde(default)]
    pub possible_double_wakes: u32,
}

impl Paging {
    /// Creates the summary of an incident that pages no one.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Creates the summary of a page that was committed.
    #[must_use]
    pub fn pending(epoch: u32, now: Timestamp) -> Self {
        Self {
            state: PagingState::Pending,
            epoch,
            begun_at: Some(now),
            ..Self::default()
        }
    }

    /// Returns `true` if nobody has accepted this page, and somebody should have: it fails, was given
    /// up, or is overdue. Whether that still matters depends on the incident, which may be
    /// acknowledged.
    #[must_use]
    pub const fn is_unaccepted(&self) -> bool {
        match self.state {
            PagingState::Failing | PagingState::GivenUp => true,
            PagingState::Pending => self.overdue_at.is_some(),
            PagingState::None | PagingState::Accepted | PagingState::Superseded => false,
        }
    }

    /// Returns the summary of the next page. It keeps the targets at which an alert may be
    /// open, so that the alert is closed there too.
    #[must_use]
    pub(crate) fn next(&self, now: Timestamp) -> Self {
        Self {
            touched: self.touched.clone(),
            possible_double_wakes: self.possible_double_wakes,
            ..Self::pending(self.epoch + 1, now)
        }
    }

    /// Returns the summary after a reopen that has paged no one yet. It counts as an epoch, so
    /// that reports about the previous page are not applied to this period.
    #[must_use]
    pub(crate) fn unpaged(&self, now: Timestamp) -> Self {
        Self {
            state: PagingState::None,
            ..self.next(now)
        }
    }

    /// Makes a dead-lettered page pending again.
    pub(crate) fn retry(&mut self) {
        self.state = PagingState::Pending;
        self.error = None;
        self.next_attempt_at = None;
    }

    /// Returns `true` if a pager may know this page, or soon will.
    #[must_use]
    pub const fn was_begun(&self) -> bool {
        !matches!(self.state, PagingState::None | PagingState::Superseded)
    }

    /// Returns `true` if the page is pending, or was accepted: its alert may be open.
    #[must_use]
    pub const fn is_on_its_way(&self) -> bool {
        matches!(
            self.state,
            PagingState::Pending | PagingState::Failing | PagingState::Accepted
        )
    }

    /// Notes that an alert may be open at a target.
    pub(crate) fn touch(&mut self, target: &TargetId) {
        if !self.touched.contains(target) {
            self.touched.push(target.clone());
        }
    }
}
