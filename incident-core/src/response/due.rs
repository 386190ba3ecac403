//! The rules that an incident has due, and the time of the next one.

use std::time::Duration;

use super::clock::{ResponseClock, clocks};
use crate::Timestamp;
use crate::incident::{Incident, Mode, NextDeadline, RuleFired};
use crate::policy::{EscalationLevel, EscalationRule, Policy, Trigger};

/// Time after which a firing is marked late: a worker looks every second, and a store that is away
/// or a restart takes longer than that.
pub const LATE_AFTER: Duration = Duration::from_secs(60);

/// The state of an incident's clocks and rules at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// The clocks that run.
    pub clocks: Vec<ResponseClock>,
    /// The levels of rules that are due now and have not fired, at most one of each rule.
    pub firings: Vec<RuleFired>,
    /// Time at which the next level is due after `now`, if nothing changes.
    pub next_at: Option<Timestamp>,
}

impl Due {
    /// Returns the time from which a worker has something to do: `now` if a level is due.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Option<Timestamp> {
        if self.firings.is_empty() {
            self.next_at
        } else {
            Some(now)
        }
    }

    /// Returns the earliest deadline of the clocks that run. The watch after a resolution has an
    /// end and no deadline.
    #[must_use]
    pub fn deadline(&self) -> Option<NextDeadline> {
        let owed = self
            .clocks
            .iter()
            .filter(|clock| clock.trigger != Trigger::Watch);
        let deadlines = owed.filter_map(|clock| {
            clock.deadline.map(|at| NextDeadline {
                trigger: clock.trigger,
                at,
            })
        });
        deadlines.min_by_key(|one| one.at)
    }
}

/// Returns what is due for an incident at a time, and when the next rule fires. Pure and total.
///
/// A level fires once for each start of its clock. If several levels of one rule are due, the
/// highest one fires alone. A rule that came to hold with a change of severity is due from that
/// change on, not from the time at which its clock started. Drills have clocks, and none of their
/// rules fires.
///
/// ```
/// use std::time::Duration;
/// use incident_core::policy::Policy;
/// use incident_core::{response, testing};
///
/// let (incident, _, declared_at) = testing::an_incident();
/// let due = response::due(&incident, &Policy::default(), declared_at);
/// // A SEV2 is to be acknowledged within 15 minutes.
/// let clock = due.clocks.iter().find(|clock| clock.trigger.name() == "unacknowledged");
/// let deadline = clock.and_then(|clock| clock.deadline);
/// assert_eq!(deadline, Some(declared_at.saturating_add(Duration::from_secs(15 * 60))));
/// assert_eq!(due.firings[0].rule.as_str(), "sev2-declared");
/// ```
#[must_use]
pub fn due(incident: &Incident, policy: &Policy, now: Timestamp) -> Due {
    let clocks = clocks(incident, policy);
    let (mut firings, mut next_at) = (Vec::new(), None);
    if incident.mode == Mode::Live {
        for rule in &policy.rules {
            let Some(clock) = clock_of(rule, incident, &clocks) else {
                continue;
            };
            let (fired, next) = rule_at(rule, clock, incident, now);
            firings.extend(fired);
            next_at = earliest(next_at, next);
        }
    }
    Due {
        clocks,
        firings,
        next_at,
    }
}

fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// Returns the clock that a rule watches, if the rule is for the incident and its condition holds.
pub(super) fn clock_of<'a>(
    rule: &EscalationRule,
    incident: &Incident,
    clocks: &'a [ResponseClock],
) -> Option<&'a ResponseClock> {
    let is_for = rule.is_for(incident.severity, incident.environment.as_str());
    let holds = is_for && is_enough(rule, incident);
    let found = clocks.iter().find(|clock| clock.trigger == rule.when);
    found.filter(|_| holds)
}

/// Returns `true` unless the rule is about a loss of revenue that is larger than the present one.
/// Amounts of other currencies are not compared.
fn is_enough(rule: &EscalationRule, incident: &Incident) -> bool {
    let (Trigger::FinancialImpact, Some(least)) = (rule.when, rule.at_least) else {
        return true;
    };
    let lost = incident.facts.revenue_per_hour;
    lost.is_some_and(|lost| lost.currency == least.currency && lost.minor >= least.minor)
}

/// Returns the level of a rule that fires now, if any, and the time of the next one.
fn rule_at(
    rule: &EscalationRule,
    clock: &ResponseClock,
    incident: &Incident,
    now: Timestamp,
) -> (Option<RuleFired>, Option<Timestamp>) {
    let mark = incident.clocks.fired.get(&rule.name);
    let mark = mark.filter(|mark| mark.epoch >= clock.epoch);
    if mark.is_some_and(|mark| mark.epoch > clock.epoch) {
        return (None, None);
    }
    let is_new = |n: u32| mark.is_none_or(|mark| n > mark.n);
    let (mut reached, mut skipped, mut next) = (None, 0, None);
    for occurrence in Occurrences::of(rule, clock, incident) {
        if !is_new(occurrence.n) {
            continue;
        }
        if occurrence.due_at > now {
            next = earliest(next, Some(occurrence.due_at));
            continue;
        }
        skipped += u32::from(reached.is_some());
        reached = Some(occurrence);
    }
    let fired = reached.map(|Occurrence { n, due_at, level }| RuleFired {
        rule: rule.name.clone(),
        trigger: rule.when,
        epoch: clock.epoch,
        n,
        skipped,
        due_at,
        late: now > due_at.saturating_add(LATE_AFTER),
        notify: level.notify.clone(),
    });
    (fired, next)
}

/// A level of a rule, or a repeat of its last one, with the time at which it is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Occurrence<'a> {
    pub(super) n: u32,
    pub(super) due_at: Timestamp,
    pub(super) level: &'a EscalationLevel,
}

/// The occurrences of a rule under one start of its clock, in order.
pub(super) struct Occurrences;

impl Occurrences {
    /// Returns the occurrences whose time is known. A level that counts from a deadline which the
    /// policy does not set has none.
    pub(super) fn of<'a>(
        rule: &'a EscalationRule,
        clock: &ResponseClock,
        incident: &Incident,
    ) -> impl Iterator<Item = Occurrence<'a>> {
        // Before the severity was given, the rule did not hold.
        let since = incident.clocks.severity_since.unwrap_or(Timestamp::MIN);
        let clock = *clock;
        let levels = (0..).zip(&rule.levels);
        let levels = levels.filter_map(move |(n, level)| {
            let due_at = level.due_at(clock.started_at, clock.times())?.max(since);
            Some(Occurrence { n, due_at, level })
        });
        let repeats = rule.repeat.and_then(|repeat| {
            let level = rule.levels.last()?;
            let first = count(rule);
            let due_at = level.due_at(clock.started_at, clock.times())?;
            Some((0..repeat.times).map(move |k| {
                let after = u64::from(repeat.every_minutes) * (u64::from(k) + 1) * 60;
                Occurrence {
                    n: first.saturating_add(k),
                    due_at: due_at.saturating_add(Duration::from_secs(after)).max(since),
                    level,
                }
            }))
        });
        levels.chain(repeats.into_iter().flatten())
    }
}

fn count(rule: &EscalationRule) -> u32 {
    u32::try_from(rule.levels.len()).unwrap_or(u32::MAX)
}
