//! From the schema of the version before: what it kept is kept, and works on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use incident_core::actor::Role;
use incident_core::audit::Chain;
use incident_core::billing::CreditDecision;
use incident_core::chain::Verdict;
use incident_core::engine::{IdempotencyKey, Incidents, PreparedCommand, RequestContext};
use incident_core::incident::{
    Affected, AffectedTenant, Change, Command, Declare, Mode, Severity, Status,
};
use incident_core::outbox::DeadLetterFilter;
use incident_core::port::{CreditQuery, IncidentFilter, IncidentStore, Ledger};
use incident_core::testing::{ManualClock, RecordingPager, caller, update_to};
use incident_core::{IncidentId, MessageId, Name, Statement};
use incident_store_postgres::{PgStore, StoreClock, migrate};
use incident_test_postgres::{Cluster, Database};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnection;
use sqlx::types::Uuid;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, Row, SqlSafeStr};

use crate::server::{MIGRATION, pool};

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

/// A database as a version left it, with the role of a server.
async fn version(newest: i64) -> Database {
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
    let role =
        "do $$ begin create role app login; exception when duplicate_object then null; end $$";
    owner.execute(role).await.unwrap();
    owner
        .execute("select incident.grant_to('app')")
        .await
        .unwrap();
    database
}

/// What today's server calls, over what there was, with the names of then.
const COMMIT: &str = "create procedure incident.commit(document text, out seqs bigint[], \
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
    // The reading side asks for tables of today, so they are there for a moment only.
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

/// S4, S20: a chain that the second version wrote is sound and can be redacted by a role that
/// lost its right to delete texts; from its next entry on it is bound to the state.
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
    // As that version wrote them: entries without marks, states without the newer fields.
    for write in &mut commit.writes {
        write
            .entries
            .iter_mut()
            .for_each(|(entry, _)| entry.marks = None);
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
    // Nothing binds it yet: that version never said what the state was.
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
    // Granted once more, as after a new table, it has no more than before.
    owner
        .execute("select incident.grant_to('app')")
        .await
        .unwrap();
    assert!(!as_app.fetch_one(may).await.unwrap().get::<bool, _>("may"));
}

/// As servers of the second version claim and keep.
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

/// X1, L12: what the second version has committed goes out, and its servers go on beside
/// those of this one while they are replaced.
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
    // Its lease is over, and what it took goes out as well.
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

/// Credits that the fourth version kept are corrected, and a decision that the correction does
/// not touch stays.
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

/// What a server of the fifth version sends.
mod fifth {
    pub(super) const CLAIM: &str = "call incident.claim_alone(null, 1, '{page}', \
         '00000000-0000-0000-0000-000000000005', interval '20 s', '{}', false, null, null)";

    /// Ends the lease of a message.
    pub(super) fn settle(id: &str, token: i64, outcome: &str) -> String {
        format!(
            r#"call incident.keep_alone('{{"writes": [], "outbox": [], "audit": [], "ledger": [], "credits": [],
                "settles": {{"id": "{id}", "owner": "00000000-0000-0000-0000-000000000005", "token": {token},
                "outcome": "{outcome}", "log": "[]"}}}}', null, null, null)"#
        )
    }

    /// Puts a message like another one in, in a transaction of the host's.
    pub(super) const ADD: &str = "select count(*) from incident.keep((select jsonb_build_object('writes', '[]'::jsonb, \
         'audit', '[]'::jsonb, 'ledger', '[]'::jsonb, 'credits', '[]'::jsonb, 'outbox', jsonb_build_array( \
         jsonb_build_object('op', 'add', 'id', '00000000-0000-0000-0000-000000000077', 'incident_id', o.incident_id, \
         'thread', 'legal', 'lane', 3, 'kind', 'page', 'opens', false, 'supersedable', false, 'body', '{}', \
         'log', '[]', 'committed_at', now(), 'due_at', now() + interval '1 hour'))) \
         from incident.outbox o where o.kind = 'page' limit 1))";

    /// Writes an entry of the audit and a message, which take the tables in the other order
    /// than one that ends a lease does.
    pub(super) fn another() -> String {
        let id = super::Uuid::new_v4();
        format!(
            r#"call incident.keep_alone('{{"writes": [], "ledger": [], "credits": [],
                "audit": [{{"chain": "{id}", "canonical": "{{\"at\":\"1\",\"actor\":\"a\"}}"}}],
                "outbox": [{{"op": "add", "id": "{id}", "incident_id": null, "thread": "{id}", "lane": 4,
                "kind": "page", "opens": false, "supersedable": false, "body": "{{}}", "log": "[]",
                "committed_at": "2026-11-20T10:00:00Z", "due_at": "2036-11-20T10:00:00Z"}}]}}', null, null, null)"#
        )
    }

    pub(super) const GIVEN_UP: &str = "select id::text as id, lane from incident.outbox where state = 'given_up' order by ordinal";
}

/// Claims as the fifth version: the id and the token of the lease.
async fn claimed(server: &mut PgConnection) -> (String, i64) {
    let row = server.fetch_one(fifth::CLAIM).await.unwrap();
    let claimed: serde_json::Value = serde_json::from_str(row.get("claimed")).unwrap();
    assert_eq!(claimed[0]["lane"], 1, "{claimed}");
    let id = claimed[0]["id"].as_str().unwrap().to_owned();
    (id, claimed[0]["lease_token"].as_i64().unwrap())
}

/// What waits, as columns of these names say.
async fn waiting(owner: &mut PgConnection, key: &str, priority: &str) -> Vec<String> {
    let sql = format!(
        "select concat_ws(' ', id, {key}, {priority}, state, ordinal) as one from incident.outbox order by ordinal"
    );
    let rows = owner.fetch_all(AssertSqlSafe(sql)).await.unwrap();
    rows.iter().map(|row| row.get("one")).collect()
}

/// A database with incidents that the fifth version kept, one page given up and one leased.
struct Fifth {
    database: Database,
    owner: PgConnection,
    /// A server of that version.
    old: PgConnection,
    incidents: Incidents,
    pager: Arc<RecordingPager>,
    keyed: RequestContext,
    ids: Vec<IncidentId>,
    given_up: String,
    leased: (String, i64),
}

impl Fifth {
    async fn new() -> Self {
        let database = version(5).await;
        let mut owner = database.options().connect().await.unwrap();
        let mut old = database.options().username("app").connect().await.unwrap();
        owner.execute(COMMIT).await.unwrap();
        let pager = Arc::new(RecordingPager::named("pager").unwrap());
        let incidents = Incidents::builder(Arc::new(PgStore::new(pool(&database).await)))
            .pager(pager.clone())
            .build()
            .unwrap();
        let context = RequestContext::new(caller("anna", Role::Admin).unwrap());
        let keyed = context.clone().with_key(IdempotencyKey {
            key: "a key".to_owned(),
            fingerprint: [7; 32],
        });
        let mut ids = Vec::new();
        for n in 0..4 {
            let asked = Declare::new(format!("cpu {n}").parse().unwrap(), Severity::Sev1);
            let context = if n == 0 { &keyed } else { &context };
            ids.push(
                incidents
                    .declare(context, &asked)
                    .await
                    .unwrap()
                    .incident
                    .id,
            );
        }
        // Beside pages, one with credits to compute.
        let mut past = Declare::new("past".parse().unwrap(), Severity::Sev3);
        past.mode = Mode::Retrospective;
        past.started_at = Some("2026-01-20T10:00:00Z".parse().unwrap());
        past.resolved_at = Some("2026-01-20T11:00:00Z".parse().unwrap());
        past.affected_tenants = hit("fr");
        ids.push(
            incidents
                .declare(&context, &past)
                .await
                .unwrap()
                .incident
                .id,
        );
        let (given_up, token) = claimed(&mut old).await;
        let end = fifth::settle(&given_up, token, "given_up");
        old.execute(AssertSqlSafe(end)).await.unwrap();
        let leased = claimed(&mut old).await;
        let drop = "drop procedure incident.commit";
        owner.execute(drop).await.unwrap();
        Self {
            database,
            owner,
            old,
            incidents,
            pager,
            keyed,
            ids,
            given_up,
            leased,
        }
    }
}

fn hit(tenant: &str) -> Affected {
    Affected::these(vec![AffectedTenant::whole(tenant.parse().unwrap())]).unwrap()
}

/// Columns change their names under what is there, and servers of the version before go on.
#[tokio::test]
async fn what_the_fifth_version_left_goes_on_under_other_names_and_its_servers_beside_it() {
    let mut it = Fifth::new().await;
    let before = waiting(&mut it.owner, "thread", "lane").await;
    assert!(before.len() >= 4, "{before:?}");

    migrate(&it.database.options(), MIGRATION).await.unwrap();

    // A server's role need not migrate any more, and can not.
    let as_app = it.database.options().username("app");
    migrate(&as_app, MIGRATION).await.unwrap();
    let after = waiting(&mut it.owner, "ordering_key", "priority").await;
    assert_eq!(after, before);
    // The server of before ends what it had, claims and adds.
    let done = fifth::settle(&it.leased.0, it.leased.1, "done");
    it.old.execute(AssertSqlSafe(done.clone())).await.unwrap();
    let lost = it.old.execute(AssertSqlSafe(done)).await.unwrap_err();
    assert_eq!(lost.as_database_error().unwrap().code().unwrap(), "INC06");
    let (id, token) = claimed(&mut it.old).await;
    let done = fifth::settle(&id, token, "done");
    it.old.execute(AssertSqlSafe(done)).await.unwrap();
    let left = it.old.fetch_all(fifth::GIVEN_UP).await.unwrap();
    assert_eq!(left.len(), 1);
    let found = (left[0].get("id"), left[0].get("lane"));
    assert_eq!(found, (it.given_up.as_str(), 1_i16));
    it.old.fetch_all(fifth::ADD).await.unwrap();
    let added = "delete from incident.outbox where ordering_key = 'legal' and priority = 3";
    let added = it.owner.execute(added).await.unwrap();
    assert_eq!(added.rows_affected(), 1);
}

#[tokio::test]
async fn what_the_fifth_version_left_is_sent_answered_and_sound() {
    let it = Fifth::new().await;
    let incidents = &it.incidents;
    let context = RequestContext::new(caller("anna", Role::Admin).unwrap());
    migrate(&it.database.options(), MIGRATION).await.unwrap();
    for id in &it.ids {
        let verdict = incidents.verify_timeline(*id).await.unwrap();
        assert!(matches!(verdict, Verdict::Valid { .. }), "{verdict:?}");
    }
    // Four pages, of which one is given up and one leased.
    incidents.drain().await.unwrap();
    assert_eq!(it.pager.wakes(), 2);
    let message = MessageId::from_uuid(it.given_up.parse().unwrap());
    let message = DeadLetterFilter::Message(message);
    incidents.retry_page(&context, message).await.unwrap();
    incidents.drain().await.unwrap();
    assert_eq!(it.pager.wakes(), 3);
    let asked = Declare::new("cpu 0".parse().unwrap(), Severity::Sev1);
    let again = incidents.declare(&it.keyed, &asked).await.unwrap();
    assert_eq!(again.incident.id, it.ids[0]);
    for id in it.ids {
        let change = Command::Change(vec![Change::AffectedTenants(hit("it"))]);
        incidents.act(&context, id, &change).await.unwrap();
        let verdict = incidents.verify_timeline(id).await.unwrap();
        assert!(matches!(verdict, Verdict::Valid { .. }), "{verdict:?}");
        let verdict = incidents.verify_audit_chain(Chain::Incident(id)).await;
        assert!(matches!(verdict, Ok(Verdict::Valid { .. })), "{verdict:?}");
    }
}

/// Servers of the fifth version write while it is migrated: at most what each of them had
/// just sent is refused, and nothing waits for anything that waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn servers_of_the_fifth_version_write_while_it_is_migrated() {
    let it = Fifth::new().await;
    let over = Arc::new(AtomicBool::new(false));
    let app = it.database.options().username("app");
    let servers = (0..6).map(|_| {
        let (app, over) = (app.clone(), Arc::clone(&over));
        tokio::spawn(async move {
            let mut server = app.connect().await.unwrap();
            let (mut refused, mut done) = (0, 0);
            while !over.load(Ordering::Relaxed) {
                match server.execute(AssertSqlSafe(fifth::another())).await {
                    Ok(_) => done += 1,
                    Err(error) => {
                        let code = error.as_database_error().unwrap().code().unwrap();
                        // A function that was read before, on a table as it is now.
                        assert_eq!(code, "428C9", "{error}");
                        refused += 1;
                    }
                }
            }
            // With the functions of today.
            server
                .execute(AssertSqlSafe(fifth::another()))
                .await
                .unwrap();
            (refused, done)
        })
    });
    let servers: Vec<_> = servers.collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    migrate(&it.database.options(), MIGRATION).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    over.store(true, Ordering::Relaxed);
    for server in servers {
        let (refused, done) = server.await.unwrap();
        assert!(refused <= 1 && done > 1, "{refused} refused, {done} done");
    }
}
