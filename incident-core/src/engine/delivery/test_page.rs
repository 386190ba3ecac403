//! "Does my pager work?", asked of every configured target.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;

use crate::actor::Action;
use crate::commit::{Commit, OutboxWrite, StoredResponse};
use crate::engine::commands::execute::allowed;
use crate::engine::{EngineEvent, Error, Incidents, PagingHandle, RequestContext, metrics};
use crate::incident::{Incident, Mode, Severity};
use crate::outbox::{Message, MessageBody};
use crate::paging::{
    Admission, AdmitRequest, Deferral, DeliveryResult, EndTest, NotSentReason, PageAction,
    PageEvent, PagerTest, TEST_LASTS, TargetId, TestOutcome, TestedTarget, Urgency,
    clamp_retry_after, test_event,
};
use crate::port::{Pager, StoreError};
use crate::{IncidentId, MessageId, Name, Text, Timestamp, Title, failpoint};

/// What came of asking for a test page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    /// The test.
    pub test: PagerTest,
    /// Whether this answer was given before, under the same key.
    pub replayed: bool,
}

/// The test page of this process: one at a time.
#[derive(Debug, Default)]
pub(in crate::engine) struct Tests {
    open: Mutex<Option<Open>>,
    /// Held while test alerts are opened or resolved: no resolution overtakes its
    /// trigger.
    pub(in crate::engine) sending: futures_util::lock::Mutex<()>,
}

/// A test page that was asked for and whose end did not come yet.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Open {
    /// The message that ends it.
    pub(in crate::engine) message: MessageId,
    pub(in crate::engine) page: PageEvent,
    /// Where an alert may be open.
    pub(in crate::engine) targets: Vec<TargetId>,
    until: Timestamp,
    /// Whether its end is committed.
    kept: bool,
}

impl Tests {
    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the place of the one test; gives the one before where its end has not
    /// come yet.
    ///
    /// # Errors
    /// A test is open, for so long.
    fn begin(&self, open: Open, now: Timestamp) -> Result<Option<Open>, Duration> {
        let mut known = self.lock();
        if let Some(known) = &*known {
            let left = known.until.since(now);
            // A clock that was set back does not keep it open for hours.
            if !left.is_zero() && left <= TEST_LASTS {
                return Err(left);
            }
        }
        Ok(known.replace(open))
    }

    fn change(&self, message: MessageId, change: impl FnOnce(&mut Open)) {
        let mut known = self.lock();
        if let Some(open) = known.as_mut().filter(|open| open.message == message) {
            change(open);
        }
    }

    /// Nothing of it is open any more.
    pub(in crate::engine) fn forget(&self, message: MessageId) {
        let mut known = self.lock();
        if known.as_ref().is_some_and(|open| open.message == message) {
            *known = None;
        }
    }

    pub(in crate::engine) fn take(&self) -> Option<Open> {
        self.lock().take()
    }

    /// What is to be resolved by the end of a test. An alert that a newer test has
    /// taken over is resolved by the end of that one.
    pub(in crate::engine) fn left_to(
        &self,
        message: MessageId,
        targets: &[TargetId],
    ) -> Vec<TargetId> {
        match &*self.lock() {
            Some(open) if open.message == message => open.targets.clone(),
            Some(newer) if newer.kept => {
                let mut left = targets.to_vec();
                left.retain(|target| !newer.targets.contains(target));
                left
            }
            Some(_) | None => targets.to_vec(),
        }
    }
}

impl PagingHandle<'_> {
    /// Sends a test page to every configured target at the same time, each once
    /// and without failover, and says how each answered. It belongs to no
    /// incident and has a key per target ([`test_key`](crate::paging::test_key)).
    ///
    /// It goes through the gates: a target that asked to wait or is down is not
    /// asked, and is answered as not sent. One test is open at a time, for
    /// [`TEST_LASTS`]. Its end is committed before anything is sent, so the relay
    /// resolves it even after a crash; [`end_page_tests`](crate::engine::WorkerHandle::end_page_tests)
    /// does at once.
    ///
    /// # Errors
    /// [`Error::TestPageOpen`]; a right is missing; or the store did not keep it:
    /// what was sent by then is still resolved.
    pub async fn test(self, context: &RequestContext, urgency: Urgency) -> Result<Tested, Error> {
        let this = self.0;
        // Targets have a time of their own, and so has what is kept around them.
        let begun = self.0.begun();
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
            .audit()
            .authorize(&context.caller, Action::Page, None)
            .await?;
        let open = this.new_test(urgency);
        let (message, page) = (open.message, open.page.clone());
        let tests = &this.0.tests;
        let before = tests.begin(open, page.occurred_at);
        let before = before.map_err(|ends_in| Error::TestPageOpen { ends_in })?;
        let _one = tests.sending.lock().await;
        if let Some(before) = before {
            // Or the trigger would only repeat an alert that is open, and ring nowhere.
            this.resolve_test(&before).await;
        }
        let until = this.0.now().saturating_add(TEST_LASTS);
        if let Err(error) = this.keep_end(context, message, &page, until).await {
            tests.forget(message);
            return Err(error);
        }
        tests.change(message, |open| (open.until, open.kept) = (until, true));
        failpoint::hit("test_kept");
        let asked = this.0.pagers.iter();
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
    fn new_test(&self, urgency: Urgency) -> Open {
        let now = self.0.now();
        Open {
            message: MessageId::from_uuid(self.0.ids.sortable(now)),
            page: self.test_page(urgency, now),
            targets: self
                .0
                .pagers
                .iter()
                .map(|pager| pager.target_id())
                .collect(),
            until: now.saturating_add(TEST_LASTS),
            kept: false,
        }
    }

    /// Who asked, and that it ends: before anything is sent.
    async fn keep_end(
        &self,
        context: &RequestContext,
        message: MessageId,
        page: &PageEvent,
        until: Timestamp,
    ) -> Result<(), Error> {
        let now = self.0.now();
        let targets = self.0.pagers.iter().map(|pager| pager.target_id());
        let targets: Vec<TargetId> = targets.collect();
        let names: Vec<&str> = targets.iter().map(TargetId::name).collect();
        let detail = BTreeMap::from([("targets".to_owned(), names.join(","))]);
        let commit = Commit {
            audit: vec![allowed(context, now, None, "test_pagers", detail)],
            outbox: vec![end_of(message, page, targets, until, now)],
            ..Commit::default()
        };
        let deadline = self.0.left()?;
        self.0.store.commit(commit, deadline).await?;
        self.0.emit(&EngineEvent {
            outbox: true,
            ..EngineEvent::default()
        });
        Ok(())
    }

    /// How each target answered.
    async fn keep_test(
        &self,
        context: &RequestContext,
        test: &PagerTest,
        message: MessageId,
        until: Timestamp,
    ) -> Result<(), Error> {
        let now = self.0.now();
        let audit = test.targets.iter().map(|tested| {
            let detail = BTreeMap::from([
                ("target".to_owned(), tested.target.name().to_owned()),
                ("answer".to_owned(), tested.outcome.word().to_owned()),
            ]);
            allowed(context, now, None, "test_pager", detail)
        });
        let mut commit = Commit {
            audit: audit.collect(),
            remember: self.remember(context, StoredResponse::Tested(test.clone()), now),
            ..Commit::default()
        };
        if until <= now {
            // This process stood still for so long that another one may have ended
            // the test before its alerts were opened: it ends once more.
            self.0.tests.forget(message);
            let again = MessageId::from_uuid(self.0.ids.sortable(now));
            commit.outbox = vec![end_of(again, &test.page, may_hold(test), now, now)];
        }
        let deadline = self.0.settings.store_deadline;
        match self.0.store.commit(commit.clone(), deadline).await {
            // The same request ran twice at a time. Both sent, and both are audited.
            Err(StoreError::IdempotencyKeyInUse) => {
                commit.remember = None;
                self.0.store.commit(commit, deadline).await?;
            }
            other => {
                other?;
            }
        }
        Ok(())
    }

    /// Asks one target once, if its gate lets it through.
    pub(in crate::engine) async fn try_pager(
        &self,
        pager: &dyn Pager,
        page: &PageEvent,
        action: PageAction,
        message: MessageId,
    ) -> TestedTarget {
        let (target, started) = (pager.target_id(), self.0.now());
        let asking = AdmitRequest {
            message,
            severity: page.severity,
            may_probe: true,
        };
        if let Admission::Hold { until, why } = self.0.gates.admit(&target, asking, started) {
            metrics::held(&target, why);
            let reason = match why {
                Deferral::RateLimited => NotSentReason::RateLimited,
                Deferral::CircuitOpen => NotSentReason::Unavailable,
            };
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
            took: self.0.now().since(started),
            retry_after,
        }
    }

    fn test_page(&self, urgency: Urgency, now: Timestamp) -> PageEvent {
        PageEvent {
            action: PageAction::Trigger,
            dedup_key: "sys-pager-test".to_owned(),
            rule: None,
            incident_id: IncidentId::from_uuid(self.0.ids.sortable(now)),
            number: 0,
            epoch: 0,
            title: Title::made("Test page: nothing is wrong"),
            summary: Text::cut("Somebody asked whether this pager works. There is no incident."),
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

/// The targets at which a test opened an alert, or may have.
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
