//! The circuit breaker: a target that is down gets one request a second.

use std::collections::BTreeSet;
use std::time::Duration;

use super::admission::is_urgent;
use super::{AdmitRequest, BreakerTransition, GateSettings};
use crate::{MessageId, Timestamp};

/// Minimum time between two requests to a target that is down. 60 a minute are half of what
/// PagerDuty takes from one key (about 120, Events API v2, "Rate Limits"), so that probing leaves
/// room for the pages that succeed.
const BETWEEN: Duration = Duration::from_secs(1);

/// Minimum time between two attempts while no connection can be made: nothing reaches the
/// target, so an attempt does not count as a request.
const UNREACHED: Duration = Duration::from_millis(500);

/// Maximum wait of an urgent page for its turn: people are woken seconds later, not minutes, when
/// the target recovers while others probe it.
const LONGEST_TURN: Duration = Duration::from_secs(2);

/// Wait of SEV3 and SEV4 while others have their turns. They wake nobody, so they leave the
/// probes to SEV1 and SEV2.
const CALM_WAIT: Duration = Duration::from_secs(15);

/// Maximum number of held messages that are listed when the breaker closes. Others come back by
/// themselves within [`LONGEST_TURN`].
const MAX_HELD: usize = 1_024;

/// Maximum number of held messages that may all try again every second.
const FEW_HELD: usize = 32;

#[derive(Clone, Debug)]
pub(super) struct CircuitBreaker {
    settings: GateSettings,
    failures: u32,
    failing_since: Option<Timestamp>,
    down: Option<Down>,
}

#[derive(Clone, Debug)]
struct Down {
    /// No request of SEV3 or SEV4 before this time.
    calm_until: Timestamp,
    /// Number of requests that failed while the breaker was open.
    times: u32,
    /// `true` if a request went out since the breaker opened.
    tried: bool,
    /// No request before this time.
    free_at: Timestamp,
    /// Time between two turns, as the last failure set it.
    between: Duration,
    /// The last turn that was assigned.
    last_turn: Timestamp,
    /// Urgent messages that wait for the target.
    held: BTreeSet<MessageId>,
}

impl CircuitBreaker {
    pub(super) const fn new(settings: GateSettings) -> Self {
        Self {
            settings,
            failures: 0,
            failing_since: None,
            down: None,
        }
    }

    pub(super) const fn is_open(&self) -> bool {
        self.down.is_some()
    }

    /// Returns `true` if the target is down and a request may go out now.
    pub(super) fn is_free(&mut self, now: Timestamp) -> bool {
        self.down.as_mut().is_some_and(|down| down.is_free(now))
    }

    pub(super) fn works(&mut self) -> Option<BreakerTransition> {
        self.failures = 0;
        self.failing_since = None;
        let down = self.down.take()?;
        Some(BreakerTransition::Closed(down.held.into_iter().collect()))
    }

    /// Notes a failure; `reached` is `false` if no connection was made.
    pub(super) fn fails(&mut self, reached: bool, now: Timestamp) -> Option<BreakerTransition> {
        self.failures = self.failures.saturating_add(1);
        let since = *self.failing_since.get_or_insert(now);
        let settings = &self.settings;
        let for_long = settings.failing_for <= now.since(since);
        let again = match &self.down {
            // A request that was in flight when the breaker opened says nothing new.
            Some(down) => down.tried,
            None => settings.failures <= self.failures && for_long,
        };
        let turn = if again { self.opens(now) } else { None };
        if let Some(down) = self.down.as_mut().filter(|_| again) {
            down.between = if reached { BETWEEN } else { UNREACHED };
            if !reached {
                down.free_at = down.free_at.min(now.saturating_add(UNREACHED));
            }
        }
        turn
    }

    pub(super) fn refuses_key(&mut self, now: Timestamp) -> Option<BreakerTransition> {
        match &self.down {
            Some(down) if !down.tried => None,
            _ => self.opens(now),
        }
    }

    fn opens(&mut self, now: Timestamp) -> Option<BreakerTransition> {
        let times = self.down.as_ref().map_or(0, |down| down.times + 1);
        let wait = self.settings.open_for * (1 << times.min(16));
        let calm_until = now.saturating_add(wait.min(self.settings.open_at_most));
        if let Some(down) = &mut self.down {
            down.calm_until = calm_until;
            down.times = times;
            return None;
        }
        self.down = Some(Down {
            calm_until,
            times,
            tried: false,
            free_at: now.saturating_add(BETWEEN),
            between: BETWEEN,
            last_turn: now,
            held: BTreeSet::new(),
        });
        Some(BreakerTransition::Opened)
    }

    /// Returns the time until which a request waits because the target is down. Returns `None`
    /// if it may go, which uses up the turn of this second.
    pub(super) fn held(&mut self, asking: AdmitRequest, now: Timestamp) -> Option<Timestamp> {
        let down = self.down.as_mut()?;
        let urgent = is_urgent(asking.severity);
        let ready = urgent || down.calm_until <= now;
        if asking.may_probe && ready && down.is_free(now) {
            down.tried = true;
            down.free_at = now.saturating_add(BETWEEN);
            down.last_turn = down.last_turn.max(now);
            down.held.remove(&asking.message);
            return None;
        }
        if urgent && down.held.len() < MAX_HELD {
            down.held.insert(asking.message);
        }
        Some(match (urgent, asking.may_probe) {
            (true, true) => down.next_turn(now),
            (true, false) => now.saturating_add(down.look_again()),
            (false, _) if now < down.calm_until => down.calm_until,
            (false, _) => now.saturating_add(CALM_WAIT),
        })
    }
}

impl Down {
    /// Returns `true` if the time between two requests has passed.
    fn is_free(&mut self, now: Timestamp) -> bool {
        // After the clock went back, both are in the future.
        if now.saturating_add(BETWEEN) < self.free_at {
            self.free_at = now;
            self.last_turn = now;
        }
        self.free_at <= now
    }

    /// Returns the wait of an urgent message that may not probe. Each of its attempts starts a
    /// probe by the engine, so only a few messages try every second.
    fn look_again(&self) -> Duration {
        if self.held.len() <= FEW_HELD {
            BETWEEN
        } else {
            LONGEST_TURN
        }
    }

    /// Returns the next turn of an urgent message, one a second. If the turns within
    /// [`LONGEST_TURN`] are all taken, returns the end of that time and assigns no turn.
    fn next_turn(&mut self, now: Timestamp) -> Timestamp {
        let latest = now.saturating_add(LONGEST_TURN);
        let next = self.last_turn.max(now).saturating_add(self.between);
        if latest < next {
            return latest;
        }
        self.last_turn = next;
        next
    }
}

#[cfg(test)]
mod tests;
