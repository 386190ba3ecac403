//! One attempt: which target is next, whether it takes a request now, and what it answers.

use std::borrow::Cow;

use super::gates::NextSend;
use super::outcome::TargetAttempt;
use super::route::Route;
use crate::engine::{Incidents, metrics};
use crate::incident::Severity;
use crate::outbox::{Claim, JobOutcome};
use crate::paging::{
    DeliveryLog, DeliveryResult, FailoverPolicy, NextAction, NotSent, NotSentReason, PageAction,
    PageEvent, TargetId, next_step,
};
use crate::{Timestamp, failpoint};

/// One attempt, or the reason why there was none, and what is next.
pub(in crate::engine) struct Tried {
    pub(in crate::engine) attempt: Option<TargetAttempt>,
    pub(in crate::engine) log: Vec<DeliveryLog>,
    pub(in crate::engine) next: NextAction,
    /// The time before which no target takes anything, where that is why nothing was sent.
    held: Option<Timestamp>,
}

impl Tried {
    /// Returns what becomes of the message.
    pub(in crate::engine) fn job_outcome(&self, now: Timestamp) -> JobOutcome {
        let log = self.log.clone();
        match (&self.next, self.held) {
            (NextAction::Done, _) => JobOutcome::Done,
            (NextAction::GiveUp, _) => JobOutcome::DeadLettered { log },
            (_, Some(due_at)) => JobOutcome::Retry { due_at, log },
            (NextAction::Wait(due_at), None) => JobOutcome::Retry {
                due_at: *due_at,
                log,
            },
            (NextAction::Send(_), None) => JobOutcome::Retry { due_at: now, log },
        }
    }
}

impl Incidents {
    /// Sends a page to the target that is next, if one takes it now. `page_for` makes it.
    pub(in crate::engine) async fn try_next<'p>(
        &self,
        claim: &Claim,
        severity: Severity,
        route: &Route<'_>,
        page_for: impl FnOnce(&TargetId) -> Cow<'p, PageEvent>,
    ) -> Tried {
        let mut log = claim.message.log.clone();
        let (mut attempt, mut held) = (None, None);
        let (next, holds) = self.choose(route, &mut log, claim, severity);
        match next {
            NextSend::Send(target) => {
                let page = page_for(&target);
                let seed = claim.jitter_seed();
                attempt = Some(
                    self.attempt(target, &page, &mut log, route.policy, seed)
                        .await,
                );
            }
            NextSend::Held(until) => held = Some(until),
            NextSend::Nothing => {}
        }
        let held_log = DeliveryLog::with_holds(&log, &holds);
        let now = self.inner.now();
        let next = next_step(route.mode, &route.targets, &held_log, route.policy, now);
        Tried {
            attempt,
            log,
            next,
            held,
        }
    }

    async fn attempt(
        &self,
        target: TargetId,
        page: &PageEvent,
        log: &mut Vec<DeliveryLog>,
        policy: &FailoverPolicy,
        seed: u64,
    ) -> TargetAttempt {
        let started = self.inner.now();
        failpoint::hit("before_send");
        let answer = match self.inner.pager(&target) {
            Some(pager) => self.send(pager.as_ref(), page).await,
            // It was configured when the alert was opened and is not any more.
            None => DeliveryResult::NotSent(NotSent {
                reason: NotSentReason::NotConfigured,
                retry_after: None,
            }),
        };
        failpoint::hit("after_send");
        metrics::attempt(
            &target,
            page.action,
            &answer,
            self.inner.now().since(started),
        );
        self.note_answer(&target, &answer).await;
        let down = self.inner.gates.is_down(&target);
        let before = log.iter().find(|entry| entry.target == target);
        let first = before.is_none_or(|entry| entry.attempts == 0);
        let may_have = |entry: &DeliveryLog| entry.unknown_since.is_some();
        let took = !matches!(answer, DeliveryResult::NotSent(_)) && !before.is_some_and(may_have);
        let elsewhere = log.iter().any(|one| one.target != target && may_have(one));
        let now = self.inner.now();
        DeliveryLog::change(log, &target, started, |entry| {
            entry.note(&answer, now, &policy.backoff, seed);
            let urgent = matches!(page.pressing(), Severity::Sev1 | Severity::Sev2);
            if down && urgent {
                // The gate gives turns to those that wait for a target that is down, and
                // calls all of them when it works again; a wait of its own would keep
                // this page from both.
                entry.not_before = now;
            }
        });
        let perhaps_twice = page.action == PageAction::Trigger && elsewhere && took;
        if perhaps_twice {
            metrics::perhaps_twice(&target);
        }
        TargetAttempt {
            target,
            answer,
            first,
            perhaps_twice,
        }
    }
}
