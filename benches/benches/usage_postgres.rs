//! Distinct users in PostgreSQL: through the library, as the same statement prepared by hand, and
//! as the obvious flat `GROUP BY`. Interleaved, in one run.
//!
//! Run with `cargo bench -p incident-benches --bench usage_postgres`; `USAGE_EVENTS` sets the
//! number of events (20,000,000 by default: 5 GB and some minutes).

use std::time::{Duration, Instant};

use incident_benches::usage::{ASKED, NamesOf, TENANTS, WINDOWS, made};
use incident_core::impact::ImpactQuery;
use incident_core::port::{UsageSink, UsageSource};
use incident_store_postgres::{PgUsage, UsageTable, migrate};
use incident_test_postgres::{Cluster, Database};
use sqlx::postgres::PgPool;
use sqlx::{Executor, Row};

const WITHIN: Duration = Duration::from_secs(600);
const ROUNDS: usize = 5;

const COUNTS: &str = "select s.place, c.n from unnest($1::int[], $2::text[], $3::timestamptz[], $4::timestamptz[]) \
    as s (place, tenant, start_at, end_at) cross join lateral (select count(distinct u) as n from ( \
    select e.user_id as u from usage e where e.tenant_id = s.tenant::text \
    and e.occurred_at >= s.start_at and e.occurred_at < s.end_at and e.occurred_at >= $5 and e.occurred_at < $6) e) c";

const TOTAL: &str = "select count(distinct e.u) as n from unnest($1::int[], $2::text[], $3::timestamptz[], $4::timestamptz[]) \
    as s (place, tenant, start_at, end_at) cross join lateral (select distinct u from ( \
    select e.user_id as u from usage e where e.tenant_id = s.tenant::text \
    and e.occurred_at >= s.start_at and e.occurred_at < s.end_at and e.occurred_at >= $5 and e.occurred_at < $6) e) e";

const FLAT: &str = "select tenant_id, count(distinct user_id) as n from usage \
    where occurred_at >= $1 and occurred_at < $2 group by tenant_id";

/// The flat statement for a subset of the tenants.
const FLAT_OF_SOME: &str = "select tenant_id, count(distinct user_id) as n from usage \
    where occurred_at >= $1 and occurred_at < $2 and tenant_id = any($3) group by tenant_id";

/// A table of the host's own, without partitions.
const HOST: &str = "
    create table usage (like incident.usage_events);
    alter table usage drop column taken_by;
    insert into usage select tenant_id, user_id, service, occurred_at, failed, endpoint from incident.usage_events;
    create index on usage (tenant_id, occurred_at) include (user_id, service, failed);
    truncate incident.usage_events";

#[tokio::main]
async fn main() {
    let events = std::env::var("USAGE_EVENTS").map_or(20_000_000, |text| text.parse().unwrap());
    let database = Database::create(Cluster::shared(), None).await.unwrap();
    migrate(&database.options(), WITHIN).await.unwrap();
    let pool = database.pool(4).await.unwrap();
    let names = load(&pool, &PgUsage::new(pool.clone()), events).await;
    let table = UsageTable::new("public", "usage").unwrap();
    let table = table.service("service").unwrap().failed("failed").unwrap();
    let usage = PgUsage::over(pool.clone(), table).await.unwrap();
    println!(
        "{:>10} {:>10} {:>10} {:>10} {:>10} {:>9} {:>9}",
        "cell", "users", "library", "bare", "flat", "bare/lib", "flat/lib"
    );
    for (window, ..) in WINDOWS {
        for (asked, ..) in ASKED {
            compare(
                &pool,
                &usage,
                &names.query(window, asked, false),
                window,
                asked,
            )
            .await;
        }
    }
}

async fn load(pool: &PgPool, usage: &PgUsage, events: usize) -> NamesOf {
    let all = made(events);
    let names = NamesOf::of(&all);
    let mut spent = Duration::ZERO;
    for batch in all.chunks(100_000) {
        let batch = names.events(batch);
        let started = Instant::now();
        usage.record(batch, WITHIN).await.unwrap();
        spent += started.elapsed();
    }
    let rate = events as f64 / spent.as_secs_f64();
    println!("COPY through the library: {rate:.0} events/s into one index");
    let started = Instant::now();
    pool.execute(HOST).await.unwrap();
    let limit = events as f64 / started.elapsed().as_secs_f64();
    println!("the server by itself, index afterwards: {limit:.0} rows/s");
    pool.execute("vacuum (analyze) usage").await.unwrap();
    names
}

async fn compare(pool: &PgPool, usage: &PgUsage, query: &ImpactQuery, window: &str, asked: &str) {
    let mut times: [Vec<f64>; 3] = Default::default();
    let mut users = Vec::new();
    // The library and the bare statements also compute the total, on a connection of its own; the
    // flat one does not.
    for round in 0..=ROUNDS {
        for (way, times) in times.iter_mut().enumerate() {
            if way == 2 && round > 2 && window == "30d" {
                continue;
            }
            let started = Instant::now();
            let sum = match way {
                0 => {
                    let counts = usage.unique_users(query, WITHIN).await.unwrap();
                    counts.by_tenant.iter().map(|one| one.unique_users).sum()
                }
                1 => bare(pool, query).await,
                _ => flat(pool, query).await,
            };
            // The first round is a warm-up.
            if round > 0 {
                times.push(started.elapsed().as_secs_f64() * 1e3);
            }
            users.push(sum);
        }
    }
    assert!(users.iter().all(|one| *one == users[0]), "{users:?}");
    let median = |times: &[f64]| {
        let mut times = times.to_vec();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let [library, bare, flat] = times.map(|times| median(&times));
    println!(
        "{:>10} {:>10} {library:>10.2} {bare:>10.2} {flat:>10.2} {:>8.2}x {:>8.1}x",
        format!("{window}/{asked}"),
        users[0],
        bare / library,
        flat / library
    );
}

async fn bare(pool: &PgPool, query: &ImpactQuery) -> u64 {
    let (names, starts, ends) = bounds(query);
    let places: Vec<i32> = (0..).take(names.len()).collect();
    let several = names.len() > 1;
    let ask = async |sql: &'static str| {
        sqlx::query(sql)
            .bind(places.clone())
            .bind(names.clone())
            .bind(starts.clone())
            .bind(ends.clone())
            .bind(starts[0])
            .bind(ends[0])
            .fetch_all(pool)
            .await
            .unwrap()
    };
    let total = async {
        if several {
            ask(TOTAL).await;
        }
    };
    let (rows, ()) = tokio::join!(ask(COUNTS), total);
    sum(&rows)
}

async fn flat(pool: &PgPool, query: &ImpactQuery) -> u64 {
    let (names, starts, ends) = bounds(query);
    let all = names.len() == usize::from(TENANTS);
    let mut statement = sqlx::query(if all { FLAT } else { FLAT_OF_SOME })
        .bind(starts[0])
        .bind(ends[0]);
    if !all {
        statement = statement.bind(names);
    }
    sum(&statement.fetch_all(pool).await.unwrap())
}

type Time = sqlx::types::chrono::DateTime<sqlx::types::chrono::Utc>;

fn bounds(query: &ImpactQuery) -> (Vec<String>, Vec<Time>, Vec<Time>) {
    let names = query.tenants().iter().map(|one| one.tenant.to_string());
    let window = |at: usize| query.tenants()[at].windows.as_slice()[0];
    let all = 0..query.tenants().len();
    let starts = all.clone().map(|at| window(at).start().to_chrono());
    let ends = all.map(|at| window(at).end().to_chrono());
    (names.collect(), starts.collect(), ends.collect())
}

fn sum(rows: &[sqlx::postgres::PgRow]) -> u64 {
    let counts = rows.iter().map(|row| row.get::<i64, _>("n"));
    u64::try_from(counts.sum::<i64>()).unwrap()
}
