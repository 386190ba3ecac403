//! The end of a test page: its alerts are resolved, by this process or another one.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::outcome::{TargetAttempt, pager_actor};
use super::route::Route;
use crate::Timestamp;
use crate::audit::AuditDraft;
use crate::commit::Commit;
use crate::engine::state::test_page::OpenTest;
use crate::engine::{Alarm, EngineEvent, Error, Incidents};
use crate::outbox::{Claim, JobOutcome};
use crate::paging::{
    DeliveryLog, DeliveryMode, EndTest, LastResult, NotSentReason, PageAction, TargetId,
    TestedTarget, test_event,
};

impl Incidents {
    /// Resolves the alerts of the test page that is open in this process.
    pub(in crate::engine) async fn resolve_open_test(&self) -> Vec<TestedTarget> {
        let _one = self.inner.tests.sending.lock().await;
        match self.inner.tests.take() {
            Some(open) => self.resolve_test(&open).await,
            None => Vec::new(),
        }
    }

    pub(in crate::engine) async fn resolve_test(&self, open: &OpenTest) -> Vec<TestedTarget> {
        let pagers = open.targets.iter();
        let pagers = pagers.filter_map(|target| self.inner.pager(target));
        let resolve = PageAction::Resolve;
        join_all(pagers.map(|pager| self.try_pager(&**pager, &open.page, resolve, open.message)))
            .await
    }

    /// Runs one step of the end of a test, for its message in the outbox.
    pub(in crate::engine) async fn end_test(
        &self,
        claim: &Claim,
        end: &EndTest,
    ) -> Result<(), Error> {
        let tests = &self.inner.tests;
        let _one = tests.sending.lock().await;
        let id = claim.message.id;
        let route = Route {
            mode: DeliveryMode::All,
            targets: tests.left_to(id, &end.targets),
            policy: &self.inner.settings.low_urgency,
        };
        let resolve = |target: &TargetId| {
            let now = self.inner.now();
            test_event(&end.page, target, PageAction::Resolve, now)
        };
        let mut log = claim.message.log.clone();
        let tried = self
            .try_next(claim, &mut log, end.page.severity, &route, resolve)
            .await;
        let now = self.inner.now();
        let given_up = matches!(tried.outcome, JobOutcome::DeadLettered { .. });
        let open = given_up.then(|| left_open(&route.targets, &log));
        let open = open.unwrap_or_default();
        // Not a dead letter: the end of the next test resolves the same alerts.
        let outcome = if given_up {
            JobOutcome::Done
        } else {
            tried.outcome
        };
        let over = outcome == JobOutcome::Done;
        let audit = tried.attempt.iter().map(|one| audit_of(one, now));
        let left = open.iter().map(|target| audit_of_left(target, now));
        let commit = Commit {
            audit: audit.chain(left).collect(),
            completes: Some(claim.complete(outcome)),
            ..Commit::default()
        };
        let timeout = self.inner.settings.store_deadline;
        self.store.commit(commit, timeout).await?;
        if over {
            tests.forget(id);
        }
        for target in open {
            tracing::error!(%target, "could not resolve the alert of a test page; resolve it at the vendor");
            self.inner.emit(&EngineEvent {
                alarm: Some(Alarm::TestPageLeftOpen { target }),
                ..EngineEvent::default()
            });
        }
        Ok(())
    }
}

/// Lists the targets at which an alert may stay open. A target that refuses the key is left out: no
/// alert was opened under it, and the refusal has an alarm of its own.
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

fn audit_of(attempt: &TargetAttempt, at: Timestamp) -> AuditDraft {
    let answer = attempt.answer.name().to_owned();
    let detail = BTreeMap::from([("answer".to_owned(), answer)]);
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
    AuditDraft::allowed(pager_actor(target.name()), at, None, action, detail)
}
