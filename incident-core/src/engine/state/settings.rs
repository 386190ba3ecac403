//! The settings of an engine, and the check that its durations fit together.

use std::time::Duration;

use crate::ChannelPattern;
use crate::actor::Permissions;
use crate::billing::CreditPolicy;
use crate::paging::{FailoverPolicy, GateSettings, InboundPolicy};
use crate::policy::Policy;
use crate::response::Checklists;
use crate::sla::Contracts;
use crate::status_page::PublicNames;

/// The policies and durations of an engine.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Settings {
    pub(in crate::engine) policy: Policy,
    pub(in crate::engine) channel: Option<ChannelPattern>,
    pub(in crate::engine) has_sla: bool,
    pub(in crate::engine) has_status_page: bool,
    pub(in crate::engine) checklists: Checklists,
    pub(in crate::engine) contracts: Contracts,
    pub(in crate::engine) credits: CreditPolicy,
    pub(in crate::engine) permissions: Permissions,
    pub(in crate::engine) names: PublicNames,
    pub(in crate::engine) high_urgency: FailoverPolicy,
    pub(in crate::engine) low_urgency: FailoverPolicy,
    pub(in crate::engine) gate: GateSettings,
    pub(in crate::engine) inbound: InboundPolicy,
    pub(in crate::engine) command_deadline: Duration,
    pub(in crate::engine) store_deadline: Duration,
    pub(in crate::engine) pager_deadline: Duration,
    pub(in crate::engine) usage_deadline: Duration,
    pub(in crate::engine) lease: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            channel: None,
            has_sla: true,
            has_status_page: true,
            checklists: Checklists::default(),
            contracts: Contracts::default(),
            credits: CreditPolicy::default(),
            permissions: Permissions::default(),
            names: PublicNames::default(),
            high_urgency: FailoverPolicy::high_urgency(),
            low_urgency: FailoverPolicy::low_urgency(),
            gate: GateSettings::default(),
            inbound: InboundPolicy::default(),
            command_deadline: Duration::from_secs(5),
            store_deadline: Duration::from_secs(5),
            pager_deadline: Duration::from_secs(10),
            usage_deadline: Duration::from_secs(30),
            lease: Duration::from_secs(30),
        }
    }
}

impl Settings {
    /// Checks that a request and the commit of its outcome fit into a lease, a lease into the time
    /// for which one target is tried, and that into the time after which a page is given up.
    pub(in crate::engine) fn check(&self) -> Result<(), &'static str> {
        let gate = &self.gate;
        if self.command_deadline.is_zero() {
            return Err("the command deadline must be greater than zero");
        }
        if self.pager_deadline.is_zero() {
            return Err("the pager deadline must be greater than zero");
        }
        if self.pager_deadline + self.store_deadline * 2 >= self.lease {
            return Err(
                "the pager deadline plus two store deadlines must be shorter than the lease: \
             otherwise another process could send a page that is still being sent",
            );
        }
        for failover in [&self.high_urgency, &self.low_urgency] {
            if failover
                .after_unknown
                .is_some_and(|after| after <= self.lease)
            {
                return Err(
                    "the failover delay after an unknown outcome must be longer than the lease: otherwise, \
                 after a crash while sending, the next pager is tried before the first is retried",
                );
            }
            let longest = failover
                .after_refusal
                .max(failover.after_unknown.unwrap_or_default());
            if failover.give_up_after <= longest {
                return Err(
                    "the time limit for retrying a page must be longer than the failover delay",
                );
            }
            if failover.backoff.first.is_zero() || failover.backoff.cap < failover.backoff.first {
                return Err(
                    "the first retry delay must be greater than zero and at most the maximum retry delay",
                );
            }
        }
        if gate.failures == 0 || gate.open_for.is_zero() || gate.open_at_most < gate.open_for {
            return Err(
                "the failure threshold of the circuit breaker must be at least 1, and its open time \
             greater than zero and at most the maximum open time",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns `true` if the durations fit together after a change.
    fn fits(change: impl FnOnce(&mut Settings)) -> bool {
        let mut settings = Settings::default();
        change(&mut settings);
        settings.check().is_ok()
    }

    const MILLI: Duration = Duration::from_millis(1);

    #[test]
    fn deadlines_fit_into_a_lease_and_a_lease_into_the_time_of_a_target() {
        assert!(fits(|_| {}));
        assert!(!fits(|set| set.command_deadline = Duration::ZERO));
        assert!(!fits(|set| set.pager_deadline = Duration::ZERO));
        let inside = |set: &Settings| set.pager_deadline + set.store_deadline * 2;
        assert!(!fits(|set| set.lease = inside(set)));
        assert!(fits(|set| set.lease = inside(set) + MILLI));
        for calm in [false, true] {
            let after = |extra: Duration| {
                fits(|set| {
                    let lease = set.lease;
                    let of = if calm {
                        &mut set.low_urgency
                    } else {
                        &mut set.high_urgency
                    };
                    of.after_unknown = Some(lease + extra);
                })
            };
            assert!(!after(Duration::ZERO));
            assert!(after(MILLI));
        }
        assert!(fits(|set| set.high_urgency.after_unknown = None));
    }

    #[test]
    fn a_page_is_tried_for_longer_than_its_first_target() {
        for extra in [Duration::ZERO, MILLI] {
            let give_up = |set: &mut Settings| {
                set.high_urgency.after_refusal = Duration::from_secs(300);
                set.high_urgency.give_up_after = Duration::from_secs(300) + extra;
            };
            assert_eq!(fits(give_up), !extra.is_zero());
        }
    }

    #[test]
    fn waits_are_longer_than_nothing_and_at_most_their_cap() {
        assert!(!fits(|set| set.low_urgency.backoff.first = Duration::ZERO));
        assert!(fits(
            |set| set.low_urgency.backoff.cap = set.low_urgency.backoff.first
        ));
        assert!(!fits(
            |set| set.low_urgency.backoff.cap = set.low_urgency.backoff.first - MILLI
        ));
        assert!(!fits(|set| set.gate.failures = 0));
        assert!(!fits(|set| set.gate.open_for = Duration::ZERO));
        assert!(fits(|set| set.gate.open_at_most = set.gate.open_for));
        assert!(!fits(
            |set| set.gate.open_at_most = set.gate.open_for - MILLI
        ));
    }
}
