//! Failures of the server and of the connections to it: nothing is lost, and no call hangs.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::clone_on_ref_ptr,
    clippy::print_stdout,
    reason = "tests, and what they share, fail by panicking"
)]

mod disk_full;
mod frozen;
mod lies;
mod restart;
mod round_trips;
mod standby;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use incident_core::IncidentId;
use incident_core::actor::Role;
use incident_core::engine::{AuditVerdict, Error, IdempotencyKey, Incidents, RequestContext};
use incident_core::incident::{Declare, Severity, Update};
use incident_core::paging::{DeliveryResult, PageEvent, Receipt, TargetId};
use incident_core::port::{Pager, StoreError};
use incident_core::testing::{RecordingPager, caller};
use incident_store_postgres::{PgStore, migrate};
use incident_test_postgres::{Cluster, Database, Proxy, ProxyMode, Safety};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Executor, Row};

/// A server of the test's own, whose commits are durable.
struct Setup {
    cluster: Cluster,
    database: Database,
}

impl Setup {
    async fn new() -> Self {
        Self::on(Cluster::start(Safety::Durable).unwrap()).await
    }

    async fn on(cluster: Cluster) -> Self {
        let database = Database::create(&cluster, None).await.unwrap();
        migrate(&database.options(), Duration::from_secs(30))
            .await
            .unwrap();
        Self { cluster, database }
    }

    /// Creates a pool as a server would, through a folder with a socket.
    fn pool(&self, through: &Path, connections: u32) -> PgPool {
        let options: PgConnectOptions = self.database.options().socket(through);
        PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(2))
            .test_before_acquire(false)
            .connect_lazy_with(options)
    }

    fn direct(&self, connections: u32) -> PgPool {
        self.pool(self.cluster.folder().unwrap(), connections)
    }

    async fn count(&self, sql: &str) -> i64 {
        let mut tries = 0;
        loop {
            let pool = self.direct(1);
            match pool.fetch_one(AssertSqlSafe(sql.to_owned())).await {
                Ok(row) => return row.get(0),
                Err(_) if tries < 50 => {
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn engine(pool: PgPool, pager: Arc<dyn Pager>) -> Incidents {
    let store = Arc::new(PgStore::new(pool));
    Incidents::builder(store).pager(pager).build().unwrap()
}

fn recorder() -> Arc<RecordingPager> {
    Arc::new(RecordingPager::named("recorder").unwrap())
}

fn keyed(key: &str) -> RequestContext {
    RequestContext::new(caller("anna", Role::Admin).unwrap()).with_key(IdempotencyKey {
        actor: "anna".parse().unwrap(),
        key: key.to_owned(),
        fingerprint: [7; 32],
    })
}

async fn declare(incidents: &Incidents, key: &str) -> Result<IncidentId, Error> {
    titled(incidents, key, key).await
}

async fn titled(incidents: &Incidents, key: &str, title: &str) -> Result<IncidentId, Error> {
    let asked = Declare::new(title.parse().unwrap(), Severity::Sev1);
    let done = incidents.declare(&keyed(key), &asked).await?;
    Ok(done.incident.id)
}

/// Declares an incident, and repeats that until it is accepted.
async fn declare_at_last(incidents: &Incidents, key: &str) -> IncidentId {
    let started = Instant::now();
    loop {
        match declare(incidents, key).await {
            Ok(id) => return id,
            Err(Error::Store(error @ (StoreError::Unavailable(_) | StoreError::Unknown(_)))) => {
                assert!(
                    started.elapsed() < Duration::from_secs(60),
                    "{key} was never kept: {error:?}"
                );
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(other) => panic!("{key}: {other:?}"),
        }
    }
}

/// Asserts that every key is stored once, every chain verifies, and no session is in a
/// transaction.
async fn sound(it: &Setup, keys: usize) {
    let all = it.count("select count(*) from incident.incidents").await;
    let distinct = "select count(distinct state ->> 'title') from incident.incidents";
    assert_eq!((all, it.count(distinct).await), (keys as i64, keys as i64));
    let incidents = engine(it.direct(2), recorder());
    let audit = incidents.audit().verify().await.unwrap();
    assert!(matches!(audit, AuditVerdict::Valid { .. }), "{audit:?}");
    let idle = "select count(*) from pg_stat_activity where state like 'idle in transaction%'";
    assert_eq!(it.count(idle).await, 0);
}

/// Runs clients while something fails. Returns the number of keys that were acknowledged.
async fn clients(incidents: &Incidents, count: usize, each: usize) -> usize {
    let work = (0..count).map(|client| async move {
        for n in 0..each {
            let id = declare_at_last(incidents, &format!("{client}-{n}")).await;
            let update = Update::new("seen".parse().unwrap());
            let command = incident_core::incident::Command::Update(Box::new(update));
            // Acknowledged or not, it is stored or it is not, and the chain is valid.
            let _ = incidents
                .act(&keyed(&format!("note {client}-{n}")), id, &command)
                .await;
        }
    });
    join_all(work).await;
    count * each
}

#[tokio::test(flavor = "multi_thread")]
async fn backends_are_killed_under_load() {
    let it = Setup::new().await;
    let incidents = engine(it.direct(8), recorder());
    let kill = async {
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(60)).await;
            let sql = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
                       where datname = current_database() and pid <> pg_backend_pid()";
            it.count(sql).await;
        }
    };
    let (keys, ()) = tokio::join!(clients(&incidents, 8, 40), kill);
    sound(&it, keys).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_server_is_killed_under_load_and_recovers() {
    let mut it = Setup::new().await;
    let incidents = engine(it.direct(8), recorder());
    let working = {
        let incidents = incidents.clone();
        tokio::spawn(async move { clients(&incidents, 8, 60).await })
    };
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        it.cluster.kill().unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        it.cluster.start_again().unwrap();
    }
    let keys = working.await.unwrap();
    sound(&it, keys).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_unknown_and_a_repeat_finds_it() {
    let it = Setup::new().await;
    let proxy = Proxy::before(it.cluster.folder().unwrap()).unwrap();
    let incidents = engine(it.pool(proxy.folder(), 2), recorder());
    for n in 0..25 {
        // Only the commit itself holds the title.
        let (key, title) = (format!("key-{n}"), format!("needle-{n}-needle"));
        proxy.set(ProxyMode::LoseAnswerTo(title.clone()));
        let lost = titled(&incidents, &key, &title).await;
        assert!(
            matches!(lost, Err(Error::Store(StoreError::Unknown(_)))),
            "{lost:?}"
        );
        proxy.set(ProxyMode::Pass);
        let again = titled(&incidents, &key, &title).await.unwrap();
        assert_eq!(titled(&incidents, &key, &title).await.unwrap(), again);
    }
    sound(&it, 25).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_cut_ends_every_call_in_time() {
    let it = Setup::new().await;
    let proxy = Proxy::before(it.cluster.folder().unwrap()).unwrap();
    let incidents = engine(it.pool(proxy.folder(), 4), recorder());
    let id = declare(&incidents, "before").await.unwrap();
    proxy.set(ProxyMode::Cut);
    let started = Instant::now();
    let calls = async {
        tokio::join!(
            incidents.get(id),
            declare(&incidents, "during"),
            incidents.worker().drain(),
            incidents.worker().health(),
        )
    };
    let (shown, declared, drained, ready) = calls.await;
    assert!(
        started.elapsed() < Duration::from_secs(12),
        "{:?}",
        started.elapsed()
    );
    assert!(shown.is_err() && declared.is_err() && drained.is_err() && ready.is_err());
    proxy.set(ProxyMode::Pass);
    let again = declare_at_last(&incidents, "during").await;
    assert_eq!(declare(&incidents, "during").await.unwrap(), again);
    sound(&it, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_impatient_clients_leave_nothing_behind() {
    let it = Setup::new().await;
    let pool = it.direct(8);
    let incidents = engine(pool.clone(), recorder());
    let clients = (0..2_000_u64).map(|n| {
        let incidents = incidents.clone();
        async move {
            let patience = Duration::from_micros(n * 2_654_435_761 % 5_000);
            let key = format!("impatient-{n}");
            let _ = tokio::time::timeout(patience, declare(&incidents, &key)).await;
        }
    });
    join_all(clients).await;
    // Commands that had begun end by themselves.
    for n in 0..200 {
        declare(&incidents, &format!("patient-{n}")).await.unwrap();
    }
    let all = it.count("select count(*) from incident.incidents").await;
    let whole = "select count(*) from incident.incidents i where exists \
                 (select 1 from incident.timeline t where t.incident_id = i.id) \
                 and exists (select 1 from incident.audit a where a.chain = i.id)";
    assert_eq!(it.count(whole).await, all);
    sound(&it, usize::try_from(all).unwrap()).await;
    assert!(all >= 200);
    // Every connection is back in the pool.
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(
            tokio::time::timeout(Duration::from_secs(2), pool.acquire())
                .await
                .unwrap()
                .unwrap(),
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_is_used_up_is_said_soon_and_pages_still_go_out() {
    let it = Setup::new().await;
    let (pool, pager) = (it.direct(2), recorder());
    let store = PgStore::builder(pool.clone())
        .relay_pool(it.direct(2))
        .build();
    let incidents = Incidents::builder(Arc::new(store))
        .pager(pager.clone())
        .build()
        .unwrap();
    declare(&incidents, "page").await.unwrap();
    let held = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    let started = Instant::now();
    let refused = declare(&incidents, "crowd").await;
    assert!(matches!(
        refused,
        Err(Error::Store(StoreError::Unavailable(_)))
    ));
    assert!(started.elapsed() < Duration::from_secs(4));
    // A3: loads and commits of the relay do not use that pool either.
    let started = Instant::now();
    incidents.worker().drain().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!(pager.wakes(), 1);
    drop(held);
    declare(&incidents, "crowd").await.unwrap();
    sound(&it, 2).await;
}

/// A pager that records wake-ups across several engines.
#[derive(Debug, Default)]
struct Shared {
    open: Mutex<BTreeSet<String>>,
    wakes: Mutex<Vec<String>>,
}

#[async_trait::async_trait]
impl Pager for Shared {
    fn target_id(&self) -> TargetId {
        TargetId::new("shared").unwrap()
    }

    fn follows_severity(&self) -> bool {
        true
    }

    async fn send(&self, page: &PageEvent, _timeout: Duration) -> DeliveryResult {
        tokio::time::sleep(Duration::from_millis(2)).await;
        if self.open.lock().unwrap().insert(page.dedup_key.clone()) {
            self.wakes.lock().unwrap().push(page.dedup_key.clone());
        }
        DeliveryResult::Accepted(Receipt::default())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_share_one_queue_and_one_of_them_dies() {
    const PAGES: usize = 400;
    let it = Setup::new().await;
    let pager = Arc::new(Shared::default());
    let first = engine(it.direct(6), pager.clone());
    let second = engine(it.direct(6), pager.clone());
    for n in 0..PAGES {
        declare(&first, &format!("page-{n}")).await.unwrap();
    }
    let dying = {
        let first = first.clone();
        tokio::spawn(async move { first.worker().drain().await })
    };
    let living = {
        let second = second.clone();
        tokio::spawn(async move { second.worker().drain().await })
    };
    // In the middle of its work, while it holds leases.
    tokio::time::sleep(Duration::from_millis(150)).await;
    dying.abort();
    living.await.unwrap().unwrap();
    let started = Instant::now();
    while it.count("select count(*) from incident.outbox").await > 0 {
        assert!(
            started.elapsed() < Duration::from_secs(32),
            "lease and two seconds"
        );
        second.worker().drain().await.unwrap();
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let wakes = pager.wakes.lock().unwrap().clone();
    let different: BTreeSet<&String> = wakes.iter().collect();
    assert_eq!((wakes.len(), different.len()), (PAGES, PAGES));
    sound(&it, PAGES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_version_leaves_what_it_does_not_know() {
    let it = Setup::new().await;
    let pager = recorder();
    let incidents = engine(it.direct(2), pager.clone());
    let newer = declare(&incidents, "newer").await.unwrap();
    declare(&incidents, "known").await.unwrap();
    let pool = it.direct(1);
    pool.execute(AssertSqlSafe(format!(
        "update incident.outbox set kind = 'hologram', body = '{{\"hologram\":1}}' where incident_id = '{newer}'"
    )))
    .await
    .unwrap();
    // A newer version has migrated the schema further, too.
    pool.execute("insert into incident._migrations (version, description, success, checksum, execution_time) values (99, 'x', true, '', 0)")
        .await
        .unwrap();
    migrate(&it.database.options(), Duration::from_secs(10))
        .await
        .unwrap();
    assert_eq!(incidents.worker().drain().await.unwrap().handled, 1);
    assert_eq!(pager.wakes(), 1);
    let left = "select count(*) from incident.outbox where kind = 'hologram' and state = 'pending'";
    assert_eq!(it.count(left).await, 1);
}
