//! What a target can take now: a limiter for what only informs, the target's own
//! wishes to wait, and a breaker for a target that is down. One per target and
//! process.
//!
//! Pages that wake people (SEV1 and SEV2) wait for two things only: the target's own
//! `Retry-After`, and a turn among those that try a target that is down, which comes
//! within two seconds. A rate that was learned or configured never holds them.
//!
//! Nothing here loses a page: one that is held stays in the outbox and comes back when
//! the gate said.

mod breaker;
mod rate;

use std::num::NonZeroU32;
use std::time::Duration;

use crate::incident::Severity;
use crate::paging::{DeliveryResult, NotSentReason};
use crate::{MessageId, Timestamp};

use breaker::Breaker;
use rate::Rate;

/// What is known about a target beforehand, and when it counts as down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateSettings {
    /// Requests that the target takes in any minute from this process; none where that
    /// is not known. SEV3 and SEV4 use at most three quarters of it; SEV1 and SEV2 are
    /// counted and never held by it.
    pub per_minute: Option<NonZeroU32>,
    /// After so many failures in a row the target counts as down,
    pub failures: u32,
    /// if they lasted so long: a burst that went wrong together is one event. A
    /// refused key counts at once.
    pub failing_for: Duration,
    /// For how long SEV3 and SEV4 leave a target alone that is down. Doubled with every
    /// request that fails meanwhile.
    pub open_for: Duration,
    /// The longest time for which they leave it alone.
    pub open_at_most: Duration,
}

impl Default for GateSettings {
    fn default() -> Self {
        Self {
            per_minute: None,
            failures: 5,
            failing_for: Duration::from_secs(5),
            open_for: Duration::from_secs(5),
            open_at_most: Duration::from_secs(15),
        }
    }
}

/// A request to be let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdmitRequest {
    /// The message: one that is held keeps its place.
    pub message: MessageId,
    /// How bad the incident is.
    pub severity: Severity,
    /// Whether it may be the one that tries a target that is down. A page that
    /// another target might take is too good for that: an answer that cannot be known
    /// would keep it from the other one for a minute.
    pub may_probe: bool,
}

/// Why a page is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deferral {
    /// There were too many requests.
    RateLimited,
    /// The target is down, or refuses the key.
    CircuitOpen,
}

/// Whether a request may go out now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Now; it is counted.
    Go,
    /// Not before this.
    Hold {
        /// When it is worth asking again.
        until: Timestamp,
        /// Why.
        why: Deferral,
    },
}

/// Something that changed about a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BreakerTransition {
    /// It counts as down from now on.
    Opened,
    /// It works again. These messages that wake people were held meanwhile: they are
    /// to be looked at now.
    Closed(Vec<MessageId>),
}

/// The gate of one target.
#[derive(Clone, Debug)]
pub struct Gate {
    rate: Rate,
    breaker: Breaker,
}

impl Gate {
    /// The gate of a target that was not asked yet.
    #[must_use]
    pub const fn new(settings: GateSettings) -> Self {
        Self {
            rate: Rate::new(settings.per_minute),
            breaker: Breaker::new(settings),
        }
    }

    /// Decides whether a request may go out now; it is counted if so.
    pub fn admit(&mut self, asking: AdmitRequest, now: Timestamp) -> Admission {
        // The rate first: a request that it holds must not use up the turn of one that
        // tries a target that is down.
        if let Some(until) = self.rate.held(asking, now) {
            let why = Deferral::RateLimited;
            return Admission::Hold { until, why };
        }
        if let Some(until) = self.breaker.held(asking, now) {
            let why = Deferral::CircuitOpen;
            return Admission::Hold { until, why };
        }
        self.rate.count(asking.message, now);
        Admission::Go
    }

    /// Notes what became of a request.
    pub fn note(&mut self, answer: &DeliveryResult, now: Timestamp) -> Option<BreakerTransition> {
        match answer {
            DeliveryResult::Accepted(_) => {
                self.rate.accepted();
                self.breaker.works()
            }
            DeliveryResult::NotSent(not_sent) => {
                if let Some(wish) = not_sent.retry_after {
                    self.rate.wait(wish, now);
                }
                match not_sent.reason {
                    // The target works; this page does not.
                    NotSentReason::Rejected => self.breaker.works(),
                    NotSentReason::RateLimited => {
                        self.rate.refused(not_sent.retry_after.is_some(), now);
                        self.breaker.works()
                    }
                    NotSentReason::Unauthorized => self.breaker.refuses_key(now),
                    NotSentReason::Unreachable => self.breaker.fails(false, now),
                    NotSentReason::Unavailable => self.breaker.fails(true, now),
                    NotSentReason::NotConfigured => None,
                }
            }
            DeliveryResult::Unknown => self.breaker.fails(true, now),
        }
    }

    /// Decides whether a target that is down is to be tried now; whoever asks does it.
    pub fn wants_probe(&mut self, now: Timestamp) -> bool {
        let asking = AdmitRequest {
            message: MessageId::from_uuid(uuid::Uuid::nil()),
            severity: Severity::Sev1,
            may_probe: true,
        };
        self.breaker.is_free(now) && self.admit(asking, now) == Admission::Go
    }

    /// Lets a target that is down be tried at once: somebody says that it works again.
    pub fn try_again(&mut self) {
        let _ = self.breaker.works();
    }

    /// Whether it counts as down.
    #[must_use]
    pub const fn is_down(&self) -> bool {
        self.breaker.is_open()
    }
}

const fn is_urgent(severity: Severity) -> bool {
    matches!(severity, Severity::Sev1 | Severity::Sev2)
}

#[cfg(test)]
mod tests;
