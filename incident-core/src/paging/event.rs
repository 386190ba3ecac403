//! What a pager is asked, and what it answers.

use serde::{Deserialize, Serialize};

use crate::incident::{Incident, Mode, Severity};
use crate::{IncidentId, Name, RuleName, ServiceId, Text, Timestamp, Title};

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
    /// It is more or less urgent than it was. Only to targets that follow
    /// ([`Pager::follows_severity`](crate::port::Pager::follows_severity)).
    Reprioritise,
}

impl PageAction {
    /// Its name, as audit and metrics have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
            Self::Reprioritise => "reprioritise",
        }
    }

    /// A word for the timeline.
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

/// One thing to tell a pager. Frozen when it is committed: every attempt sends
/// the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageEvent {
    /// Open, acknowledge or resolve.
    pub action: PageAction,
    /// `sys-incident:<id>`, with `:<rule>` for an escalation.
    pub dedup_key: String,
    /// The rule by which others than on-call are told; none for on-call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleName>,
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
    /// Happening, entered afterwards, or an exercise: who is woken by a drill
    /// must see at once that it is one.
    pub mode: Mode,
    /// Where: `production`, `staging`, ...
    pub environment: Name,
    /// The services it hits.
    pub services: Vec<ServiceId>,
    /// How many tenants it hits; none where it hits all.
    pub tenants: Option<u64>,
    /// Start of the impact.
    pub started_at: Timestamp,
    /// When what it tells happened.
    pub occurred_at: Timestamp,
    /// It was told before, and is told once more to be sure.
    #[serde(
        rename = "repeats",
        default,
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub is_resend: bool,
}

impl PageEvent {
    /// Puts the words that an incident has now in the place of those that were frozen:
    /// after a redaction those are not sent any more.
    pub fn reword(&mut self, incident: &Incident) {
        self.title = incident.title.clone();
        self.summary = incident.summary.clone();
    }

    /// How bad it is for the order of pages and for failover: others than on-call
    /// are told because it cannot wait, however the incident is classed.
    #[must_use]
    pub fn pressing(&self) -> Severity {
        match self.rule {
            Some(_) => self.severity.min(Severity::Sev2),
            None => self.severity,
        }
    }
}
