//! Consistency of figures, whatever happens to incidents, credits and terms: for every tenant and
//! period, the statement, the ledger, billing and the command line over an export agree.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use incident_console::statements::{self, Outage, SlaTask};
use incident_core::actor::Role;
use incident_core::billing::{CreditDecision, CreditState};
use incident_core::engine::{Error, Incidents};
use incident_core::incident::{
    Affected, AffectedTenant, Change, Command, Declare, Mode, Scope, Severity, Status, Update,
};
use incident_core::port::CreditQuery;
use incident_core::sla::{Contract, Contracts, SlaTerms};
use incident_core::{Currency, IncidentId, Money, Month, Name, Period, TenantId, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::over_http::credits::billing::world::{World, context, said, tenant};
use crate::over_http::harness::at;

const MONTHS: [&str; 3] = ["2026-10", "2026-11", "2026-12"];
const TENANTS: [&str; 4] = ["each", "month", "quarter", "change"];
/// Every period has ended.
const NOW: &str = "2027-03-01T00:00:00Z";

pub(crate) fn terms(text: &str) -> SlaTerms {
    toml::from_str(text).unwrap()
}

/// Returns contracts of every basis, with short outages, partial ones, maintenance, zones and caps;
/// `version` changes the figures of all of them.
fn contracts(version: u32) -> Contracts {
    let cap = [30, 25, 40][version as usize % 3];
    let each = format!(
        r#"target_percent = "99.9"
        version = "each-{version}"
        cap_percent = "{cap}"
        partial_weight_percent = "50"
        tiers = [{{ from_minutes = 0, credit_percent = "1" }}, {{ from_minutes = 45, credit_percent = "10" }},
                 {{ from_minutes = 240, credit_percent = "25" }}]"#
    );
    let month = format!(
        r#"target_percent = "99.9"
        version = "month-{version}"
        basis = "per_month"
        timezone = "Europe/Paris"
        minimum_outage_seconds = 300
        partial_weight_percent = "30"
        tiers = [{{ from_minutes = 0, credit_percent = "0" }}, {{ from_minutes = 5, credit_percent = "10" }},
                 {{ from_minutes = 300, credit_percent = "{cap}" }}]
        exclusions = [{{ start = "2026-11-15T00:00:00Z", end = "2026-11-15T06:00:00Z", reason = "upgrade" }}]"#
    );
    let quarter = format!(
        r#"target_percent = "99.95"
        version = "quarter-{version}"
        basis = "per_quarter"
        whole_minutes = true
        availability_tiers = [{{ below_percent = "99.95", credit_percent = "5" }},
                              {{ below_percent = "99.5", credit_percent = "{cap}" }}]"#
    );
    let before = r#"target_percent = "99.9"
        version = "before"
        valid_until = "2026-11-10T00:00:00Z"
        tiers = [{ from_minutes = 0, credit_percent = "0" }, { from_minutes = 60, credit_percent = "40" }]"#;
    let after = r#"target_percent = "99.9"
        version = "after"
        basis = "per_month"
        valid_from = "2026-11-10T00:00:00Z"
        tiers = [{ from_minutes = 0, credit_percent = "0" }, { from_minutes = 60, credit_percent = "10" }]"#;
    let name = |name: &str| Name::new(name).unwrap();
    let fee = |minor, code: &str| Money {
        minor,
        currency: Currency::new(code).unwrap(),
    };
    let change = Contract::versions(vec![terms(before), terms(after)]).unwrap();
    let step = i64::from(version / 3);
    Contracts::standard(terms(&each))
        .with_contract(name("month"), Contract::always(terms(&month)))
        .with_contract(name("quarter"), Contract::always(terms(&quarter)))
        .with_contract(name("change"), change)
        .with_tenant(tenant("each"), None, Some(fee(1_005 + step, "EUR")))
        .and_then(|all| {
            all.with_tenant(tenant("month"), Some(name("month")), Some(fee(333, "JPY")))
        })
        .and_then(|all| {
            let fee = fee(99_995 + step, "KWD");
            all.with_tenant(tenant("quarter"), Some(name("quarter")), Some(fee))
        })
        .and_then(|all| {
            let fee = fee(7, "EUR");
            all.with_tenant(tenant("change"), Some(name("change")), Some(fee))
        })
        .unwrap()
}

/// Generates a time of the last quarter of 2026, often near the edge of a month.
fn time() -> impl Strategy<Value = Timestamp> {
    let days = prop_oneof![Just(0_u64), Just(31), Just(45), Just(61), 0_u64..91,];
    let seconds = prop_oneof![
        0_u64..400,
        86_000_u64..86_400,
        (0_u64..1_440).prop_map(|minute| minute * 60),
    ];
    (days, seconds).prop_map(|(day, second)| {
        let start = at("2026-10-01T00:00:00Z");
        start.saturating_add(Duration::from_secs(day * 86_400 + second))
    })
}

/// Generates a length, often near a tier of a table.
fn length() -> impl Strategy<Value = Duration> {
    let minutes = |near: u64| (near - 10..near + 60).prop_map(|minute| minute * 60);
    let seconds = prop_oneof![
        1 => Just(0_u64),
        2 => 1_u64..900,
        3 => minutes(45),
        2 => minutes(90),
        2 => minutes(240),
        2 => minutes(300),
        2 => minutes(600),
        // Longer than a month.
        1 => Just(40 * 86_400),
    ];
    seconds.prop_map(Duration::from_secs)
}

/// An event in the life of the platform.
#[derive(Clone, Debug)]
enum Step {
    /// An outage entered after its end, for the tenants of a mask.
    Over(Timestamp, Duration, u8),
    /// Two outages that touch at the start of November or December, with the lengths before and
    /// after it.
    Touching(u8, Duration, Duration, u8),
    /// An outage that is ongoing.
    Begin(Timestamp, u8),
    /// The n-th incident ends, with the given length after its start.
    End(usize, Duration),
    /// Its scope becomes known.
    Scoped(usize, Option<Scope>),
    /// Its tenants are replaced; some may be affected for a part of it.
    Hit(usize, u8, bool),
    /// Its start is corrected.
    Started(usize, Timestamp),
    /// Its end is corrected.
    Ended(usize, Option<Duration>),
    Merged(usize, usize),
    Reopened(usize, Duration),
    Cancelled(usize),
    /// Some credits are approved.
    Approved(u8),
    /// One credit is waived.
    Waived(u8),
    /// Approved credits are issued to billing.
    Issued,
    /// The contracts are replaced, and the credits are recomputed.
    Terms(u32),
}

fn over() -> impl Strategy<Value = Step> {
    let parts = (time(), length(), 1_u8..16);
    parts.prop_map(|(start, length, mask)| Step::Over(start, length, mask))
}

fn touching() -> impl Strategy<Value = Step> {
    let short = || (100_u64..330).prop_map(Duration::from_secs);
    let parts = (0_u8..2, short(), short(), 1_u8..16);
    parts.prop_map(|(edge, before, after, mask)| Step::Touching(edge, before, after, mask))
}

/// Generates a life: some outages, and the events that follow.
fn life() -> impl Strategy<Value = Vec<Step>> {
    let first = prop_oneof![3 => over(), 1 => touching()];
    let first = prop::collection::vec(first, 2..5);
    let steps = prop::collection::vec(step(), 4..20);
    (first, steps).prop_map(|(first, steps)| first.into_iter().chain(steps).collect())
}

fn step() -> impl Strategy<Value = Step> {
    let n = 0_usize..24;
    let scope = prop::sample::select(vec![
        None,
        Some(Scope::All),
        Some(Scope::Regions),
        Some(Scope::Segments),
    ]);
    prop_oneof![
        2 => over(),
        1 => touching(),
        1 => (time(), 1_u8..16).prop_map(|(start, mask)| Step::Begin(start, mask)),
        1 => (n.clone(), length()).prop_map(|(n, length)| Step::End(n, length)),
        2 => (n.clone(), scope).prop_map(|(n, scope)| Step::Scoped(n, scope)),
        2 => (n.clone(), 0_u8..16, any::<bool>()).prop_map(|(n, mask, part)| Step::Hit(n, mask, part)),
        2 => (n.clone(), time()).prop_map(|(n, start)| Step::Started(n, start)),
        2 => (n.clone(), prop::option::of(length())).prop_map(|(n, length)| Step::Ended(n, length)),
        1 => (n.clone(), n.clone()).prop_map(|(a, b)| Step::Merged(a, b)),
        1 => (n.clone(), length()).prop_map(|(n, length)| Step::Reopened(n, length)),
        1 => n.prop_map(Step::Cancelled),
        4 => prop_oneof![Just(u8::MAX), any::<u8>()].prop_map(Step::Approved),
        1 => any::<u8>().prop_map(Step::Waived),
        3 => Just(Step::Issued),
        2 => (0_u32..9).prop_map(Step::Terms),
    ]
}

/// A platform and its incidents.
struct Life {
    world: World,
    version: u32,
    incidents: Vec<IncidentId>,
}

impl Life {
    async fn new() -> Self {
        let world = World::new().await;
        world.clock.set(at(NOW));
        Self {
            world,
            version: 0,
            incidents: Vec::new(),
        }
    }

    fn process(&self) -> Incidents {
        self.world.process_under(contracts(self.version))
    }

    fn nth(&self, n: usize) -> Option<IncidentId> {
        let count = self.incidents.len().max(1);
        self.incidents.get(n % count).copied()
    }

    async fn declare(
        &mut self,
        process: &Incidents,
        start: Timestamp,
        end: Option<Duration>,
        mask: u8,
    ) {
        let mut asked = Declare::new("API down".parse().unwrap(), Severity::Sev3);
        asked.mode = Mode::Retrospective;
        asked.started_at = Some(start);
        asked.resolved_at = end.map(|length| start.saturating_add(length));
        asked.affected_tenants = hit(mask, None);
        let done = process.declare(&context("anna", Role::Admin), &asked).await;
        self.incidents.push(done.unwrap().incident.id);
    }

    /// Applies a step. A step that is not possible now is refused without effect.
    async fn take(&mut self, step: &Step) {
        let process = self.process();
        let command = match step {
            Step::Over(start, length, mask) => {
                return self.declare(&process, *start, Some(*length), *mask).await;
            }
            Step::Touching(edge, before, after, mask) => {
                let edge = at(["2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"][usize::from(*edge)]);
                let start = edge.saturating_sub(*before);
                self.declare(&process, start, Some(*before), *mask).await;
                return self.declare(&process, edge, Some(*after), *mask).await;
            }
            Step::Begin(start, mask) => return self.declare(&process, *start, None, *mask).await,
            Step::Approved(mask) => {
                return self.decide(&process, *mask, &CreditDecision::Approve).await;
            }
            Step::Waived(mask) => {
                let reason = said("agreed with them");
                // One of many.
                let decision = CreditDecision::Waive { reason };
                return self.decide(&process, 1 << (mask % 8), &decision).await;
            }
            Step::Issued => {
                process.worker().issue_credits().await.unwrap();
                return;
            }
            Step::Terms(version) => {
                self.version = *version;
                let process = self.process();
                for month in MONTHS {
                    let bill = context("bill", Role::Billing);
                    process
                        .credits()
                        .recompute(&bill, month.parse().unwrap())
                        .await
                        .unwrap();
                }
                return;
            }
            Step::End(n, length) => self.end(*n, *length).await,
            Step::Scoped(n, scope) => self.nth(*n).map(|id| (id, change(Change::Scope(*scope)))),
            Step::Hit(n, mask, part) => self.hit(*n, *mask, *part).await,
            Step::Started(n, start) => self
                .nth(*n)
                .map(|id| (id, change(Change::StartedAt(*start)))),
            Step::Ended(n, length) => self.ended(*n, *length).await,
            Step::Merged(a, b) => {
                let into = self.nth(*b);
                self.nth(*a).zip(into).map(|(id, into)| {
                    let mut merge = Update::to_status(said("the same one"), Status::Merged);
                    merge.merged_into = Some(into);
                    (id, Command::Update(Box::new(merge)))
                })
            }
            Step::Reopened(n, length) => self.reopened(*n, *length).await,
            Step::Cancelled(n) => self.nth(*n).map(|id| {
                let mut cancel = Update::to_status(said("it was none"), Status::Cancelled);
                cancel.reason = Some(said("false_positive"));
                (id, Command::Update(Box::new(cancel)))
            }),
        };
        if let Some((id, command)) = command {
            match process
                .act(&context("anna", Role::Admin), id, &command)
                .await
            {
                Ok(_) | Err(Error::Refused(_)) => {}
                Err(error) => panic!("{step:?}: {error:?}"),
            }
        }
    }
    async fn end(&self, n: usize, length: Duration) -> Option<(IncidentId, Command)> {
        let id = self.nth(n)?;
        let incident = self.process().get(id).await.unwrap();
        let start = incident.reopened_at.unwrap_or(incident.started_at);
        let mut over = Update::to_status(said("over"), Status::Resolved);
        over.occurred_at = Some(start.saturating_add(length));
        Some((id, Command::Update(Box::new(over))))
    }

    async fn reopened(&self, n: usize, later: Duration) -> Option<(IncidentId, Command)> {
        let id = self.nth(n)?;
        let end = self.process().get(id).await.unwrap().resolved_at?;
        let mut again = Update::to_status(said("again"), Status::Investigating);
        again.reason = Some(said("it came back"));
        again.occurred_at = Some(end.saturating_add(later));
        Some((id, Command::Update(Box::new(again))))
    }

    async fn ended(&self, n: usize, length: Option<Duration>) -> Option<(IncidentId, Command)> {
        let id = self.nth(n)?;
        let incident = self.process().get(id).await.unwrap();
        let start = incident.reopened_at.unwrap_or(incident.started_at);
        let end = length.map(|length| start.saturating_add(length));
        Some((id, change(Change::ImpactEndedAt(end))))
    }

    async fn hit(&self, n: usize, mask: u8, part: bool) -> Option<(IncidentId, Command)> {
        let id = self.nth(n)?;
        let incident = self.process().get(id).await.unwrap();
        let from = part.then(|| incident.started_at.saturating_add(Duration::from_secs(60)));
        Some((id, change(Change::AffectedTenants(hit(mask, from)))))
    }

    /// Decides on every open credit whose position is in the mask.
    async fn decide(&self, process: &Incidents, mask: u8, decision: &CreditDecision) {
        let wanted = CreditQuery {
            state: Some(CreditState::Estimated),
            ..CreditQuery::default()
        };
        let rows = process.credits().list(&wanted).await.unwrap();
        for (place, row) in rows.iter().enumerate() {
            if mask & (1 << (place % 8)) != 0 {
                let bill = context("bill", Role::Billing);
                match process.credits().decide(&bill, row.row.id, decision).await {
                    Ok(_) | Err(Error::Refused(_)) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
        }
    }

    /// Drains the relay and asserts that all surfaces agree.
    async fn check(&self, after: &str) {
        let process = self.process();
        process.worker().drain().await.unwrap();
        for month in MONTHS {
            let month: Month = month.parse().unwrap();
            let found = process.reports().check_figures(month).await.unwrap();
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            assert!(found.is_empty(), "{after}: {found:#?}");
        }
        let [first, .., last] = MONTHS.map(|month| month.parse().unwrap());
        let outages = statements::export(&process, first, last).await.unwrap();
        for month in MONTHS {
            self.command_line(&process, month.parse().unwrap(), &outages, after)
                .await;
        }
        assert_eq!(
            self.world.sink.ledger(),
            self.world.issued().await,
            "{after}"
        );
    }

    /// Asserts that the command line over an export of all months prints the server's statements of
    /// one month.
    async fn command_line(
        &self,
        process: &Incidents,
        month: Month,
        outages: &[Outage],
        after: &str,
    ) {
        let made = process.reports().statements(month, None).await.unwrap();
        let served: Vec<Value> = made
            .iter()
            .map(|one| serde_json::to_value(incident_axum::statements::json(one)).unwrap())
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("outages.json");
        std::fs::write(&file, serde_json::to_string(outages).unwrap()).unwrap();
        let task = SlaTask {
            file: &file,
            month,
            as_table: false,
        };
        let mut out = Vec::new();
        let contracts = contracts(self.version);
        statements::print(task, &contracts, at(NOW), &mut out).unwrap();
        let printed: Vec<Value> = serde_json::from_slice(&out).unwrap();
        assert_eq!(printed, served, "{after}: {month}");
    }

    /// Approves and submits everything, and asserts that billing agrees with the statements, except
    /// for tenants with waived credits.
    async fn is_billed(&self) {
        let process = self.process();
        for _ in 0..12 {
            let all = CreditDecision::Approve;
            self.decide(&process, u8::MAX, &all).await;
            process.worker().issue_credits().await.unwrap();
            process.worker().drain().await.unwrap();
        }
        self.check("the end").await;
        let rows = self.world.rows().await;
        // The reversal for an incident that was reopened is open until that incident ends.
        let mut waits = BTreeSet::new();
        for row in &rows {
            let is_open = row.state == CreditState::Estimated && row.reverses.is_some();
            if let Some(id) = row.incident_id.filter(|_| is_open)
                && process.get(id).await.unwrap().is_provisional()
            {
                waits.insert((row.tenant_id.clone(), row.period));
            }
        }
        let mut held: BTreeMap<(TenantId, Period), i64> = BTreeMap::new();
        for one in self.world.sink.ledger() {
            let amount = one.amount.unwrap().minor;
            *held.entry((one.tenant_id, one.period)).or_default() += amount;
        }
        for month in MONTHS {
            for name in TENANTS {
                let month: Month = month.parse().unwrap();
                let tenant = tenant(name);
                let made = process
                    .reports()
                    .statements(month, Some(&tenant))
                    .await
                    .unwrap()
                    .remove(0);
                let waived = rows
                    .iter()
                    .any(|row| row.state == CreditState::Waived && row.tenant_id == tenant);
                let key = (tenant, made.period);
                if made.provisional || waived || waits.contains(&key) {
                    continue;
                }
                let found = held.get(&key).copied().unwrap_or(0);
                assert_eq!(
                    found,
                    made.amount.unwrap().minor,
                    "{name} {month}: {:#?}",
                    made.derivation()
                );
            }
        }
    }
}

/// Returns the tenants of a mask, affected from a time on.
fn hit(mask: u8, from: Option<Timestamp>) -> Affected {
    let named = TENANTS.iter().enumerate();
    let named = named.filter(|(place, _)| mask & (1 << place) != 0);
    let hit = named.map(|(_, name)| AffectedTenant {
        tenant_id: tenant(name),
        from,
        until: None,
    });
    Affected::these(hit.collect()).unwrap()
}

fn change(change: Change) -> Command {
    Command::Change(vec![change])
}

async fn lived(steps: &[Step]) {
    let mut life = Life::new().await;
    for (place, step) in steps.iter().enumerate() {
        life.take(step).await;
        life.check(&format!("step {place}, {step:?}")).await;
    }
    life.is_billed().await;
}

/// M1 to M7: after every step of a random life, the statement of every tenant and period equals the
/// sum of the ledger and the output of the command line over an export; in the end it equals the
/// credits in billing.
#[test]
fn figures_agree_after_every_step_of_random_lives() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let long = std::env::var_os("INCIDENT_TEST_LONG").is_some();
    let cases = match (crate::ON_POSTGRES, long) {
        (false, false) => 100,
        (false, true) => 2_000,
        (true, false) => 6,
        (true, true) => 100,
    };
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(cases)
    };
    let (begun, lives) = (Instant::now(), Cell::new(0));
    let run = TestRunner::new(config).run(&life(), |steps| {
        lives.set(lives.get() + 1);
        runtime.block_on(lived(&steps));
        Ok(())
    });
    run.unwrap_or_else(|error| panic!("{error}"));
    println!("{} lives in {:?}", lives.get(), begun.elapsed());
}
