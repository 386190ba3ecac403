//! Counting in the host's own table.

use std::time::Duration;

use incident_core::impact::{ImpactQuery, TenantWindows};
use incident_core::port::{TenantDirectory, UsageSink, UsageSource};
use incident_core::{Timestamp, Window, Windows};
use incident_store_postgres::{PgUsage, UsageTable, UsageTableError};
use incident_test_postgres::{Cluster, Database};
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Executor, Row};

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
    ImpactQuery::new(tenants.iter().map(one).collect(), None, false)
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
    // A name that no uuid has is a tenant without events.
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
        format!("{error:?}").contains("no column of failures"),
        "{error:?}"
    );
    // By index, whatever the number of tenants.
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
