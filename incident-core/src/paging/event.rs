//! What a pager is asked, and what it answers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::incident::{Incident, Mode, Severity};
use crate::{IncidentId, Name, RuleName, ServiceId, Text, Timestamp, Title};

/// What the keys of incidents begin with.
const KEY: &str = "sys-incident:";

/// `sys-incident:<id>`: the key under which every pager knows an incident; and
/// `sys-incident:<id>:<rule>` for an escalation, so that it never touches the
/// incident's own alert.
#[must_use]
pub fn dedup_key(incident: IncidentId, rule: Option<&RuleName>) -> String {
    match rule {
        Some(rule) => format!("{KEY}{incident}:{rule}"),
        None => format!("{KEY}{incident}"),
    }
}

/// The incident that a key stands for, and the rule where it is that of an
/// escalation; none for a key that is not ours.
#[must_use]
pub fn incident_of_key(key: &str) -> Option<(IncidentId, Option<RuleName>)> {
    let rest = key.strip_prefix(KEY)?;
    match rest.split_once(':') {
        Some((id, rule)) => Some((id.parse().ok()?, Some(RuleName::new(rule).ok()?))),
        None => Some((rest.parse().ok()?, None)),
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
