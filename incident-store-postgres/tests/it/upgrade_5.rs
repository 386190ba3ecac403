//! Upgrade of a database from version 5, with servers of that version beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use incident_core::actor::Role;
use incident_core::audit::Chain;
use incident_core::chain::Verdict;
use incident_core::engine::{IdempotencyKey, Incidents, RequestContext};
use incident_core::incident::{Affected, AffectedTenant, Change, Command, Declare, Mode, Severity};
use incident_core::outbox::DeadLetterFilter;
use incident_core::testing::{RecordingPager, caller};
use incident_core::{IncidentId, MessageId};
use incident_store_postgres::{PgStore, migrate};
use incident_test_postgres::Database;
use sqlx::postgres::PgConnection;
use sqlx::types::Uuid;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, Row};

use crate::server::{MIGRATION, pool};
use crate::upgrade::{COMMIT, version};

/// Statements of a server of version 5.
mod fifth {
    pub(super) const CLAIM: &str = "call incident.claim_alone(null, 1, '{page}', \
         '00000000-0000-0000-0000-000000000005', interval '20 s', '{}', false, null, null)";

    /// Returns the call that ends the lease of a message.
    pub(super) fn settle(id: &str, token: i64, outcome: &str) -> String {
        format!(
            r#"call incident.keep_alone('{{"writes": [], "outbox": [], "audit": [], "ledger": [], "credits": [],
                "settles": {{"id": "{id}", "owner": "00000000-0000-0000-0000-000000000005", "token": {token},
                "outcome": "{outcome}", "log": "[]"}}}}', null, null, null)"#
        )
    }

    /// Adds a copy of another message, inside of a host's transaction.
    pub(super) const ADD: &str = "select count(*) from incident.keep((select jsonb_build_object('writes', '[]'::jsonb, \
         'audit', '[]'::jsonb, 'ledger', '[]'::jsonb, 'credits', '[]'::jsonb, 'outbox', jsonb_build_array( \
         jsonb_build_object('op', 'add', 'id', '00000000-0000-0000-0000-000000000077', 'incident_id', o.incident_id, \
         'thread', 'legal', 'lane', 3, 'kind', 'page', 'opens', false, 'supersedable', false, 'body', '{}', \
         'log', '[]', 'committed_at', now(), 'due_at', now() + interval '1 hour'))) \
         from incident.outbox o where o.kind = 'page' limit 1))";

    /// Returns the call that writes an audit entry and a message. It locks the tables in the
    /// opposite order of a call that ends a lease.
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

/// Claims a message as version 5 does, and returns its id and the token of its lease.
async fn claimed(server: &mut PgConnection) -> (String, i64) {
    let row = server.fetch_one(fifth::CLAIM).await.unwrap();
    let claimed: serde_json::Value = serde_json::from_str(row.get("claimed")).unwrap();
    assert_eq!(claimed[0]["lane"], 1, "{claimed}");
    let id = claimed[0]["id"].as_str().unwrap().to_owned();
    (id, claimed[0]["lease_token"].as_i64().unwrap())
}

/// Lists the outbox, with `key` and `priority` as the names of two columns.
async fn waiting(owner: &mut PgConnection, key: &str, priority: &str) -> Vec<String> {
    let sql = format!(
        "select concat_ws(' ', id, {key}, {priority}, state, ordinal) as one from incident.outbox order by ordinal"
    );
    let rows = owner.fetch_all(AssertSqlSafe(sql)).await.unwrap();
    rows.iter().map(|row| row.get("one")).collect()
}

/// A database with incidents that version 5 stored, one dead letter and one leased page.
struct Fifth {
    database: Database,
    owner: PgConnection,
    /// A connection of a server of that version.
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
            actor: "anna".parse().unwrap(),
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
        // Besides the pages, one incident with credits to compute.
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

/// Columns with stored rows are renamed, and servers of the previous version keep working.
#[tokio::test]
async fn what_the_fifth_version_left_goes_on_under_other_names_and_its_servers_beside_it() {
    let mut it = Fifth::new().await;
    let before = waiting(&mut it.owner, "thread", "lane").await;
    assert!(before.len() >= 4, "{before:?}");

    migrate(&it.database.options(), MIGRATION).await.unwrap();

    // The role of a server no longer has to migrate, and cannot.
    let as_app = it.database.options().username("app");
    migrate(&as_app, MIGRATION).await.unwrap();
    let after = waiting(&mut it.owner, "ordering_key", "priority").await;
    assert_eq!(after, before);
    // The old server ends its lease, claims and adds messages.
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
        let verdict = incidents.audit().verify_timeline(*id).await.unwrap();
        assert!(matches!(verdict, Verdict::Valid { .. }), "{verdict:?}");
    }
    // Of four pages, one is a dead letter and one is leased.
    incidents.worker().drain().await.unwrap();
    assert_eq!(it.pager.wakes(), 2);
    let message = MessageId::from_uuid(it.given_up.parse().unwrap());
    let message = DeadLetterFilter::Message(message);
    incidents.paging().retry(&context, message).await.unwrap();
    incidents.worker().drain().await.unwrap();
    assert_eq!(it.pager.wakes(), 3);
    let asked = Declare::new("cpu 0".parse().unwrap(), Severity::Sev1);
    let again = incidents.declare(&it.keyed, &asked).await.unwrap();
    assert_eq!(again.incident.id, it.ids[0]);
    for id in it.ids {
        let change = Command::Change(vec![Change::AffectedTenants(hit("it"))]);
        incidents.act(&context, id, &change).await.unwrap();
        let verdict = incidents.audit().verify_timeline(id).await.unwrap();
        assert!(matches!(verdict, Verdict::Valid { .. }), "{verdict:?}");
        let verdict = incidents.audit().verify_chain(Chain::Incident(id)).await;
        assert!(matches!(verdict, Ok(Verdict::Valid { .. })), "{verdict:?}");
    }
}

/// Servers of version 5 write during the migration: each has at most one call refused, the one
/// it had just sent, and there is no deadlock.
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
                        // The call began with an old function, on tables that are migrated
                        // already.
                        assert_eq!(code, "428C9", "{error}");
                        refused += 1;
                    }
                }
            }
            // With today's functions.
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
