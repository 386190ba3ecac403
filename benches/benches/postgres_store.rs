//! The PostgreSQL store beside pgbench running the same statements, interleaved in one run: creates
//! and appends at 1, 8 and 32 connections, and one hot incident beside spread ones. Uses a server
//! of its own, with fsync on.
//!
//! Run with `cargo bench -p incident-benches --bench postgres_store`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use incident_core::IncidentId;
use incident_core::actor::Role;
use incident_core::commit::OutboxWrite;
use incident_core::engine::{Incidents, PreparedCommand, RequestContext};
use incident_core::incident::{Command as Do, Declare, Severity, Update};
use incident_core::testing::caller;
use incident_store_postgres::{PgStore, document, migrate};
use incident_test_postgres::{Cluster, Database, Safety};
use sqlx::Executor;
use sqlx::postgres::PgPool;

const ROUNDS: usize = 5;
const TURN: Duration = Duration::from_secs(2);
/// Number of incidents for appends, per connection.
const EACH: usize = 20;

struct Bench {
    cluster: Cluster,
    database: Database,
    scripts: PathBuf,
}

fn context() -> RequestContext {
    RequestContext::new(caller("anna", Role::Admin).unwrap())
}

fn asked() -> Declare {
    let mut asked = Declare::new("API down".parse().unwrap(), Severity::Sev1);
    asked.summary = "5xx on every call of the public API".parse().unwrap();
    asked.affected_services = vec!["api".parse().unwrap()];
    asked
}

fn update() -> Do {
    let update = Update::new("the pool of connections is used up".parse().unwrap());
    Do::Update(Box::new(update))
}

fn engine(pool: PgPool) -> Incidents {
    Incidents::builder(Arc::new(PgStore::new(pool)))
        .build()
        .unwrap()
}

/// Runs tasks for a turn; returns the total calls per second.
async fn rate<F: Future<Output = ()> + Send + 'static>(
    tasks: usize,
    task: impl Fn(usize, Arc<AtomicBool>, Arc<AtomicU64>) -> F,
) -> f64 {
    let (stop, count) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
    let started = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|n| tokio::spawn(task(n, Arc::clone(&stop), Arc::clone(&count))))
        .collect();
    tokio::time::sleep(TURN).await;
    stop.store(true, Ordering::Relaxed);
    for task in running {
        task.await.unwrap();
    }
    count.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64()
}

async fn creates(incidents: &Incidents, connections: usize) -> f64 {
    rate(connections, |_, stop, count| {
        let incidents = incidents.clone();
        async move {
            while !stop.load(Ordering::Relaxed) {
                incidents.declare(&context(), &asked()).await.unwrap();
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    })
    .await
}

/// Measures appends: each task to incidents of its own, or all tasks to one.
async fn appends(incidents: &Incidents, ids: &[IncidentId], connections: usize, hot: bool) -> f64 {
    rate(connections, |task, stop, count| {
        let own = if hot {
            ids[..1].to_vec()
        } else {
            ids[task * EACH..(task + 1) * EACH].to_vec()
        };
        let incidents = incidents.clone();
        async move {
            for id in own.iter().cycle() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                incidents.act(&context(), *id, &update()).await.unwrap();
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    })
    .await
}

impl Bench {
    async fn new() -> Self {
        let cluster = Cluster::start(Safety::Durable).unwrap();
        let database = Database::create(&cluster, None).await.unwrap();
        migrate(&database.options(), Duration::from_secs(30))
            .await
            .unwrap();
        let scripts = std::env::temp_dir().join(format!("incident-bench-{}", std::process::id()));
        fs::create_dir_all(&scripts).unwrap();
        Self {
            cluster,
            database,
            scripts,
        }
    }

    async fn pool(&self, connections: usize) -> PgPool {
        sqlx::postgres::PgPoolOptions::new()
            .max_connections(u32::try_from(connections).unwrap())
            .min_connections(u32::try_from(connections).unwrap())
            .test_before_acquire(false)
            .connect_with(self.database.options())
            .await
            .unwrap()
    }

    /// Runs a script in pgbench for a turn; returns its transactions per second.
    fn pgbench(&self, script: &str, connections: usize) -> f64 {
        let file = self.scripts.join("script.sql");
        fs::write(&file, script).unwrap();
        let output = Command::new(self.cluster.programs().unwrap().join("pgbench"))
            .args(["-n", "-M", "prepared", "-U", "postgres", "-T"])
            .arg(TURN.as_secs().to_string())
            .args([
                "-c",
                &connections.to_string(),
                "-j",
                &connections.min(2).to_string(),
            ])
            .arg("-h")
            .arg(self.cluster.folder().unwrap())
            .arg("-f")
            .arg(&file)
            .arg(self.database.name())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = said.lines().find(|line| line.starts_with("tps = "));
        let tps = line.and_then(|line| line.split(' ').nth(2)).map(str::parse);
        tps.unwrap_or_else(|| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)))
            .unwrap()
    }
}

/// Returns the script of a create, as our store sends it: the number, the call. The server
/// generates ids and number, and the document is in a table, because pgbench takes a colon in a
/// script for a variable; a procedure of this benchmark assembles it.
async fn create_script(incidents: &Incidents, pool: &PgPool) -> &'static str {
    let prepared = PreparedCommand::declare(incidents, &context(), &asked())
        .await
        .unwrap();
    let incident = prepared.incident();
    let page = prepared
        .commit()
        .outbox
        .iter()
        .find_map(|write| match write {
            OutboxWrite::Add(message) => Some(message.id),
            OutboxWrite::Supersede { .. }
            | OutboxWrite::Hasten { .. }
            | OutboxWrite::Replay { .. } => None,
        });
    sqlx::query("create table public.bench (doc text, id text, message text, number text)")
        .execute(pool)
        .await
        .unwrap();
    sqlx::query("insert into public.bench values ($1, $2, $3, $4)")
        .bind(document(prepared.commit()).unwrap())
        .bind(incident.id.to_string())
        .bind(page.unwrap().to_string())
        .bind(format!("\"number\":{},", incident.number))
        .execute(pool)
        .await
        .unwrap();
    pool.execute(
        "create procedure public.create_one(out seqs bigint[], out prev_hashes bytea[], out hashes bytea[]) \
         language plpgsql as $$ declare document text; begin \
             select replace(replace(replace(b.doc, b.id, gen_random_uuid()::text), b.message, gen_random_uuid()::text), \
                 b.number, '\"number\":' || nextval('incident.numbers') || ',') into document from public.bench b; \
             call incident.commit(document, seqs, prev_hashes, hashes); end $$",
    )
    .await
    .unwrap();
    "select nextval('incident.numbers');\n\
     call public.create_one(null, null, null);\n"
}

/// Statements that capture the document of the next commit on the server.
const CAPTURE: [&str; 3] = [
    "create table public.captured (doc jsonb)",
    "alter function incident.apply_commit(jsonb) rename to really_apply",
    "create function incident.apply_commit(document jsonb) \
     returns table (seq bigint, prev_hash bytea, hash bytea) language plpgsql as $$ begin \
         insert into public.captured values (document); \
         return query select * from incident.really_apply(document); end $$",
];

const RELEASE: [&str; 2] = [
    "drop function incident.apply_commit(jsonb)",
    "alter function incident.really_apply(jsonb) rename to apply_commit",
];

/// Returns the script of an append, as our store sends it: the load, the call, on incidents of the
/// connection's own.
async fn append_script(incidents: &Incidents, pool: &PgPool, ids: &[IncidentId]) -> String {
    for sql in CAPTURE {
        pool.execute(sql).await.unwrap();
    }
    incidents.act(&context(), ids[0], &update()).await.unwrap();
    for sql in RELEASE {
        pool.execute(sql).await.unwrap();
    }
    pool.execute("create table public.targets (k int primary key, id uuid)")
        .await
        .unwrap();
    sqlx::query("insert into public.targets select n - 1, id from unnest($1::uuid[]) with ordinality t (id, n)")
        .bind(ids.iter().map(|id| id.uuid()).collect::<Vec<_>>())
        .execute(pool)
        .await
        .unwrap();
    pool.execute(
        "create procedure public.append_one(k_ int, out seqs bigint[], out prev_hashes bytea[], out hashes bytea[]) \
         language plpgsql as $$ declare document text; begin \
             select jsonb_set(jsonb_set(jsonb_set(c.doc, '{writes,0,expected}', to_jsonb(i.revision)), '{writes,0,state}', \
                 i.state || jsonb_build_object('revision', i.revision + 1, 'version', i.version + 1, \
                 'last_seq', i.last_seq + 1)), '{audit,0,chain}', to_jsonb(i.id)) into document \
             from public.captured c, public.targets t, incident.incidents i where t.k = k_ and i.id = t.id; \
             call incident.commit(document, seqs, prev_hashes, hashes); end $$",
    )
    .await
    .unwrap();
    format!(
        "\\set n random(0, {})\n\\set k :client_id * {EACH} + :n\n\
         select state::text as state from incident.incidents where id = (select id from public.targets where k = :k);\n\
         call public.append_one(:k, null, null, null);\n",
        EACH - 1
    )
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn report(what: &str, ours: Vec<f64>, theirs: Vec<f64>, name: &str) {
    let (ours, theirs) = (median(ours), median(theirs));
    println!(
        "{what}: ours {ours:.0}/s, {name} {theirs:.0}/s, ratio {:.2}",
        ours / theirs
    );
}

#[tokio::main]
async fn main() {
    let bench = Bench::new().await;
    let pool = bench.pool(2).await;
    let single = engine(pool.clone());
    let script = create_script(&single, &pool).await;
    for connections in [1, 8, 32] {
        let incidents = engine(bench.pool(connections).await);
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(creates(&incidents, connections).await);
            theirs.push(bench.pgbench(script, connections));
        }
        report(
            &format!("creates, {connections} connection(s)"),
            ours,
            theirs,
            "pgbench",
        );
    }
    let mut ids = Vec::new();
    for _ in 0..32 * EACH {
        ids.push(
            single
                .declare(&context(), &asked())
                .await
                .unwrap()
                .incident
                .id,
        );
    }
    let script = append_script(&single, &pool, &ids).await;
    for connections in [1, 8, 32] {
        let incidents = engine(bench.pool(connections).await);
        let (mut spread, mut hot, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            spread.push(appends(&incidents, &ids, connections, false).await);
            theirs.push(bench.pgbench(&script, connections));
            hot.push(appends(&incidents, &ids, connections, true).await);
        }
        let what = format!("appends, {connections} connection(s)");
        report(&what, spread.clone(), theirs, "pgbench");
        report(
            &format!("appends, {connections} connection(s), one hot incident"),
            hot,
            spread,
            "spread",
        );
    }
    fs::remove_dir_all(&bench.scripts).unwrap();
}
