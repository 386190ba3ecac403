//! What a pager is asked, and what it answers.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::incident::Severity;
use crate::{IncidentId, Invalid, ServiceId, Text, Timestamp, Title};

/// `sys-incident:<id>`: the key under which every pager knows an incident.
#[must_use]
pub fn dedup_key(incident: IncidentId) -> String {
    format!("sys-incident:{incident}")
}

/// The name of a configured pager: `log`, `pagerduty`, `opsgenie-eu`, ...
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TargetId(String);

impl TargetId {
    /// The name of a pager.
    ///
    /// # Errors
    /// Not 1 to 64 of `a-z`, `0-9`, `-` and `_`.
    pub fn new(name: &str) -> Result<Self, Invalid> {
        let fits = (1..=64).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'));
        if fits {
            Ok(Self(name.to_owned()))
        } else {
            Err(Invalid::new("target", "1 to 64 of a-z, 0-9, - and _"))
        }
    }

    /// The name of the log pager: `log`.
    #[must_use]
    pub fn log() -> Self {
        Self("log".to_owned())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TargetId {
    type Error = Invalid;

    fn try_from(name: String) -> Result<Self, Invalid> {
        Self::new(&name)
    }
}

impl From<TargetId> for String {
    fn from(target: TargetId) -> Self {
        target.0
    }
}

impl fmt::Display for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a page goes out at the vendor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Wakes somebody.
    High,
    /// Informs, and wakes nobody.
    #[default]
    Low,
}

/// What a pager is asked to do with an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageAction {
    /// Open it.
    Trigger,
    /// Somebody has it.
    Acknowledge,
    /// It is over.
    Resolve,
}

/// One thing to tell a pager. Frozen when it is committed: every attempt sends
/// the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageEvent {
    /// Open, acknowledge or resolve.
    pub action: PageAction,
    /// `sys-incident:<id>`.
    pub dedup_key: String,
    /// The incident.
    pub incident_id: IncidentId,
    /// Its number for people.
    pub number: u64,
    /// Which page of the incident: 1 for the first.
    pub epoch: u32,
    /// Its title.
    pub title: Title,
    /// Its summary.
    pub summary: Text,
    /// How bad it is.
    pub severity: Severity,
    /// How to page.
    pub urgency: Urgency,
    /// The services it hits.
    pub services: Vec<ServiceId>,
    /// How many tenants it hits; none where it hits all.
    pub tenants: Option<u64>,
    /// When what it tells happened.
    pub occurred_at: Timestamp,
}

/// What a pager gives as proof of acceptance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The vendor's id of the request, if it gave one.
    pub request_id: Option<String>,
}

/// Why a page was certainly not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotSentReason {
    /// No connection could be made. Tried again.
    Unreachable,
    /// Too many requests. Tried again.
    RateLimited,
    /// The vendor said it did not take it, for now. Tried again.
    Unavailable,
    /// The vendor refuses this body for good. Not tried again.
    Rejected,
    /// The vendor refuses the key. Not tried again.
    Unauthorized,
}

impl NotSentReason {
    /// Whether trying the same again is useless.
    #[must_use]
    pub const fn is_permanent(self) -> bool {
        matches!(self, Self::Rejected | Self::Unauthorized)
    }

    /// A few words for the timeline.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unreachable => "not reachable",
            Self::RateLimited => "rate limited",
            Self::Unavailable => "not available",
            Self::Rejected => "refused the page",
            Self::Unauthorized => "refused the key",
        }
    }
}

/// A page that was certainly not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSent {
    /// Why.
    pub reason: NotSentReason,
    /// How long the vendor asks to wait.
    pub retry_after: Option<Duration>,
}

/// What became of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageAnswer {
    /// The vendor has it.
    Accepted(Receipt),
    /// The vendor certainly does not have it.
    NotSent(NotSent),
    /// Nobody can know: a time-out, a lost answer, a 5xx.
    Unknown,
}
