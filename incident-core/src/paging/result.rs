//! What became of an attempt at a target.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a pager gives as proof of acceptance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The vendor's id of the request, if it gave one.
    pub request_id: Option<String>,
    /// It refused the page as it was and took a short one: key, severity and
    /// number only.
    #[serde(default)]
    pub reduced: bool,
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
    /// No pager of this name and account is configured any more. Not tried again.
    NotConfigured,
}

impl NotSentReason {
    /// Whether trying the same again is useless.
    #[must_use]
    pub const fn is_permanent(self) -> bool {
        matches!(
            self,
            Self::Rejected | Self::Unauthorized | Self::NotConfigured
        )
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
            Self::NotConfigured => "not configured any more",
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

impl From<NotSentReason> for NotSent {
    /// For this reason, and with no wait asked for.
    fn from(reason: NotSentReason) -> Self {
        Self {
            reason,
            retry_after: None,
        }
    }
}

/// What became of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryResult {
    /// The vendor has it.
    Accepted(Receipt),
    /// The vendor certainly does not have it.
    NotSent(NotSent),
    /// Nobody can know: a time-out, a lost answer, a 5xx.
    Unknown,
}

impl DeliveryResult {
    /// Returns its name in the audit trail.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::NotSent(_) => "not_sent",
            Self::Unknown => "unknown",
        }
    }
}
