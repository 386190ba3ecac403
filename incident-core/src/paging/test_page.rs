//! Test pages, which check that pagers work.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{NotSentReason, PageAction, PageEvent, TargetId};
use crate::Timestamp;

/// Time after which the alert of a test page is resolved: long enough for a push notification and
/// a phone call to arrive, too short for an escalation to the next person.
pub const TEST_LASTS: Duration = Duration::from_secs(60);

/// Returns the key of the test alert at a target. It is always the same, so a vendor holds one
/// test alert per target at most, however many tests run and whatever is lost.
#[must_use]
pub fn test_key(target: &TargetId) -> String {
    format!("sys-pager-test:{}", target.name())
}

/// A test page to every configured target, with its results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagerTest {
    /// The page that was sent, to each target under a key of its own ([`test_key`]).
    pub page: PageEvent,
    /// The results, in the order of the targets.
    pub targets: Vec<TestedTarget>,
}

/// The result of a test page at one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestedTarget {
    /// The target.
    pub target: TargetId,
    /// The outcome.
    pub outcome: TestOutcome,
    /// The response time of the target.
    pub took: Duration,
    /// Time to wait before the next test, if the target takes nothing for now.
    #[serde(default)]
    pub retry_after: Option<Duration>,
}

/// The outcome of a test page at one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestOutcome {
    /// The target accepted it.
    Accepted,
    /// The target certainly did not take it.
    NotSent(NotSentReason),
    /// It is not known if the target took it.
    Unknown,
}

impl TestOutcome {
    /// Returns its name in audit entries and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::NotSent(_) => "not_sent",
            Self::Unknown => "unknown",
        }
    }
}

/// The end of a test page. It is committed before anything is sent, so that the alerts are
/// resolved even if the process dies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndTest {
    /// The page to resolve.
    pub page: PageEvent,
    /// The targets at which an alert may be open.
    pub targets: Vec<TargetId>,
}

/// Creates the request for one target of a test: the same page under the target's own key.
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
