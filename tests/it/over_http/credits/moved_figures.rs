//! Figures between months, terms, caps and corrections, each with its smallest input: the expected
//! value in the statement, in the ledger and in the report of the incident.

use std::time::Duration;

use incident_core::actor::Role;
use incident_core::billing::{CreditDecision, CreditState};
use incident_core::engine::{Alarm, Error, Incidents};
use incident_core::incident::{
    Affected, AffectedTenant, Change, Command, Declare, Mode, Scope, Severity, Status, Update,
};
use incident_core::port::CreditQuery;
use incident_core::sla::{Contract, Contracts, SlaTerms};
use incident_core::{Currency, IncidentId, Money, Name};

use crate::over_http::credits::billing::world::{World, context, said, tenant};
use crate::over_http::harness::at;

/// Parses the terms of a contract from the parts besides target and version.
fn terms(version: &str, more: &str) -> SlaTerms {
    let text = format!("target_percent = \"99.9\"\nversion = \"{version}\"\n{more}");
    toml::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

const FROM_45: &str = r#"tiers = [{ from_minutes = 0, credit_percent = "0" },
    { from_minutes = 45, credit_percent = "10" }, { from_minutes = 240, credit_percent = "25" }]"#;

/// Returns contracts in which the tenant `fr` has these versions of terms, and all others the
/// standard ones.
fn agreed_with_fr(versions: Vec<SlaTerms>) -> Contracts {
    let gold = Name::new("gold").unwrap();
    Contracts::default()
        .with_contract(gold.clone(), Contract::versions(versions).unwrap())
        .with_tenant(tenant("fr"), Some(gold), None)
        .unwrap()
}

/// Declares an outage that is over, for these tenants.
async fn outage(process: &Incidents, start: &str, end: &str, tenants: &[&str]) -> IncidentId {
    let mut asked = Declare::new("API down".parse().unwrap(), Severity::Sev2);
    asked.mode = Mode::Retrospective;
    asked.started_at = Some(at(start));
    asked.resolved_at = Some(at(end));
    asked.affected_tenants = hit(tenants);
    let done = process.declare(&context("anna", Role::Admin), &asked).await;
    done.unwrap().incident.id
}

fn hit(tenants: &[&str]) -> Affected {
    let whole = tenants
        .iter()
        .map(|name| AffectedTenant::whole(tenant(name)));
    Affected::these(whole.collect()).unwrap()
}

async fn change(process: &Incidents, id: IncidentId, change: Change) -> Result<(), Error> {
    let command = Command::Change(vec![change]);
    process
        .act(&context("anna", Role::Admin), id, &command)
        .await
        .map(drop)
}

/// Returns the credit of a tenant in a month, from its statement.
async fn owed(process: &Incidents, month: &str, name: &str) -> String {
    let made = process
        .reports()
        .statements(month.parse().unwrap(), Some(&tenant(name)))
        .await;
    made.unwrap().remove(0).credit_percent.to_string()
}

/// Returns the open credits of a tenant: the incident's own percentage, and that under the cap.
async fn open(process: &Incidents, name: &str) -> Vec<(String, String)> {
    let wanted = CreditQuery {
        tenant: Some(tenant(name)),
        state: Some(CreditState::Estimated),
        ..CreditQuery::default()
    };
    let rows = process.credits().list(&wanted).await.unwrap();
    let shown = rows
        .iter()
        .map(|one| (one.row.credit_percent.to_string(), one.capped.to_string()));
    shown.collect()
}

async fn approve(process: &Incidents) -> usize {
    let wanted = CreditQuery {
        state: Some(CreditState::Estimated),
        ..CreditQuery::default()
    };
    let mut approved = 0;
    for one in process.credits().list(&wanted).await.unwrap() {
        let bill = context("bill", Role::Billing);
        let done = process
            .credits()
            .decide(&bill, one.row.id, &CreditDecision::Approve)
            .await;
        approved += usize::from(done.is_ok());
    }
    approved
}

async fn agree(process: &Incidents, months: &[&str]) {
    process.worker().drain().await.unwrap();
    for month in months {
        let found = process
            .reports()
            .check_figures(month.parse().unwrap())
            .await
            .unwrap();
        assert_eq!(found, [], "{month}");
    }
}

/// M1: a scope that becomes known later reduces the weight of the outage, and the ledger follows.
#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_is_known_later_moves_the_ledger() {
    let more = format!("partial_weight_percent = \"30\"\n{FROM_45}");
    let world = World::new().await;
    let process = world.process_under(Contracts::standard(terms("x", &more)));
    let id = outage(
        &process,
        "2026-11-10T10:00:00Z",
        "2026-11-10T14:00:00Z",
        &["fr"],
    )
    .await;
    assert_eq!(
        open(&process, "fr").await,
        [("25".to_owned(), "25".to_owned())]
    );
    change(&process, id, Change::Scope(Some(Scope::Regions)))
        .await
        .unwrap();
    agree(&process, &["2026-11"]).await;
    assert_eq!(owed(&process, "2026-11", "fr").await, "10");
    assert_eq!(
        open(&process, "fr").await,
        [("10".to_owned(), "10".to_owned())]
    );
    assert_eq!(approve(&process).await, 1);
    world.hand_over().await;
    let billed = world.sink.ledger();
    assert_eq!(billed[0].credit_percent.to_string(), "10");
}

/// M2: terms that change within a month, and at its start: each period has the terms of its start,
/// in statement, ledger and report.
#[tokio::test(flavor = "multi_thread")]
async fn a_period_has_the_terms_of_its_start_everywhere() {
    for (from, start, end, month, version) in [
        (
            "2026-10-15T00:00:00Z",
            "2026-10-20T10:00:00Z",
            "2026-10-20T11:00:00Z",
            "2026-10",
            "old",
        ),
        (
            "2026-11-01T00:00:00Z",
            "2026-10-31T23:00:00Z",
            "2026-11-01T00:00:00Z",
            "2026-10",
            "old",
        ),
        (
            "2026-11-01T00:00:00Z",
            "2026-10-31T23:00:01Z",
            "2026-11-01T00:00:01Z",
            "2026-11",
            "new",
        ),
    ] {
        let table = |percent| {
            format!(
                "tiers = [{{ from_minutes = 0, credit_percent = \"0\" }}, {{ from_minutes = 60, credit_percent = \"{percent}\" }}]"
            )
        };
        let old = terms("old", &format!("valid_until = \"{from}\"\n{}", table("40")));
        let new = terms("new", &format!("valid_from = \"{from}\"\n{}", table("10")));
        let world = World::new().await;
        let process = world.process_under(agreed_with_fr(vec![old, new]));
        let id = outage(&process, start, end, &["fr"]).await;
        agree(&process, &["2026-10", "2026-11"]).await;
        let expected = if version == "old" { "40" } else { "10" };
        assert_eq!(owed(&process, month, "fr").await, expected, "{from} {end}");
        let rows = world.rows().await;
        assert_eq!(rows[0].terms_version.as_str(), version, "{from} {end}");
        assert_eq!(rows[0].period.to_string(), month);
        let report = process.reports().sla_impact(id).await.unwrap();
        let row = &report.rows[0];
        let found = (row.terms_version.as_str(), row.credit_percent.to_string());
        assert_eq!(found, (version, expected.to_owned()), "{from} {end}");
    }
}

/// An outage across a change between terms per incident and terms per month is split there: each
/// part is credited once, under its own terms, also after a correction.
#[tokio::test(flavor = "multi_thread")]
async fn each_part_of_an_outage_over_a_change_of_the_basis_is_credited_once() {
    let change_at = "2026-11-01T00:00:00Z";
    let table = "tiers = [{ from_minutes = 0, credit_percent = \"0\" }, { from_minutes = 60, credit_percent = \"10\" },
        { from_minutes = 90, credit_percent = \"20\" }]";
    for (old, new, incident_in) in [
        ("per_incident", "per_month", "2026-10"),
        ("per_month", "per_incident", "2026-11"),
    ] {
        let version = |name: &str, basis: &str, validity: &str| {
            let more = format!("basis = \"{basis}\"\n{validity} = \"{change_at}\"\n{table}");
            terms(name, &more)
        };
        let old = version("old", old, "valid_until");
        let new = version("new", new, "valid_from");
        let world = World::new().await;
        let process = world.process_under(agreed_with_fr(vec![old, new]));
        let id = outage(
            &process,
            "2026-10-31T22:30:00Z",
            "2026-11-01T01:00:00Z",
            &["de", "fr", "it"],
        )
        .await;
        let shown = async |minutes: u64, october, november| {
            agree(&process, &["2026-10", "2026-11"]).await;
            assert_eq!(owed(&process, "2026-10", "fr").await, october);
            assert_eq!(owed(&process, "2026-11", "fr").await, november);
            let report = process.reports().sla_impact(id).await.unwrap();
            // The tenants beside it in the list have the standard terms, and all of the outage.
            let versions: Vec<_> = report
                .rows
                .iter()
                .map(|row| row.terms_version.as_str())
                .collect();
            let changing = if incident_in == "2026-10" {
                "old"
            } else {
                "new"
            };
            assert_eq!(versions, ["default-1", changing, "default-1"]);
            let whole = [0, 2].map(|at: usize| report.rows[at].outage_us);
            assert_eq!(whole, [minutes * 60_000_000; 2]);
            let row = &report.rows[1];
            assert_eq!(row.period.to_string(), incident_in);
            let own = if incident_in == "2026-10" {
                october
            } else {
                november
            };
            assert_eq!(row.credit_percent.to_string(), own);
        };
        shown(150, "20", "10").await;
        // The start is corrected to an hour earlier.
        let start = at("2026-10-31T23:00:00Z");
        change(&process, id, Change::StartedAt(start))
            .await
            .unwrap();
        shown(120, "10", "10").await;
    }
}

/// M3: room that is freed under a cap is given to the credit that was cut.
#[tokio::test(flavor = "multi_thread")]
async fn room_that_comes_back_under_a_cap_is_credited() {
    let world = World::new().await;
    let more = format!("cap_percent = \"30\"\n{FROM_45}");
    let process = world.process_under(Contracts::standard(terms("x", &more)));
    let first = outage(
        &process,
        "2026-11-10T10:00:00Z",
        "2026-11-10T14:00:00Z",
        &["fr", "de"],
    )
    .await;
    outage(
        &process,
        "2026-11-11T10:00:00Z",
        "2026-11-11T14:00:00Z",
        &["fr"],
    )
    .await;
    assert_eq!(approve(&process).await, 3);
    world.hand_over().await;
    change(&process, first, Change::AffectedTenants(hit(&["de"])))
        .await
        .unwrap();
    // Nothing is reversed before its approval, and nothing else is credited.
    agree(&process, &["2026-11"]).await;
    assert_eq!(
        open(&process, "fr").await,
        [("25".to_owned(), "25".to_owned())]
    );
    assert_eq!(approve(&process).await, 1);
    agree(&process, &["2026-11"]).await;
    let reversed_and_new = [
        ("5".to_owned(), "5".to_owned()),
        ("25".to_owned(), "25".to_owned()),
    ];
    assert_eq!(open(&process, "fr").await, reversed_and_new);
    assert_eq!(approve(&process).await, 2);
    world.hand_over().await;
    agree(&process, &["2026-11"]).await;
    assert_eq!(owed(&process, "2026-11", "fr").await, "25");
    // The other tenant's credit was not touched.
    let de = world
        .rows()
        .await
        .into_iter()
        .filter(|row| row.tenant_id == tenant("de"));
    assert_eq!(
        de.map(|row| row.state).collect::<Vec<_>>(),
        [CreditState::Issued]
    );
    world.is_balanced().await;
}

/// M4: a table whose first tier has a credit gives none without an outage.
#[tokio::test(flavor = "multi_thread")]
async fn without_an_outage_that_counts_there_is_no_credit() {
    let more = r#"tiers = [{ from_minutes = 0, credit_percent = "5" }]
        exclusions = [{ start = "2026-11-10T00:00:00Z", end = "2026-11-11T00:00:00Z", reason = "upgrade" }]"#;
    let world = World::new().await;
    let process = world.process_under(Contracts::standard(terms("x", more)));
    outage(
        &process,
        "2026-11-10T10:00:00Z",
        "2026-11-10T14:00:00Z",
        &["fr"],
    )
    .await;
    outage(
        &process,
        "2026-11-12T10:00:00Z",
        "2026-11-12T10:00:00Z",
        &["fr"],
    )
    .await;
    agree(&process, &["2026-11"]).await;
    assert_eq!(owed(&process, "2026-11", "fr").await, "0");
    let nothing = ("0".to_owned(), "0".to_owned());
    assert_eq!(open(&process, "fr").await, [nothing.clone(), nothing]);
    outage(
        &process,
        "2026-11-12T10:00:00Z",
        "2026-11-12T10:00:01Z",
        &["fr"],
    )
    .await;
    assert_eq!(owed(&process, "2026-11", "fr").await, "5");
}

/// M5: two incidents that touch at a month's end are one outage of six minutes, three of them in
/// each month, on every surface.
#[tokio::test(flavor = "multi_thread")]
async fn what_touches_over_the_end_of_a_month_is_one_outage() {
    let more = r#"basis = "per_month"
        minimum_outage_seconds = 300
        tiers = [{ from_minutes = 0, credit_percent = "10" }]"#;
    let world = World::new().await;
    let process = world.process_under(Contracts::standard(terms("x", more)));
    outage(
        &process,
        "2026-10-31T23:57:00Z",
        "2026-11-01T00:00:00Z",
        &["fr"],
    )
    .await;
    agree(&process, &["2026-10", "2026-11"]).await;
    assert_eq!(owed(&process, "2026-10", "fr").await, "0");
    let second = outage(
        &process,
        "2026-11-01T00:00:00Z",
        "2026-11-01T00:03:00Z",
        &["fr"],
    )
    .await;
    agree(&process, &["2026-10", "2026-11"]).await;
    for month in ["2026-10", "2026-11"] {
        assert_eq!(owed(&process, month, "fr").await, "10", "{month}");
        let made = process
            .reports()
            .statements(month.parse().unwrap(), None)
            .await
            .unwrap();
        assert_eq!(made[0].outage_us, 180_000_000, "{month}");
    }
    // Half a minute less of one of them, and there is no outage of five minutes any more.
    let later = Change::StartedAt(at("2026-11-01T00:00:30Z"));
    change(&process, second, later).await.unwrap();
    agree(&process, &["2026-10", "2026-11"]).await;
    assert_eq!(owed(&process, "2026-10", "fr").await, "0");
}

/// M7: two credits of 10 % of 10.05 are 2.01 together, as the statement says.
#[tokio::test(flavor = "multi_thread")]
async fn amounts_of_a_month_add_up_to_its_statement() {
    let fee = Money {
        minor: 1_005,
        currency: Currency::new("EUR").unwrap(),
    };
    let contracts = Contracts::default()
        .with_tenant(tenant("fr"), None, Some(fee))
        .unwrap();
    let world = World::new().await;
    let process = world.process_under(contracts);
    for day in [10, 11] {
        let (start, end) = (
            format!("2026-11-{day}T10:00:00Z"),
            format!("2026-11-{day}T11:00:00Z"),
        );
        outage(&process, &start, &end, &["fr"]).await;
    }
    agree(&process, &["2026-11"]).await;
    assert_eq!(approve(&process).await, 2);
    world.hand_over().await;
    agree(&process, &["2026-11"]).await;
    let billed: Vec<i64> = world
        .sink
        .ledger()
        .iter()
        .map(|one| one.amount.unwrap().minor)
        .collect();
    assert_eq!(billed.iter().sum::<i64>(), 201, "{billed:?}");
}

/// M8: the report on an incident refers to the quarter, as the contract does.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_gives_no_verdict_over_less_than_was_promised() {
    let more = format!("basis = \"per_quarter\"\n{FROM_45}");
    let world = World::new().await;
    let process = world.process_under(Contracts::standard(terms("x", &more)));
    let id = outage(
        &process,
        "2026-11-10T10:00:00Z",
        "2026-11-10T11:00:00Z",
        &["fr"],
    )
    .await;
    let report = process.reports().sla_impact(id).await.unwrap();
    let row = &report.rows[0];
    // An hour of the 2,208 of the quarter.
    assert_eq!(row.period.to_string(), "2026-Q4");
    assert_eq!(row.basis.name(), "per_quarter");
    assert_eq!(
        (row.availability_percent.as_str(), row.target_breached),
        ("99.9547", false)
    );
    agree(&process, &["2026-11"]).await;
}

/// A15: a start that leaves nothing of the first outage is refused, and so is a tenant's window
/// outside the outage.
#[tokio::test(flavor = "multi_thread")]
async fn times_that_contradict_the_outage_are_refused() {
    let world = World::new().await;
    let process = world.process();
    let id = outage(
        &process,
        "2026-11-10T10:00:00Z",
        "2026-11-10T11:00:00Z",
        &["fr"],
    )
    .await;
    let mut again = Update::to_status(said("again"), Status::Investigating);
    again.reason = Some(said("it came back"));
    again.occurred_at = Some(at("2026-11-10T12:00:00Z"));
    let again = Command::Update(Box::new(again));
    process
        .act(&context("anna", Role::Admin), id, &again)
        .await
        .unwrap();
    for start in ["2026-11-10T11:00:00Z", "2026-11-10T11:30:00Z"] {
        let refused = change(&process, id, Change::StartedAt(at(start))).await;
        assert!(
            matches!(refused, Err(Error::Refused(_))),
            "{start}: {refused:?}"
        );
    }
    change(&process, id, Change::StartedAt(at("2026-11-10T10:30:00Z")))
        .await
        .unwrap();
    let shown = process.get(id).await.unwrap();
    assert_eq!(shown.intervals()[0].start, shown.started_at);
    let part = |from: &str, until: Option<&str>| {
        let one = AffectedTenant {
            tenant_id: tenant("fr"),
            from: Some(at(from)),
            until: until.map(at),
        };
        Change::AffectedTenants(Affected::these(vec![one]).unwrap())
    };
    for (from, until) in [
        ("2031-01-01T00:00:00Z", None),
        ("2019-01-01T00:00:00Z", Some("2019-01-02T00:00:00Z")),
    ] {
        let refused = change(&process, id, part(from, until)).await;
        assert!(
            matches!(refused, Err(Error::Refused(_))),
            "{from}: {refused:?}"
        );
    }
    change(&process, id, part("2026-11-10T10:45:00Z", None))
        .await
        .unwrap();
}

/// A17: credits that can never be computed, because the list of all tenants is unavailable, become
/// dead letters after a day, with an alarm from the first hour on.
#[tokio::test(flavor = "multi_thread")]
async fn credits_that_cannot_be_computed_are_given_up_with_an_alarm() {
    let world = World::new().await;
    let alarms = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = std::sync::Arc::clone(&alarms);
    let process = Incidents::builder(std::sync::Arc::clone(&world.storage.store))
        .clock(world.clock.clone())
        .on_event(move |notice| {
            if let Some(Alarm::CreditsNotComputed { given_up, .. }) = &notice.alarm {
                heard.lock().unwrap().push(*given_up);
            }
        })
        .build()
        .unwrap();
    let mut asked = Declare::new("API down".parse().unwrap(), Severity::Sev2);
    asked.mode = Mode::Retrospective;
    asked.started_at = Some(at("2026-11-10T10:00:00Z"));
    asked.resolved_at = Some(at("2026-11-10T11:00:00Z"));
    asked.affected_tenants = Affected::All;
    process
        .declare(&context("anna", Role::Admin), &asked)
        .await
        .unwrap();
    let mut passes = 0;
    while let Some(due) = process.worker().drain().await.unwrap().next_due {
        passes += 1;
        assert!(passes < 400, "it is tried for ever");
        world.clock.set(due.saturating_add(Duration::from_secs(1)));
    }
    let heard = alarms.lock().unwrap().clone();
    assert_eq!(heard.iter().filter(|given_up| **given_up).count(), 1);
    assert!(heard.len() > 20 && heard.last() == Some(&true), "{heard:?}");
    assert!(passes < 200, "{passes}");
}
