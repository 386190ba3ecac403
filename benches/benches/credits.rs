//! Credit rows for 1 000 000 tenants on one thread.
//!
//! Run with `cargo bench -p incident-benches --bench credits`.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use incident_core::sla::{SlaTerms, TenantOutage, credit_rows};
use incident_core::{TenantId, Timestamp, Window, Windows};

const TENANTS: u64 = 1_000_000;

fn credits(criterion: &mut Criterion) {
    let tenants: Vec<TenantId> = (0..TENANTS)
        .map(|n| TenantId::new(&format!("tenant-{n:07}")).unwrap())
        .collect();
    let start: Timestamp = "2026-11-20T22:00:00Z".parse().unwrap();
    let at = |minute: u64| start.saturating_add(Duration::from_secs(minute * 60));
    let outage: Windows = [(0, 45), (60, 90), (120, 400)]
        .iter()
        .map(|(a, b)| Window::new(at(*a), at(*b)).unwrap())
        .collect();
    let terms = SlaTerms::default();
    let sum = |parts: &mut dyn Iterator<Item = TenantOutage<'_>>| {
        credit_rows(&terms, &outage, parts, start)
            .map(|row| row.outage_us ^ u64::from(row.credit_percent.ppm()))
            .fold(0, u64::wrapping_add)
    };
    let mut group = criterion.benchmark_group("credit rows");
    group
        .sample_size(20)
        .throughput(Throughput::Elements(TENANTS));
    group.bench_function("whole incident", |bencher| {
        bencher.iter(|| {
            sum(black_box(&mut tenants.iter().map(|tenant| TenantOutage {
                tenant,
                start: None,
                end: None,
            })))
        });
    });
    group.bench_function("a window per tenant", |bencher| {
        bencher.iter(|| {
            let mut parts = tenants.iter().zip(0_u64..).map(|(tenant, n)| TenantOutage {
                tenant,
                start: Some(at(n % 300)),
                end: None,
            });
            sum(black_box(&mut parts))
        });
    });
    group.finish();
}

criterion_group!(benches, credits);
criterion_main!(benches);
