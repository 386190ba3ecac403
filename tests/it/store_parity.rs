//! The same operations in the same order give the same results in memory and in PostgreSQL, down to
//! the hashes: ids, salts and times come from counters.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use incident_core::actor::Role;
use incident_core::commit::Commit;
use incident_core::engine::{IdempotencyKey, Incidents, RequestContext};
use incident_core::incident::{Affected, AffectedTenant, Command, Declare, Severity};
use incident_core::outbox::{DeadLetterFilter, JobOutcome, LeaseCompletion};
use incident_core::paging::{DeliveryResult, NotSent, NotSentReason, PageEvent, TargetId};
use incident_core::port::{
    AuditQuery, ClaimRequest, Clock, CreditQuery, IdGen, IncidentFilter, Pager, Store,
    SuggestionQuery,
};
use incident_core::suggestion::Suggest;
use incident_core::testing::{CountingIds, ManualClock, RecordingPager, caller};
use incident_core::{CreditId, IncidentId, Salt, Timestamp};
use incident_store_memory::MemoryStore;
use incident_store_postgres::{PgStore, StoreClock};
use incident_test_postgres::{Cluster, Database};
use proptest::prelude::*;
use uuid::Uuid;

use crate::engine::properties::{Step, step};
use crate::over_http::harness::{self, at, context};

#[derive(Clone, Debug)]
enum Operation {
    /// A step on one of the existing incidents.
    On(usize, Box<Step>),
    Declare {
        severity: Severity,
        alert: Option<u8>,
        all_tenants: bool,
        key: Option<u8>,
    },
    Suggest(u8),
    /// From here on the pager permanently refuses every page, or accepts it.
    Refuse(bool),
    Retry(usize),
    Denied(usize),
    /// Claims the due messages except the first ones, and hands them back.
    HandBack(usize),
}

fn operation() -> impl Strategy<Value = Operation> {
    let declare = (
        prop::sample::select(Severity::ALL.to_vec()),
        prop::option::of(0_u8..3),
        prop::bool::ANY,
        prop::option::of(0_u8..3),
    );
    prop_oneof![
        12 => (0_usize..4, step()).prop_map(|(n, step)| Operation::On(n, Box::new(step))),
        3 => declare.prop_map(|(severity, alert, all_tenants, key)| Operation::Declare { severity, alert, all_tenants, key }),
        1 => (0_u8..3).prop_map(Operation::Suggest),
        1 => prop::bool::ANY.prop_map(Operation::Refuse),
        1 => (0_usize..4).prop_map(Operation::Retry),
        1 => (0_usize..4).prop_map(Operation::Denied),
        1 => (0_usize..3).prop_map(Operation::HandBack),
    ]
}

/// Ids from a counter, and a constant salt: a pass of the relay works on several incidents at once,
/// and their order must not matter.
#[derive(Debug, Default)]
struct StillIds(CountingIds);

impl IdGen for StillIds {
    fn sortable(&self, now: Timestamp) -> Uuid {
        self.0.sortable(now)
    }

    fn random(&self) -> Uuid {
        self.0.random()
    }

    fn salt(&self) -> Salt {
        Salt([7; 16])
    }
}

/// A pager whose response does not depend on the order of pages.
#[derive(Debug)]
struct Moody {
    inner: RecordingPager,
    refuses: AtomicBool,
}

#[async_trait]
impl Pager for Moody {
    fn target_id(&self) -> TargetId {
        self.inner.target_id()
    }

    fn follows_severity(&self) -> bool {
        true
    }

    async fn send(&self, page: &PageEvent, timeout: Duration) -> DeliveryResult {
        if self.refuses.load(Ordering::SeqCst) {
            return DeliveryResult::NotSent(NotSent {
                reason: NotSentReason::Rejected,
                retry_after: None,
            });
        }
        self.inner.send(page, timeout).await
    }
}

/// An engine whose results depend only on its inputs.
struct Side {
    incidents: Incidents,
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    pager: Arc<Moody>,
    known: Vec<IncidentId>,
}

const WITHIN: Duration = Duration::from_secs(5);

impl Side {
    fn on(store: Arc<dyn Store>) -> Self {
        let clock = Arc::new(ManualClock::at(at("2026-11-20T23:00:00Z")));
        let pager = Arc::new(Moody {
            inner: RecordingPager::named("recorder").unwrap(),
            refuses: AtomicBool::new(false),
        });
        let incidents = Incidents::builder(Arc::clone(&store))
            .clock(clock.clone())
            .ids(Arc::new(StillIds::default()))
            .pager(pager.clone())
            .build()
            .unwrap();
        Self {
            incidents,
            store,
            clock,
            pager,
            known: Vec::new(),
        }
    }

    fn some(&self, n: usize) -> Option<IncidentId> {
        self.known.get(n % self.known.len().max(1)).copied()
    }

    /// Runs an operation and returns its result as text.
    async fn does(&mut self, operation: &Operation) -> String {
        let anna = context();
        match operation {
            Operation::Declare {
                severity,
                alert,
                all_tenants,
                key,
            } => {
                let mut asked = Declare::new("API down".parse().unwrap(), *severity);
                asked.alert_key = alert.map(|n| format!("alert-{n}").parse().unwrap());
                let one = |name: &str| AffectedTenant::whole(name.parse().unwrap());
                asked.affected_tenants = if *all_tenants {
                    Affected::All
                } else {
                    Affected::These([one("tenant-a"), one("tenant-é")].into())
                };
                let context = match key {
                    Some(n) => anna.with_key(IdempotencyKey {
                        actor: "anna".parse().unwrap(),
                        key: format!("key-{n}"),
                        fingerprint: [u8::from(*all_tenants); 32],
                    }),
                    None => anna,
                };
                let done = self.incidents.declare(&context, &asked).await;
                if let Ok(done) = &done
                    && !self.known.contains(&done.incident.id)
                {
                    self.known.push(done.incident.id);
                }
                said(&done)
            }
            Operation::Suggest(n) => {
                let said_ = Suggest {
                    service: "api".parse().unwrap(),
                    tenant: format!("tenant-{n}").parse().unwrap(),
                    signal: "error_rate".parse().unwrap(),
                    observed_at: self.clock.now(),
                    evidence: None,
                };
                said(&self.incidents.signals().suggest(&anna, &said_).await)
            }
            Operation::Refuse(refuses) => {
                self.pager.refuses.store(*refuses, Ordering::SeqCst);
                String::new()
            }
            Operation::Retry(n) => match self.some(*n) {
                Some(id) => said(
                    &self
                        .incidents
                        .paging()
                        .retry(&anna, DeadLetterFilter::Incident(id))
                        .await,
                ),
                None => String::new(),
            },
            Operation::Denied(n) => {
                let vera = RequestContext::new(caller("vera", Role::Viewer).unwrap());
                match self.some(*n) {
                    Some(id) => {
                        let acknowledge = Command::Acknowledge { at: None };
                        said(&self.incidents.act(&vera, id, &acknowledge).await)
                    }
                    None => String::new(),
                }
            }
            Operation::HandBack(left_out) => self.hand_back(*left_out).await,
            Operation::On(n, step) => self.step(*n, step).await,
        }
    }

    async fn hand_back(&self, left_out: usize) -> String {
        let mut answers = String::new();
        let mut except = Vec::new();
        for pass in 0..2 {
            let request = ClaimRequest {
                owner: Uuid::nil(),
                now: self.clock.now(),
                lease_for: Duration::from_secs(30),
                limit: 100,
                except: except.clone(),
            };
            let claims = self.store.claim(request, WITHIN).await.unwrap();
            let mut claims: Vec<_> = claims.into_iter().map(Result::unwrap).collect();
            claims.sort_by_key(|claim| claim.message.id);
            answers += &said(&(pass, &claims));
            for claim in claims {
                except.push(claim.message.id);
                let due_at = self.clock.now().saturating_add(Duration::from_secs(pass));
                let settles = Some(LeaseCompletion {
                    message: claim.message.id,
                    lease: claim.lease,
                    outcome: JobOutcome::Released { due_at },
                });
                let commit = Commit {
                    completes: settles,
                    ..Commit::default()
                };
                answers += &said(&self.store.commit(commit, WITHIN).await);
            }
            except.truncate(left_out);
        }
        answers
    }

    async fn step(&self, n: usize, step: &Step) -> String {
        let anna = context();
        match step {
            Step::Act(command) => match self.some(n) {
                Some(id) => said(&self.incidents.act(&anna, id, command).await),
                None => String::new(),
            },
            Step::Pass(seconds) => {
                self.clock.advance(Duration::from_secs(*seconds));
                String::new()
            }
            Step::ClockBack(seconds) => {
                let back = Duration::from_secs(*seconds);
                self.clock.set(self.clock.now().saturating_sub(back));
                String::new()
            }
            Step::Drain => said(&self.incidents.worker().drain().await),
        }
    }

    /// Returns all stored data as text.
    async fn everything(&self) -> String {
        let everything = IncidentFilter {
            limit: 1_000,
            ..IncidentFilter::default()
        };
        let mut all = said(&self.store.list(&everything, WITHIN).await);
        for id in &self.known {
            all += &said(&self.store.timeline(*id, 0, 1_000, WITHIN).await);
            all += &said(
                &self
                    .store
                    .given_up(DeadLetterFilter::Incident(*id), WITHIN)
                    .await,
            );
        }
        let audit = AuditQuery {
            limit: 10_000,
            ..AuditQuery::default()
        };
        all += &said(&self.store.audit(&audit, WITHIN).await);
        all += &said(&self.store.audit_chains(None, 1_000, WITHIN).await);
        let credits = self.store.credits(&CreditQuery::default(), WITHIN).await;
        let mut credits = credits.unwrap();
        credits.sort_by_key(|row| (row.incident_id, row.revision, row.tenant_id.clone()));
        for row in &mut credits {
            row.id = CreditId::from_uuid(Uuid::nil());
        }
        all += &said(&credits);
        let suggestions = SuggestionQuery {
            limit: 1_000,
            ..SuggestionQuery::default()
        };
        all += &said(&self.store.suggestions(&suggestions, WITHIN).await);
        all += &said(&self.store.next_due(WITHIN).await);
        let mut sent = self.pager.inner.sent();
        sent.sort_by_key(|page| page.incident_id);
        all + &said(&sent)
    }
}

fn said(value: &impl Debug) -> String {
    format!("{value:?}\n")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn memory_and_postgres_give_the_same_answers(operations in prop::collection::vec(operation(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let template = harness::template().await;
            let database = Database::create(Cluster::shared(), Some(template)).await.unwrap();
            let pool = database.pool(2).await.unwrap();
            let mut memory = Side::on(Arc::new(MemoryStore::default()));
            let store = PgStore::builder(pool.clone()).clock(StoreClock::Caller);
            let mut postgres = Side::on(Arc::new(store.build()));
            for operation in &operations {
                let (expected, found) = (memory.does(operation).await, postgres.does(operation).await);
                assert_eq!(expected, found, "{operation:?}");
            }
            assert_eq!(memory.everything().await, postgres.everything().await);
            pool.close().await;
        });
    }
}

/// Returns the number of cases, which is larger in the long tier.
fn cases() -> u32 {
    if std::env::var_os("INCIDENT_TEST_LONG").is_some() {
        1_000
    } else {
        30
    }
}
