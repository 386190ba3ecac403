//! "Does my pager work?", asked of every configured target.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::run::allowed;
use super::{Ask, Error, Incidents};
use crate::actor::Action;
use crate::commit::{Commit, Reply};
use crate::incident::{Incident, Mode, Severity};
use crate::paging::{
    PageAction, PageAnswer, PageEvent, PagerTest, TestOutcome, TestedTarget, Urgency,
};
use crate::port::{Pager, StoreError};
use crate::{IncidentId, Name, Text, Timestamp, Title};

/// What came of asking for a test page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    /// The test.
    pub test: PagerTest,
    /// Whether this answer was given before, under the same key.
    pub replayed: bool,
}

impl Incidents {
    /// Sends a test page to every configured target at the same time, each once
    /// and without failover, and says how each answered. It belongs to no
    /// incident and has a key of its own.
    ///
    /// A target that accepted holds an open alert from then on, as for a real
    /// page: end it with [`end_page_test`](Self::end_page_test).
    ///
    /// # Errors
    /// A right is missing, or the store did not keep the audit.
    pub async fn test_pagers(&self, ask: &Ask, urgency: Urgency) -> Result<Tested, Error> {
        match self.recalled(ask).await? {
            Some(Reply::Tested(test)) => {
                return Ok(Tested {
                    test,
                    replayed: true,
                });
            }
            Some(_) => return Err(Error::KeyReused),
            None => {}
        }
        self.authorize(&ask.caller, Action::Page, None).await?;
        let now = self.0.now();
        let page = self.test_event(urgency, now);
        let targets = join_all(
            self.0
                .pagers
                .iter()
                .map(|pager| self.try_pager(&**pager, &page)),
        );
        let test = PagerTest {
            targets: targets.await,
            page,
        };
        let audit = test.targets.iter().map(|tested| {
            let detail = BTreeMap::from([
                ("target".to_owned(), tested.target.name().to_owned()),
                ("answer".to_owned(), tested.outcome.word().to_owned()),
            ]);
            allowed(ask, now, None, "test_pager", detail)
        });
        let mut commit = Commit {
            audit: audit.collect(),
            remember: self.remember(ask, Reply::Tested(test.clone()), now),
            ..Commit::default()
        };
        let deadline = self.0.settings.store_deadline;
        match self.0.store.commit(commit.clone(), deadline).await {
            // The same request ran twice at a time. Both sent, and both are audited.
            Err(StoreError::KeyTaken) => {
                commit.remember = None;
                self.0.store.commit(commit, deadline).await?;
            }
            other => {
                other?;
            }
        }
        Ok(Tested {
            test,
            replayed: false,
        })
    }

    /// Closes what a test page opened, at every target that may hold it.
    pub async fn end_page_test(&self, test: &PagerTest) -> Vec<TestedTarget> {
        let over = PageEvent {
            action: PageAction::Resolve,
            occurred_at: self.0.now(),
            ..test.page.clone()
        };
        let held = test
            .targets
            .iter()
            .filter(|tested| !matches!(tested.outcome, TestOutcome::NotSent(_)));
        let pagers = held.filter_map(|tested| self.0.pager(&tested.target));
        join_all(pagers.map(|pager| self.try_pager(&**pager, &over))).await
    }

    async fn try_pager(&self, pager: &dyn Pager, page: &PageEvent) -> TestedTarget {
        let started = self.0.now();
        let outcome = match self.send(pager, page).await {
            PageAnswer::Accepted(_) => TestOutcome::Accepted,
            PageAnswer::NotSent(not_sent) => TestOutcome::NotSent(not_sent.reason),
            PageAnswer::Unknown => TestOutcome::Unknown,
        };
        TestedTarget {
            target: pager.target_id(),
            outcome,
            took: self.0.now().since(started),
        }
    }

    fn test_event(&self, urgency: Urgency, now: Timestamp) -> PageEvent {
        let id = IncidentId::from_uuid(self.0.ids.sortable(now));
        PageEvent {
            action: PageAction::Trigger,
            dedup_key: format!("sys-pager-test:{id}"),
            rule: None,
            incident_id: id,
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
            repeats: false,
        }
    }
}
