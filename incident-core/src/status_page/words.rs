//! The words of the public page for a status and for a severity.

use serde::Serialize;

use crate::incident::{Severity, Status};

/// A status as the public knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PublicStatus {
    /// The cause is being investigated.
    Investigating,
    /// The cause is known.
    Identified,
    /// A fix is in place.
    Monitoring,
    /// It is over.
    Resolved,
}

impl PublicStatus {
    /// Returns the public name of a status; none for `merged`, whose history continues in another
    /// incident.
    pub(super) const fn of(status: Status) -> Option<Self> {
        match status {
            Status::Triage | Status::Investigating => Some(Self::Investigating),
            Status::Identified => Some(Self::Identified),
            Status::Mitigated => Some(Self::Monitoring),
            Status::Resolved | Status::Closed | Status::Cancelled => Some(Self::Resolved),
            Status::Merged => None,
        }
    }
}

/// A sentence for a change of status without a text for the public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StandardText {
    /// The incident is being investigated.
    Investigating,
    /// The cause has been identified.
    Identified,
    /// A fix is in place.
    Monitoring,
    /// The incident has been resolved.
    Resolved,
    /// The incident has been closed, as it was cancelled.
    Closed,
}

impl StandardText {
    /// Returns the sentence for a change to a status; none for `merged`.
    pub(super) const fn of(status: Status) -> Option<Self> {
        match status {
            Status::Triage | Status::Investigating => Some(Self::Investigating),
            Status::Identified => Some(Self::Identified),
            Status::Mitigated => Some(Self::Monitoring),
            Status::Resolved | Status::Closed => Some(Self::Resolved),
            Status::Cancelled => Some(Self::Closed),
            Status::Merged => None,
        }
    }

    /// Returns the sentence in English.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Investigating => "We are investigating this incident.",
            Self::Identified => "The cause has been identified.",
            Self::Monitoring => "A fix is in place and we are monitoring the results.",
            Self::Resolved => "This incident has been resolved.",
            Self::Closed => "This incident has been closed.",
        }
    }
}

/// The severity, as the public knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Indicator {
    /// Nothing is wrong.
    #[default]
    None,
    /// SEV4 or SEV3.
    Minor,
    /// SEV2.
    Major,
    /// SEV1.
    Critical,
}

impl Indicator {
    /// Returns the public word for a severity.
    #[must_use]
    pub const fn of(severity: Severity) -> Self {
        match severity {
            Severity::Sev1 => Self::Critical,
            Severity::Sev2 => Self::Major,
            Severity::Sev3 | Severity::Sev4 => Self::Minor,
        }
    }

    pub(super) const fn description(self) -> &'static str {
        match self {
            Self::None => "All systems operational",
            Self::Minor => "Minor service disruption",
            Self::Major => "Major service disruption",
            Self::Critical => "Critical service outage",
        }
    }
}
