//! What to do next with a page, as a function of what happened so far.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Backoff, DeliveryResult, NotSentReason, TargetId, clamp_retry_after};
use crate::Timestamp;

/// How a target answered last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastResult {
    /// It has the page.
    Accepted,
    /// It certainly does not have it.
    NotSent(NotSentReason),
    /// It may have it.
    Unknown,
}

/// What happened at one target so far. Kept in the outbox row, so that a
/// restart forgets nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryLog {
    /// The target.
    pub target: TargetId,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was tried first.
    pub first_at: Timestamp,
    /// When its first answer that nobody can know came, if one did. Sticky: a
    /// later refusal does not prove that the earlier attempt was lost.
    pub unknown_since: Option<Timestamp>,
    /// How it answered last.
    pub last: LastResult,
    /// It is not tried before this.
    pub not_before: Timestamp,
    /// Its gate takes nothing before this. For one decision, and not stored: what holds a
    /// target is asked again each time.
    #[serde(skip)]
    pub held_until: Option<Timestamp>,
}

/// When to leave a target for the next one, and when to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailoverPolicy {
    /// How long a target that certainly refused is tried before the next.
    pub after_refusal: Duration,
    /// How long a target is tried before the next after an answer nobody can
    /// know; none never goes on, so that nobody can be woken twice.
    pub after_unknown: Option<Duration>,
    /// How long a page is tried in all, from the first attempt on.
    pub give_up_after: Duration,
    /// The waits between attempts.
    pub backoff: Backoff,
}

impl FailoverPolicy {
    /// The default for SEV1 and SEV2: the next target at once after a refusal, and no
    /// wait of our own longer than 2 s, so that a target that works again has the page
    /// within seconds.
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

    /// The default for SEV3 and SEV4: the next target 30 s after a refusal.
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

/// Whether one target is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryMode {
    /// A trigger: the first target that accepts is enough.
    FirstSuccess,
    /// An acknowledge or resolve: every target that may hold the alert.
    All,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextAction {
    /// Send to this target now.
    Send(TargetId),
    /// Nothing before this time.
    Wait(Timestamp),
    /// The goal is reached.
    Done,
    /// Stop, and raise an alarm.
    GiveUp,
}

impl DeliveryLog {
    fn is_permanent(&self) -> bool {
        matches!(self.last, LastResult::NotSent(reason) if reason.is_permanent())
    }

    /// When the next target may be tried instead; none for never.
    fn leave_at(&self, policy: &FailoverPolicy) -> Option<Timestamp> {
        match (self.unknown_since, self.last) {
            (Some(since), _) => policy
                .after_unknown
                .map(|window| since.saturating_add(window)),
            (None, LastResult::NotSent(reason)) if reason.is_permanent() => Some(Timestamp::MIN),
            (None, _) => Some(self.first_at.saturating_add(policy.after_refusal)),
        }
    }

    /// Notes one more answer. The target is tried again after the backoff, or exactly
    /// when its own wish to wait is over; a wish shorter than half of the first wait
    /// counts as that, so that a target that asks for nothing is not asked in a loop.
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

    /// Notes that the target takes nothing before a time. One that was not tried has then
    /// certainly not taken it.
    pub fn hold(&mut self, reason: NotSentReason, until: Timestamp) {
        if self.attempts == 0 {
            self.last = LastResult::NotSent(reason);
        }
        self.held_until = self.held_until.max(Some(until));
    }

    /// Forgets until when the target takes nothing: the decision is made.
    pub const fn release(&mut self) {
        self.held_until = None;
    }

    /// Returns the time before which the target is not tried.
    fn due_at(&self) -> Timestamp {
        let not_before = self.not_before;
        self.held_until
            .map_or(not_before, |until| not_before.max(until))
    }

    /// Changes what a log says of a target; added where it says nothing.
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

    /// A target that has not been tried.
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

/// What to do next, given the targets in order of preference and what happened
/// at each so far.
///
/// A trigger goes to the first target. One that certainly refused is left for
/// the next after [`FailoverPolicy::after_refusal`], one that may have it only
/// after [`FailoverPolicy::after_unknown`]. When all were tried, the one that
/// may be tried soonest is next. Targets that refuse for good are not tried
/// again; when all do, or the time is up, the page is given up.
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
    // Counted from the first attempt: a page that waited through an outage of our
    // own is still tried.
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

/// The next target may not be tried yet: try this one again when its wait is
/// over, unless the time to leave it comes first.
fn stay(tried: &DeliveryLog, leave: Option<Timestamp>, now: Timestamp) -> NextAction {
    // Refused for good after an answer nobody can know: only time helps.
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
