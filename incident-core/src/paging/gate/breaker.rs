//! The breaker: a target that is down gets one request a second.

use std::collections::BTreeSet;
use std::time::Duration;

use super::admission::is_urgent;
use super::{AdmitRequest, BreakerTransition, GateSettings};
use crate::{MessageId, Timestamp};

/// The shortest time between two requests to a target that is down.
const BETWEEN: Duration = Duration::from_secs(1);

/// The same while no connection can be made: nothing arrives, so nothing is a request.
const UNREACHED: Duration = Duration::from_millis(500);

/// The longest time for which a page that wakes people waits for its turn.
const LONGEST_TURN: Duration = Duration::from_secs(2);

/// How long SEV3 and SEV4 wait while others have their turns.
const CALM_WAIT: Duration = Duration::from_secs(15);

/// Most held messages that are remembered to be looked at when the target works again.
/// Others come back by themselves within [`LONGEST_TURN`].
const MAX_HELD: usize = 1_024;

/// Held messages that may all look again every second.
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
    /// SEV3 and SEV4 leave it alone until then.
    calm_until: Timestamp,
    /// How often a request failed since it went down.
    times: u32,
    /// Whether a request went out since it went down.
    tried: bool,
    /// No request before this.
    free_at: Timestamp,
    /// The time between two turns, by what came of the last one.
    between: Duration,
    /// The last turn that was given away.
    last_turn: Timestamp,
    /// Messages that wake people and wait for it.
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

    /// Says whether the target is down and nothing went out in the second before.
    pub(super) fn is_free(&mut self, now: Timestamp) -> bool {
        self.down.as_mut().is_some_and(|down| down.is_free(now))
    }

    pub(super) fn works(&mut self) -> Option<BreakerTransition> {
        self.failures = 0;
        self.failing_since = None;
        let down = self.down.take()?;
        Some(BreakerTransition::Closed(down.held.into_iter().collect()))
    }

    /// Notes a failure. `reached` is false where no connection was made.
    pub(super) fn fails(&mut self, reached: bool, now: Timestamp) -> Option<BreakerTransition> {
        self.failures = self.failures.saturating_add(1);
        let since = *self.failing_since.get_or_insert(now);
        let settings = &self.settings;
        let for_long = settings.failing_for <= now.since(since);
        let again = match &self.down {
            // A request that was on its way when the target went down tells nothing new.
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

    /// Gives the time until which a request waits because the target is down; none if it
    /// may go, which uses up the turn of this second.
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
    /// Says whether the second after the last request is over.
    fn is_free(&mut self, now: Timestamp) -> bool {
        // A clock that went back leaves both in the future.
        if now.saturating_add(BETWEEN) < self.free_at {
            self.free_at = now;
            self.last_turn = now;
        }
        self.free_at <= now
    }

    /// The wait of a message that wakes people and is no probe itself: after each
    /// look a probe goes out, so a few of them look every second.
    fn look_again(&self) -> Duration {
        if self.held.len() <= FEW_HELD {
            BETWEEN
        } else {
            LONGEST_TURN
        }
    }

    /// Gives a turn to a message that wakes people: one a second, and where those of the
    /// next seconds are given away, a look when the last of them is over.
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
