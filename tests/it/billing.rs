//! Credits on their way to billing: whatever crashes, is lost or forgotten, the sink's
//! ledger is ours, each key once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use incident_console::storage::Storage;
use incident_core::actor::Role;
use incident_core::billing::{
    Batch, BilledCredit, CreditDecision, CreditState, Difference, HeldCredit, Holding, LedgerRow,
    Submission,
};
use incident_core::engine::{Ask, Incidents};
use incident_core::incident::{
    Affected, AffectedTenant, Change, Command, Declare, Mode, Severity, Status, Update,
};
use incident_core::paging::{NotSent, NotSentReason, TargetId};
use incident_core::port::{Asked, BillingSink, CreditQuery, IncidentFilter};
use incident_core::testing::{ManualClock, caller};
use incident_core::{Currency, IncidentId, Money, Statement, TenantId, Timestamp};
use incident_pagers::testing::{Billing, Fault};
use incident_pagers::{HttpSink, SigningSecret};
use incident_test_postgres::Database;
use proptest::test_runner::{Config, TestRunner};
use tokio::sync::Notify;

use crate::harness::{at, storage};

/// How a sink misbehaves once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mishap {
    /// It certainly takes nothing now.
    Away,
    /// The batch is lost on its way; nobody can know.
    LostBefore,
    /// The batch is booked, and the answer is lost.
    LostAnswer,
    /// The process dies before the sink has the batch.
    CrashBefore,
    /// The process dies when the sink has booked it.
    CrashAfter,
    /// It refuses the batch.
    Refused,
}

/// A sink that books what it does not know, and knows keys for a day.
#[derive(Debug)]
struct Sink {
    clock: Arc<ManualClock>,
    window: Option<Duration>,
    can_be_asked: bool,
    books: Mutex<Books>,
    crashed: Notify,
}

#[derive(Debug, Default)]
struct Books {
    ledger: Vec<BilledCredit>,
    known: BTreeMap<String, (Timestamp, String)>,
    script: VecDeque<Mishap>,
    submitted: u32,
}

impl Sink {
    fn script(&self, mishaps: impl IntoIterator<Item = Mishap>) {
        self.books.lock().unwrap().script.extend(mishaps);
    }

    fn book(&self, batch: &Batch) -> Submission {
        let now = self.clock.now_();
        let mut books = self.books.lock().unwrap();
        let id = batch.id().to_string();
        if let Some((since, body)) = books.known.get(&id)
            && self
                .window
                .is_none_or(|window| now < since.saturating_add(window))
        {
            assert_eq!(body, batch.body(), "a batch came with other bytes");
            return Submission::Duplicate;
        }
        books.known.insert(id, (now, batch.body().to_owned()));
        books.ledger.extend(batch.credits().unwrap());
        Submission::Accepted
    }

    fn ledger(&self) -> Vec<BilledCredit> {
        let mut ledger = self.books.lock().unwrap().ledger.clone();
        ledger.sort_by_key(|one| one.key);
        ledger
    }
}

trait Now {
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

    async fn submit(&self, batch: &Batch, _within: Duration) -> Submission {
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

    async fn held(&self, asked: Asked<'_>, _within: Duration) -> Holding {
        if !self.can_be_asked {
            return Holding::Unasked;
        }
        let wanted = |one: &BilledCredit| match asked {
            Asked::Keys(keys) => keys.contains(&one.key),
            Asked::Period(period) => one.period == period,
        };
        let held = self.ledger().into_iter().filter(wanted);
        Holding::Held(
            held.map(|one| HeldCredit {
                key: one.key,
                credit_percent: one.credit_percent,
                amount: one.amount,
            })
            .collect(),
        )
    }
}

struct World {
    storage: Storage,
    clock: Arc<ManualClock>,
    sink: Arc<Sink>,
    alarms: Arc<Mutex<Vec<String>>>,
    _database: Option<Database>,
}

impl World {
    async fn new() -> Self {
        Self::with(Some(Duration::from_secs(24 * 3_600)), true).await
    }

    async fn with(window: Option<Duration>, can_be_asked: bool) -> Self {
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
            _database: database,
        }
    }

    /// One more process.
    fn process(&self) -> Incidents {
        self.process_with(self.sink.clone())
    }

    fn process_with(&self, sink: Arc<dyn BillingSink>) -> Incidents {
        let alarms = self.alarms.clone();
        Incidents::builder(self.storage.store.clone())
            .clock(self.clock.clone())
            .directory(self.storage.directory.clone())
            .contracts(contracts())
            .billing(sink)
            .on_commit(move |notice| {
                let alarm = notice.alarm.iter().map(|alarm| format!("{alarm:?}"));
                alarms.lock().unwrap().extend(alarm);
            })
            .build()
            .unwrap()
    }

    /// Issues and hands over; a process that dies in it leaves its leases behind.
    async fn hand_over(&self) {
        let process = self.process();
        tokio::select! {
            drained = async {
                process.issue_approved().await.unwrap();
                process.drain().await.unwrap()
            } => { let _: incident_core::engine::Drained = drained; }
            () = self.sink.crashed.notified() => {}
        }
        self.clock.advance(Duration::from_secs(31));
    }

    async fn rows(&self) -> Vec<LedgerRow> {
        let all = CreditQuery::default();
        let within = Duration::from_secs(5);
        self.storage.store.credits(&all, within).await.unwrap()
    }

    /// What was issued, as billing should hold it.
    async fn issued(&self) -> Vec<BilledCredit> {
        let rows = self.rows().await;
        let issued = rows.iter().filter(|row| row.state == CreditState::Issued);
        let mut issued: Vec<_> = issued.filter_map(BilledCredit::of).collect();
        issued.sort_by_key(|one| one.key);
        issued
    }

    async fn is_balanced(&self) {
        assert_eq!(self.sink.ledger(), self.issued().await);
        let process = self.process();
        let report = process.billing_report("2026-11".parse().unwrap());
        let report = report.await.unwrap();
        assert_eq!(report.is_balanced(), self.sink.can_be_asked, "{report:?}");
    }
}

fn contracts() -> incident_core::sla::Contracts {
    let fee = Money {
        minor: 12_345,
        currency: Currency::new("EUR").unwrap(),
    };
    let contracts = incident_core::sla::Contracts::default();
    ["tenant-0", "tenant-1"]
        .into_iter()
        .fold(contracts, |contracts, name| {
            contracts
                .with_tenant(tenant(name), None, Some(fee))
                .unwrap()
        })
}

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

fn ask(name: &str, role: Role) -> Ask {
    Ask::by(caller(name, role).unwrap())
}

fn said(text: &str) -> Statement {
    Statement::new(text).unwrap()
}

/// An outage of an hour of one day in November: 10 % for each tenant.
async fn hour(process: &Incidents, day: u32, tenants: &[&str]) -> IncidentId {
    let anna = ask("anna", Role::Admin);
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

async fn decide_all(process: &Incidents, decision: &CreditDecision) -> usize {
    let bill = ask("bill", Role::Billing);
    let wanted = CreditQuery {
        state: Some(CreditState::Estimated),
        ..CreditQuery::default()
    };
    let mut decided = 0;
    for row in process.credits(&wanted).await.unwrap() {
        decided += usize::from(
            process
                .decide_credit(&bill, row.row.id, decision)
                .await
                .is_ok(),
        );
    }
    decided
}

async fn approve_all(process: &Incidents) -> usize {
    decide_all(process, &CreditDecision::Approve).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_once_each_credit_is_booked_once() {
    for mishap in [
        Mishap::Away,
        Mishap::LostBefore,
        Mishap::LostAnswer,
        Mishap::CrashBefore,
        Mishap::CrashAfter,
    ] {
        let world = World::new().await;
        let process = world.process();
        hour(&process, 9, &["tenant-0", "tenant-1", "tenant-2"]).await;
        assert_eq!(approve_all(&process).await, 3);
        world.sink.script([mishap]);
        for _ in 0..3 {
            world.hand_over().await;
        }
        assert_eq!(world.sink.ledger().len(), 3, "{mishap:?}");
        assert_eq!(world.sink.books.lock().unwrap().submitted, 2, "{mishap:?}");
        world.is_balanced().await;
        assert!(world.alarms.lock().unwrap().is_empty());
    }
}

/// Many rounds of credits, each with mishaps that a seed chooses, some of them so long
/// that the sink forgets its keys in between.
#[tokio::test(flavor = "multi_thread")]
async fn after_many_mishaps_the_ledgers_agree() {
    let world = World::new().await;
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: u64| -> usize {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below).unwrap()
    };
    let kinds = [
        Mishap::Away,
        Mishap::LostBefore,
        Mishap::LostAnswer,
        Mishap::CrashBefore,
        Mishap::CrashAfter,
    ];
    for round in 0..40 {
        let process = world.process();
        let tenants = [format!("tenant-{round}"), format!("other-{round}")];
        let tenants: Vec<&str> = tenants.iter().map(String::as_str).collect();
        hour(&process, 1 + round % 28, &tenants).await;
        approve_all(&process).await;
        let mishaps = random(4);
        world.sink.script((0..mishaps).map(|_| kinds[random(5)]));
        for _ in 0..=random(3) {
            world.hand_over().await;
        }
        if random(4) == 0 {
            world.clock.advance(Duration::from_secs(25 * 3_600));
        }
    }
    world.sink.books.lock().unwrap().script.clear();
    for _ in 0..60 {
        world.clock.advance(Duration::from_secs(16 * 60));
        world.hand_over().await;
    }
    assert_eq!(world.sink.ledger().len(), 80);
    world.is_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_exporters_issue_each_credit_once() {
    let world = World::new().await;
    for round in 1..=12 {
        let (one, other) = (world.process(), world.process());
        let (a, b) = (format!("tenant-{round}"), format!("other-{round}"));
        hour(&one, round, &[&a, &b]).await;
        assert_eq!(approve_all(&one).await, 2);
        let export = |process: Incidents| {
            tokio::spawn(async move {
                let issued = process.issue_approved().await.unwrap();
                process.drain().await.unwrap();
                issued
            })
        };
        let (first, second) = (export(one.clone()), export(other));
        assert_eq!(first.await.unwrap() + second.await.unwrap(), 2);
        one.drain().await.unwrap();
    }
    assert_eq!(world.sink.ledger().len(), 24);
    assert_eq!(world.sink.books.lock().unwrap().submitted, 12);
    world.is_balanced().await;
}

/// A sink that forgot its keys is asked first; what it has is not sent again.
#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_forgot_is_asked_before_it_is_told_again() {
    for (mishap, told) in [
        (Mishap::CrashAfter, 1),
        (Mishap::LostAnswer, 1),
        (Mishap::LostBefore, 2),
        (Mishap::CrashBefore, 2),
        // It certainly had nothing, so it need not be asked.
        (Mishap::Away, 2),
    ] {
        let world = World::new().await;
        let process = world.process();
        hour(&process, 9, &["tenant-0", "tenant-1"]).await;
        approve_all(&process).await;
        world.sink.script([mishap]);
        world.hand_over().await;
        world.clock.advance(Duration::from_secs(24 * 3_600));
        world.hand_over().await;
        assert_eq!(
            world.sink.books.lock().unwrap().submitted,
            told,
            "{mishap:?}"
        );
        world.is_balanced().await;
    }
}

/// One that cannot be asked gets the batch at most once, and somebody is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_forgot_and_cannot_be_asked_is_not_told_twice() {
    let world = World::with(Some(Duration::from_secs(3_600)), false).await;
    let process = world.process();
    hour(&process, 9, &["tenant-0"]).await;
    hour(&process, 10, &["tenant-1"]).await;
    approve_all(&process).await;
    world.sink.script([Mishap::LostBefore]);
    world.hand_over().await;
    world.clock.advance(Duration::from_secs(2 * 3_600));
    world.hand_over().await;
    world.hand_over().await;
    assert_eq!(world.sink.books.lock().unwrap().submitted, 1);
    let alarms = world.alarms.lock().unwrap().clone();
    assert!(
        alarms.len() == 1 && alarms[0].contains("BillingHeld"),
        "{alarms:?}"
    );
    let report = process.billing_report("2026-11".parse().unwrap()).await;
    let report = report.unwrap();
    assert_eq!((report.issued, report.compared), (2, false));
    let [held] = report.waiting.as_slice() else {
        panic!("{report:?}");
    };
    assert!(held.held_back && held.credits == 2);
    // Somebody looked, and it is not there.
    let vera = ask("vera", Role::Viewer);
    assert!(process.resend_batch(&vera, held.batch).await.is_err());
    let bill = ask("bill", Role::Billing);
    process.resend_batch(&bill, held.batch).await.unwrap();
    assert!(process.resend_batch(&bill, held.batch).await.is_err());
    world.hand_over().await;
    assert_eq!(world.sink.ledger(), world.issued().await);
    assert!(world.rows().await.iter().all(|row| {
        let issued = row.issued.as_ref().unwrap();
        issued.accepted_at.is_some()
    }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_batch_is_kept_and_what_differs_is_told() {
    let world = World::new().await;
    let process = world.process();
    hour(&process, 9, &["tenant-0"]).await;
    approve_all(&process).await;
    world.sink.script([Mishap::Refused]);
    world.hand_over().await;
    // It holds up nothing that comes later.
    hour(&process, 10, &["tenant-1"]).await;
    approve_all(&process).await;
    world.hand_over().await;
    let november = "2026-11".parse().unwrap();
    let report = process.billing_report(november).await.unwrap();
    assert_eq!((report.issued, report.agree), (2, 1));
    assert!(report.waiting[0].held_back && report.differences.is_empty());
    let bill = ask("bill", Role::Billing);
    let batch = report.waiting[0].batch;
    process.resend_batch(&bill, batch).await.unwrap();
    world.hand_over().await;
    world.is_balanced().await;
    // What somebody changes there is seen here.
    {
        let mut books = world.sink.books.lock().unwrap();
        let copy = books.ledger[0].clone();
        books.ledger[1].amount = None;
        let mut stranger = copy.clone();
        stranger.key = "01a1fe7e-8565-7544-9512-dcd142c5f862".parse().unwrap();
        books.ledger.extend([copy, stranger]);
    }
    let report = process.billing_report(november).await.unwrap();
    let kinds = report.differences.iter().map(|one| match one {
        Difference::Missing(_) => "missing",
        Difference::Unknown(_) => "unknown",
        Difference::Differs { .. } => "differs",
        Difference::Repeated { .. } => "repeated",
    });
    let mut kinds: Vec<_> = kinds.collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["differs", "repeated", "unknown"]);
    world.sink.books.lock().unwrap().ledger.clear();
    let report = process.billing_report(november).await.unwrap();
    assert!(matches!(
        report.differences.as_slice(),
        [Difference::Missing(_), Difference::Missing(_)]
    ));
}

/// Over HTTP: an answer that is lost, a receiver that is away, bytes that stay.
#[tokio::test(flavor = "multi_thread")]
async fn over_http_each_credit_is_booked_once() {
    let secret = || SigningSecret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let billing = Billing::start(secret()).await.unwrap();
    let sink = HttpSink::builder(billing.base_url(), secret()).build();
    let world = World::new().await;
    let process = world.process_with(Arc::new(sink.unwrap()));
    for day in 1..=6 {
        hour(&process, day, &[&format!("tenant-{day}"), "other"]).await;
    }
    // 6 by themselves, and 50 % for the one that was hit each time.
    assert_eq!(approve_all(&process).await, 11);
    billing.script([
        Fault::AcceptThenLose,
        Fault::status(500),
        Fault::ResetRead,
        Fault::status(429),
    ]);
    process.issue_approved().await.unwrap();
    for _ in 0..6 {
        process.drain().await.unwrap();
        world.clock.advance(Duration::from_secs(16 * 60));
    }
    let mut ledger = billing.ledger();
    ledger.sort_by_key(|one| one.key);
    assert_eq!(ledger, world.issued().await);
    assert_eq!((ledger.len(), billing.altered()), (11, 0));
    let report = process.billing_report("2026-11".parse().unwrap());
    assert!(report.await.unwrap().is_balanced());
    billing.unbook(ledger[0].key);
    let report = process.billing_report("2026-11".parse().unwrap());
    let report = report.await.unwrap();
    assert!(
        matches!(report.differences.as_slice(), [Difference::Missing(ours)] if ours.key == ledger[0].key)
    );
}

/// What the tenants of one incident were credited, less what was taken back.
fn net(ledger: &[BilledCredit]) -> BTreeMap<TenantId, i64> {
    let mut net: BTreeMap<TenantId, i64> = BTreeMap::new();
    for one in ledger {
        let ppm = i64::from(one.credit_percent.percent.ppm());
        let signed = if one.credit_percent.negative {
            -ppm
        } else {
            ppm
        };
        *net.entry(one.tenant_id.clone()).or_default() += signed;
    }
    net
}

/// Whatever is corrected, approved, waived and issued in whatever order: billing never
/// takes back more than it gave, and when all is approved it has given what is owed.
#[test]
fn corrections_in_any_order_end_with_what_is_owed() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let cases = if crate::ON_POSTGRES { 12 } else { 300 };
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(cases)
    };
    let steps = proptest::collection::vec((0_u8..7, 0_u32..14), 1..20);
    TestRunner::new(config)
        .run(&steps, |steps| {
            runtime.block_on(corrected(&steps));
            Ok(())
        })
        .unwrap();
}

async fn corrected(steps: &[(u8, u32)]) {
    let world = World::new().await;
    let process = world.process();
    let anna = ask("anna", Role::Admin);
    let id = hour(&process, 9, &["tenant-0", "tenant-1"]).await;
    for (step, hours) in steps {
        match step {
            0 => {
                let start = at("2026-11-09T11:00:00Z");
                let earlier = u64::from(*hours) * 3_600;
                let start = start.saturating_sub(Duration::from_secs(earlier.max(60)));
                let change = Change::StartedAt(start);
                let change = Command::Change(vec![change]);
                process.act(&anna, id, &change).await.unwrap();
            }
            1 => {
                let names = ["tenant-0", "tenant-1", "tenant-2"];
                let kept = names.iter().enumerate();
                let kept = kept.filter(|(at, _)| hours & (1 << at) != 0);
                let kept = kept.map(|(_, name)| AffectedTenant::whole(tenant(name)));
                let tenants = Affected::these(kept.collect()).unwrap();
                let change = Command::Change(vec![Change::AffectedTenants(tenants)]);
                process.act(&anna, id, &change).await.unwrap();
            }
            2 => {
                let reason = said("agreed");
                decide_all(&process, &CreditDecision::Waive { reason }).await;
            }
            3 => {
                approve_all(&process).await;
            }
            // One of them, whichever it is.
            4 => {
                let bill = ask("bill", Role::Billing);
                let reason = said("this one");
                let waive = CreditDecision::Waive { reason };
                let approve = CreditDecision::Approve;
                let decision = if hours % 2 == 0 { &waive } else { &approve };
                let rows = world.rows().await;
                let open = rows
                    .iter()
                    .filter(|row| row.state == CreditState::Estimated);
                if let Some(row) = open.clone().nth(*hours as usize % open.count().max(1)) {
                    let _ = process.decide_credit(&bill, row.id, decision).await;
                }
            }
            _ => world.hand_over().await,
        }
        for (tenant, net) in net(&world.sink.ledger()) {
            assert!((0..=500_000).contains(&net), "{tenant}: {net}");
        }
    }
    // One more correction, and everything approved.
    let change = Command::Change(vec![Change::StartedAt(at("2026-11-09T06:30:00Z"))]);
    process.act(&anna, id, &change).await.unwrap();
    approve_all(&process).await;
    world.hand_over().await;
    world.hand_over().await;
    let filter = IncidentFilter {
        limit: 9,
        ..IncidentFilter::default()
    };
    let incident = process.list(&filter).await.unwrap().remove(0);
    let hit = incident.affected_tenants.list().unwrap().to_vec();
    let hit: Vec<TenantId> = hit.into_iter().map(|one| one.tenant_id).collect();
    for (tenant, net) in net(&world.sink.ledger()) {
        let owed = if hit.contains(&tenant) { 250_000 } else { 0 };
        assert_eq!(net, owed, "{tenant}");
    }
    assert!(
        hit.iter()
            .all(|one| net(&world.sink.ledger()).contains_key(one))
    );
    world.is_balanced().await;
}
