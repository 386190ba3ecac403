//! The gate of one target: its rate limiter and its circuit breaker together.

use super::breaker::CircuitBreaker;
use super::rate::RateLimiter;
use super::{Admission, AdmitRequest, BreakerTransition, GateSettings};
use crate::incident::Severity;
use crate::paging::{DeliveryResult, NotSentReason};
use crate::{MessageId, Timestamp};

/// The gate of one target.
#[derive(Clone, Debug)]
pub struct Gate {
    rate: RateLimiter,
    breaker: CircuitBreaker,
}

impl Gate {
    /// Creates the gate of a target without any request so far.
    #[must_use]
    pub const fn new(settings: GateSettings) -> Self {
        Self {
            rate: RateLimiter::new(settings.per_minute),
            breaker: CircuitBreaker::new(settings),
        }
    }

    /// Decides if a request may go out now, and counts it if so.
    pub fn admit(&mut self, asking: AdmitRequest, now: Timestamp) -> Admission {
        // The rate first: a request that it holds must not use up the turn of a request that
        // probes a target that is down.
        if let Some(until) = self.rate.held(asking, now) {
            let reason = NotSentReason::RateLimited;
            return Admission::Hold { until, reason };
        }
        if let Some(until) = self.breaker.held(asking, now) {
            let reason = NotSentReason::Unavailable;
            return Admission::Hold { until, reason };
        }
        self.rate.count(asking.message, now);
        Admission::Go
    }

    /// Notes the result of a request. Returns the transition of the breaker, if there was one.
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
                    // The target works; it only refused this page.
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

    /// Returns `true` if a target that is down is due for a probe, and counts it: the caller
    /// has to send one.
    pub fn wants_probe(&mut self, now: Timestamp) -> bool {
        let asking = AdmitRequest {
            message: MessageId::from_uuid(uuid::Uuid::nil()),
            severity: Severity::Sev1,
            may_probe: true,
        };
        self.breaker.is_free(now) && self.admit(asking, now) == Admission::Go
    }

    /// Closes the breaker, because an operator says that the target works again.
    pub fn try_again(&mut self) {
        let _ = self.breaker.works();
    }

    /// Returns the time until which the target asked for no request, if it did.
    #[must_use]
    pub fn waits_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.rate.waits_until(now)
    }

    /// Returns the number of requests in the last minute.
    #[must_use]
    pub fn requests_last_minute(&self, now: Timestamp) -> u64 {
        self.rate.requests_last_minute(now)
    }

    /// Returns `true` if the target counts as down.
    #[must_use]
    pub const fn is_down(&self) -> bool {
        self.breaker.is_open()
    }
}
