//! Requests to a pager.

use serde::{Deserialize, Serialize};

use crate::incident::{Incident, Mode, Severity};
use crate::{IncidentId, Name, RuleName, ServiceId, Text, Timestamp, Title};

/// The urgency of a page at the vendor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Wakes people.
    High,
    /// Informs people without waking them.
    #[default]
    Low,
}

/// The action that a pager performs on an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageAction {
    /// Opens it.
    Trigger,
    /// Acknowledges it.
    Acknowledge,
    /// Closes it.
    Resolve,
    /// Changes its urgency. Only sent to targets that support it
    /// ([`Pager::follows_severity`](crate::port::Pager::follows_severity)).
    Reprioritise,
}

impl PageAction {
    /// Returns its name in audit entries and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
            Self::Reprioritise => "reprioritise",
        }
    }

    /// Returns a noun for it, for the timeline.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Trigger => "page",
            Self::Acknowledge => "acknowledgement",
            Self::Resolve => "resolution",
            Self::Reprioritise => "priority",
        }
    }
}

/// A request to a pager. It is frozen when it is committed: every attempt sends the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageEvent {
    /// The action.
    pub action: PageAction,
    /// The deduplication key: `sys-incident:<id>`, with `:<rule>` for an escalation.
    pub dedup_key: String,
    /// The escalation rule; none for on-call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleName>,
    /// The incident.
    pub incident_id: IncidentId,
    /// Its short number.
    pub number: u64,
    /// The number of the page within the incident: 1 for the first.
    pub epoch: u32,
    /// The incident's title.
    pub title: Title,
    /// The incident's summary.
    pub summary: Text,
    /// The incident's severity.
    pub severity: Severity,
    /// The urgency.
    pub urgency: Urgency,
    /// The mode: live, retrospective or drill. A person woken by a drill must see at once that
    /// it is one.
    pub mode: Mode,
    /// The environment: `production`, `staging`, ...
    pub environment: Name,
    /// The affected services.
    pub services: Vec<ServiceId>,
    /// Number of affected tenants; none if all are.
    pub tenants: Option<u64>,
    /// Start of the impact.
    pub started_at: Timestamp,
    /// Time of the change that the event reports.
    pub occurred_at: Timestamp,
    /// `true` if the event was sent before and is repeated to be sure.
    #[serde(
        rename = "repeats",
        default,
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub is_resend: bool,
}

impl PageEvent {
    /// Replaces the frozen title and summary by the incident's current ones, so that redacted
    /// text is not sent any more.
    pub fn reword(&mut self, incident: &Incident) {
        self.title = incident.title.clone();
        self.summary = incident.summary.clone();
    }

    /// Returns the severity that decides priority and failover: an escalation counts as SEV2 at
    /// least, whatever the severity of the incident, because it cannot wait.
    #[must_use]
    pub fn pressing(&self) -> Severity {
        match self.rule {
            Some(_) => self.severity.min(Severity::Sev2),
            None => self.severity,
        }
    }
}
