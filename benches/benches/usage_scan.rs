//! Distinct users among millions of events in memory.
//!
//! Run alone with `cargo bench -p incident-benches --bench usage_scan`, it measures the ingestion
//! rate and the growth of query times with the number of events; with `USAGE_TOGETHER=20000000`,
//! the ingestion rate of that many events with one and with two threads, without the time to
//! generate them. `benches/usage_beside_duckdb.py` runs it beside `DuckDB`, in interleaved rounds
//! over the same events.

use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, BufWriter, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use incident_benches::usage::{ASKED, Made, NamesOf, START, WINDOWS, made, tenant_name};
use incident_core::impact::ImpactQuery;
use incident_core::port::{UsageSink, UsageSource};
use incident_store_memory::MemoryUsage;

const WITHIN: Duration = Duration::from_secs(600);
const BATCH: usize = 10_000;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    match arguments.iter().position(|one| one == "serve") {
        Some(at) => runtime.block_on(serve(arguments.get(at + 1).unwrap(), &arguments)),
        None => runtime.block_on(alone()),
    }
}

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Records events in batches; returns events per second, without the time to generate them.
async fn load(usage: &MemoryUsage, names: &NamesOf, events: &[Made]) -> f64 {
    let mut spent = Duration::ZERO;
    for batch in events.chunks(BATCH) {
        let batch = names.events(batch);
        let started = Instant::now();
        usage.record(batch, WITHIN).await.unwrap();
        spent += started.elapsed();
    }
    events.len() as f64 / spent.as_secs_f64()
}

/// Records prepared batches from several threads at a time; returns events per second.
fn load_together(usage: &MemoryUsage, names: &NamesOf, events: &[Made], writers: usize) -> f64 {
    let batches: Vec<_> = events
        .chunks(BATCH)
        .map(|batch| names.events(batch))
        .collect();
    let next = Mutex::new(batches.into_iter());
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..writers {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread();
                let runtime = { runtime }.build().unwrap();
                loop {
                    let batch = next.lock().unwrap().next();
                    let Some(batch) = batch else { return };
                    runtime.block_on(usage.record(batch, WITHIN)).unwrap();
                }
            });
        }
    });
    events.len() as f64 / started.elapsed().as_secs_f64()
}

async fn asked(usage: &MemoryUsage, query: &ImpactQuery) -> (f64, u64, u64) {
    let started = Instant::now();
    let counts = usage.unique_users(black_box(query), WITHIN).await.unwrap();
    let millis = started.elapsed().as_secs_f64() * 1e3;
    let sum = counts.by_tenant.iter().map(|one| one.unique_users).sum();
    (millis, sum, counts.total_unique_users)
}

/// Returns the best time of several runs, in milliseconds, and the sum of the counts.
async fn best(usage: &MemoryUsage, query: &ImpactQuery) -> (f64, u64) {
    let mut best = (f64::MAX, 0);
    for _ in 0..5 {
        let (millis, sum, _) = asked(usage, query).await;
        best = (best.0.min(millis), sum);
    }
    best
}

/// Measures the bytes per second of a sequential read on this machine, the upper bound of a scan.
fn roof() -> f64 {
    let bytes: Vec<u64> = vec![1; 20_000_000];
    let mut best = f64::MAX;
    for _ in 0..7 {
        let started = Instant::now();
        black_box(black_box(&bytes).iter().sum::<u64>());
        best = best.min(started.elapsed().as_secs_f64());
    }
    bytes.len() as f64 * 8.0 / best
}

/// Returns a source that counts every query in full, without the incremental cache.
fn counting() -> MemoryUsage {
    MemoryUsage::with_limit(64 << 30).incremental_above(Duration::MAX)
}

async fn alone() {
    let together = number("USAGE_TOGETHER", 0);
    if together > 0 {
        let all = made(together);
        let names = NamesOf::of(&all);
        for writers in [1, 2, 1, 2, 1, 2] {
            let rate = load_together(&counting(), &names, &all, writers);
            println!("{together} events by {writers}: {rate:.0}/s");
        }
        return;
    }
    println!("roof: {:.1} GB/s", roof() / 1e9);
    let mut events = 100_000;
    let most = number("USAGE_MOST", 10_000_000);
    println!(
        "{:>12} {:>12} {:>12} {:>12} {:>12} {:>12} {:>12} {:>10}",
        "events",
        "taken in /s",
        "MiB sealed",
        "raw 38m ms",
        "raw 30d ms",
        "38m ms",
        "30d ms",
        "users"
    );
    while events <= most {
        let all = made(events);
        let names = NamesOf::of(&all);
        let (short, long) = (
            names.query("38m", "all", false),
            names.query("30d", "all", false),
        );
        // Measured in sequence, so that there is memory for a hundred million events.
        let raw = counting().with_seal_threshold(usize::MAX);
        load(&raw, &names, &all).await;
        let raw_short = best(&raw, &short).await.0;
        let raw_long = best(&raw, &long).await.0;
        drop(raw);
        let usage = counting();
        let rate = load(&usage, &names, &all).await;
        drop(all);
        usage.compact();
        let (short, _) = best(&usage, &short).await;
        let (long, users) = best(&usage, &long).await;
        let held = usage.bytes() >> 20;
        println!(
            "{events:>12} {rate:>12.0} {held:>12} {raw_short:>12.3} {raw_long:>12.3} {short:>12.3} {long:>12.3} {users:>10}"
        );
        events *= 10;
    }
}

/// Writes the events for other engines, and answers one query per line: `raw|sealed|filtered WINDOW
/// TENANTS`.
async fn serve(folder: &str, arguments: &[String]) {
    let events = number("USAGE_EVENTS", 20_000_000);
    let all = made(events);
    if !arguments.iter().any(|one| one == "reuse") {
        write(folder, &all).unwrap();
    }
    let names = NamesOf::of(&all);
    let (raw, sealed) = (counting().with_seal_threshold(usize::MAX), counting());
    let raw_rate = load(&raw, &names, &all).await;
    let sealed_rate = load(&sealed, &names, &all).await;
    drop(all);
    sealed.compact();
    println!(
        "ready {:.2} {raw_rate:.0} {sealed_rate:.0} {} {}",
        roof() / 1e9,
        raw.bytes(),
        sealed.bytes()
    );
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let mut words = line.split(' ');
        let (Some(way), Some(window), Some(tenants)) = (words.next(), words.next(), words.next())
        else {
            return;
        };
        let query = names.query(window, tenants, way == "filtered");
        let usage = if way == "raw" { &raw } else { &sealed };
        let (millis, sum, total) = asked(usage, &query).await;
        println!("{millis:.4} {sum} {total}");
    }
}

/// Writes `events.csv` for an engine to read, and `questions.csv` with the bounds of the windows.
fn write(folder: &str, events: &[Made]) -> std::io::Result<()> {
    let mut out = BufWriter::new(File::create(format!("{folder}/events.csv"))?);
    writeln!(out, "tenant,user,service,at")?;
    for one in events {
        writeln!(
            out,
            "{},{},{},{}",
            one.tenant, one.user, one.service, one.at
        )?;
    }
    out.flush()?;
    let mut out = BufWriter::new(File::create(format!("{folder}/questions.csv"))?);
    writeln!(out, "window,start,end")?;
    for (name, from, long) in WINDOWS {
        let start = START + i64::try_from(from).unwrap_or(0);
        writeln!(
            out,
            "{name},{start},{}",
            start + i64::try_from(long).unwrap_or(0)
        )?;
    }
    out.flush()?;
    let mut out = BufWriter::new(File::create(format!("{folder}/tenants.csv"))?);
    writeln!(out, "name,tenants,every,first")?;
    for (name, most, every) in ASKED {
        writeln!(out, "{name},{most},{every},{}", tenant_name(0))?;
    }
    out.flush()
}
