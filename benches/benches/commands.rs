//! Decide alone, and decide and commit, on the in-memory store.
//!
//! Run with `cargo bench -p incident-benches --bench commands`.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use incident_core::actor::Role;
use incident_core::engine::{Incidents, RequestContext};
use incident_core::incident::{Declare, Severity, Status, decide};
use incident_core::policy::Policy;
use incident_core::testing::{an_incident, caller, update_to};
use incident_store_memory::MemoryStore;

fn commands(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let incidents = || {
        Incidents::builder(Arc::new(MemoryStore::default()))
            .build()
            .unwrap()
    };
    let context = RequestContext::new(caller("anna", Role::Admin).unwrap());
    let update = update_to(Status::Investigating, "looking").unwrap();
    let asked = Declare::new("API down".parse().unwrap(), Severity::Sev2);

    let (incident, anna, now) = an_incident();
    criterion.bench_function("decide", |bencher| {
        bencher.iter(|| {
            decide(
                black_box(&incident),
                &update,
                &anna,
                now,
                &Policy::default(),
            )
            .unwrap()
        });
    });
    criterion.bench_function("declare, kept in memory", |bencher| {
        let engine = incidents();
        bencher.iter(|| runtime.block_on(engine.declare(&context, &asked)).unwrap());
    });
    criterion.bench_function("update, kept in memory", |bencher| {
        bencher.iter_batched(
            || {
                let engine = incidents();
                let id = runtime
                    .block_on(engine.declare(&context, &asked))
                    .unwrap()
                    .incident
                    .id;
                (engine, id)
            },
            |(engine, id)| {
                runtime.block_on(engine.act(&context, id, &update)).unwrap();
                (engine, id)
            },
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, commands);
criterion_main!(benches);
