//! Test pages: does my pager work?

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{NotSentReason, PageAction, PageEvent, TargetId};
use crate::Timestamp;

/// How long a test page rings before it is resolved.
pub const TEST_LASTS: Duration = Duration::from_secs(60);

/// The key of the test alert at a target. Always the same: however often somebody
/// asks, and whatever is lost, a vendor holds one test alert per target at most.
#[must_use]
pub fn test_key(target: &TargetId) -> String {
    format!("sys-pager-test:{}", target.name())
}

/// A page that asks only whether pagers work, at every configured target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagerTest {
    /// What was sent, to each target under a key of its own ([`test_key`]).
    pub page: PageEvent,
    /// What became of it, in the order of the targets.
    pub targets: Vec<TestedTarget>,
}

/// The outcome of a test page at one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestedTarget {
    /// The target.
    pub target: TargetId,
    /// Whether it took the page: yes, certainly not and why, or nobody knows.
    pub outcome: TestOutcome,
    /// How long it took to answer.
    pub took: Duration,
    /// When it is worth asking again, where it takes nothing for now.
    #[serde(default)]
    pub retry_after: Option<Duration>,
}

/// The answer of a target to a test page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestOutcome {
    /// It has it.
    Accepted,
    /// It certainly does not have it.
    NotSent(NotSentReason),
    /// Nobody can know.
    Unknown,
}

impl TestOutcome {
    /// One word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::NotSent(_) => "not_sent",
            Self::Unknown => "unknown",
        }
    }
}

/// The end of a test page, committed before anything is sent: whatever happens to
/// the process, its alerts are resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndTest {
    /// The page that is resolved.
    pub page: PageEvent,
    /// Where an alert may be open.
    pub targets: Vec<TargetId>,
}

/// Makes the page that a target is asked to take during a test: the same page, under its own key.
pub(crate) fn test_event(
    page: &PageEvent,
    target: &TargetId,
    action: PageAction,
    now: Timestamp,
) -> PageEvent {
    PageEvent {
        action,
        dedup_key: test_key(target),
        occurred_at: now,
        ..page.clone()
    }
}
