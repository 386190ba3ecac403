//! Where an incident's page stands.

use serde::{Deserialize, Serialize};

use super::{Receipt, TargetId};
use crate::{IncidentId, Timestamp};

/// One word for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PagingState {
    /// Nobody is to be paged.
    #[default]
    None,
    /// Committed, not yet sent.
    Pending,
    /// A vendor has it.
    Accepted,
    /// Tried without success; tried again.
    Failing,
    /// No longer tried. An alarm.
    GivenUp,
    /// Acknowledged or resolved before any trigger was accepted.
    Superseded,
}

/// Whether an alert is open at the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertSeen {
    /// It is.
    Open,
    /// It was closed there.
    Closed,
}

/// Where an incident's page stands, as the incident shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paging {
    /// One word for it.
    pub state: PagingState,
    /// Which page: 0 for none, then 1, 2, ...
    pub epoch: u32,
    /// When this page was committed: what a vendor reports of the time before is
    /// about an earlier one.
    #[serde(default)]
    pub begun_at: Option<Timestamp>,
    /// The target that has it, or was tried last.
    pub target: Option<TargetId>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was accepted.
    pub accepted_at: Option<Timestamp>,
    /// The last failure in a few words, without secrets.
    pub error: Option<String>,
    /// When it is tried next.
    pub next_attempt_at: Option<Timestamp>,
    /// Targets at which an alert may be open: acknowledge and resolve go there.
    pub touched: Vec<TargetId>,
    /// Whether somebody took this page.
    pub acknowledged: bool,
    /// What the target gave as proof of acceptance.
    #[serde(default)]
    pub receipt: Option<Receipt>,
    /// When the target was seen to have opened an alert.
    #[serde(default)]
    pub confirmed_at: Option<Timestamp>,
    /// When the alarm was raised that it had opened none.
    #[serde(default)]
    pub unconfirmed_at: Option<Timestamp>,
    /// When the alarm was raised that no pager had accepted this page in time.
    #[serde(default)]
    pub overdue_at: Option<Timestamp>,
    /// The incident behind whose alert it waits, as there is no room for both.
    #[serde(default)]
    pub waits_behind: Option<IncidentId>,
    /// Since when the alert is closed at the vendor although nobody closed it here,
    /// as the vendor told.
    #[serde(default)]
    pub closed_there_at: Option<Timestamp>,
    /// How often a page of this incident went to another target although one
    /// before may have taken it: so many people may have been woken twice.
    #[serde(default)]
    pub possible_double_wakes: u32,
}

impl Paging {
    /// Nobody is to be paged.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// A page that was committed.
    #[must_use]
    pub fn pending(epoch: u32, now: Timestamp) -> Self {
        Self {
            state: PagingState::Pending,
            epoch,
            begun_at: Some(now),
            ..Self::default()
        }
    }

    /// The page after this one. Where an alert may be open stays known: it is
    /// called off there too.
    #[must_use]
    pub(crate) fn next(&self, now: Timestamp) -> Self {
        Self {
            touched: self.touched.clone(),
            possible_double_wakes: self.possible_double_wakes,
            ..Self::pending(self.epoch + 1, now)
        }
    }

    /// The time after a reopen in which nobody was paged so far. It counts as an epoch, so
    /// that nothing about the page before is taken for something about this time.
    #[must_use]
    pub(crate) fn unpaged(&self, now: Timestamp) -> Self {
        Self {
            state: PagingState::None,
            ..self.next(now)
        }
    }

    /// The same page, tried once more after it was given up.
    pub(crate) fn retry(&mut self) {
        self.state = PagingState::Pending;
        self.error = None;
        self.next_attempt_at = None;
    }

    /// Says whether a pager may know of this page, or is about to.
    #[must_use]
    pub const fn was_begun(&self) -> bool {
        !matches!(self.state, PagingState::None | PagingState::Superseded)
    }

    /// Notes that an alert may be open at a target.
    pub(crate) fn touch(&mut self, target: &TargetId) {
        if !self.touched.contains(target) {
            self.touched.push(target.clone());
        }
    }
}
