//! One attempt: the choice of the target, its admission, and its answer.

use std::borrow::Borrow;

use super::outcome::{DeliveryOutcome, TargetAttempt};
use super::route::Route;
use crate::engine::{Incidents, metrics};
use crate::incident::Severity;
use crate::outbox::{Claim, JobOutcome};
use crate::paging::{
    DeliveryLog, DeliveryResult, FailoverPolicy, NextAction, NotSent, NotSentReason, PageAction,
    PageEvent, TargetId, next_step,
};
use crate::{Timestamp, failpoint};

impl Incidents {
    /// Sends a page to the next target, if one accepts it now, and notes the answer in the log.
    /// `page_for` makes the page.
    pub(in crate::engine) async fn try_next<P: Borrow<PageEvent> + Send>(
        &self,
        claim: &Claim,
        log: &mut Vec<DeliveryLog>,
        severity: Severity,
        route: &Route<'_>,
        page_for: impl FnOnce(&TargetId) -> P,
    ) -> DeliveryOutcome {
        let mut attempt = None;
        let mut next = self.choose(route, log, claim, severity);
        if let NextAction::Send(target) = next {
            let (page, seed) = (page_for(&target), claim.jitter_seed());
            let sent = self.attempt(target, page.borrow(), log, route.policy, seed);
            attempt = Some(sent.await);
            let now = self.inner.now();
            next = next_step(route.mode, &route.targets, log, route.policy, now);
        }
        log.iter_mut().for_each(DeliveryLog::release);
        DeliveryOutcome {
            attempt,
            outcome: job_outcome(&next, log, self.inner.now()),
            overdue: None,
            behind: None,
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
                // The gate gives turns to the pages that wait for a target that is down, and makes
                // all of them due when it works again; a backoff would keep this page from both.
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

/// Returns the outcome of a message, given its next action.
fn job_outcome(next: &NextAction, log: &[DeliveryLog], now: Timestamp) -> JobOutcome {
    let retry = |due_at| JobOutcome::Retry {
        due_at,
        log: log.to_vec(),
    };
    match *next {
        NextAction::Done => JobOutcome::Done,
        NextAction::GiveUp => JobOutcome::DeadLettered { log: log.to_vec() },
        NextAction::Wait(due_at) => retry(due_at),
        NextAction::Send(_) => retry(now),
    }
}
