//! A report on a live incident, requested every five seconds: incremental counts beside full
//! counts, in interleaved steps over the same events.
//!
//! Run with `cargo bench -p incident-benches --bench usage_live`; `USAGE_EVENTS` sets the number of
//! events in 30 days, of which those of the day before and of the twelve hours of the incident are
//! used.

use std::time::{Duration, Instant};

use incident_benches::usage::{Made, NamesOf, START, TENANTS, made, tenant_name};
use incident_core::impact::{ImpactQuery, TenantWindows};
use incident_core::port::{UsageSink, UsageSource};
use incident_core::{Timestamp, Window, Windows};
use incident_store_memory::MemoryUsage;
use incident_store_postgres::{PgUsage, migrate};
use incident_test_postgres::{Cluster, Database};
use sqlx::Executor;
use sqlx::postgres::PgPool;

const WITHIN: Duration = Duration::from_secs(600);
const BATCH: usize = 50_000;
const STEPS: i64 = 60;
const STEP_US: i64 = 5_000_000;
const HOUR_US: i64 = 3_600_000_000;
/// Start of the incident: 2024-06-13T09:00:00Z, in microseconds since 1970.
const BEGUN: i64 = START + (12 * 24 + 9) * HOUR_US;

#[tokio::main]
async fn main() {
    let events = std::env::var("USAGE_EVENTS").map_or(20_000_000, |text| text.parse().unwrap());
    let kept = BEGUN - 24 * HOUR_US..BEGUN + 13 * HOUR_US;
    let mut all = made(events);
    all.retain(|one| kept.contains(&one.at));
    let names = NamesOf::of(&all);
    println!(
        "{} events, {} in the incident",
        all.len(),
        between(&all, BEGUN, BEGUN + 12 * HOUR_US).len()
    );
    println!(
        "{:>22} {:>10} {:>12} {:>12} {:>8}",
        "source", "users", "followed ms", "anew ms", "ratio"
    );
    let limit = 16 << 30;
    for (name, seal) in [("memory, unsealed", usize::MAX), ("memory, sealed", 32_768)] {
        let usage = || MemoryUsage::with_limit(limit).with_seal_threshold(seal);
        let (followed, anew) = (usage(), usage().incremental_above(Duration::MAX));
        live(
            name,
            (&names, &all),
            (&followed, &followed),
            (&anew, &anew),
            None,
        )
        .await;
    }
    let database = Database::create(Cluster::shared(), None).await.unwrap();
    migrate(&database.options(), WITHIN).await.unwrap();
    let pool = database.pool(4).await.unwrap();
    let followed = PgUsage::new(pool.clone());
    let anew = PgUsage::builder(pool.clone())
        .incremental_above(Duration::MAX)
        .build();
    live(
        "postgres",
        (&names, &all),
        (&followed, &followed),
        (&anew, &Nowhere),
        Some(&pool),
    )
    .await;
}

/// A sink that drops events: both sources read the same table.
struct Nowhere;

#[async_trait::async_trait]
impl UsageSink for Nowhere {
    async fn record(
        &self,
        _events: Vec<incident_core::impact::ApiUsageEvent>,
        _timeout: Duration,
    ) -> Result<(), incident_core::port::UsageError> {
        Ok(())
    }
}

type Both<'a> = (&'a dyn UsageSource, &'a dyn UsageSink);

async fn live(
    name: &str,
    (names, all): (&NamesOf, &[Made]),
    followed: Both<'_>,
    anew: Both<'_>,
    pool: Option<&PgPool>,
) {
    let mut now = BEGUN + 12 * HOUR_US;
    for batch in between(all, i64::MIN, now).chunks(BATCH) {
        let batch = names.events(batch);
        followed.1.record(batch.clone(), WITHIN).await.unwrap();
        anew.1.record(batch, WITHIN).await.unwrap();
    }
    if let Some(pool) = pool {
        // By then autovacuum would have run.
        let sql = "vacuum (analyze) incident.usage_events";
        pool.execute(sql).await.unwrap();
    }
    let mut times: [Vec<f64>; 2] = Default::default();
    let mut users = 0;
    for step in 0..STEPS {
        let new = names.events(between(all, now, now + STEP_US));
        followed.1.record(new.clone(), WITHIN).await.unwrap();
        anew.1.record(new, WITHIN).await.unwrap();
        now += STEP_US;
        let query = asked(now);
        let mut found = Vec::new();
        for (usage, times) in [followed.0, anew.0].iter().zip(&mut times) {
            let started = Instant::now();
            found.push(usage.unique_users(&query, WITHIN).await.unwrap());
            // The first two steps detect the growing query and fill its cache.
            if step > 1 {
                times.push(started.elapsed().as_secs_f64() * 1e3);
            }
        }
        assert_eq!(found[0], found[1]);
        users = found[0].total_unique_users;
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let [followed, anew] = times.each_mut().map(median);
    println!(
        "{name:>22} {users:>10} {followed:>12.3} {anew:>12.3} {:>7.1}x",
        anew / followed
    );
}

fn between(all: &[Made], from: i64, to: i64) -> &[Made] {
    let place = |at: i64| all.partition_point(|one| one.at < at);
    &all[place(from)..place(to)]
}

fn asked(now: i64) -> ImpactQuery {
    let time = |at: i64| Timestamp::from_micros(at).unwrap();
    let windows = Windows::from(Window::new(time(BEGUN), time(now)).unwrap());
    let one = |tenant: u16| TenantWindows {
        tenant: tenant_name(tenant).parse().unwrap(),
        windows: windows.clone(),
    };
    ImpactQuery::new((0..TENANTS).map(one).collect())
}
