//! Queries of the PostgreSQL store: a claim of 50 messages beside its bare SQL, with 20,000 pending
//! and 100,000 finished messages; the active list with 1,000 and with 1,000,000 incidents, 50 of
//! them live; and the time from a commit to the pager's request with an idle relay.
//!
//! Run with `cargo bench -p incident-benches --bench postgres_queries`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use incident_benches::median;
use incident_core::actor::Role;
use incident_core::engine::system::SystemClock;
use incident_core::engine::{Incidents, RequestContext};
use incident_core::incident::{Declare, Severity, Status};
use incident_core::paging::{DeliveryResult, PageEvent, Receipt, TargetId};
use incident_core::port::{ClaimRequest, Clock, IncidentFilter, IncidentStore, Outbox, Pager};
use incident_core::testing::caller;
use incident_pagers::Worker;
use incident_store_postgres::{PgStore, migrate};
use incident_test_postgres::{Cluster, Database, Safety};
use sqlx::postgres::PgPool;
use sqlx::postgres::types::PgInterval;
use sqlx::{AssertSqlSafe, Executor};
use uuid::Uuid;

const WITHIN: Duration = Duration::from_secs(10);
const ROUNDS: usize = 5;
const TIMES: usize = 20;
const BATCH: usize = 50;

async fn execute(pool: &PgPool, sql: &str) {
    pool.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
}

/// Inserts closed incidents, and 50 live ones, from number `from` on.
async fn fill(pool: &PgPool, from: u64, to: u64) {
    let sql = format!(
        "insert into incident.incidents (id, number, revision, version, last_seq, last_hash, status, live, severity, public, \
             declared_at, resolved_at, started_at, ended_at, services, tenants, title_lower, summary_lower, state) \
         select gen_random_uuid(), n, i.revision, i.version, i.last_seq, i.last_hash, case when n <= 50 then i.status else 'closed' end, \
             n <= 50, i.severity, false, i.declared_at + n * interval '1 second', case when n <= 50 then null else now() end, \
             i.declared_at, case when n <= 50 then null else now() end, i.services, i.tenants, i.title_lower, i.summary_lower, i.state \
         from generate_series({from}, {to}) n, (select * from incident.incidents order by number desc limit 1) i"
    );
    execute(pool, &sql).await;
    execute(pool, "vacuum analyze incident.incidents").await;
}

async fn active_list(store: &PgStore) -> Duration {
    let filter = IncidentFilter {
        statuses: Status::ALL
            .into_iter()
            .filter(|one| one.is_live())
            .collect::<BTreeSet<_>>(),
        limit: BATCH,
        ..IncidentFilter::default()
    };
    let mut times = Vec::new();
    for _ in 0..ROUNDS * TIMES {
        let started = Instant::now();
        assert_eq!(store.list(&filter, WITHIN).await.unwrap().len(), BATCH);
        times.push(started.elapsed());
    }
    median(times)
}

/// Fills the outbox, and leaves the dead rows of a hundred thousand finished messages.
async fn fill_outbox(pool: &PgPool) {
    let insert = |count: u64| {
        format!(
            "insert into incident.outbox (id, incident_id, priority, kind, opens, body, log, committed_at, due_at) \
             select gen_random_uuid(), i.id, 1 + n % 4, o.kind, o.opens, o.body, o.log, now(), now() - n * interval '1 ms' \
             from generate_series(1, {count}) n, (select id, row_number() over () as r from incident.incidents limit 20000) i, \
                  (select * from incident.outbox where kind = 'page' limit 1) o where i.r = 1 + n % 20000"
        )
    };
    execute(pool, &insert(100_000)).await;
    execute(
        pool,
        "delete from incident.outbox where ctid <> (select min(ctid) from incident.outbox)",
    )
    .await;
    execute(pool, &insert(20_000)).await;
    execute(pool, "vacuum analyze incident.outbox").await;
}

async fn release(pool: &PgPool) {
    let sql = "update incident.outbox set state = 'pending', lease_owner = null, lease_until = null where state = 'leased'";
    execute(pool, sql).await;
}

/// Measures claims by the store and by its bare statement, alternately.
async fn claims(store: &PgStore, pool: &PgPool) -> (Duration, Duration) {
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    let owner = Uuid::new_v4();
    for _ in 0..ROUNDS {
        for _ in 0..TIMES {
            let request = ClaimRequest {
                owner,
                now: SystemClock.now(),
                lease_for: Duration::from_secs(30),
                limit: BATCH,
                except: Vec::new(),
            };
            let started = Instant::now();
            let claimed = store.claim(request, WITHIN).await.unwrap();
            assert_eq!(claimed.len(), BATCH);
            ours.push(started.elapsed());
            let started = Instant::now();
            let rows = sqlx::query("select * from incident.claim($1, $2, $3, $4, $5, $6)")
                .bind(SystemClock.now().to_chrono())
                .bind(i64::try_from(BATCH).unwrap())
                .bind(vec!["page".to_owned(), "settle".to_owned()])
                .bind(owner)
                .bind(PgInterval {
                    months: 0,
                    days: 0,
                    microseconds: 30_000_000,
                })
                .bind(Vec::<Uuid>::new())
                .fetch_all(pool)
                .await
                .unwrap();
            assert_eq!(rows.len(), BATCH);
            bare.push(started.elapsed());
        }
        release(pool).await;
    }
    (median(ours), median(bare))
}

/// A pager that records the time of each request.
#[derive(Debug, Default)]
struct Noting(Mutex<Vec<Instant>>);

#[async_trait]
impl Pager for Noting {
    fn target_id(&self) -> TargetId {
        TargetId::new("noting").unwrap()
    }

    fn follows_severity(&self) -> bool {
        true
    }

    async fn send(&self, _page: &PageEvent, _timeout: Duration) -> DeliveryResult {
        self.0.lock().unwrap().push(Instant::now());
        DeliveryResult::Accepted(Receipt::default())
    }
}

async fn latency(pool: PgPool) {
    let pager = Arc::new(Noting::default());
    let store = PgStore::new(pool);
    let builder = Incidents::builder(Arc::new(store)).pager(Arc::<Noting>::clone(&pager));
    let (incidents, worker) = Worker::new(builder).unwrap();
    let running = worker.spawn();
    let context = RequestContext::new(caller("anna", Role::Admin).unwrap());
    let mut times = Vec::new();
    for _ in 0..500 {
        let before = pager.0.lock().unwrap().len();
        let asked = Declare::new("API down".parse().unwrap(), Severity::Sev1);
        incidents.declare(&context, &asked).await.unwrap();
        let committed = Instant::now();
        while pager.0.lock().unwrap().len() == before {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        let asked = pager.0.lock().unwrap()[before];
        times.push(asked.saturating_duration_since(committed));
    }
    running.abort();
    times.sort();
    println!(
        "commit to the pager's request, idle relay: p50 {:?}, p99 {:?}",
        times[250], times[495]
    );
}

#[tokio::main]
async fn main() {
    let cluster = Cluster::start(Safety::Durable).unwrap();
    let database = Database::create(&cluster, None).await.unwrap();
    migrate(&database.options(), Duration::from_secs(30))
        .await
        .unwrap();
    let pool = database.pool(4).await.unwrap();
    latency(pool.clone()).await;

    execute(&pool, "alter sequence incident.numbers restart 2000000").await;
    let store = PgStore::new(pool.clone());
    let incidents = Incidents::builder(Arc::new(store.clone())).build().unwrap();
    let context = RequestContext::new(caller("anna", Role::Admin).unwrap());
    // The incidents of the previous measurement are closed.
    execute(
        &pool,
        "update incident.incidents set live = false, number = number + 3000000",
    )
    .await;
    let asked = Declare::new("API down".parse().unwrap(), Severity::Sev1);
    let sample = incidents
        .declare(&context, &asked)
        .await
        .unwrap()
        .incident
        .id;
    fill(&pool, 1, 1_000).await;
    execute(
        &pool,
        &format!("update incident.incidents set live = false where id = '{sample}'"),
    )
    .await;
    let small = active_list(&store).await;
    fill(&pool, 1_001, 1_000_000).await;
    let large = active_list(&store).await;
    let ratio = large.as_secs_f64() / small.as_secs_f64();
    println!(
        "active list: 1,000 incidents {small:?}, 1,000,000 incidents {large:?}, ratio {ratio:.2}"
    );

    fill_outbox(&pool).await;
    let (ours, bare) = claims(&store, &pool).await;
    let ratio = ours.as_secs_f64() / bare.as_secs_f64();
    println!("claim of {BATCH}: ours {ours:?}, bare SQL {bare:?}, ratio {ratio:.2}");
}
