//! The clocks and rules of the response: `due` over 100 to 100,000 live incidents, beside reading the same incidents
//! from JSON; and on PostgreSQL the worker's look for what is due beside its bare statement, with 100 and with 100,000
//! live incidents, and the firing of a rule beside a note.
//!
//! Run with `cargo bench -p incident-benches --bench response`.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use incident_benches::median;
use incident_core::actor::Role;
use incident_core::engine::system::SystemClock;
use incident_core::engine::{Incidents, RequestContext};
use incident_core::incident::{
    Affected, AffectedTenant, Command, Declare, Incident, Severity, Status, Update,
};
use incident_core::policy::Policy;
use incident_core::port::{Clock, IncidentFilter};
use incident_core::testing::{ManualClock, caller, update_to};
use incident_core::{ServiceId, TenantId, Timestamp, response};
use incident_store_memory::MemoryStore;
use incident_store_postgres::{PgStore, list_sql, migrate};
use incident_test_postgres::{Cluster, Database, Safety};
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Executor};

const ROUNDS: usize = 7;
const LOOKS: usize = 100;
const FIRED: usize = 200;
/// Incidents of all severities, acknowledged or not, public or not, with 1 to 50 tenants.
const KINDS: usize = 100;

fn nanoseconds_each(took: Duration, count: usize) -> f64 {
    took.as_secs_f64() * 1e9 / count as f64
}

fn context() -> RequestContext {
    RequestContext::new(caller("anna", Role::Admin).unwrap())
}

fn declare(n: usize, severity: Severity) -> Declare {
    let tenants = (0..=n % 50).map(|tenant| {
        let id = TenantId::new(&format!("tenant-{tenant}")).unwrap();
        AffectedTenant::whole(id)
    });
    Declare {
        affected_tenants: Affected::these(tenants.collect()).unwrap(),
        affected_services: vec![ServiceId::new("api").unwrap()],
        ..Declare::new(format!("API {n} is down").parse().unwrap(), severity)
    }
}

/// Returns one incident of every kind, as an engine makes them.
async fn kinds() -> Vec<Incident> {
    let store = Arc::new(MemoryStore::default());
    let incidents = Incidents::builder(store).build().unwrap();
    let severities = [
        Severity::Sev1,
        Severity::Sev2,
        Severity::Sev3,
        Severity::Sev4,
    ];
    let mut kinds = Vec::new();
    for n in 0..KINDS {
        let declared = declare(n, severities[n % 4]);
        let declared = incidents.declare(&context(), &declared).await.unwrap();
        let id = declared.incident.id;
        if n % 3 == 0 {
            let update = update_to(Status::Investigating, "looking").unwrap();
            incidents.act(&context(), id, &update).await.unwrap();
        }
        if n % 5 == 0 {
            let update = update_to(Status::Mitigated, "contained").unwrap();
            incidents.act(&context(), id, &update).await.unwrap();
        }
        incidents.worker().fire_rules().await.unwrap();
        kinds.push((*incidents.get(id).await.unwrap()).clone());
    }
    kinds
}

/// Measures `due` over numbers of incidents, each in memory of its own, beside reading them from JSON.
async fn pure() {
    let (kinds, policy) = (kinds().await, Policy::default());
    let texts: Vec<String> = kinds
        .iter()
        .map(|one| serde_json::to_string(one).unwrap())
        .collect();
    let reads = (0..ROUNDS).map(|_| {
        let started = Instant::now();
        for text in texts.iter().cycle().take(1_000) {
            black_box(serde_json::from_str::<Incident>(text).unwrap());
        }
        started.elapsed()
    });
    let read = nanoseconds_each(median(reads.collect()), 1_000);
    let now = SystemClock.now();
    let mut smallest = None;
    for count in [100, 1_000, 10_000, 100_000] {
        let live: Vec<Incident> = kinds.iter().cycle().take(count).cloned().collect();
        // As many calls with few incidents as with many.
        let times = 100_000 / count;
        let rounds = (0..ROUNDS).map(|_| {
            let started = Instant::now();
            for _ in 0..times {
                for incident in &live {
                    black_box(response::due(incident, &policy, now));
                }
            }
            started.elapsed()
        });
        let each = nanoseconds_each(median(rounds.collect()), times * count);
        let growth = each / *smallest.get_or_insert(each);
        println!(
            "due of {count} live incidents: {each:.0} ns each, {growth:.2} of that with 100; reading one from JSON \
             {read:.0} ns, ratio {:.3}",
            each / read
        );
    }
}

async fn execute(pool: &PgPool, sql: &str) {
    pool.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
}

/// Copies an incident, so that there are this number of live ones whose next rule is due tomorrow.
async fn fill(pool: &PgPool, from: usize, to: usize) {
    let sql = format!(
        "insert into incident.incidents (id, number, revision, version, last_seq, last_hash, status, live, severity, public, \
             declared_at, started_at, due_at, services, tenants, title_lower, summary_lower, state) \
         select gen_random_uuid(), 1000000 + n, i.revision, i.version, i.last_seq, i.last_hash, i.status, true, i.severity, false, \
             i.declared_at + n * interval '1 ms', i.declared_at, now() + interval '1 day' + n * interval '1 ms', i.services, i.tenants, \
             i.title_lower, i.summary_lower, i.state \
         from generate_series({from}, {to}) n, (select * from incident.incidents order by number limit 1) i"
    );
    execute(pool, &sql).await;
    execute(pool, "vacuum analyze incident.incidents").await;
}

/// Measures a worker's look that finds nothing due, and its bare statement, alternately.
async fn looks(incidents: &Incidents, pool: &PgPool) -> (Duration, Duration) {
    let sql = list_sql(&IncidentFilter {
        due_by: Some(Timestamp::MAX),
        limit: 25,
        ..IncidentFilter::default()
    });
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    // One of the pool is pinged first each time.
    let mut connection = pool.acquire().await.unwrap();
    for _ in 0..ROUNDS * LOOKS {
        let started = Instant::now();
        let fired = incidents.worker().fire_rules().await.unwrap();
        ours.push(started.elapsed());
        assert_eq!(fired.incidents, 0);
        let started = Instant::now();
        let found = sqlx::query(AssertSqlSafe(sql.clone()))
            .bind(SystemClock.now().to_chrono())
            .bind(25_i64)
            .fetch_all(&mut *connection)
            .await
            .unwrap();
        bare.push(started.elapsed());
        assert!(found.is_empty());
    }
    (median(ours), median(bare))
}

/// Measures the firing of one rule each of many incidents, and a note to each.
async fn firings(store: PgStore) -> (Duration, Duration) {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let incidents = Incidents::builder(Arc::new(store))
        .clock(Arc::<ManualClock>::clone(&clock))
        .build()
        .unwrap();
    let mut ids = Vec::new();
    for n in 0..FIRED {
        let declared = declare(n, Severity::Sev2);
        let declared = incidents.declare(&context(), &declared).await.unwrap();
        ids.push(declared.incident.id);
    }
    incidents.worker().fire_rules().await.unwrap();
    let note = Command::Update(Box::new(Update::new("looking".parse().unwrap())));
    let started = Instant::now();
    for id in ids {
        incidents.act(&context(), id, &note).await.unwrap();
    }
    let notes = started.elapsed();
    // Nobody acknowledges for a quarter of an hour.
    clock.advance(Duration::from_secs(15 * 60));
    let started = Instant::now();
    let fired = incidents.worker().fire_rules().await.unwrap();
    let took = started.elapsed();
    assert!(
        fired.incidents >= FIRED && fired.rules >= FIRED,
        "{fired:?}"
    );
    let each =
        |all: Duration, count: usize| Duration::from_secs_f64(all.as_secs_f64() / count as f64);
    (each(took, fired.written), each(notes, FIRED))
}

#[tokio::main]
async fn main() {
    pure().await;
    let cluster = Cluster::start(Safety::Durable).unwrap();
    let database = Database::create(&cluster, None).await.unwrap();
    migrate(&database.options(), Duration::from_secs(30))
        .await
        .unwrap();
    let pool = database.pool(4).await.unwrap();
    let store = PgStore::new(pool.clone());

    let (fired, noted) = firings(store.clone()).await;
    let ratio = fired.as_secs_f64() / noted.as_secs_f64();
    println!("firing of a rule: {fired:?} an incident, a note {noted:?}, ratio {ratio:.2}");

    // Nothing is due from here on.
    execute(
        &pool,
        "update incident.incidents set due_at = now() + interval '1 day'",
    )
    .await;
    let incidents = Incidents::builder(Arc::new(store)).build().unwrap();
    let mut smallest = None;
    for (from, to) in [(FIRED, 1_000), (1_001, 100_000)] {
        fill(&pool, from, to).await;
        let (ours, bare) = looks(&incidents, &pool).await;
        let growth = ours.as_secs_f64() / *smallest.get_or_insert(ours.as_secs_f64());
        let ratio = ours.as_secs_f64() / bare.as_secs_f64();
        println!(
            "look for what is due among {to} live incidents: {ours:?}, bare statement {bare:?}, ratio {ratio:.2}; {growth:.2} of \
             that with 1,000"
        );
    }
}
