//! The next action for a page, as a function of its delivery log.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Backoff, DeliveryResult, NotSentReason, TargetId, clamp_retry_after};
use crate::Timestamp;

/// The last result at a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastResult {
    /// The target accepted the page.
    Accepted,
    /// The target certainly does not have the page.
    NotSent(NotSentReason),
    /// The target may have the page.
    Unknown,
}

/// The delivery history at one target. It is stored in the outbox row, so that it survives a
/// restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryLog {
    /// The target.
    pub target: TargetId,
    /// Number of attempts.
    pub attempts: u32,
    /// Time of the first attempt.
    pub first_at: Timestamp,
    /// Time of the first unknown result, if there was one. Sticky: a later refusal does not
    /// prove that the earlier attempt was lost.
    pub unknown_since: Option<Timestamp>,
    /// The last result.
    pub last: LastResult,
    /// Earliest time of the next attempt.
    pub not_before: Timestamp,
    /// Time until which its gate holds the page. For one decision only, and not stored: the
    /// gate is asked again each time.
    #[serde(skip)]
    pub held_until: Option<Timestamp>,
}

/// The policy for failover to the next target, and for giving up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailoverPolicy {
    /// Time from the first attempt for which a target that certainly refused is tried before
    /// the next one.
    pub after_refusal: Duration,
    /// Time from the first unknown result for which a target is tried before the next one. None
    /// disables this failover, so that no one can be woken twice.
    pub after_unknown: Option<Duration>,
    /// Time from the first attempt after which the page is given up.
    pub give_up_after: Duration,
    /// The waits between attempts.
    pub backoff: Backoff,
}

impl FailoverPolicy {
    /// Creates the default for SEV1 and SEV2.
    ///
    /// It fails over at once after a refusal, and backs off by 2 s at most, so that a target
    /// that works again has the page within seconds.
    #[must_use]
    pub fn high_urgency() -> Self {
        Self {
            after_refusal: Duration::ZERO,
            backoff: Backoff {
                cap: Duration::from_secs(2),
                ..Backoff::default()
            },
            ..Self::low_urgency()
        }
    }

    /// Creates the default for SEV3 and SEV4, which fails over 30 s after a refusal.
    #[must_use]
    pub fn low_urgency() -> Self {
        Self {
            after_refusal: Duration::from_secs(30),
            after_unknown: Some(Duration::from_secs(60)),
            give_up_after: Duration::from_secs(24 * 60 * 60),
            backoff: Backoff::default(),
        }
    }
}

/// The number of targets that must accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryMode {
    /// A trigger: the first target that accepts is enough.
    FirstSuccess,
    /// Any other action: every target that may hold the alert.
    All,
}

/// The next action for a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextAction {
    /// Send to this target now.
    Send(TargetId),
    /// Wait until this time.
    Wait(Timestamp),
    /// Nothing: enough targets have accepted.
    Done,
    /// Stop, and raise an alarm.
    GiveUp,
}

impl DeliveryLog {
    fn is_permanent(&self) -> bool {
        matches!(self.last, LastResult::NotSent(reason) if reason.is_permanent())
    }

    /// Returns the time from which the next target may be tried; none for never.
    fn leave_at(&self, policy: &FailoverPolicy) -> Option<Timestamp> {
        match (self.unknown_since, self.last) {
            (Some(since), _) => policy
                .after_unknown
                .map(|window| since.saturating_add(window)),
            (None, LastResult::NotSent(reason)) if reason.is_permanent() => Some(Timestamp::MIN),
            (None, _) => Some(self.first_at.saturating_add(policy.after_refusal)),
        }
    }

    /// Notes one more result, and schedules the next attempt.
    ///
    /// The target is tried again after the backoff, or exactly when its `Retry-After` is over.
    /// A shorter `Retry-After` counts as half of the first wait, so that one of zero does not
    /// make a busy loop.
    pub fn note(&mut self, answer: &DeliveryResult, now: Timestamp, backoff: &Backoff, seed: u64) {
        self.attempts += 1;
        let mut wait = backoff.wait(self.attempts, seed);
        self.last = match answer {
            DeliveryResult::Accepted(_) => LastResult::Accepted,
            DeliveryResult::NotSent(not_sent) => {
                if let Some(wish) = not_sent.retry_after {
                    wait = clamp_retry_after(wish).max(backoff.first / 2);
                }
                LastResult::NotSent(not_sent.reason)
            }
            DeliveryResult::Unknown => {
                self.unknown_since = self.unknown_since.or(Some(now));
                LastResult::Unknown
            }
        };
        self.not_before = now.saturating_add(wait);
    }

    /// Notes that the gate holds the page until a time. An untried target then certainly does
    /// not have it.
    pub fn hold(&mut self, reason: NotSentReason, until: Timestamp) {
        if self.attempts == 0 {
            self.last = LastResult::NotSent(reason);
        }
        self.held_until = self.held_until.max(Some(until));
    }

    /// Clears the hold of the gate, once the decision is made.
    pub const fn release(&mut self) {
        self.held_until = None;
    }

    /// Returns the earliest time of the next attempt.
    fn due_at(&self) -> Timestamp {
        let not_before = self.not_before;
        self.held_until
            .map_or(not_before, |until| not_before.max(until))
    }

    /// Changes the entry of a target, which is added if the log has none.
    pub fn change<T>(
        log: &mut Vec<Self>,
        target: &TargetId,
        now: Timestamp,
        change: impl FnOnce(&mut Self) -> T,
    ) -> T {
        if let Some(entry) = log.iter_mut().find(|entry| entry.target == *target) {
            return change(entry);
        }
        let mut entry = Self::untried(target.clone(), now);
        let answer = change(&mut entry);
        log.push(entry);
        answer
    }

    /// Creates the log of a target that was not tried.
    #[must_use]
    pub const fn untried(target: TargetId, now: Timestamp) -> Self {
        Self {
            target,
            attempts: 0,
            first_at: now,
            unknown_since: None,
            last: LastResult::Unknown,
            not_before: now,
            held_until: None,
        }
    }
}

/// Returns the next action, given the targets in order of preference and their logs.
///
/// A trigger goes to the first target. A target that certainly refused is left for the next
/// after [`FailoverPolicy::after_refusal`], one that may have the page only after
/// [`FailoverPolicy::after_unknown`]. When all were tried, the one that may be tried soonest is
/// next. Targets that refuse permanently are not tried again; when all do, or the time is up,
/// the page is given up.
#[must_use]
pub fn next_step(
    goal: DeliveryMode,
    targets: &[TargetId],
    log: &[DeliveryLog],
    policy: &FailoverPolicy,
    now: Timestamp,
) -> NextAction {
    let entry = |target: &TargetId| log.iter().find(|entry| entry.target == *target);
    let accepted =
        |target: &TargetId| entry(target).is_some_and(|entry| entry.last == LastResult::Accepted);
    let done = match goal {
        DeliveryMode::FirstSuccess => log.iter().any(|entry| entry.last == LastResult::Accepted),
        DeliveryMode::All => targets.iter().all(accepted),
    };
    if done {
        return NextAction::Done;
    }
    // Counted from the first attempt: a page that waited through an outage of this process is
    // still tried.
    let tried_since = log.iter().map(|entry| entry.first_at).min();
    if tried_since.is_some_and(|since| since.saturating_add(policy.give_up_after) <= now) {
        return NextAction::GiveUp;
    }
    let mut soonest: Option<(Timestamp, &TargetId)> = None;
    for target in targets.iter().filter(|target| !accepted(target)) {
        let Some(tried) = entry(target) else {
            return NextAction::Send(target.clone());
        };
        let due_at = tried.due_at();
        if !tried.is_permanent() && soonest.is_none_or(|(at, _)| due_at < at) {
            soonest = Some((due_at, target));
        }
        if goal == DeliveryMode::All {
            continue;
        }
        match tried.leave_at(policy) {
            Some(leave) if leave <= now => {}
            leave => return stay(tried, leave, now),
        }
    }
    match soonest {
        Some((at, target)) if at <= now => NextAction::Send(target.clone()),
        Some((at, _)) => NextAction::Wait(at),
        None => NextAction::GiveUp,
    }
}

/// Returns the action while the next target may not be tried yet: this one is tried again when
/// its wait is over, unless the time to leave it comes first.
fn stay(tried: &DeliveryLog, leave: Option<Timestamp>, now: Timestamp) -> NextAction {
    // Refused permanently after an unknown result: the page can only wait.
    if tried.is_permanent() {
        return leave.map_or(NextAction::GiveUp, NextAction::Wait);
    }
    let due_at = tried.due_at();
    if due_at <= now {
        return NextAction::Send(tried.target.clone());
    }
    NextAction::Wait(leave.map_or(due_at, |leave| leave.min(due_at)))
}

#[cfg(test)]
mod tests;
