//! Statements of a month for many tenants with ten outages each, on one thread.
//!
//! Run with `cargo bench -p incident-benches --bench statements`.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use incident_core::sla::{Basis, IncidentShare, SlaTerms, statement};
use incident_core::{IncidentId, Percent, Period, TenantId, Timestamp, Window, Windows};
use uuid::Uuid;

const OUTAGES: u64 = 10;

/// Returns tenants with outages of 7 to 25 minutes, two of which overlap.
fn tenants(count: u64) -> Vec<(TenantId, Vec<IncidentShare>)> {
    let start: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
    let at = |minute: u64| start.saturating_add(Duration::from_secs(minute * 60));
    let share = |tenant: u64, n: u64| {
        let from = (tenant * 37 + n * 4_000 - n % 2 * 3_990) % 43_000;
        IncidentShare {
            incident: IncidentId::from_uuid(Uuid::from_u128(u128::from(n))),
            outage: Windows::from(Window::new(at(from), at(from + 7 + n * 2)).unwrap()),
            weight: Percent::HUNDRED,
            open: false,
        }
    };
    (0..count)
        .map(|n| {
            let name = TenantId::new(&format!("tenant-{n:07}")).unwrap();
            (name, (0..OUTAGES).map(|outage| share(n, outage)).collect())
        })
        .collect()
}

fn statements(criterion: &mut Criterion) {
    let period: Period = "2026-11".parse().unwrap();
    let mut group = criterion.benchmark_group("statements of 10 outages");
    group.sample_size(10);
    for (name, basis) in [
        ("per month", Basis::PerMonth),
        ("per incident", Basis::PerIncident),
    ] {
        let terms = SlaTerms::default().per(basis).unwrap();
        for count in [1_000, 10_000, 100_000] {
            let tenants = tenants(count);
            group.throughput(Throughput::Elements(count));
            group.bench_with_input(
                BenchmarkId::new(name, count),
                &tenants,
                |bencher, tenants| {
                    bencher.iter(|| {
                        let made = tenants.iter().map(|(tenant, shares)| {
                            statement(
                                &terms,
                                tenant,
                                period,
                                black_box(shares),
                                None,
                                Timestamp::MAX,
                            )
                        });
                        made.map(|one| one.unwrap().outage_us)
                            .fold(0, u64::wrapping_add)
                    });
                },
            );
        }
    }
    group.finish();
}

criterion_group!(benches, statements);
criterion_main!(benches);
