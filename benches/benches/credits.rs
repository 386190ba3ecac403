//! Credit rows for 1 000 000 tenants on one thread.
//!
//! Run with `cargo bench -p incident-benches --bench credits`.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use incident_core::incident::AffectedTenant;
use incident_core::sla::{SlaTerms, credit_rows};
use incident_core::{Percent, TenantId, Timestamp, Window, Windows};

const TENANTS: u64 = 1_000_000;

fn credits(criterion: &mut Criterion) {
    let whole = |n| AffectedTenant::whole(TenantId::new(&format!("tenant-{n:07}")).unwrap());
    let tenants: Vec<AffectedTenant> = (0..TENANTS).map(whole).collect();
    let start: Timestamp = "2026-11-20T22:00:00Z".parse().unwrap();
    let at = |minute: u64| start.saturating_add(Duration::from_secs(minute * 60));
    let outage: Windows = [(0, 45), (60, 90), (120, 400)]
        .iter()
        .map(|(a, b)| Window::new(at(*a), at(*b)).unwrap())
        .collect();
    let terms = SlaTerms::default();
    let since = |n| AffectedTenant {
        from: Some(at(n % 300)),
        ..whole(n)
    };
    let parts: Vec<AffectedTenant> = (0..TENANTS).map(since).collect();
    let sum = |tenants: &[AffectedTenant]| {
        credit_rows(&terms, &outage, Percent::HUNDRED, tenants, start)
            .map(|row| row.outage_us ^ u64::from(row.credit_percent.ppm()))
            .fold(0, u64::wrapping_add)
    };
    let mut group = criterion.benchmark_group("credit rows");
    group
        .sample_size(20)
        .throughput(Throughput::Elements(TENANTS));
    group.bench_function("whole incident", |bencher| {
        bencher.iter(|| sum(black_box(&tenants)));
    });
    group.bench_function("a window per tenant", |bencher| {
        bencher.iter(|| sum(black_box(&parts)));
    });
    group.finish();
}

criterion_group!(benches, credits);
criterion_main!(benches);
