//! The facts that the clocks of a response run from, and what has fired so far.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::policy::Trigger;
use crate::{Name, RuleName, Timestamp};

/// The facts of an incident that its clocks run from, beside its times and its status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Clocks {
    /// Number of reopens. Each starts the clocks of the response again.
    #[serde(skip_serializing_if = "is_zero")]
    pub reopenings: u32,
    /// Time at which it got its severity; that of the declaration if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity_since: Option<Timestamp>,
    /// Updates for the team.
    #[serde(skip_serializing_if = "UpdateClock::is_unused")]
    pub internal_update: UpdateClock,
    /// Updates of the status page.
    #[serde(skip_serializing_if = "UpdateClock::is_unused")]
    pub public_update: UpdateClock,
    /// Updates for executives.
    #[serde(skip_serializing_if = "UpdateClock::is_unused")]
    pub executive_update: UpdateClock,
    /// Time at which the loss of revenue was estimated last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revenue_since: Option<Timestamp>,
    /// Time at which it was found to hit a customer on the day of their event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_event_since: Option<Timestamp>,
    /// The last firing of each rule.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fired: BTreeMap<RuleName, FiredMark>,
    /// The levels that fired last, one of each rule; those that fired before this field existed are
    /// absent.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub firings: BTreeMap<RuleName, RuleFired>,
    /// Time at which the next rule fires, by the policy that its last command was decided with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// The earliest deadline, by that policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<NextDeadline>,
}

/// The earliest deadline of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct NextDeadline {
    /// The condition whose time is over then.
    pub trigger: Trigger,
    /// The deadline; it may have passed.
    pub at: Timestamp,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes it by reference"
)]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Clocks {
    /// Returns `true` if nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A clock that every update of its audience restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateClock {
    /// Number of starts.
    pub epoch: u32,
    /// Time of the last start.
    pub since: Option<Timestamp>,
}

impl UpdateClock {
    const fn is_unused(&self) -> bool {
        self.epoch == 0
    }

    pub(super) const fn restart(&mut self, now: Timestamp) {
        self.epoch = self.epoch.saturating_add(1);
        self.since = Some(now);
    }
}

/// The last firing of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiredMark {
    /// The start of the clock that it belongs to.
    pub epoch: u32,
    /// The place of the level, repeats of the last level included, from 0.
    pub n: u32,
    /// Time of the firing.
    pub at: Timestamp,
}

/// A level of a rule that was reached.
///
/// Rule, epoch and `n` of an incident fire once, ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFired {
    /// The rule.
    pub rule: RuleName,
    /// Its trigger.
    pub trigger: Trigger,
    /// The start of the trigger's clock: 1, 2, ...; 0 for an acknowledgement without a page.
    pub epoch: u32,
    /// The place of the level, repeats of the last level included, from 0.
    pub n: u32,
    /// Number of levels below it that were reached at the same time and did not fire.
    pub skipped: u32,
    /// Time at which it was due.
    pub due_at: Timestamp,
    /// `true` if it fired more than a minute after that time.
    pub late: bool,
    /// The groups of people that are notified.
    pub notify: Vec<Name>,
}

impl RuleFired {
    /// Returns the groups that are notified, separated by `, `.
    #[must_use]
    pub fn groups(&self) -> String {
        let names: Vec<&str> = self.notify.iter().map(Name::as_str).collect();
        names.join(", ")
    }

    /// Returns the sentence for the timeline.
    #[must_use]
    pub fn sentence(&self) -> String {
        let late = match self.late {
            true => format!("{LATE}{}", self.due_at),
            false => String::new(),
        };
        let trigger = self.trigger.sentence();
        format!(
            "{ESCALATED}{}: {trigger}{NOTIFIES}{}{late}",
            self.rule,
            self.groups()
        )
    }
}

const ESCALATED: &str = "escalated to ";
const NOTIFIES: &str = "; notifies ";
const LATE: &str = "; late, it was due at ";

/// The parts of a [sentence](RuleFired::sentence) of a timeline, for those who show it in other
/// words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleSentence<'t> {
    /// The rule.
    pub rule: &'t str,
    /// Its trigger.
    pub trigger: Trigger,
    /// The groups of people that are notified, separated by `, `.
    pub notify: &'t str,
    /// Time at which it was due, if it fired late.
    pub late_since: Option<Timestamp>,
}

impl<'t> RuleSentence<'t> {
    /// Reads a sentence. Returns `None` for any other text, and for one of another version.
    #[must_use]
    pub fn read(text: &'t str) -> Option<Self> {
        let (rule, rest) = text.strip_prefix(ESCALATED)?.split_once(": ")?;
        let (trigger, rest) = rest.split_once(NOTIFIES)?;
        let mut triggers = Trigger::ALL.into_iter();
        let trigger = triggers.find(|one| one.sentence() == trigger)?;
        let (notify, late_since) = match rest.rsplit_once(LATE) {
            Some((notify, due_at)) => (notify, Some(due_at.parse().ok()?)),
            None => (rest, None),
        };
        Some(Self {
            rule,
            trigger,
            notify,
            late_since,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_read_as_it_was_written() {
        for trigger in Trigger::ALL {
            for late in [false, true] {
                let fired = RuleFired {
                    rule: RuleName::made("sev1-declared"),
                    trigger,
                    epoch: 1,
                    n: 0,
                    skipped: 0,
                    due_at: "2026-11-20T22:00:00Z".parse().unwrap(),
                    late,
                    notify: vec![Name::made("team"), Name::made("on-call")],
                };
                let sentence = fired.sentence();
                let read = RuleSentence::read(&sentence).unwrap();
                assert_eq!((read.rule, read.trigger), ("sev1-declared", trigger));
                assert_eq!(read.notify, "team, on-call");
                assert_eq!(read.late_since, late.then_some(fired.due_at));
            }
        }
        for other in [
            "",
            "escalated to security: data may be lost",
            "escalated to security: data was lost; notified nobody",
            "escalated to security: it rains; notifies all",
            "escalated to security: data was lost; notifies all; late, it was due at noon",
            "page 2 requested: data was lost; notifies all",
        ] {
            assert_eq!(RuleSentence::read(other), None, "{other}");
        }
    }
}
