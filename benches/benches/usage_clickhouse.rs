//! Distinct users among millions of events in ClickHouse, through the library: medians of five
//! rounds.
//!
//! Run with `cargo bench -p incident-benches --bench usage_clickhouse`; `USAGE_EVENTS` sets the
//! number of events (20,000,000).

use std::time::{Duration, Instant};

use incident_benches::usage::{ASKED, NamesOf, WINDOWS, made};
use incident_core::port::{UsageSink, UsageSource};
use incident_test_clickhouse::ClickHouseServer;
use incident_usage_clickhouse::ClickHouseUsage;

const WITHIN: Duration = Duration::from_secs(600);
const ROUNDS: usize = 5;

#[tokio::main]
async fn main() {
    let events = std::env::var("USAGE_EVENTS").map_or(20_000_000, |text| text.parse().unwrap());
    let server = ClickHouseServer::start(1).unwrap();
    println!(
        "version {}",
        server.run(0, "select version()").await.unwrap().trim()
    );
    let address = server.database().await.unwrap().parse().unwrap();
    let usage = ClickHouseUsage::open(address, WITHIN).await.unwrap();
    let all = made(events);
    let names = NamesOf::of(&all);
    let mut spent = Duration::ZERO;
    for batch in all.chunks(200_000) {
        let batch = names.events(batch);
        let started = Instant::now();
        usage.record(batch, WITHIN).await.unwrap();
        spent += started.elapsed();
    }
    let rate = events as f64 / spent.as_secs_f64();
    println!("taken in through the library: {rate:.0} events/s");
    let size = "select sum(bytes) from system.parts where active and table = 'usage_events'";
    let bytes: f64 = server.run(0, size).await.unwrap().trim().parse().unwrap();
    println!("on disk: {:.1} bytes an event", bytes / events as f64);
    println!(
        "{:>10} {:>10} {:>10} {:>10}",
        "cell", "users", "exact ms", "estimate ms"
    );
    for (window, ..) in WINDOWS {
        for (asked, ..) in ASKED {
            let query = names.query(window, asked, false);
            let (mut exact, mut estimate, mut users) = (Vec::new(), Vec::new(), 0);
            for _ in 0..ROUNDS {
                let started = Instant::now();
                users = usage
                    .unique_users(&query, WITHIN)
                    .await
                    .unwrap()
                    .total_unique_users;
                exact.push(started.elapsed().as_secs_f64() * 1e3);
                let started = Instant::now();
                usage.estimates(&query, WITHIN).await.unwrap();
                estimate.push(started.elapsed().as_secs_f64() * 1e3);
            }
            let median = |times: &mut Vec<f64>| {
                times.sort_by(f64::total_cmp);
                times[ROUNDS / 2]
            };
            let (exact, estimate) = (median(&mut exact), median(&mut estimate));
            println!(
                "{:>10} {users:>10} {exact:>10.1} {estimate:>10.1}",
                format!("{window}/{asked}")
            );
        }
    }
}
