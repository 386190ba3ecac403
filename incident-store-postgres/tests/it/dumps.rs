//! Upgrade from the dumps of earlier versions in `tests/dumps`: restored, migrated, verified, and
//! worked with.
//!
//! `INCIDENT_WRITE_DUMP=VERSION` adds the dump of this version, as RELEASE.md asks before each
//! release. Dumps are never rewritten.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use incident_core::actor::Role;
use incident_core::billing::CreditDecision;
use incident_core::chain::Verdict;
use incident_core::engine::{AuditVerdict, Incidents, RequestContext};
use incident_core::incident::{
    Affected, AffectedTenant, Command as Act, Declare, Mode, Publish, Severity, Status,
};
use incident_core::outbox::DeadLetterFilter;
use incident_core::paging::{DeliveryResult, NotSentReason};
use incident_core::port::{CreditQuery, IncidentFilter};
use incident_core::testing::{ManualClock, RecordingPager, caller, update_to};
use incident_core::{IncidentId, Statement};
use incident_store_postgres::{PgStore, StoreClock, migrate};
use incident_test_postgres::{Cluster, Database};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

use crate::server::{CREATE_APP, MIGRATION, database, pool};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dumps");

/// Names the version whose dump is to be written.
const WRITE: &str = "INCIDENT_WRITE_DUMP";

/// An engine on a database, with what it is made of.
struct Setup {
    incidents: Incidents,
    pager: Arc<RecordingPager>,
    clock: Arc<ManualClock>,
    context: RequestContext,
}

impl Setup {
    async fn on(database: &Database, now: &str) -> Self {
        let store = PgStore::builder(pool(database).await)
            .clock(StoreClock::Caller)
            .build();
        let pager = Arc::new(RecordingPager::named("pager").unwrap());
        let clock = Arc::new(ManualClock::at(now.parse().unwrap()));
        let builder = Incidents::builder(Arc::new(store)).pager(pager.clone());
        Self {
            incidents: builder.clock(clock.clone()).build().unwrap(),
            pager,
            clock,
            context: RequestContext::new(caller("anna", Role::Admin).unwrap()),
        }
    }

    async fn declare(&self, title: &str, severity: Severity, tenants: &[&str]) -> IncidentId {
        let mut asked = Declare::new(title.parse().unwrap(), severity);
        let tenants = tenants.iter().map(|name| name.parse().unwrap());
        let whole = tenants.map(AffectedTenant::whole).collect();
        asked.affected_tenants = Affected::these(whole).unwrap();
        asked.affected_services = vec!["api".parse().unwrap()];
        self.declared(&asked).await
    }

    async fn declared(&self, asked: &Declare) -> IncidentId {
        let done = self.incidents.declare(&self.context, asked).await.unwrap();
        self.clock.advance(Duration::from_secs(60));
        done.incident.id
    }

    async fn act(&self, id: IncidentId, command: &Act) {
        self.incidents
            .act(&self.context, id, command)
            .await
            .unwrap();
        self.clock.advance(Duration::from_secs(60));
    }

    async fn drain(&self) {
        self.incidents.worker().drain().await.unwrap();
    }

    /// Leaves one of everything that a store holds.
    async fn fill(&self) {
        let credited = self
            .declare("API down", Severity::Sev2, &["fr", "de"])
            .await;
        self.drain().await;
        let message = Some("We are on it.".parse().unwrap());
        let publish = Publish {
            public: true,
            title: Some("API".parse().unwrap()),
            message,
        };
        self.act(credited, &publish.into()).await;
        self.clock.advance(Duration::from_secs(3_600));
        let over = update_to(Status::Resolved, "hunter2 rolled back").unwrap();
        self.act(credited, &over).await;
        self.drain().await;
        let reason = Statement::new("a pasted password").unwrap();
        let number = self.incidents.get(credited).await.unwrap().last_seq;
        self.act(
            credited,
            &Act::Redact {
                seq: number,
                reason,
            },
        )
        .await;
        let credits = self.incidents.credits();
        let all = credits
            .list(&CreditQuery::of_incident(credited))
            .await
            .unwrap();
        let first = all.first().unwrap().row.id;
        let decided = credits.decide(&self.context, first, &CreditDecision::Approve);
        decided.await.unwrap();

        // The full page and its shortest form.
        let rejected = || DeliveryResult::NotSent(NotSentReason::Rejected.into());
        self.pager.script([rejected(), rejected()]);
        self.declare("dead letter", Severity::Sev1, &[]).await;
        self.drain().await;
        self.pager.forget_script();

        let mut drill = Declare::new("drill".parse().unwrap(), Severity::Sev4);
        drill.mode = Mode::Drill;
        drill.alert_key = Some("cpu".parse().unwrap());
        self.declared(&drill).await;
        // Its page is not sent before the dump.
        self.declare("pending", Severity::Sev1, &["it"]).await;
    }

    /// Returns what is stored, in lines.
    async fn summary(&self) -> String {
        let mut text = String::new();
        let filter = IncidentFilter {
            statuses: Status::ALL.into_iter().collect(),
            limit: 100,
            ..IncidentFilter::default()
        };
        for incident in self.incidents.reports().incidents(&filter).await.unwrap() {
            let verdict = self.incidents.audit().verify_timeline(incident.id).await;
            let Verdict::Valid { head, .. } = verdict.unwrap() else {
                panic!("the timeline of #{} is broken", incident.number)
            };
            let (number, status, title) = (incident.number, incident.status, &incident.title);
            let (severity, seq, hash) = (incident.severity, head.seq, head.hash);
            let public = incident.status_page.public;
            let _ = writeln!(
                text,
                "#{number} {severity} {status} {title}: {seq} entries to {hash}, public {public}"
            );
            let dead = DeadLetterFilter::Incident(incident.id);
            let dead = self.incidents.paging().dead_letters(dead).await.unwrap();
            let _ = writeln!(text, "  {} dead letters", dead.len());
        }
        for credit in self
            .incidents
            .credits()
            .list(&CreditQuery::default())
            .await
            .unwrap()
        {
            let row = &credit.row;
            let (tenant, percent) = (&row.tenant_id, row.credit_percent);
            let (revision, state) = (row.revision, row.state.name());
            let _ = writeln!(
                text,
                "credit of {tenant}: revision {revision}, {percent} %, {state}"
            );
        }
        let AuditVerdict::Valid {
            chains, entries, ..
        } = self.incidents.audit().verify().await.unwrap()
        else {
            panic!("the audit trail is broken")
        };
        let _ = writeln!(text, "audit: {entries} entries in {chains} chains");
        let page = self.incidents.reports().public_page().await.unwrap();
        let _ = writeln!(text, "public page: {} incidents", page.incidents.len());
        text
    }
}

fn dumps() -> Vec<PathBuf> {
    let files = std::fs::read_dir(FOLDER).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let mut dumps: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|is| is == "sql"))
        .collect();
    dumps.sort();
    dumps
}

/// Writes the dump of this version and its summary, unless there is one.
async fn write(version: &str) {
    let path = Path::new(FOLDER).join(format!("{version}.sql"));
    assert!(!path.exists(), "{} is never rewritten", path.display());
    let database = database().await;
    let setup = Setup::on(&database, "2026-11-20T22:00:00Z").await;
    setup.fill().await;
    let text = database
        .dump_with_tables(Cluster::shared(), "incident")
        .unwrap();
    // Commands of `psql`, which is not needed to restore it; and the versions of the programs.
    let is_sql = |line: &&str| !line.starts_with('\\') && !line.starts_with("-- Dumped");
    let lines: Vec<&str> = text.lines().filter(is_sql).collect();
    std::fs::write(&path, lines.join("\n")).unwrap();
    std::fs::write(path.with_extension("txt"), setup.summary().await).unwrap();
}

#[tokio::test]
async fn every_dump_is_upgraded_verified_and_worked_with() {
    if let Ok(version) = std::env::var(WRITE) {
        write(&version).await;
    }
    let dumps = dumps();
    assert!(!dumps.is_empty());
    for dump in dumps {
        let database = Database::create(Cluster::shared(), None).await.unwrap();
        let mut owner = database.options().connect().await.unwrap();
        owner.execute(CREATE_APP).await.unwrap();
        let sql = std::fs::read_to_string(&dump).unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut owner)
            .await
            .unwrap();
        drop(owner);

        migrate(&database.options(), MIGRATION).await.unwrap();

        let setup = Setup::on(&database, "2026-11-20T23:30:00Z").await;
        let expected = std::fs::read_to_string(dump.with_extension("txt")).unwrap();
        assert_eq!(setup.summary().await, expected, "{}", dump.display());
        goes_on(&setup).await;
    }
}

/// Sends the page that was pending, retries the dead letter, approves the other credit, and moves
/// an incident that was there before.
async fn goes_on(setup: &Setup) {
    setup.drain().await;
    assert_eq!(setup.pager.wakes(), 1);
    let filter = IncidentFilter {
        limit: 9,
        ..IncidentFilter::default()
    };
    let live = setup.incidents.list(&filter).await.unwrap();
    let of = |title: &str| {
        live.iter()
            .find(|one| one.title.as_str() == title)
            .unwrap()
            .id
    };
    let dead = DeadLetterFilter::Incident(of("dead letter"));
    let paging = setup.incidents.paging();
    paging.retry(&setup.context, dead).await.unwrap();
    setup.drain().await;
    assert_eq!(setup.pager.wakes(), 2);
    let credits = setup.incidents.credits();
    let all = credits.list(&CreditQuery::default()).await.unwrap();
    let open = all
        .iter()
        .find(|one| one.row.state.name() == "estimated")
        .unwrap();
    let decided = credits.decide(&setup.context, open.row.id, &CreditDecision::Approve);
    decided.await.unwrap();
    setup
        .act(of("pending"), &update_to(Status::Resolved, "over").unwrap())
        .await;
    setup.drain().await;
    setup.summary().await;
    public_ones_are_found(setup).await;
}

/// Finds every public incident by the id that the public knows, and no other one.
async fn public_ones_are_found(setup: &Setup) {
    let reports = setup.incidents.reports();
    let filter = IncidentFilter {
        limit: 9,
        ..IncidentFilter::default()
    };
    let mut public = 0;
    for incident in reports.incidents(&filter).await.unwrap() {
        let entry = &incident.status_page;
        let found = reports.public_incident(entry.id).await;
        assert_eq!(found.is_ok(), entry.public, "#{}", incident.number);
        public += u32::from(entry.public);
    }
    assert!(public > 0);
}
