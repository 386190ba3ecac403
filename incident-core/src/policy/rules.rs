//! Escalation rules: who is notified if a thing is not done in time, or turns out to be so.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::DueTimes;
use crate::incident::{Incident, Severity};
use crate::{Money, Name, RuleName, Timestamp};

/// A rule that notifies people beyond on-call.
///
/// Its levels are reached one after the other while the trigger holds. A level fires once; what
/// was reached while no worker ran fires once, at the highest level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscalationRule {
    /// The name; pagers may be configured under it.
    pub name: RuleName,
    /// The condition.
    pub when: Trigger,
    /// Only for incidents of these severities; all if empty.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub severities: BTreeSet<Severity>,
    /// Only for incidents in these environments; production if empty.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub environments: BTreeSet<Name>,
    /// The smallest loss of revenue per hour, for [`Trigger::FinancialImpact`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Money>,
    /// The levels, in the order in which they are reached.
    pub levels: Vec<EscalationLevel>,
    /// Repeats of the last level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Repeat>,
}

/// The condition of a rule, with the clock that it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The incident is live.
    Declared,
    /// Its page, or the incident, is not acknowledged.
    Unacknowledged,
    /// It is neither mitigated nor resolved.
    Unmitigated,
    /// It is not resolved.
    Unresolved,
    /// An update for the team is due.
    InternalUpdate,
    /// An update of the status page is due.
    PublicUpdate,
    /// An update for executives is due.
    ExecutiveUpdate,
    /// It is resolved, and its required post-mortem is not linked.
    PostMortem,
    /// It is resolved, and watched.
    Watch,
    /// A leak of data is suspected or confirmed, and the authority is not notified.
    DataLeak,
    /// A loss of data is confirmed, and the affected users are not notified.
    DataLoss,
    /// The loss of revenue per hour is at least that of the rule.
    FinancialImpact,
    /// It blocks a customer on the day of their event.
    CustomerEvent,
}

impl Trigger {
    /// All triggers.
    pub const ALL: [Self; 13] = [
        Self::Declared,
        Self::Unacknowledged,
        Self::Unmitigated,
        Self::Unresolved,
        Self::InternalUpdate,
        Self::PublicUpdate,
        Self::ExecutiveUpdate,
        Self::PostMortem,
        Self::Watch,
        Self::DataLeak,
        Self::DataLoss,
        Self::FinancialImpact,
        Self::CustomerEvent,
    ];

    /// Returns its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Unacknowledged => "unacknowledged",
            Self::Unmitigated => "unmitigated",
            Self::Unresolved => "unresolved",
            Self::InternalUpdate => "internal_update",
            Self::PublicUpdate => "public_update",
            Self::ExecutiveUpdate => "executive_update",
            Self::PostMortem => "post_mortem",
            Self::Watch => "watch",
            Self::DataLeak => "data_leak",
            Self::DataLoss => "data_loss",
            Self::FinancialImpact => "financial_impact",
            Self::CustomerEvent => "customer_event",
        }
    }

    /// Returns the condition in English, as timelines say it.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Declared => "the incident is active",
            Self::Unacknowledged => "nobody has acknowledged it",
            Self::Unmitigated => "it is not mitigated",
            Self::Unresolved => "it is not resolved",
            Self::InternalUpdate => "an update for the team is due",
            Self::PublicUpdate => "an update of the status page is due",
            Self::ExecutiveUpdate => "an update for executives is due",
            Self::PostMortem => "the post-mortem is not linked",
            Self::Watch => "the watch after the resolution ends",
            Self::DataLeak => "a leak of data is suspected or confirmed",
            Self::DataLoss => "data was lost",
            Self::FinancialImpact => "the loss of revenue is high",
            Self::CustomerEvent => "it blocks a customer on the day of their event",
        }
    }

    /// Returns `true` if its clock has a deadline, so that levels may be counted from it.
    #[must_use]
    pub const fn has_deadline(self) -> bool {
        match self {
            Self::Unacknowledged
            | Self::Unresolved
            | Self::InternalUpdate
            | Self::PublicUpdate
            | Self::ExecutiveUpdate
            | Self::PostMortem
            | Self::Watch
            | Self::DataLeak => true,
            Self::Declared
            | Self::Unmitigated
            | Self::DataLoss
            | Self::FinancialImpact
            | Self::CustomerEvent => false,
        }
    }
}

/// A level of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscalationLevel {
    /// The instant from which it is counted.
    #[serde(default)]
    pub from: CountedFrom,
    /// Minutes after that instant.
    #[serde(default)]
    pub after_minutes: u32,
    /// The groups of people that are notified.
    pub notify: Vec<Name>,
}

impl EscalationLevel {
    /// Returns the time at which it is due under a clock that started at `start`; `None` if it is
    /// counted from a deadline and there is none.
    pub(crate) fn due_at(&self, start: Timestamp, times: Option<DueTimes>) -> Option<Timestamp> {
        let from = match self.from {
            CountedFrom::Start => start,
            CountedFrom::AtRisk => times?.at_risk_at,
            CountedFrom::Deadline => times?.due_at,
        };
        let after = Duration::from_secs(u64::from(self.after_minutes) * 60);
        Some(from.saturating_add(after))
    }
}

/// The instant from which a level is counted, in the order in which they come.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum CountedFrom {
    /// The start of the clock.
    #[default]
    Start,
    /// The instant at which the deadline is at risk.
    AtRisk,
    /// The deadline.
    Deadline,
}

/// Repeats of a rule's last level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// Minutes between two of them; at least 1.
    pub every_minutes: u32,
    /// Number of repeats after the first time.
    pub times: u32,
}

impl EscalationRule {
    /// Returns `true` if the rule is for incidents of this severity and environment.
    #[must_use]
    pub fn is_for(&self, severity: Severity, environment: &str) -> bool {
        let here = match self.environments.is_empty() {
            true => environment == Incident::PRODUCTION,
            false => self.environments.contains(environment),
        };
        here && (self.severities.is_empty() || self.severities.contains(&severity))
    }
}
