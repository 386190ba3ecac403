//! The end of a test page: its alerts are resolved, by whoever is there then.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::deliver::{jitter_seed, outcome_of_step};
use super::gates::Next;
use super::outcome::{Attempt, pager_actor};
use super::test_page::Open;
use crate::Timestamp;
use crate::audit::{AuditDraft, AuditOutcome};
use crate::commit::Commit;
use crate::engine::{Alarm, EngineEvent, Error, Incidents, WorkerHandle};
use crate::outbox::{Claim, JobOutcome, LeaseCompletion};
use crate::paging::{
    DeliveryLog, DeliveryMode, DeliveryResult, EndTest, LastResult, NextAction, NotSentReason,
    PageAction, TargetId, TestedTarget, next_step, test_event,
};

impl WorkerHandle<'_> {
    /// Resolves the alerts of the test page that is open in this process, now and
    /// once, and says how each target answered; empty where none is open. Call it
    /// when the host stops.
    ///
    /// What could not be resolved is still resolved by the relay when the test's
    /// time is over, in this process or in the next one.
    pub async fn end_page_tests(self) -> Vec<TestedTarget> {
        let this = self.0;
        let _one = this.0.tests.sending.lock().await;
        match this.0.tests.take() {
            Some(open) => this.resolve_test(&open).await,
            None => Vec::new(),
        }
    }
}

impl Incidents {
    pub(in crate::engine) async fn resolve_test(&self, open: &Open) -> Vec<TestedTarget> {
        let pagers = open.targets.iter();
        let pagers = pagers.filter_map(|target| self.0.pager(target));
        let resolve = PageAction::Resolve;
        join_all(pagers.map(|pager| self.try_pager(&**pager, &open.page, resolve, open.message)))
            .await
    }

    /// One step of the end of a test that a message of the outbox asks for.
    pub(in crate::engine) async fn end_test(
        &self,
        claim: Claim,
        end: EndTest,
    ) -> Result<(), Error> {
        let tests = &self.0.tests;
        let _one = tests.sending.lock().await;
        let id = claim.message.id;
        let targets = tests.left_to(id, &end.targets);
        let (policy, goal) = (&self.0.settings.calm, DeliveryMode::All);
        let mut log = claim.message.log.clone();
        let (mut attempt, mut held) = (None, None);
        let who = (id, end.page.severity);
        let (next, holds) = self.choose(goal, &targets, &mut log, policy, who);
        match next {
            Next::Send(target) => {
                let page = test_event(&end.page, &target, PageAction::Resolve, self.0.now());
                let seed = jitter_seed(&claim);
                attempt = Some(self.attempt(target, &page, &mut log, policy, seed).await);
            }
            Next::Held(until) => held = Some(until),
            Next::Nothing => {}
        }
        let now = self.0.now();
        let held_log = DeliveryLog::with_holds(&log, &holds);
        let step = next_step(goal, &targets, &held_log, policy, now);
        let given_up = step == NextAction::GiveUp;
        let open = given_up.then(|| left_open(&targets, &log));
        let open = open.unwrap_or_default();
        // There is nothing to try again by hand: the end of the next test resolves
        // the same alerts.
        let outcome = if given_up {
            JobOutcome::Done
        } else {
            outcome_of_step(step, held, log, now)
        };
        let over = outcome == JobOutcome::Done;
        let audit = attempt.iter().map(|one| audit_of(one, now));
        let left = open.iter().map(|target| audit_of_left(target, now));
        let commit = Commit {
            audit: audit.chain(left).collect(),
            completes: Some(LeaseCompletion {
                message: id,
                lease: claim.lease,
                outcome,
            }),
            ..Commit::default()
        };
        let timeout = self.0.settings.store_deadline;
        self.0.store.commit(commit, timeout).await?;
        if over {
            tests.forget(id);
        }
        for target in open {
            tracing::error!(%target, "the alert of a test page could not be resolved: close it there");
            self.0.emit(&EngineEvent {
                alarm: Some(Alarm::TestPageLeftOpen { target }),
                ..EngineEvent::default()
            });
        }
        Ok(())
    }
}

/// Where an alert may stay open. Not at a target that refuses the key: under it
/// nothing was opened there, and that it is refused is an alarm of its own.
fn left_open(targets: &[TargetId], log: &[DeliveryLog]) -> Vec<TargetId> {
    let closed = |target: &TargetId| {
        let last = log.iter().find(|one| one.target == *target);
        last.is_some_and(|one| {
            matches!(
                one.last,
                LastResult::Accepted | LastResult::NotSent(NotSentReason::Unauthorized)
            )
        })
    };
    let open = targets.iter().filter(|target| !closed(target));
    open.cloned().collect()
}

fn audit_of(attempt: &Attempt, at: Timestamp) -> AuditDraft {
    let answer = match &attempt.answer {
        DeliveryResult::Accepted(_) => "accepted",
        DeliveryResult::NotSent(_) => "not_sent",
        DeliveryResult::Unknown => "unknown",
    };
    let detail = BTreeMap::from([("answer".to_owned(), answer.to_owned())]);
    audit(&attempt.target, "end_test_page", detail, at)
}

fn audit_of_left(target: &TargetId, at: Timestamp) -> AuditDraft {
    audit(target, "test_page_left_open", BTreeMap::new(), at)
}

fn audit(
    target: &TargetId,
    action: &str,
    detail: BTreeMap<String, String>,
    at: Timestamp,
) -> AuditDraft {
    AuditDraft {
        incident_id: None,
        at,
        actor: pager_actor(target.name()),
        action: action.to_owned(),
        outcome: AuditOutcome::Allowed,
        detail,
    }
}
