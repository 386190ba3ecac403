//! The explanation of an incident's escalations: what fired, what waits, and why the rest does not.

use super::clock::clocks;
use super::due::{Occurrences, clock_of};
use crate::incident::{FiredMark, Incident, Mode};
use crate::policy::{EscalationRule, Policy, Trigger};
use crate::{Name, RuleName, Timestamp};

/// A rule of the policy, as it stands for an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleState {
    /// The rule.
    pub rule: RuleName,
    /// Its trigger.
    pub trigger: Trigger,
    /// Its last firing, under any start of its clock.
    pub fired: Option<FiredMark>,
    /// The level that fires next.
    pub next: Option<NextLevel>,
    /// The reason why no level fires, if none does.
    pub silent: Option<Silence>,
}

/// A level that has not fired yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextLevel {
    /// The place of the level, repeats of the last level included, from 0.
    pub n: u32,
    /// Time at which it is due.
    pub due_at: Timestamp,
    /// The groups of people that will be notified.
    pub notify: Vec<Name>,
}

/// The reason why no level of a rule fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// Drills and retrospective incidents escalate to no one.
    Mode,
    /// The rule is for other severities.
    Severity,
    /// The rule is for other environments.
    Environment,
    /// Its condition does not hold, or no longer.
    Condition,
    /// Its levels count from a deadline that the policy does not set.
    NoDeadline,
    /// All levels have fired.
    Exhausted,
}

impl Silence {
    /// Returns its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mode => "mode",
            Self::Severity => "severity",
            Self::Environment => "environment",
            Self::Condition => "condition",
            Self::NoDeadline => "no_deadline",
            Self::Exhausted => "exhausted",
        }
    }

    /// Returns the reason in English.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Mode => "drills and retrospective incidents escalate to no one",
            Self::Severity => "it is for other severities",
            Self::Environment => "it is for other environments",
            Self::Condition => "its condition does not hold, or no longer",
            Self::NoDeadline => "its levels count from a deadline that the policy does not set",
            Self::Exhausted => "all its levels have fired",
        }
    }
}

/// Returns the state of every rule of a policy for an incident, in the order of the policy. Pure
/// and total.
///
/// It agrees with [`due`](super::due()): the rules with a next level at or before a time are those
/// that fire at that time.
#[must_use]
pub fn explain(incident: &Incident, policy: &Policy) -> Vec<RuleState> {
    let clocks = clocks(incident, policy);
    let state = |rule: &EscalationRule| {
        let fired = incident.clocks.fired.get(&rule.name).copied();
        let mut state = RuleState {
            rule: rule.name.clone(),
            trigger: rule.when,
            fired,
            next: None,
            silent: None,
        };
        if incident.mode != Mode::Live {
            state.silent = Some(Silence::Mode);
            return state;
        }
        let Some(clock) = clock_of(rule, incident, &clocks) else {
            state.silent = Some(not_held(rule, incident));
            return state;
        };
        let mark = fired.filter(|mark| mark.epoch >= clock.epoch);
        let (mut known, mut next) = (false, None);
        for occurrence in Occurrences::of(rule, clock, incident) {
            known = true;
            let is_new = mark.is_none_or(|mark| mark.epoch == clock.epoch && occurrence.n > mark.n);
            if is_new && next.is_none() {
                next = Some(NextLevel {
                    n: occurrence.n,
                    due_at: occurrence.due_at,
                    notify: occurrence.level.notify.clone(),
                });
            }
        }
        state.silent = match (&next, known) {
            (Some(_), _) => None,
            (None, true) => Some(Silence::Exhausted),
            (None, false) => Some(Silence::NoDeadline),
        };
        state.next = next;
        state
    };
    policy.rules.iter().map(state).collect()
}

fn not_held(rule: &EscalationRule, incident: &Incident) -> Silence {
    let severities = &rule.severities;
    if !severities.is_empty() && !severities.contains(&incident.severity) {
        Silence::Severity
    } else if !rule.is_for(incident.severity, incident.environment.as_str()) {
        Silence::Environment
    } else {
        Silence::Condition
    }
}
