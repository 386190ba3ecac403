//! Results of delivery attempts.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The vendor's proof that it accepted a page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The vendor's id of the request, if it gave one.
    pub request_id: Option<String>,
    /// `true` if the vendor refused the full page and accepted a short one, with key, severity
    /// and number only.
    #[serde(default)]
    pub reduced: bool,
}

/// The reason a page was certainly not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotSentReason {
    /// No connection could be made. Retried.
    Unreachable,
    /// Too many requests. Retried.
    RateLimited,
    /// The vendor said that it did not take the page for now. Retried.
    Unavailable,
    /// The vendor refuses this body permanently. Not retried.
    Rejected,
    /// The vendor refuses the key. Not retried.
    Unauthorized,
    /// No pager of this name and account is configured any more. Not retried.
    NotConfigured,
}

impl NotSentReason {
    /// Returns `true` if retrying the same request is useless.
    #[must_use]
    pub const fn is_permanent(self) -> bool {
        matches!(
            self,
            Self::Rejected | Self::Unauthorized | Self::NotConfigured
        )
    }

    /// Returns a few words for the timeline.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::RateLimited => "rate limited",
            Self::Unavailable => "unavailable",
            Self::Rejected => "rejected the page",
            Self::Unauthorized => "rejected the credentials",
            Self::NotConfigured => "no longer configured",
        }
    }
}

/// The failure of a page that was certainly not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSent {
    /// The reason.
    pub reason: NotSentReason,
    /// The wait that the vendor requested.
    pub retry_after: Option<Duration>,
}

impl From<NotSentReason> for NotSent {
    /// Creates a failure for this reason, without a requested wait.
    fn from(reason: NotSentReason) -> Self {
        Self {
            reason,
            retry_after: None,
        }
    }
}

/// The result of one delivery attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryResult {
    /// The vendor accepted the page.
    Accepted(Receipt),
    /// The vendor certainly does not have the page.
    NotSent(NotSent),
    /// It is not known if the vendor has the page: a time-out, a lost answer, a 5xx.
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
