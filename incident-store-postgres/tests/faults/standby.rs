//! Standby servers, and their promotion.

use std::time::Duration;

use incident_core::engine::Error;
use incident_core::impact::{ApiUsageEvent, ImpactQuery, TenantWindows};
use incident_core::port::{StoreError, UsageSink, UsageSource};
use incident_core::{Timestamp, Window};
use incident_store_postgres::{
    FindingSeverity, MigrateError, PgUsage, UsageTable, doctor, migrate,
};
use incident_test_postgres::{Cluster, Safety};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, Row};

use crate::{Setup, declare, engine, recorder};

const WITHIN: Duration = Duration::from_secs(5);

/// Returns the options for the database of a setup on another server.
fn on(server: &Cluster, it: &Setup) -> PgConnectOptions {
    server.options().database(it.database.name())
}

fn pool(options: PgConnectOptions) -> PgPool {
    let pool = PgPoolOptions::new()
        .max_connections(3)
        .acquire_timeout(Duration::from_secs(4));
    pool.connect_lazy_with(options)
}

/// Waits until a standby has replayed all of its primary's log.
async fn caught_up(primary: PgConnectOptions, standby: PgConnectOptions) {
    let mut primary = primary.connect().await.unwrap();
    let mut standby = standby.connect().await.unwrap();
    let at: String = primary
        .fetch_one("select pg_current_wal_lsn()::text")
        .await
        .unwrap()
        .get(0);
    for _ in 0..500 {
        let sql = format!("select coalesce(pg_last_wal_replay_lsn() >= '{at}', false)");
        let there: bool = standby.fetch_one(AssertSqlSafe(sql)).await.unwrap().get(0);
        if there {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the standby does not follow");
}

async fn findings(options: PgConnectOptions) -> Vec<(FindingSeverity, String)> {
    let now = Timestamp::from_micros(0).unwrap();
    let found = doctor(&pool(options), &UsageTable::own(), now, WITHIN).await;
    let found = found.unwrap().into_iter();
    found.map(|one| (one.level, one.message)).collect()
}

/// S12: the application started on a server that accepts no writes, was reported ready, and
/// passed the doctor.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_writes_is_said_to_be_so() {
    let it = Setup::new().await;
    let incidents = engine(it.direct(2), recorder());
    let id = declare(&incidents, "before").await.unwrap();
    incidents.worker().health().await.unwrap();
    let standby = it.cluster.standby(Safety::Durable).unwrap();
    caught_up(it.database.options(), on(&standby, &it)).await;
    let set_so = it
        .database
        .options()
        .options([("default_transaction_read_only", "on")]);
    for (options, word, other) in [
        (on(&standby, &it), "standby", "primary"),
        (set_so, "read-only", "default_transaction_read_only"),
    ] {
        let incidents = engine(pool(options.clone()), recorder());
        // Reads still work.
        incidents.get(id).await.unwrap();
        let unready = incidents.worker().health().await.unwrap_err();
        let Error::Store(StoreError::ReadOnly(why)) = &unready else {
            panic!("{unready:?}");
        };
        assert!(why.to_string().contains(word), "{why}");
        let refused = declare(&incidents, "after").await;
        assert!(
            matches!(refused, Err(Error::Store(StoreError::ReadOnly(_)))),
            "{refused:?}"
        );
        let found = findings(options.clone()).await;
        let said = found
            .iter()
            .find(|(_, message)| message.contains(word) && message.contains(other));
        assert_eq!(
            said.map(|(level, _)| *level),
            Some(FindingSeverity::Unsafe),
            "{found:?}"
        );
        // A current schema needs no migration; an older one cannot be migrated here.
        migrate(&options, WITHIN).await.unwrap();
        let newer = "insert into incident._migrations (version, description, success, checksum, execution_time) \
                     values (0, 'x', true, '', 0); delete from incident._migrations where version > 0";
        let mut owner = it.database.options().connect().await.unwrap();
        owner
            .execute("begin; create table kept as select * from incident._migrations")
            .await
            .unwrap();
        owner.execute(newer).await.unwrap();
        owner.execute("commit").await.unwrap();
        if word == "standby" {
            caught_up(it.database.options(), options.clone()).await;
        }
        let refused = migrate(&options, WITHIN).await.unwrap_err();
        assert!(
            matches!(refused, MigrateError::ReadOnly(why) if why.contains(word)),
            "{refused:?}"
        );
        owner
            .execute("delete from incident._migrations; insert into incident._migrations select * from kept; drop table kept")
            .await
            .unwrap();
    }
}

fn event(user: &str) -> ApiUsageEvent {
    ApiUsageEvent {
        tenant_id: "t".parse().unwrap(),
        user_id: user.parse().unwrap(),
        service: "api".parse().unwrap(),
        occurred_at: "2026-11-20T22:00:30Z".parse().unwrap(),
        failed: false,
        endpoint: None,
    }
}

/// Counts the users of a live incident until `minutes` after its start.
async fn users(usage: &PgUsage, minutes: u64) -> u64 {
    let start: Timestamp = "2026-11-20T22:00:00Z".parse().unwrap();
    let end = start.saturating_add(Duration::from_secs(60 * minutes));
    let tenants = vec![TenantWindows {
        tenant: "t".parse().unwrap(),
        windows: [Window::new(start, end).unwrap()].into_iter().collect(),
    }];
    let query = ImpactQuery::new(tenants);
    usage
        .unique_users(&query, WITHIN)
        .await
        .unwrap()
        .total_unique_users
}

/// A21: live counts were exact for the primary that died, but wrong for ten minutes after a
/// standby that lagged behind took over: its transaction numbers had been counted as ended. All
/// events of the new primary are counted, and no others.
#[tokio::test(flavor = "multi_thread")]
async fn live_counts_begin_again_when_a_standby_with_less_takes_over() {
    let mut it = Setup::new().await;
    let primary = pool(it.database.options());
    let usage = PgUsage::builder(primary.clone())
        .incremental_above(Duration::ZERO)
        .build();
    usage.record(vec![event("both")], WITHIN).await.unwrap();
    for minutes in 1..4 {
        assert_eq!(users(&usage, minutes).await, 1);
    }
    let standby = it.cluster.standby(Safety::Durable).unwrap();
    caught_up(it.database.options(), on(&standby, &it)).await;
    let mut there = standby.options().connect().await.unwrap();
    // The standby stops replicating here.
    there
        .execute("alter system set primary_conninfo = ''")
        .await
        .unwrap();
    there.execute("select pg_reload_conf()").await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    for n in 0..40 {
        let lost = event(&format!("lost {n}"));
        usage.record(vec![lost], WITHIN).await.unwrap();
    }
    assert_eq!(users(&usage, 4).await, 41);

    it.cluster.kill().unwrap();
    there.execute("select pg_promote()").await.unwrap();
    primary.set_connect_options(on(&standby, &it));
    let other = PgUsage::new(pool(on(&standby, &it)));
    // With transaction numbers that the dead primary had used, and beyond them.
    for n in 0..60 {
        let new = event(&format!("new {n}"));
        other.record(vec![new], WITHIN).await.unwrap();
        if n % 20 == 10 {
            let asked = 5 + n / 20;
            assert_eq!(
                users(&usage, asked).await,
                users(&other, asked).await,
                "{n}"
            );
        }
    }
    assert_eq!(users(&usage, 9).await, 61);
}
