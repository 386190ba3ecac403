//! A sink that misbehaves, and processes that submit credits to it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use incident_console::storage::Storage;
use incident_core::actor::Role;
use incident_core::billing::{
    Batch, BilledCredit, CreditDecision, CreditState, HeldCredit, LedgerRow, Lookup, Submission,
};
use incident_core::engine::{Incidents, RequestContext};
use incident_core::incident::{
    Affected, AffectedTenant, Command, Declare, Mode, Severity, Status, Update,
};
use incident_core::paging::{NotSent, NotSentReason, TargetId};
use incident_core::port::{BillingSink, CreditQuery, LookupBy};
use incident_core::sla::Contracts;
use incident_core::testing::{ManualClock, caller};
use incident_core::{Currency, IncidentId, Money, Statement, TenantId, Timestamp};
use incident_test_postgres::Database;
use tokio::sync::Notify;

use crate::over_http::harness::{at, storage};

/// A one-time failure of a sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// It is unavailable and certainly takes nothing.
    Away,
    /// The batch is lost on its way; the outcome is unknown.
    LostBefore,
    /// The batch is booked, but the response is lost.
    LostAnswer,
    /// The process crashes before the sink has the batch.
    CrashBefore,
    /// The process crashes after the sink has booked it.
    CrashAfter,
    /// It refuses the batch.
    Refused,
}

/// A sink that books new batches, and remembers keys for a day.
#[derive(Debug)]
pub(crate) struct Sink {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) window: Option<Duration>,
    pub(crate) can_be_asked: bool,
    pub(crate) books: Mutex<Books>,
    pub(crate) crashed: Notify,
}

#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) ledger: Vec<BilledCredit>,
    pub(crate) known: BTreeMap<String, (Timestamp, String)>,
    pub(crate) script: VecDeque<Mishap>,
    pub(crate) submitted: u32,
}

impl Sink {
    pub(crate) fn script(&self, mishaps: impl IntoIterator<Item = Mishap>) {
        self.books.lock().unwrap().script.extend(mishaps);
    }

    pub(crate) fn book(&self, batch: &Batch) -> Submission {
        let now = self.clock.now_();
        let mut books = self.books.lock().unwrap();
        let id = batch.id().to_string();
        if let Some((since, body)) = books.known.get(&id)
            && self
                .window
                .is_none_or(|window| now < since.saturating_add(window))
        {
            assert_eq!(body, batch.body(), "a batch came with other bytes");
            return Submission::Accepted;
        }
        books.known.insert(id, (now, batch.body().to_owned()));
        books.ledger.extend(batch.credits().unwrap());
        Submission::Accepted
    }

    pub(crate) fn ledger(&self) -> Vec<BilledCredit> {
        let mut ledger = self.books.lock().unwrap().ledger.clone();
        ledger.sort_by_key(|one| one.key);
        ledger
    }
}

pub(crate) trait Now {
    fn now_(&self) -> Timestamp;
}

impl Now for ManualClock {
    fn now_(&self) -> Timestamp {
        incident_core::port::Clock::now(self)
    }
}

#[async_trait]
impl BillingSink for Sink {
    fn target_id(&self) -> TargetId {
        TargetId::new("sink").unwrap()
    }

    fn key_window(&self) -> Option<Duration> {
        self.window
    }

    async fn submit(&self, batch: &Batch, _timeout: Duration) -> Submission {
        let mishap = {
            let mut books = self.books.lock().unwrap();
            books.submitted += 1;
            books.script.pop_front()
        };
        let refused = |reason| {
            Submission::NotSent(NotSent {
                reason,
                retry_after: None,
            })
        };
        match mishap {
            None => self.book(batch),
            Some(Mishap::Away) => refused(NotSentReason::Unreachable),
            Some(Mishap::Refused) => refused(NotSentReason::Rejected),
            Some(Mishap::LostBefore) => Submission::Unknown,
            Some(Mishap::LostAnswer) => {
                self.book(batch);
                Submission::Unknown
            }
            Some(mishap @ (Mishap::CrashBefore | Mishap::CrashAfter)) => {
                if mishap == Mishap::CrashAfter {
                    self.book(batch);
                }
                self.crashed.notify_one();
                std::future::pending().await
            }
        }
    }

    async fn lookup(&self, asked: LookupBy<'_>, _timeout: Duration) -> Lookup {
        if !self.can_be_asked {
            return Lookup::Unsupported;
        }
        let wanted = |one: &BilledCredit| match asked {
            LookupBy::Keys(keys) => keys.contains(&one.key),
            LookupBy::Period(period) => one.period == period,
        };
        let held = self.ledger().into_iter().filter(wanted);
        Lookup::Found(
            held.map(|one| HeldCredit {
                key: one.key,
                credit_percent: one.credit_percent,
                amount: one.amount,
            })
            .collect(),
        )
    }
}

pub(crate) struct World {
    pub(crate) storage: Storage,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) sink: Arc<Sink>,
    pub(crate) alarms: Arc<Mutex<Vec<String>>>,
    /// The number of commits that woke the relay.
    pub(crate) woken: Arc<AtomicU32>,
    _database: Option<Database>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Some(Duration::from_secs(24 * 3_600)), true).await
    }

    pub(crate) async fn with(window: Option<Duration>, can_be_asked: bool) -> Self {
        let (storage, database) = storage().await;
        let clock = Arc::new(ManualClock::at(at("2026-12-24T00:00:00Z")));
        let sink = Sink {
            clock: clock.clone(),
            window,
            can_be_asked,
            books: Mutex::default(),
            crashed: Notify::new(),
        };
        Self {
            storage,
            clock,
            sink: Arc::new(sink),
            alarms: Arc::default(),
            woken: Arc::default(),
            _database: database,
        }
    }

    /// Starts another process.
    pub(crate) fn process(&self) -> Incidents {
        self.process_with(self.sink.clone())
    }

    pub(crate) fn process_with(&self, sink: Arc<dyn BillingSink>) -> Incidents {
        self.process_of(sink, contracts())
    }

    /// Starts another process with other contracts.
    pub(crate) fn process_under(&self, contracts: Contracts) -> Incidents {
        self.process_of(self.sink.clone(), contracts)
    }

    fn process_of(&self, sink: Arc<dyn BillingSink>, contracts: Contracts) -> Incidents {
        let (alarms, woken) = (self.alarms.clone(), self.woken.clone());
        Incidents::builder(self.storage.store.clone())
            .clock(self.clock.clone())
            .directory(self.storage.directory.clone())
            .contracts(contracts)
            .billing(sink)
            .on_event(move |notice| {
                let alarm = notice.alarm.iter().map(|alarm| format!("{alarm:?}"));
                alarms.lock().unwrap().extend(alarm);
                woken.fetch_add(u32::from(notice.outbox), Ordering::SeqCst);
            })
            .build()
            .unwrap()
    }

    /// Issues credits and submits them; a process that crashes meanwhile leaves its leases behind.
    pub(crate) async fn hand_over(&self) {
        let process = self.process();
        tokio::select! {
            drained = async {
                process.worker().issue_credits().await.unwrap();
                process.worker().drain().await.unwrap()
            } => { let _: incident_core::engine::Drained = drained; }
            // Statements of a crashed process end within milliseconds. The test clock jumps, so
            // that one still in flight could claim the messages that the next process waits for.
            () = self.sink.crashed.notified() => tokio::time::sleep(Duration::from_millis(100)).await,
        }
        self.clock.advance(Duration::from_secs(31));
    }

    pub(crate) async fn rows(&self) -> Vec<LedgerRow> {
        let all = CreditQuery::default();
        let timeout = Duration::from_secs(5);
        self.storage.store.credits(&all, timeout).await.unwrap()
    }

    /// Returns the issued credits, as billing should have them.
    pub(crate) async fn issued(&self) -> Vec<BilledCredit> {
        let rows = self.rows().await;
        let issued = rows.iter().filter(|row| row.state == CreditState::Issued);
        let mut issued: Vec<_> = issued.filter_map(BilledCredit::of).collect();
        issued.sort_by_key(|one| one.key);
        issued
    }

    pub(crate) async fn is_balanced(&self) {
        assert_eq!(self.sink.ledger(), self.issued().await);
        let process = self.process();
        let report = process.credits().billing_report("2026-11".parse().unwrap());
        let report = report.await.unwrap();
        assert_eq!(report.is_balanced(), self.sink.can_be_asked, "{report:?}");
    }
}

pub(crate) fn contracts() -> Contracts {
    let fee = Money {
        minor: 12_345,
        currency: Currency::new("EUR").unwrap(),
    };
    let contracts = Contracts::default();
    ["tenant-0", "tenant-1"]
        .into_iter()
        .fold(contracts, |contracts, name| {
            contracts
                .with_tenant(tenant(name), None, Some(fee))
                .unwrap()
        })
}

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

pub(crate) fn context(name: &str, role: Role) -> RequestContext {
    RequestContext::new(caller(name, role).unwrap())
}

pub(crate) fn said(text: &str) -> Statement {
    Statement::new(text).unwrap()
}

/// Declares an outage of an hour on a day of November: 10 % for each tenant.
pub(crate) async fn hour(process: &Incidents, day: u32, tenants: &[&str]) -> IncidentId {
    let anna = context("anna", Role::Admin);
    let whole = |name: &&str| AffectedTenant::whole(tenant(name));
    let mut declare = Declare::new("API down".parse().unwrap(), Severity::Sev2);
    declare.mode = Mode::Retrospective;
    declare.started_at = Some(at(&format!("2026-11-{day:02}T10:00:00Z")));
    declare.affected_tenants = Affected::these(tenants.iter().map(whole).collect()).unwrap();
    let id = process.declare(&anna, &declare).await.unwrap().incident.id;
    let mut over = Update::to_status(said("over"), Status::Resolved);
    over.occurred_at = Some(at(&format!("2026-11-{day:02}T11:00:00Z")));
    process
        .act(&anna, id, &Command::Update(Box::new(over)))
        .await
        .unwrap();
    id
}

pub(crate) async fn decide_all(process: &Incidents, decision: &CreditDecision) -> usize {
    let bill = context("bill", Role::Billing);
    let wanted = CreditQuery {
        state: Some(CreditState::Estimated),
        ..CreditQuery::default()
    };
    let mut decided = 0;
    for row in process.credits().list(&wanted).await.unwrap() {
        decided += usize::from(
            process
                .credits()
                .decide(&bill, row.row.id, decision)
                .await
                .is_ok(),
        );
    }
    decided
}

pub(crate) async fn approve_all(process: &Incidents) -> usize {
    decide_all(process, &CreditDecision::Approve).await
}
