//! A server that stops replying, and many writers that wait for one incident.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use incident_core::IncidentId;
use incident_core::chain::Verdict;
use incident_core::engine::{Error, Incidents};
use incident_core::incident::{Command, Update};
use incident_core::port::StoreError;
use incident_core::timeline::TextName;
use tokio::task::JoinSet;

use crate::{Setup, declare, engine, keyed, recorder, sound};

/// Number of commands that wait for one incident.
const WRITERS: usize = 40;

/// Maximum time to a reply, whatever is queued: a command's five seconds, and some more for two
/// busy cores.
const BOUND: Duration = Duration::from_secs(8);

/// Returns the time for which the server is frozen, which exceeds a command's time-out.
fn frozen_for() -> Duration {
    let long = std::env::var_os("INCIDENT_TEST_LONG").is_some();
    Duration::from_secs(if long { 20 } else { 9 })
}

async fn update(incidents: &Incidents, id: IncidentId, text: &str) -> Result<(), Error> {
    let update = Command::Update(Box::new(Update::new(text.parse().unwrap())));
    incidents.act(&keyed(text), id, &update).await.map(|_| ())
}

/// The results of one writer.
#[derive(Default)]
struct Wrote {
    texts: Vec<String>,
    times: Vec<Duration>,
    refused: usize,
}

/// Writes updates until `stop` is set, and repeats each under its own key until it is accepted.
async fn write(
    incidents: Incidents,
    id: IncidentId,
    writer: usize,
    stop: Arc<AtomicBool>,
) -> Wrote {
    let mut wrote = Wrote::default();
    for n in 0.. {
        let text = format!("update {n} of {writer}");
        loop {
            let started = Instant::now();
            let answer = update(&incidents, id, &text).await;
            wrote.times.push(started.elapsed());
            match answer {
                Ok(()) => break,
                Err(Error::Store(StoreError::Unavailable(_) | StoreError::Unknown(_))) => {
                    wrote.refused += 1;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(other) => panic!("{text}: {other:?}"),
            }
        }
        wrote.texts.push(text);
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    wrote
}

/// Counts each text in a timeline, and asserts that its chain is valid.
async fn timeline(incidents: &Incidents, id: IncidentId) -> BTreeMap<String, usize> {
    let verdict = incidents.audit().verify_timeline(id).await.unwrap();
    assert!(matches!(verdict, Verdict::Valid { .. }), "{verdict:?}");
    let (mut found, mut after) = (BTreeMap::new(), 0);
    loop {
        let entries = incidents.audit().timeline(id, after, 500).await.unwrap();
        let Some(last) = entries.last() else {
            return found;
        };
        after = last.seq;
        for entry in &entries {
            if let Some(text) = entry.texts.get(&TextName::Message) {
                *found.entry(text.text.clone()).or_default() += 1;
            }
        }
    }
}

/// S5: commands queue on one incident while PostgreSQL is frozen; the slowest reply took 104 s.
/// Nothing that was acknowledged is lost, and nothing is stored twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_keeps_nobody_waiting_and_loses_nothing() {
    let mut it = Setup::new().await;
    let incidents = engine(it.direct(16), recorder());
    let id = declare(&incidents, "hot").await.unwrap();
    let stop = Arc::<AtomicBool>::default();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(write(incidents.clone(), id, writer, stop.clone()));
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    it.cluster.freeze().unwrap();
    tokio::time::sleep(frozen_for()).await;
    it.cluster.thaw().unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    stop.store(true, Ordering::Relaxed);
    let (mut texts, mut slowest, mut refused) = (Vec::new(), Duration::ZERO, 0);
    while let Some(wrote) = writers.join_next().await {
        let wrote = wrote.unwrap();
        texts.extend(wrote.texts);
        slowest = slowest.max(wrote.times.into_iter().max().unwrap());
        refused += wrote.refused;
    }
    println!(
        "frozen for {:?} under {WRITERS} writers on one incident: slowest answer {slowest:?}, {} kept, {refused} refused",
        frozen_for(),
        texts.len()
    );
    assert!(refused >= WRITERS, "nobody was refused");
    assert!(slowest < BOUND, "{slowest:?}");
    let found = timeline(&incidents, id).await;
    for text in &texts {
        assert_eq!(found.get(text), Some(&1), "{text}");
    }
    sound(&it, 1).await;
}

/// S5: the queue on one incident is fair. The times are printed, and compared with a bound that
/// only a queue without any order exceeds.
#[tokio::test(flavor = "multi_thread")]
async fn sixteen_clients_on_one_incident_wait_about_as_long_as_each_other() {
    const CLIENTS: usize = 16;
    const EACH: usize = 40;
    let it = Setup::new().await;
    let incidents = engine(it.direct(8), recorder());
    let id = declare(&incidents, "hot").await.unwrap();
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let incidents = incidents.clone();
        clients.spawn(async move {
            let mut times = Vec::new();
            for n in 0..EACH {
                let started = Instant::now();
                update(&incidents, id, &format!("{client} {n}"))
                    .await
                    .unwrap();
                times.push(started.elapsed());
            }
            times
        });
    }
    let mut times = Vec::new();
    while let Some(some) = clients.join_next().await {
        times.extend(some.unwrap());
    }
    times.sort();
    let at = |percent: usize| times[times.len() * percent / 100];
    let (half, most) = (at(50), at(99));
    println!(
        "{CLIENTS} clients on one incident: p50 {half:?}, p99 {most:?}, slowest {:?}, ratio {:.1}",
        times.last().unwrap(),
        most.as_secs_f64() / half.as_secs_f64()
    );
    assert!(most < half * 20, "{half:?} {most:?}");
}
