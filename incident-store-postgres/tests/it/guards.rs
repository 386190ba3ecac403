//! Refusals of the database itself, regardless of the caller.

use std::time::Duration;

use incident_core::actor::Role;
use incident_core::engine::{Incidents, RequestContext};
use incident_core::incident::{Declare, Severity};
use incident_core::testing::{RecordingPager, caller};
use incident_test_postgres::Database;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, Row};

use crate::server::{self, APP};

/// Creates a database with one incident: timeline, audit trail and a page.
async fn filled() -> Database {
    let database = server::database().await;
    let incidents = Incidents::builder(std::sync::Arc::new(server::store(&database).await))
        .build()
        .unwrap();
    let context = RequestContext::new(caller("anna", Role::Admin).unwrap());
    let asked = Declare::new("API down".parse().unwrap(), Severity::Sev1);
    incidents.declare(&context, &asked).await.unwrap();
    database
}

async fn owner(database: &Database) -> PgConnection {
    database.options().connect().await.unwrap()
}

/// Returns the SQLSTATE with which a statement fails.
async fn refused(connection: &mut PgConnection, sql: &str) -> String {
    let error = connection.execute(AssertSqlSafe(sql.to_owned())).await;
    let Err(error) = error else {
        panic!("not refused: {sql}")
    };
    let code = error.as_database_error().unwrap().code().unwrap();
    code.into_owned()
}

const GUARDED: [&str; 12] = [
    "update incident.timeline set canonical = canonical",
    "update incident.timeline set seq = seq + 1",
    "delete from incident.timeline",
    "truncate incident.timeline cascade",
    "update incident.audit set canonical = canonical",
    "delete from incident.audit",
    "truncate incident.audit",
    "update incident.timeline_texts set texts = '[]'",
    "truncate incident.timeline_texts",
    "delete from incident.incidents",
    "truncate incident.incidents cascade",
    "truncate incident.outbox",
];

#[tokio::test]
async fn nobody_changes_what_is_append_only() {
    let database = filled().await;
    let mut owner = owner(&database).await;
    for replica in ["origin", "replica"] {
        let set = format!("set session_replication_role = {replica}");
        owner.execute(AssertSqlSafe(set)).await.unwrap();
        for sql in GUARDED {
            assert_eq!(
                refused(&mut owner, sql).await,
                "INC10",
                "as {replica}: {sql}"
            );
        }
        let merge = "merge into incident.timeline t using incident.timeline s on t.seq = s.seq \
                     when matched then delete";
        assert_eq!(refused(&mut owner, merge).await, "INC10", "as {replica}");
    }
    let mut app = database.options().username(APP).connect().await.unwrap();
    for sql in GUARDED {
        // insufficient_privilege
        assert_eq!(refused(&mut app, sql).await, "42501", "{sql}");
    }
    for sql in [
        "alter table incident.timeline disable trigger all",
        "set session_replication_role = replica",
        "drop trigger append_only on incident.timeline",
        "select incident.grant_to('app')",
        "delete from incident.credits",
        "update incident.credits set credit_ppm = 0",
    ] {
        assert_eq!(refused(&mut app, sql).await, "42501", "{sql}");
    }
    // The view shows the hashed values, and cannot be updated.
    let view = "update incident.timeline_shown set author = 'x'";
    assert!(["55000", "0A000"].contains(&refused(&mut owner, view).await.as_str()));
}

#[tokio::test]
async fn chains_have_no_gaps_no_forks_and_no_other_hashes() {
    let database = filled().await;
    let mut owner = owner(&database).await;
    let insert = |seq: &str, previous: &str, hash: &str| {
        format!(
            "insert into incident.timeline (incident_id, seq, canonical, prev_hash, hash) \
             select incident_id, {seq}, canonical, {previous}, {hash} from incident.timeline where seq = 1"
        )
    };
    let right = "incident.timeline_link(incident_id, 2, hash, canonical)";
    for (sql, code) in [
        // A gap, a fork, a wrong previous hash, a wrong hash.
        (
            insert(
                "3",
                "hash",
                "incident.timeline_link(incident_id, 3, hash, canonical)",
            ),
            "INC11",
        ),
        (insert("1", "prev_hash", "hash"), "23505"),
        (
            insert(
                "2",
                "prev_hash",
                "incident.timeline_link(incident_id, 2, prev_hash, canonical)",
            ),
            "INC11",
        ),
        (insert("2", "hash", "hash"), "23514"),
    ] {
        assert_eq!(refused(&mut owner, &sql).await, code, "{sql}");
    }
    let right = insert("2", "hash", right);
    owner.execute(AssertSqlSafe(right)).await.unwrap();
    let audit = "insert into incident.audit (chain, seq, canonical, prev_hash, hash) \
                 select chain, seq + 2, canonical, hash, hash from incident.audit limit 1";
    assert_eq!(refused(&mut owner, audit).await, "INC11");
}

#[tokio::test]
async fn times_are_finite_states_are_whole_and_credits_are_single() {
    let database = filled().await;
    let mut owner = owner(&database).await;
    for sql in [
        "update incident.incidents set declared_at = 'infinity'",
        "update incident.incidents set resolved_at = '-infinity'",
        "update incident.outbox set due_at = 'infinity'",
        "update incident.outbox set state = 'leased'",
        "update incident.outbox set lease_until = now()",
        "update incident.outbox set state = 'other'",
        "insert into incident.credits (id, incident_id, tenant_id, revision, period, outage_us, credit_ppm, terms_version, state, author, inputs) \
         select gen_random_uuid(), id, 't', 1, '2026-13', 0, 0, 'v', 'estimated', 'anna', '[]' from incident.incidents",
        "insert into incident.credits (id, incident_id, tenant_id, revision, period, outage_us, credit_ppm, terms_version, state, author, inputs) \
         select gen_random_uuid(), id, 't', 1, '2026-11', 0, 1000001, 'v', 'estimated', 'anna', '[]' from incident.incidents",
    ] {
        assert_eq!(refused(&mut owner, sql).await, "23514", "{sql}");
    }
    let credit = "insert into incident.credits (id, incident_id, tenant_id, revision, period, outage_us, credit_ppm, terms_version, state, author, inputs) \
         select gen_random_uuid(), id, 't', 1, '2026-11', 0, 0, 'v', 'estimated', 'anna', '[]' from incident.incidents";
    owner.execute(credit).await.unwrap();
    assert_eq!(refused(&mut owner, credit).await, "23505");
}

/// Issued credits stay issued, with what was granted, and are reversed once: the database
/// enforces it for every program, including this one.
#[tokio::test]
async fn issued_credits_are_not_taken_back_by_an_update() {
    let database = filled().await;
    let mut owner = owner(&database).await;
    let credit = "insert into incident.credits (id, incident_id, tenant_id, revision, period, outage_us, credit_ppm, terms_version, state, author, inputs) \
         select gen_random_uuid(), id, 't', 1, '2026-11', 0, 0, 'v', 'estimated', 'anna', '[]' from incident.incidents limit 1";
    owner.execute(credit).await.unwrap();
    let early = "update incident.credits set state = 'issued', granted = '{}'";
    assert_eq!(refused(&mut owner, early).await, "23514");
    owner
        .execute(
            "update incident.credits set state = 'approved', granted = '{\"percent\": \"10\"}'",
        )
        .await
        .unwrap();
    let more = "update incident.credits set granted = '{\"percent\": \"20\"}'";
    assert_eq!(refused(&mut owner, more).await, "INC10");
    owner
        .execute("update incident.credits set state = 'issued', issued = '{\"batch\": \"b\", \"accepted_at\": null}'")
        .await
        .unwrap();
    for sql in [
        "update incident.credits set state = 'waived', issued = null",
        "update incident.credits set state = 'superseded', issued = null",
        "update incident.credits set granted = null",
        "update incident.credits set issued = '{\"batch\": \"c\", \"accepted_at\": null}'",
    ] {
        assert_eq!(refused(&mut owner, sql).await, "INC10", "{sql}");
    }
    owner
        .execute(
            "update incident.credits set issued = '{\"batch\": \"b\", \"accepted_at\": \"now\"}'",
        )
        .await
        .unwrap();
    let reversal = |revision: u32| {
        AssertSqlSafe(format!(
            "insert into incident.credits (id, incident_id, tenant_id, revision, period, outage_us, credit_ppm, terms_version, state, author, reverses, inputs) \
             select gen_random_uuid(), incident_id, 't', {revision}, '2026-11', 0, 0, 'v', 'estimated', 'anna', id, '[]' from incident.credits where reverses is null"
        ))
    };
    owner.execute(reversal(2)).await.unwrap();
    assert!(owner.execute(reversal(3)).await.is_err());
}

/// A pass of the relay handles many messages concurrently, each with a connection at times:
/// none may wait for another one that is not polled.
#[tokio::test]
async fn a_pool_of_one_connection_is_enough_for_the_relay() {
    let database = server::database().await;
    let options = database.options().username(APP);
    let one = sqlx::postgres::PgPoolOptions::new().max_connections(1);
    let store = incident_store_postgres::PgStore::new(one.connect_with(options).await.unwrap());
    let pager = std::sync::Arc::new(RecordingPager::named("pager").unwrap());
    let incidents = Incidents::builder(std::sync::Arc::new(store))
        .pager(pager.clone())
        .build()
        .unwrap();
    let context = RequestContext::new(caller("anna", Role::Admin).unwrap());
    for n in 0..60 {
        let title = format!("number {n}").parse().unwrap();
        let asked = Declare::new(title, Severity::Sev2);
        incidents.declare(&context, &asked).await.unwrap();
    }
    let drained = incidents.worker().drain();
    let drained = tokio::time::timeout(Duration::from_secs(4), drained).await;
    assert_eq!(drained.unwrap().unwrap().handled, 60);
    assert_eq!(pager.wakes(), 60);
}

/// The host's pool may hold a connection that was left in a transaction.
#[tokio::test]
async fn a_connection_that_was_left_in_a_transaction_loses_nothing() {
    let database = server::database().await;
    let pool = server::pool(&database).await;
    let mut left = Vec::new();
    for _ in 0..10 {
        let mut connection = pool.acquire().await.unwrap();
        connection.execute("begin").await.unwrap();
        left.push(connection);
    }
    drop(left);
    let store = incident_store_postgres::PgStore::new(pool.clone());
    let incidents = Incidents::builder(std::sync::Arc::new(store))
        .build()
        .unwrap();
    let context = RequestContext::new(caller("anna", Role::Admin).unwrap());
    for n in 0..20 {
        let title = format!("number {n}").parse().unwrap();
        incidents
            .declare(&context, &Declare::new(title, Severity::Sev4))
            .await
            .unwrap();
    }
    let mut owner = owner(&database).await;
    let count = "select count(*) from incident.incidents";
    let kept: i64 = owner.fetch_one(count).await.unwrap().get(0);
    assert_eq!(kept, 20);
    pool.close().await;
}

#[tokio::test]
async fn a_host_with_migrations_of_its_own_is_not_disturbed() {
    use sqlx::migrate::{Migration, MigrationType, Migrator};
    use sqlx::{Connection, SqlSafeStr};
    let database = Database::create(incident_test_postgres::Cluster::shared(), None)
        .await
        .unwrap();
    let own = |sql: &'static str| {
        let migration = Migration::new(
            1,
            "own".into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        );
        Migrator::with_migrations(vec![migration])
    };
    let mut connection = owner(&database).await;
    let mine = own("create table orders (id bigint primary key)");
    mine.run_direct(None, &mut connection, false).await.unwrap();
    // Two processes at the same time, and then another one.
    let options = database.options();
    let both = tokio::join!(
        incident_store_postgres::migrate(&options, server::MIGRATION),
        incident_store_postgres::migrate(&options, server::MIGRATION),
    );
    both.0.unwrap();
    both.1.unwrap();
    mine.run_direct(None, &mut connection, false).await.unwrap();
    incident_store_postgres::migrate(&database.options(), server::MIGRATION)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let nowhere = database.options().database("nowhere");
    let error = incident_store_postgres::migrate(&nowhere, Duration::from_secs(5)).await;
    assert!(matches!(
        error,
        Err(incident_store_postgres::MigrateError::Connect(_))
    ));
}
