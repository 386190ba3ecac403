//! The policy of one severity.

use serde::{Deserialize, Serialize};

use super::TimeLimit;
use crate::paging::Urgency;

/// The policy of one severity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeverityPolicy {
    /// If `true`, a declaration pages on-call.
    pub page: bool,
    /// If `true`, a reopen pages on-call again, in a new epoch.
    pub page_on_reopen: bool,
    /// If `true`, raising an incident to this severity pages on-call again, if its page so far
    /// wakes no one.
    pub page_on_raise: bool,
    /// The urgency of the page.
    pub urgency: Urgency,
    /// Seconds after which a page that no pager accepted raises an alarm of our own; `None` for no
    /// alarm.
    pub accept_within_seconds: Option<u32>,
    /// Seconds for which a page that only informs may wait for its first attempt, before it is
    /// grouped under an open alert of the same service. `None` for never, so that each incident has
    /// an alert of its own however long that takes.
    pub coalesce_after_seconds: Option<u32>,
    /// Time in which someone acknowledges the page; `None` for no promise.
    pub acknowledge_within: Option<TimeLimit>,
    /// Time in which the incident is resolved; `None` for no promise.
    pub resolve_within: Option<TimeLimit>,
    /// Minutes between two updates for the team; `None` for no promise.
    pub update_every_minutes: Option<u32>,
    /// Minutes between two updates of the status page, while the incident is public; `None` for no
    /// promise.
    pub public_update_every_minutes: Option<u32>,
    /// The updates that executives get.
    pub executive_updates: ExecutiveUpdates,
    /// If `true`, closing needs a post-mortem link.
    pub post_mortem_required: bool,
    /// Time after the resolution in which a required post-mortem is linked; `None` for no promise.
    pub post_mortem_within: Option<TimeLimit>,
    /// Minutes for which a resolved incident is watched; `None` if it is not.
    pub watch_minutes: Option<u32>,
}

/// The updates that executives get about an incident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutiveUpdates {
    /// None.
    #[default]
    Never,
    /// One at the start, and one at the resolution.
    AtStartAndEnd,
    /// One a day while it is live.
    Daily,
}
