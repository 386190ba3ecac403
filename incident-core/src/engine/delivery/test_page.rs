//! Test pages, which check that every configured target works.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;

use crate::actor::Action;
use crate::commit::{Commit, OutboxWrite};
use crate::engine::state::test_page::OpenTest;
use crate::engine::{EngineEvent, Error, Incidents, PagingHandle, RequestContext, metrics};
use crate::idempotency::StoredResponse;
use crate::incident::{Incident, Mode, Severity};
use crate::outbox::{Message, MessageBody};
use crate::paging::{
    Admission, AdmitRequest, DeliveryResult, EndTest, PageAction, PageEvent, PagerTest, TEST_LASTS,
    TargetId, TestOutcome, TestedTarget, Urgency, clamp_retry_after, test_event,
};
use crate::port::{Pager, StoreError};
use crate::{IncidentId, MessageId, Name, Text, Timestamp, Title, failpoint};

/// The result of a test page.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tested {
    /// The test.
    pub test: PagerTest,
    /// `true` if this is the response of an earlier request with the same key.
    pub replayed: bool,
}

impl PagingHandle<'_> {
    /// Sends a test page to every configured target at the same time, and returns how each
    /// answered. Each is tried once, without failover.
    ///
    /// The page belongs to no incident and has a key per target
    /// ([`test_key`](crate::paging::test_key)). It goes through the gates: a target that asked to
    /// wait or is down gets no request, and counts as not sent. One test is open at a time, for
    /// [`TEST_LASTS`]. Its end is committed before anything is sent, so the relay resolves it even
    /// after a crash; [`finish`](crate::engine::WorkerHandle::finish) does at once.
    ///
    /// # Errors
    /// Returns [`Error::TestPageOpen`] if a test is open. Fails if a right is missing, or if the
    /// store did not commit: what was sent by then is still resolved.
    pub async fn test(self, context: &RequestContext, urgency: Urgency) -> Result<Tested, Error> {
        let this = self.0;
        // Targets, and the commits around them, have deadlines of their own.
        let begun = self.0.begun_for(context);
        match begun.recalled(context).await? {
            Some(StoredResponse::Tested(test)) => {
                return Ok(Tested {
                    test,
                    replayed: true,
                });
            }
            Some(_) => return Err(Error::IdempotencyKeyMismatch),
            None => {}
        }
        begun
            .authorize_command(context, &[Action::Page], None)
            .await?;
        let open = this.new_test(urgency);
        let (message, page) = (open.message, open.page.clone());
        let tests = &this.inner.tests;
        let before = tests.begin(open, page.occurred_at);
        let before = before.map_err(|ends_in| Error::TestPageOpen { ends_in })?;
        let _one = tests.sending.lock().await;
        if let Some(before) = before {
            // Otherwise the trigger would only repeat an open alert, and notify no one.
            this.resolve_test(&before).await;
        }
        let until = this.inner.now().saturating_add(TEST_LASTS);
        if let Err(error) = this.keep_end(context, message, &page, until).await {
            tests.forget(message);
            return Err(error);
        }
        tests.change(message, |open| (open.until, open.kept) = (until, true));
        failpoint::hit("test_kept");
        let asked = this.inner.pagers.iter();
        let asked =
            asked.map(|pager| this.try_pager(&**pager, &page, PageAction::Trigger, message));
        let test = PagerTest {
            targets: join_all(asked).await,
            page,
        };
        failpoint::hit("test_sent");
        tests.change(message, |open| open.targets = may_hold(&test));
        this.keep_test(context, &test, message, until).await?;
        Ok(Tested {
            test,
            replayed: false,
        })
    }
}

impl Incidents {
    fn new_test(&self, urgency: Urgency) -> OpenTest {
        let now = self.inner.now();
        OpenTest {
            message: MessageId::from_uuid(self.inner.ids.sortable(now)),
            page: self.test_page(urgency, now),
            targets: self
                .inner
                .pagers
                .iter()
                .map(|pager| pager.target_id())
                .collect(),
            until: now.saturating_add(TEST_LASTS),
            kept: false,
        }
    }

    /// Commits the audit entry and the end of a test, before anything is sent.
    async fn keep_end(
        &self,
        context: &RequestContext,
        message: MessageId,
        page: &PageEvent,
        until: Timestamp,
    ) -> Result<(), Error> {
        let now = self.inner.now();
        let targets = self.inner.pagers.iter().map(|pager| pager.target_id());
        let targets: Vec<TargetId> = targets.collect();
        let names: Vec<&str> = targets.iter().map(TargetId::name).collect();
        let detail = BTreeMap::from([("targets".to_owned(), names.join(","))]);
        let commit = Commit {
            audit: vec![context.allowed(now, None, "test_pagers", detail)],
            outbox: vec![end_of(message, page, targets, until, now)],
            ..Commit::default()
        };
        let deadline = self.left()?;
        self.store.commit(commit, deadline).await?;
        self.inner.emit(&EngineEvent {
            outbox: true,
            ..EngineEvent::default()
        });
        Ok(())
    }

    /// Commits the answer of each target.
    async fn keep_test(
        &self,
        context: &RequestContext,
        test: &PagerTest,
        message: MessageId,
        until: Timestamp,
    ) -> Result<(), Error> {
        let now = self.inner.now();
        let audit = test.targets.iter().map(|tested| {
            let detail = BTreeMap::from([
                ("target".to_owned(), tested.target.name().to_owned()),
                ("answer".to_owned(), tested.outcome.word().to_owned()),
            ]);
            context.allowed(now, None, "test_pager", detail)
        });
        let mut commit = Commit {
            audit: audit.collect(),
            remember: context.record(StoredResponse::Tested(test.clone()), now),
            ..Commit::default()
        };
        if until <= now {
            // This process stood still until the test was over; another one may have ended it
            // before its alerts were opened, so it is ended once more.
            self.inner.tests.forget(message);
            let again = MessageId::from_uuid(self.inner.ids.sortable(now));
            commit.outbox = vec![end_of(again, &test.page, may_hold(test), now, now)];
        }
        let deadline = self.inner.settings.store_deadline;
        match self.store.commit(commit.clone(), deadline).await {
            // The same request ran twice concurrently. Both sent, and both are audited.
            Err(StoreError::IdempotencyKeyInUse) => {
                commit.remember = None;
                self.store.commit(commit, deadline).await?;
            }
            other => {
                other?;
            }
        }
        Ok(())
    }

    /// Sends a request to one target, if its gate admits it.
    pub(in crate::engine) async fn try_pager(
        &self,
        pager: &dyn Pager,
        page: &PageEvent,
        action: PageAction,
        message: MessageId,
    ) -> TestedTarget {
        let (target, started) = (pager.target_id(), self.inner.now());
        let asking = AdmitRequest {
            message,
            severity: page.severity,
            may_probe: true,
        };
        let admission = self.inner.gates.admit(&target, asking, started);
        if let Admission::Hold { until, reason } = admission {
            metrics::held(&target, reason);
            return TestedTarget {
                target,
                outcome: TestOutcome::NotSent(reason),
                took: Duration::ZERO,
                retry_after: Some(until.since(started)),
            };
        }
        let page = test_event(page, &target, action, started);
        let answer = self.send(pager, &page).await;
        self.note_answer(&target, &answer).await;
        let (outcome, retry_after) = match answer {
            DeliveryResult::Accepted(_) => (TestOutcome::Accepted, None),
            DeliveryResult::NotSent(not_sent) => (
                TestOutcome::NotSent(not_sent.reason),
                not_sent.retry_after.map(clamp_retry_after),
            ),
            DeliveryResult::Unknown => (TestOutcome::Unknown, None),
        };
        TestedTarget {
            target,
            outcome,
            took: self.inner.now().since(started),
            retry_after,
        }
    }

    fn test_page(&self, urgency: Urgency, now: Timestamp) -> PageEvent {
        PageEvent {
            action: PageAction::Trigger,
            dedup_key: "sys-pager-test".to_owned(),
            rule: None,
            incident_id: IncidentId::from_uuid(self.inner.ids.sortable(now)),
            number: 0,
            epoch: 0,
            title: Title::made("Test page: nothing is wrong"),
            summary: Text::cut("This is a test of the pager. There is no incident."),
            severity: match urgency {
                Urgency::High => Severity::Sev2,
                Urgency::Low => Severity::Sev4,
            },
            urgency,
            mode: Mode::Drill,
            environment: Name::made(Incident::PRODUCTION),
            services: Vec::new(),
            tenants: Some(0),
            started_at: now,
            occurred_at: now,
            is_resend: false,
        }
    }
}

/// Lists the targets at which a test opened an alert, or may have.
fn may_hold(test: &PagerTest) -> Vec<TargetId> {
    let held = test.targets.iter();
    let held = held.filter(|tested| !matches!(tested.outcome, TestOutcome::NotSent(_)));
    held.map(|tested| tested.target.clone()).collect()
}

fn end_of(
    id: MessageId,
    page: &PageEvent,
    targets: Vec<TargetId>,
    due_at: Timestamp,
    now: Timestamp,
) -> OutboxWrite {
    let page = PageEvent {
        action: PageAction::Resolve,
        ..page.clone()
    };
    OutboxWrite::Add(Box::new(Message {
        id,
        incident_id: None,
        // Pages of incidents go first.
        priority: Severity::Sev4,
        body: MessageBody::EndTest(EndTest { page, targets }),
        committed_at: now,
        due_at,
        log: Vec::new(),
    }))
}
