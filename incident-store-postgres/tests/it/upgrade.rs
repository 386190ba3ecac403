//! Upgrades from older schemas: stored data is preserved and usable.

use std::sync::Arc;
use std::time::Duration;

use incident_core::actor::Role;
use incident_core::billing::CreditDecision;
use incident_core::chain::Verdict;
use incident_core::engine::{Incidents, PreparedCommand, RequestContext};
use incident_core::incident::{
    Affected, AffectedTenant, Change, Command, Declare, Mode, Severity, Status,
};
use incident_core::port::{CreditQuery, IncidentFilter, IncidentStore, Ledger};
use incident_core::testing::{ManualClock, RecordingPager, caller, update_to};
use incident_core::{Name, Statement};
use incident_store_postgres::{PgStore, StoreClock, migrate};
use incident_test_postgres::{Cluster, Database};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, Row, SqlSafeStr};

use crate::server::{CREATE_APP, MIGRATION, pool};

const WITHIN: Duration = Duration::from_secs(5);

const VERSIONS: [(i64, &str, &str); 5] = [
    (
        1,
        "incident",
        include_str!("../../migrations/0001_incident.sql"),
    ),
    (
        2,
        "alerts_and_leases",
        include_str!("../../migrations/0002_alerts_and_leases.sql"),
    ),
    (
        3,
        "one_round_trip",
        include_str!("../../migrations/0003_one_round_trip.sql"),
    ),
    (
        4,
        "redaction",
        include_str!("../../migrations/0004_redaction.sql"),
    ),
    (
        5,
        "kept_credits",
        include_str!("../../migrations/0005_kept_credits.sql"),
    ),
];

/// Creates a database as a version left it, with the role of a server.
pub(crate) async fn version(newest: i64) -> Database {
    let database = Database::create(Cluster::shared(), None).await.unwrap();
    let versions = VERSIONS
        .into_iter()
        .filter(|(number, ..)| *number <= newest);
    let versions = versions.map(|(number, name, sql)| {
        let kind = MigrationType::Simple;
        Migration::new(number, name.into(), kind, sql.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(versions.collect());
    migrator.dangerous_set_table_name("incident._migrations");
    migrator.create_schema("incident");
    let mut owner = database.options().connect().await.unwrap();
    migrator.run_direct(None, &mut owner, false).await.unwrap();
    owner.execute(CREATE_APP).await.unwrap();
    owner
        .execute("select incident.grant_to('app')")
        .await
        .unwrap();
    database
}

/// The procedure that today's server calls, on the tables and names of an older version.
pub(crate) const COMMIT: &str = "create procedure incident.commit(document text, out seqs bigint[], \
     out prev_hashes bytea[], out hashes bytea[]) language plpgsql as $$ declare d jsonb := document; begin \
         if d ? 'completes' then d := d || jsonb_build_object('settles', d -> 'completes'); end if; \
         d := d || jsonb_build_object( \
             'outbox', (select coalesce(jsonb_agg(v || jsonb_build_object('thread', v -> 'ordering_key', \
                 'lane', v -> 'priority') order by n), '[]') \
                 from jsonb_array_elements(d -> 'outbox') with ordinality o (v, n)), \
             'ledger', (select coalesce(jsonb_agg(v || jsonb_build_object('keeps', v -> 'retained') order by n), '[]') \
                 from jsonb_array_elements(d -> 'ledger') with ordinality l (v, n))); \
         select array_agg(k.seq), array_agg(k.prev_hash), array_agg(k.hash) into seqs, prev_hashes, hashes \
         from incident.keep(d) k where k.part = 'timeline'; end $$";

/// Declares an incident for an alert.
async fn declare_as_before(
    incidents: &Incidents,
    context: &RequestContext,
    key: &str,
    mode: Mode,
    place: &str,
) {
    let mut asked = Declare::new("cpu".parse().unwrap(), Severity::Sev3);
    asked.alert_key = Some(Name::new(key).unwrap());
    asked.mode = mode;
    asked.environment = Some(place.parse().unwrap());
    incidents.declare(context, &asked).await.unwrap();
}

fn engine(pool: sqlx::PgPool) -> (Incidents, PgStore) {
    let store = PgStore::builder(pool).clock(StoreClock::Caller).build();
    let now = "2026-11-20T23:00:00Z".parse().unwrap();
    let incidents = Incidents::builder(Arc::new(store.clone()))
        .clock(Arc::new(ManualClock::at(now)))
        .build();
    (incidents.unwrap(), store)
}

#[tokio::test]
async fn what_the_first_version_kept_stands_for_its_alerts_and_its_role_works_on() {
    let database = version(1).await;
    let app = pool(&database).await;
    let context = RequestContext::new(caller("anna", Role::Admin).unwrap());
    // Reads use tables of today, so these exist for a moment.
    let mut owner = database.options().connect().await.unwrap();
    let stand_in = "create table incident.alert_holders (environment text, alert_key text, incident_id uuid); \
                    grant select on incident.alert_holders to app";
    owner.execute(stand_in).await.unwrap();
    owner.execute(COMMIT).await.unwrap();
    let (before, _) = engine(app.clone());
    declare_as_before(&before, &context, "live", Mode::Live, "production").await;
    declare_as_before(&before, &context, "drill", Mode::Drill, "production").await;
    declare_as_before(&before, &context, "staging", Mode::Live, "staging").await;
    for gone in ["table incident.alert_holders", "procedure incident.commit"] {
        let sql = format!("drop {gone}");
        owner.execute(AssertSqlSafe(sql)).await.unwrap();
    }

    migrate(&database.options(), MIGRATION).await.unwrap();

    let holders =
        "select environment || ' ' || alert_key as held from incident.alert_holders order by 1";
    let rows = owner.fetch_all(holders).await.unwrap();
    let held: Vec<String> = rows.iter().map(|row| row.get("held")).collect();
    assert_eq!(held, ["production live", "staging staging"]);
    let (after, store) = engine(app);
    for (key, place, stands) in [
        ("live", "production", true),
        ("drill", "production", false),
        ("staging", "staging", true),
        ("staging", "production", false),
    ] {
        let mut asked = Declare::new("cpu".parse().unwrap(), Severity::Sev3);
        asked.alert_key = Some(Name::new(key).unwrap());
        asked.environment = Some(place.parse().unwrap());
        let done = after.declare(&context, &asked).await.unwrap();
        assert_eq!(done.deduplicated, stands, "{key} {place}");
    }
    let all = IncidentFilter {
        statuses: Status::ALL.into_iter().collect(),
        limit: 100,
        ..IncidentFilter::default()
    };
    let all = store.list(&all, WITHIN).await.unwrap();
    assert_eq!(all.len(), 5);
    for incident in &all {
        let entries = store.timeline(incident.id, 0, 100, WITHIN).await.unwrap();
        let verdict = incident_core::timeline::verify(incident.id, &entries, []);
        assert!(matches!(verdict, Verdict::Valid { .. }));
    }
}

/// S4, S20: a chain of version 2 is valid and can be redacted by a role that lost its right to
/// delete texts; from its next entry on it is bound to the state.
#[tokio::test]
async fn what_the_second_version_kept_is_sound_and_its_role_redacts_by_the_function_alone() {
    let database = version(2).await;
    let app = pool(&database).await;
    let (incidents, store) = engine(app);
    let context = RequestContext::new(caller("anna", Role::Admin).unwrap());
    let asked = Declare::new("hunter2".parse().unwrap(), Severity::Sev3);
    let prepared = PreparedCommand::declare(&incidents, &context, &asked)
        .await
        .unwrap();
    let mut commit = prepared.commit().clone();
    // In the form of that version: entries without marks, states without the newer fields.
    for write in &mut commit.writes {
        for entry in &mut write.entries {
            entry.fields.marks = None;
            entry.canonical = entry.fields.to_bytes().unwrap();
        }
    }
    let mut owner = database.options().connect().await.unwrap();
    owner.execute(COMMIT).await.unwrap();
    store.commit(commit, WITHIN).await.unwrap();
    let id = prepared.incident().id;
    for sql in [
        "drop procedure incident.commit",
        "update incident.incidents set state = state - 'shaped_by'",
    ] {
        owner.execute(sql).await.unwrap();
    }
    let mut as_app = database.options().username("app").connect().await.unwrap();
    let may = "select has_table_privilege('incident.timeline_texts', 'delete') as may";
    assert!(as_app.fetch_one(may).await.unwrap().get::<bool, _>("may"));

    migrate(&database.options(), MIGRATION).await.unwrap();

    assert!(!as_app.fetch_one(may).await.unwrap().get::<bool, _>("may"));
    let sound = async || {
        let verdict = incidents.audit().verify_timeline(id).await.unwrap();
        assert!(matches!(verdict, Verdict::Valid { .. }), "{verdict:?}");
    };
    sound().await;
    let reason = Statement::new("a pasted password").unwrap();
    let redact = Command::Redact { seq: 1, reason };
    incidents.act(&context, id, &redact).await.unwrap();
    sound().await;
    let entries = store.timeline(id, 0, 9, WITHIN).await.unwrap();
    assert!(entries[0].is_redacted() && entries[0].fields.marks.is_none());
    assert_eq!(
        incidents.get(id).await.unwrap().title.as_str(),
        "[redacted]"
    );
    // Not bound yet: that version recorded no marks of the state.
    let forge =
        "update incident.incidents set state = jsonb_set(state, '{environment}', '\"staging\"')";
    owner.execute(forge).await.unwrap();
    sound().await;
    let moved = update_to(Status::Investigating, "moved").unwrap();
    incidents.act(&context, id, &moved).await.unwrap();
    sound().await;
    let forge =
        "update incident.incidents set state = jsonb_set(state, '{environment}', '\"production\"')";
    owner.execute(forge).await.unwrap();
    let verdict = incidents.audit().verify_timeline(id).await.unwrap();
    assert!(
        matches!(verdict, Verdict::Broken { seq: 2, reason } if reason.contains("environment")),
        "{verdict:?}"
    );
    // Granted again, as after a new table, the role gets no additional rights.
    owner
        .execute("select incident.grant_to('app')")
        .await
        .unwrap();
    assert!(!as_app.fetch_one(may).await.unwrap().get::<bool, _>("may"));
}

/// The claim of a server of version 2.
const OLD_CLAIM: &str = "with due as materialized ( \
    select due.id \
    from (values (1), (2), (3), (4)) as lanes (lane) \
    cross join lateral ( \
        select o.id from incident.outbox o \
        where o.state = 'pending' and o.lane = lanes.lane and o.due_at <= statement_timestamp() \
          and o.kind = 'page' \
          and not exists ( \
              select 1 from incident.outbox earlier \
              where earlier.owner_id = o.owner_id and earlier.thread = o.thread \
                and earlier.ordinal < o.ordinal and earlier.state in ('pending', 'leased')) \
        order by o.due_at, o.ordinal limit 1 for update of o skip locked) due \
    limit 1) \
update incident.outbox o set state = 'leased', lease_owner = gen_random_uuid(), \
    lease_token = o.lease_token + 1, lease_until = statement_timestamp() + interval '1 ms' \
from due where o.id = due.id returning o.id";

const OLD_NUMBER: &str = "select count(*) from incident.keep('{\"writes\": [], \"outbox\": [], \"audit\": [], \
     \"credits\": [], \"ledger\": []}'::jsonb)";

/// X1, L12: messages that version 2 committed are sent, and its servers keep working beside the
/// new ones during the replacement.
#[tokio::test]
async fn what_the_second_version_kept_goes_out_and_its_servers_work_on() {
    let database = version(2).await;
    let app = pool(&database).await;
    let context = RequestContext::new(caller("anna", Role::Admin).unwrap());
    let mut owner = database.options().connect().await.unwrap();
    owner.execute(COMMIT).await.unwrap();
    let engine = |pager: &Arc<RecordingPager>| {
        Incidents::builder(Arc::new(PgStore::new(app.clone())))
            .pager(pager.clone())
            .build()
            .unwrap()
    };
    let pager = Arc::new(RecordingPager::named("pager").unwrap());
    let incidents = engine(&pager);
    for n in 0..3 {
        let asked = Declare::new(format!("cpu {n}").parse().unwrap(), Severity::Sev1);
        incidents.declare(&context, &asked).await.unwrap();
    }
    owner
        .execute("drop procedure incident.commit")
        .await
        .unwrap();

    migrate(&database.options(), MIGRATION).await.unwrap();

    let mut old = database.options().username("app").connect().await.unwrap();
    let taken = old.fetch_all(OLD_CLAIM).await.unwrap();
    assert_eq!(taken.len(), 1);
    old.execute(OLD_NUMBER).await.unwrap();
    // The old server's lease has expired, and its message is sent as well.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    engine(&pager).worker().drain().await.unwrap();
    assert_eq!(pager.wakes(), 3);
    for n in 0..3 {
        let asked = Declare::new(format!("disk {n}").parse().unwrap(), Severity::Sev1);
        incidents.declare(&context, &asked).await.unwrap();
    }
    incidents.worker().drain().await.unwrap();
    assert_eq!(pager.wakes(), 6);
}

/// Credits that version 4 stored are corrected, and a decision that the correction does not
/// affect is preserved.
#[tokio::test]
async fn what_the_fourth_version_kept_is_corrected_and_keeps_its_decisions() {
    let database = version(4).await;
    let app = pool(&database).await;
    let context = RequestContext::new(caller("anna", Role::Admin).unwrap());
    let hit = |names: &[&str]| {
        let whole = names
            .iter()
            .map(|name| AffectedTenant::whole(name.parse().unwrap()));
        Affected::these(whole.collect()).unwrap()
    };
    let mut owner = database.options().connect().await.unwrap();
    owner.execute(COMMIT).await.unwrap();
    let (before, store) = engine(app.clone());
    let mut asked = Declare::new("cpu".parse().unwrap(), Severity::Sev3);
    asked.mode = Mode::Retrospective;
    asked.started_at = Some("2026-11-20T10:00:00Z".parse().unwrap());
    asked.resolved_at = Some("2026-11-20T11:00:00Z".parse().unwrap());
    asked.affected_tenants = hit(&["fr", "de"]);
    let id = before.declare(&context, &asked).await.unwrap().incident.id;
    let all = CreditQuery::default();
    let fr = before.credits().list(&all).await.unwrap().into_iter();
    let fr = fr
        .map(|one| one.row)
        .find(|row| row.tenant_id.as_str() == "fr")
        .unwrap();
    before
        .credits()
        .decide(&context, fr.id, &CreditDecision::Approve)
        .await
        .unwrap();

    migrate(&database.options(), MIGRATION).await.unwrap();

    let (after, _) = engine(app);
    let change = Command::Change(vec![Change::AffectedTenants(hit(&["fr", "it"]))]);
    after.act(&context, id, &change).await.unwrap();
    after.worker().drain().await.unwrap();
    let rows = store.credits(&all, WITHIN).await.unwrap();
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (row.tenant_id.as_str(), row.revision, row.state.name()))
        .collect();
    let expected = [
        ("de", 1, "superseded"),
        ("fr", 1, "approved"),
        ("it", 2, "estimated"),
    ];
    assert_eq!(shown, expected);
}
