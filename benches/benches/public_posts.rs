//! Public posts on one incident: the 10,001st beside the 101st, interleaved in one run, in memory
//! and on PostgreSQL; and the sizes of the page and of the stored data.
//!
//! Run with `cargo bench -p incident-benches --bench public_posts`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use incident_core::IncidentId;
use incident_core::actor::Role;
use incident_core::engine::{Incidents, RequestContext};
use incident_core::incident::{Command, Declare, Publish, Severity, Update};
use incident_core::port::Store;
use incident_core::testing::caller;
use incident_store_memory::MemoryStore;
use incident_store_postgres::{PgStore, migrate};
use incident_test_postgres::{Cluster, Database, Safety};

/// Number of posts on the young incident before the measurement.
const YOUNG: usize = 100;
const OLD: usize = 10_000;
/// Number of measured posts on each incident, alternately. A young incident is replaced by a new
/// one after [`PER_YOUNG`] posts, so that it stays young.
const MEASURED: usize = 200;
const PER_YOUNG: usize = 10;
/// Length of a typical post, in bytes.
const BODY: usize = 300;

fn context() -> RequestContext {
    RequestContext::new(caller("anna", Role::Admin).unwrap())
}

async fn public(incidents: &Incidents, posts: usize) -> IncidentId {
    let asked = Declare::new("API down".parse().unwrap(), Severity::Sev3);
    let id = incidents
        .declare(&context(), &asked)
        .await
        .unwrap()
        .incident
        .id;
    let publish = Command::Publish(Publish {
        public: true,
        title: None,
        message: None,
    });
    incidents.act(&context(), id, &publish).await.unwrap();
    for _ in 0..posts {
        post(incidents, id).await;
    }
    id
}

async fn post(incidents: &Incidents, id: IncidentId) -> Duration {
    let mut update = Update::new("the pool of connections is used up".parse().unwrap());
    update.public_message = Some("x".repeat(BODY).parse().unwrap());
    let command = Command::Update(Box::new(update));
    let started = Instant::now();
    incidents.act(&context(), id, &command).await.unwrap();
    started.elapsed()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e6
}

async fn measure(name: &str, store: Arc<dyn Store>) {
    let incidents = Incidents::builder(store).build().unwrap();
    let old = public(&incidents, OLD).await;
    let (mut late, mut early) = (Vec::new(), Vec::new());
    let mut young = old;
    for n in 0..MEASURED {
        if n % PER_YOUNG == 0 {
            young = public(&incidents, YOUNG).await;
        }
        // The order alternates.
        if n % 2 == 0 {
            early.push(post(&incidents, young).await);
            late.push(post(&incidents, old).await);
        } else {
            late.push(post(&incidents, old).await);
            early.push(post(&incidents, young).await);
        }
    }
    let (early, late) = (median(early), median(late));
    println!(
        "{name}: post {} takes {early:.0} us, post {} {late:.0} us, ratio {:.2}",
        YOUNG + 1,
        OLD + 1,
        late / early
    );
    let kept = incidents.get(old).await.unwrap();
    let page = incidents.reports().public_page().await.unwrap();
    println!(
        "{name}: state {} bytes, page {} bytes with {} incidents and {} of {} lines of the old one",
        serde_json::to_vec(&*kept).unwrap().len(),
        serde_json::to_vec(&page).unwrap().len(),
        page.incidents.len(),
        page.incidents
            .iter()
            .find(|one| one.id == kept.status_page.id)
            .map_or(0, |one| one.updates.len()),
        OLD + MEASURED
    );
}

#[tokio::main]
async fn main() {
    measure("memory", Arc::new(MemoryStore::default())).await;
    let cluster = Cluster::start(Safety::Durable).unwrap();
    let database = Database::create(&cluster, None).await.unwrap();
    let timeout = Duration::from_secs(30);
    migrate(&database.options(), timeout).await.unwrap();
    let pool = database.pool(4).await.unwrap();
    measure("postgres", Arc::new(PgStore::new(pool))).await;
}
