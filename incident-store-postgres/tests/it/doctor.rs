//! The findings of the doctor.

use std::time::Duration;

use incident_core::engine::system::SystemClock;
use incident_core::port::{Clock, StoreError};
use incident_store_postgres::{FindingSeverity, UsageTable, doctor};
use incident_test_postgres::{Cluster, Database};
use sqlx::postgres::PgPool;
use sqlx::{ConnectOptions, Executor};

use crate::server;

const WITHIN: Duration = Duration::from_secs(5);

async fn found(pool: &PgPool, usage: &UsageTable) -> Vec<String> {
    let now = SystemClock.now();
    let findings = doctor(pool, usage, now, WITHIN).await.unwrap();
    assert!(findings.is_sorted_by_key(|finding| finding.level));
    findings.iter().map(ToString::to_string).collect()
}

fn has(found: &[String], start: &str, word: &str) -> bool {
    found
        .iter()
        .any(|one| one.starts_with(start) && one.contains(word))
}

#[tokio::test]
async fn settings_role_guards_index_and_clock() {
    let database = server::database().await;
    let own = UsageTable::own();
    let app = found(&server::pool(&database).await, &own).await;
    // The tests' server runs with unsafe settings, which are reported; all else is well.
    assert!(app.iter().all(|one| one.contains(" is off: ")), "{app:?}");
    assert!(has(&app, "unsafe: ", "fsync") && has(&app, "unsafe: ", "synchronous_commit"));

    let owner = database.pool(2).await.unwrap();
    assert!(has(
        &found(&owner, &own).await,
        "warning: ",
        "can disable the triggers"
    ));
    for (wrong, level, word) in [
        (
            "alter table incident.timeline disable trigger append_only",
            "unsafe: ",
            "append_only",
        ),
        (
            "alter table incident.audit enable trigger never_emptied",
            "unsafe: ",
            "incident.audit",
        ),
        (
            "drop index incident.usage_by_tenant",
            "warning: ",
            "no index",
        ),
        (
            "alter table incident.usage_events alter user_id type text collate \"en-x-icu\"",
            "warning: ",
            "user_id",
        ),
        (
            "update incident._functions set hash = sha256('other')",
            "unsafe: ",
            "do not match this program",
        ),
        (
            "update incident._migrations set version = version + 97",
            "warning: ",
            "update this program soon",
        ),
        (
            "delete from incident._migrations",
            "unsafe: ",
            "run the migration",
        ),
        ("drop schema incident cascade", "unsafe: ", "does not exist"),
    ] {
        owner.execute(wrong).await.unwrap();
        let found = found(&owner, &own).await;
        assert!(has(&found, level, word), "{wrong}: {found:?}");
    }
    let later = SystemClock.now().saturating_add(Duration::from_secs(60));
    let skewed = doctor(&owner, &own, later, WITHIN).await.unwrap();
    assert!(
        skewed
            .iter()
            .any(|one| one.level == FindingSeverity::Warning && one.message.contains("clock"))
    );
}

#[tokio::test]
async fn a_database_of_another_encoding_is_unsafe() {
    let cluster = Cluster::shared();
    let database = Database::create(cluster, None).await.unwrap();
    let pool = database.pool(1).await.unwrap();
    let name = format!("ascii_{}", std::process::id());
    let sql = format!("create database {name} encoding 'SQL_ASCII' template template0");
    pool.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
    let options = cluster.options().database(&name);
    let ascii = PgPool::connect_with(options).await.unwrap();
    assert!(has(
        &found(&ascii, &UsageTable::own()).await,
        "unsafe: ",
        "UTF8"
    ));
}

/// Rows that were just written are read twice until they are vacuumed; partitions of unused
/// days slow down every query.
#[tokio::test]
async fn usage_that_is_not_vacuumed_or_has_very_many_days_is_told() {
    let database = server::database().await;
    let owner = database.pool(1).await.unwrap();
    owner
        .execute(
            "set synchronous_commit = on; \
             select incident.usage_days('{2026-11-20}'); \
             alter table incident.usage_20261120 set (autovacuum_enabled = off); \
             insert into incident.usage_events select 't', 'user ' || n, 'api', '2026-11-20', false, null \
             from generate_series(1, 150000) n; \
             analyze incident.usage_20261120",
        )
        .await
        .unwrap();
    let own = UsageTable::own();
    assert!(has(&found(&owner, &own).await, "warning: ", "run VACUUM"));
    // A vacuum does not mark rows that the snapshot of another session, such as an automatic
    // analyze, may not see yet.
    let mut findings = Vec::new();
    for _ in 0..100 {
        owner
            .execute("vacuum incident.usage_20261120")
            .await
            .unwrap();
        findings = found(&owner, &own).await;
        if !has(&findings, "warning: ", "run VACUUM") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!has(&findings, "warning: ", "run VACUUM"), "{findings:?}");
    for year in 2020..2024 {
        let days = format!(
            "select incident.usage_days(array(select generate_series('{year}-01-01'::date, '{year}-12-31', '1 day')::date))"
        );
        owner.execute(sqlx::AssertSqlSafe(days)).await.unwrap();
    }
    let findings = found(&owner, &own).await;
    assert!(
        has(&findings, "warning: ", "1462 partitions"),
        "{findings:?}"
    );
}

/// Neither a migration nor the doctor waits without limit for a lock of another session.
#[tokio::test]
async fn migrations_and_the_doctor_end_in_time() {
    use incident_store_postgres::{MigrateError, migrate};
    let database = server::database().await;
    let mut owner = database.options().connect().await.unwrap();
    owner
        .execute("begin; lock table incident._migrations in access exclusive mode")
        .await
        .unwrap();
    let (timeout, started) = (Duration::from_millis(400), std::time::Instant::now());
    let migrated = migrate(&database.options(), timeout).await;
    assert!(matches!(migrated, Err(MigrateError::Late)), "{migrated:?}");
    let pool = database.pool(1).await.unwrap();
    let now = incident_core::Timestamp::from_micros(0).unwrap();
    let looked = doctor(&pool, &UsageTable::own(), now, timeout).await;
    assert!(
        matches!(looked, Err(StoreError::Unavailable(_))),
        "{looked:?}"
    );
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}
