//! Counts of users in the host's own table.

use std::time::Duration;

use incident_core::impact::{ApiUsageEvent, ImpactQuery, TenantWindows, scan};
use incident_core::port::{TenantDirectory, UsageError, UsageSink, UsageSource};
use incident_core::{Timestamp, Window, Windows};
use incident_store_postgres::{PgUsage, UsageTable, UsageTableError};
use incident_test_postgres::{Cluster, Database};
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Executor, Row};

use crate::server;

const WITHIN: Duration = Duration::from_secs(5);

async fn host(sql: &str) -> (Database, PgPool) {
    let database = Database::create(Cluster::shared(), None).await.unwrap();
    let pool = database.pool(5).await.unwrap();
    pool.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
    (database, pool)
}

fn query(tenants: &[&str]) -> ImpactQuery {
    let start: Timestamp = "2026-11-20T22:00:00Z".parse().unwrap();
    let window = Window::new(start, start.saturating_add(Duration::from_secs(3600))).unwrap();
    let windows: Windows = [window].into_iter().collect();
    let one = |tenant: &&str| TenantWindows {
        tenant: tenant.parse().unwrap(),
        windows: windows.clone(),
    };
    ImpactQuery::new(tenants.iter().map(one).collect())
}

#[tokio::test]
async fn an_odd_table_is_read_through_its_index_and_never_written() {
    let one = "3f2504e0-4f89-11d3-9a0c-0305e82c3301";
    let (_database, pool) = host(&format!(
        r#"create table "Api""Usage" ("tenant Id" uuid not null, "User" bigint not null, "at;" timestamptz not null);
           create index on "Api""Usage" ("tenant Id", "at;") include ("User");
           insert into "Api""Usage" select '{one}', n % 7, '2026-11-20T22:00:00Z'::timestamptz + n * interval '1 second'
           from generate_series(0, 20000) n;
           analyze "Api""Usage";"#
    ))
    .await;
    let table = UsageTable::new("public", "Api\"Usage").unwrap();
    let table = table.tenant("tenant Id").unwrap().user("User").unwrap();
    let table = table.occurred_at("at;").unwrap();
    let usage = PgUsage::over(pool.clone(), table).await.unwrap();
    // A tenant whose name is not a uuid has no events.
    let counts = usage
        .unique_users(&query(&[one, "tenant-fr"]), WITHIN)
        .await
        .unwrap();
    let users: Vec<u64> = counts
        .by_tenant
        .iter()
        .map(|one| one.unique_users)
        .collect();
    assert_eq!((users, counts.total_unique_users), (vec![7, 0], 7));
    assert_eq!(usage.tenants(WITHIN).await.unwrap(), [one.parse().unwrap()]);
    assert!(usage.record(Vec::new(), WITHIN).await.is_err());
    let mut asked = query(&[one]);
    asked.failed_only = true;
    let error = usage.unique_users(&asked, WITHIN).await.unwrap_err();
    assert!(
        format!("{error:?}").contains("no column for failures"),
        "{error:?}"
    );
    // The index is used for any number of tenants.
    let plan = pool
        .fetch_all(AssertSqlSafe(format!(
            r#"explain select count(distinct e."User") from "Api""Usage" e
               where e."tenant Id" = '{one}'::text::uuid and e."at;" >= '2026-11-20T22:00:00Z' and e."at;" < '2026-11-20T22:01:00Z'"#
        )))
        .await
        .unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    assert!(plan.join("\n").contains("Index Only Scan"), "{plan:?}");
}

#[tokio::test]
async fn a_table_that_does_not_fit_is_refused_by_name() {
    let (_database, pool) = host(
        "create table usage (tenant_id text, user_id text, occurred_at timestamp, service integer, tenant_json jsonb)",
    )
    .await;
    let table = |name| UsageTable::new("public", name).unwrap();
    let over = async |table| PgUsage::over(pool.clone(), table).await.map(drop);
    let missing = over(table("nowhere")).await.unwrap_err();
    assert!(
        matches!(missing, UsageTableError::Missing { .. }),
        "{missing}"
    );
    let typo = table("usage").user("userid").unwrap();
    let missing = over(typo).await.unwrap_err().to_string();
    assert!(missing.contains("no column userid"), "{missing}");
    for (table, column) in [
        (table("usage"), "occurred_at"),
        (table("usage").tenant("tenant_json").unwrap(), "tenant_json"),
    ] {
        let error = over(table).await.unwrap_err().to_string();
        assert!(
            error.contains(&format!("the column {column} is ")),
            "{error}"
        );
    }
}

fn event(tenant: &str, user: &str, at: &str) -> ApiUsageEvent {
    ApiUsageEvent {
        tenant_id: tenant.parse().unwrap(),
        user_id: user.parse().unwrap(),
        service: "api".parse().unwrap(),
        occurred_at: at.parse().unwrap(),
        failed: false,
        endpoint: None,
    }
}

fn on_day(day: u64) -> String {
    let start: Timestamp = "2020-01-01T12:00:00Z".parse().unwrap();
    start
        .saturating_add(Duration::from_secs(day * 86_400))
        .to_string()
}

fn ever(tenants: &[&str]) -> ImpactQuery {
    let ever = Window::new(Timestamp::MIN, Timestamp::MAX).unwrap();
    let one = |tenant: &&str| TenantWindows {
        tenant: tenant.parse().unwrap(),
        windows: ever.into(),
    };
    ImpactQuery::new(tenants.iter().map(one).collect())
}

async fn partitions(pool: &PgPool) -> i64 {
    let sql =
        "select count(*) from pg_inherits where inhparent = 'incident.usage_events'::regclass";
    pool.fetch_one(sql).await.unwrap().get(0)
}

/// Events of any age are stored, each day in a partition of its own, by a role that owns
/// nothing.
#[tokio::test]
async fn events_of_any_age_are_taken_whole_by_a_role_that_owns_nothing() {
    let database = server::database().await;
    let usage = PgUsage::new(server::pool(&database).await);
    let pool = database.pool(3).await.unwrap();
    let mut odd = event("t\\t", "back\\slash \\N", "2026-11-20T22:00:00Z");
    odd.endpoint = Some("GET /a\\b\tc\nd\r\\.".parse().unwrap());
    let ages = [
        event("t", "old", "1970-01-01T00:00:00Z"),
        event("t", "late", "9999-12-30T23:59:59.999999Z"),
        event("t", "edge", "2026-11-20T23:59:59.999999Z"),
        event("t", "next", "2026-11-21T00:00:00Z"),
        odd.clone(),
    ];
    usage.record(ages.to_vec(), WITHIN).await.unwrap();
    assert_eq!(partitions(&pool).await, 4);
    let query = ever(&["t", "t\\t"]);
    let counts = usage.unique_users(&query, WITHIN).await.unwrap();
    assert_eq!(counts, scan(&ages, &query));
    let kept = "select user_id, endpoint from incident.usage_events where tenant_id = 't\\t'";
    let row = pool.fetch_one(kept).await.unwrap();
    let endpoint = odd.endpoint.as_ref().unwrap().as_str();
    assert_eq!(
        (row.get::<&str, _>(0), row.get::<&str, _>(1)),
        ("back\\slash \\N", endpoint)
    );
    // Too many days at once are refused as a whole, in a sentence.
    let years = (0..401).map(|day| event("t", "u", &on_day(day)));
    let refused = usage.record(years.collect(), WITHIN).await.unwrap_err();
    assert!(
        matches!(&refused, UsageError::Refused(why) if why.contains("at most 400 days")),
        "{refused:?}"
    );
    assert_eq!(partitions(&pool).await, 4);
    // Retention drops a day's partition; the day may come again.
    pool.execute("drop table incident.usage_20261121")
        .await
        .unwrap();
    let again = event("t", "again", "2026-11-21T05:00:00Z");
    usage.record(vec![again], WITHIN).await.unwrap();
    let counts = usage.unique_users(&ever(&["t"]), WITHIN).await.unwrap();
    assert_eq!(counts.total_unique_users, 4);
}

/// Many writers need the same new days at the same moment.
#[tokio::test(flavor = "multi_thread")]
async fn writers_that_need_the_same_day_make_it_once() {
    let database = server::database().await;
    let pool = server::pool(&database).await;
    let writers = (0..8).map(|writer| {
        let usage = PgUsage::new(pool.clone());
        tokio::spawn(async move {
            for day in 0..12 {
                let mut batch: Vec<_> = (0..20)
                    .map(|n| event("t", &format!("u{writer}-{n}"), &on_day(day)))
                    .collect();
                batch.push(event("t", "everybody", &on_day(day + 1)));
                usage.record(batch, Duration::from_secs(20)).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(partitions(&pool).await, 13);
    let usage = PgUsage::new(pool);
    let counts = usage.unique_users(&ever(&["t"]), WITHIN).await.unwrap();
    assert_eq!(counts.total_unique_users, 161);
}

/// A query that takes too long is refused in time, with its size; the server stops counting,
/// and the connection is as it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_is_too_large_is_refused_with_its_size() {
    let database = server::database().await;
    let pool = database.pool(8).await.unwrap();
    pool.execute("select incident.usage_days('{2026-11-20}')")
        .await
        .unwrap();
    pool.execute(
        "insert into incident.usage_events select 't' || n % 3, 'u' || n, 'api', \
         '2026-11-20'::timestamptz + n * interval '100 ms', false, null from generate_series(1, 400000) n",
    )
    .await
    .unwrap();
    pool.execute("analyze incident.usage_events").await.unwrap();
    let usage = PgUsage::new(pool.clone());
    let query = ever(&["t0", "t1", "t2"]);
    let started = std::time::Instant::now();
    let timeout = Duration::from_millis(150);
    match usage.unique_users(&query, timeout).await {
        Err(UsageError::QueryTimedOut { tenants, events }) => {
            let events = events.unwrap();
            assert!(
                tenants == 3 && (200_000..800_000).contains(&events),
                "{events}"
            );
        }
        other => panic!("{other:?}"),
    }
    assert!(started.elapsed() < timeout + Duration::from_millis(200));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let busy = "select count(*) from pg_stat_activity where datname = current_database() \
                and state = 'active' and query like '%lateral%' and pid <> pg_backend_pid()";
    let busy: i64 = pool.fetch_one(busy).await.unwrap().get(0);
    assert_eq!(busy, 0, "the server still counts");
    // With sufficient time it succeeds, over any number of connections.
    for connections in 1..=4 {
        let own = server::pool(&database).await;
        let usage = PgUsage::builder(own.clone())
            .connections(connections)
            .build();
        let counts = usage.unique_users(&query, Duration::from_secs(60)).await;
        assert_eq!(counts.unwrap().total_unique_users, 400_000, "{connections}");
        let opened = usize::try_from(own.size()).unwrap();
        assert!(opened <= connections, "{opened} of {connections}");
    }
    let limit: String = pool
        .fetch_one("show statement_timeout")
        .await
        .unwrap()
        .get(0);
    assert_eq!(limit, "0");
}

/// Events of a transaction that ends after a query ran are new to the next query.
#[tokio::test]
async fn what_a_slow_transaction_brings_is_not_missed() {
    let database = server::database().await;
    let pool = server::pool(&database).await;
    let usage = PgUsage::builder(pool.clone())
        .incremental_above(Duration::ZERO)
        .build();
    let start: Timestamp = "2026-11-20T22:00:00Z".parse().unwrap();
    let event = |user: &str, second: u64| ApiUsageEvent {
        tenant_id: "t".parse().unwrap(),
        user_id: user.parse().unwrap(),
        service: "api".parse().unwrap(),
        occurred_at: start.saturating_add(Duration::from_secs(second)),
        failed: false,
        endpoint: None,
    };
    let asked = async |second: u64| {
        let end = start.saturating_add(Duration::from_secs(second));
        let windows = Windows::from(Window::new(start, end).unwrap());
        let tenant = "t".parse().unwrap();
        let query = ImpactQuery::new(vec![TenantWindows { tenant, windows }]);
        let counts = usage.unique_users(&query, WITHIN).await.unwrap();
        counts.total_unique_users
    };
    usage.record(vec![event("a", 1)], WITHIN).await.unwrap();
    assert_eq!((asked(100).await, asked(101).await), (1, 1));
    let mut slow = pool.begin().await.unwrap();
    slow.execute(
        "insert into incident.usage_events (tenant_id, user_id, service, occurred_at, failed) \
         values ('t', 'slow', 'api', '2026-11-20T22:00:02Z', false)",
    )
    .await
    .unwrap();
    // A later transaction ends before it.
    usage.record(vec![event("b", 3)], WITHIN).await.unwrap();
    assert_eq!((asked(102).await, asked(103).await), (2, 2));
    slow.commit().await.unwrap();
    usage.record(vec![event("c", 4)], WITHIN).await.unwrap();
    assert_eq!(asked(104).await, 4);
}

/// A19: the time limit of a query stayed on the pooled connection when its client went away,
/// and stopped commits. Whenever the client goes, the next call finds the connection as it was:
/// without a limit, and in no transaction.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_whose_client_has_gone_leaves_no_limit_behind() {
    let database = server::database().await;
    let pool = database.pool(1).await.unwrap();
    pool.execute("select incident.usage_days('{2026-11-20}')")
        .await
        .unwrap();
    pool.execute(
        "insert into incident.usage_events select 't' || n % 3, 'u' || n, 'api', \
         '2026-11-20'::timestamptz + n * interval '1 s', false, null from generate_series(1, 6000) n",
    )
    .await
    .unwrap();
    let query = ever(&["t0", "t1", "t2"]);
    let (mut gone, mut answered) = (0, 0);
    for n in 0..40_u64 {
        // The duration of queries is not known yet, so that each has a limit.
        let usage = PgUsage::builder(pool.clone())
            .connections(1)
            .incremental_above(Duration::ZERO)
            .build();
        let patience = Duration::from_micros(n * n * n * 8);
        let asked = async {
            if n % 2 == 0 {
                usage
                    .unique_users(&query, Duration::from_secs(59))
                    .await
                    .map(|_| ())
            } else {
                usage
                    .breakdown(&query, Duration::from_secs(59))
                    .await
                    .map(|_| ())
            }
        };
        match tokio::time::timeout(patience, asked).await {
            Ok(answer) => {
                answer.unwrap();
                answered += 1;
            }
            Err(_) => gone += 1,
        }
        let mut next = pool.acquire().await.unwrap();
        let limit: String = next
            .fetch_one("show statement_timeout")
            .await
            .unwrap()
            .get(0);
        assert_eq!(limit, "0", "after {patience:?}");
        let open = "select now() < statement_timestamp() - interval '1 ms' as open";
        tokio::time::sleep(Duration::from_millis(2)).await;
        let open: bool = next.fetch_one(open).await.unwrap().get(0);
        assert!(!open, "a transaction is open after {patience:?}");
    }
    assert!(gone > 5 && answered > 0, "{gone} gone, {answered} answered");
}

/// S10: events lie on a limited number of days in all, whatever their dates and the number of
/// concurrent writers.
#[tokio::test(flavor = "multi_thread")]
async fn so_many_days_have_a_partition_and_no_more() {
    let database = server::database().await;
    let pool = server::pool(&database).await;
    let fresh = || PgUsage::builder(pool.clone()).days_at_most(6).build();
    let usage = fresh();
    let batch = |days: std::ops::Range<u64>| -> Vec<ApiUsageEvent> {
        days.map(|day| event("t", "u", &on_day(day * 40))).collect()
    };
    usage.record(batch(0..4), WITHIN).await.unwrap();
    let refused = usage.record(batch(2..7), WITHIN).await.unwrap_err();
    assert!(
        matches!(refused, UsageError::TooManyDays { days: 7, limit: 6 }),
        "{refused:?}"
    );
    assert_eq!(partitions(&pool).await, 4);
    // Several at a time, each of which would fit alone.
    let tries = (0..6).map(|n| {
        // As in a process of its own, which knows of no day.
        let usage = fresh();
        let batch = batch(10 + n * 2..12 + n * 2);
        tokio::spawn(async move { usage.record(batch, WITHIN).await.is_ok() })
    });
    let mut taken = 0;
    for one in tries.collect::<Vec<_>>() {
        taken += usize::from(one.await.unwrap());
    }
    assert_eq!((taken, partitions(&pool).await), (1, 6));
    // Days that exist accept more events.
    usage.record(batch(0..4), WITHIN).await.unwrap();
}
