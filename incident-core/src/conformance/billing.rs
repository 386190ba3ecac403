//! Contracts of billing sinks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::sample::{anna, at, id, message_id};
use super::{BillingBackend, SpawnAll, WITHIN};
use crate::billing::{Batch, BilledCredit, HeldCredit, Lookup, SignedPercent, Submission};
use crate::port::{BillingSink, LookupBy};
use crate::{CreditId, Currency, Money, Percent, Period};

fn november() -> Period {
    "2026-11".parse().unwrap()
}

fn credit(n: u64) -> BilledCredit {
    BilledCredit {
        key: CreditId::from_uuid(Uuid::from_u64_pair(9, n)),
        tenant_id: format!("=tenant-{n}").parse().unwrap(),
        incident_id: (n.is_multiple_of(2)).then(|| id(n)),
        period: november(),
        revision: 1,
        credit_percent: SignedPercent {
            negative: n.is_multiple_of(3),
            percent: Percent::of_whole(10).unwrap(),
        },
        amount: (!n.is_multiple_of(5)).then(|| Money {
            minor: if n.is_multiple_of(3) { -1_234 } else { 1_234 },
            currency: Currency::new("EUR").unwrap(),
        }),
        reverses: (n.is_multiple_of(3)).then(|| CreditId::from_uuid(Uuid::from_u64_pair(9, n - 1))),
        outage_ms: 3_600_000,
        terms_version: "gold, \"2026\"".parse().unwrap(),
        approved_by: anna().name,
        approved_at: at(1),
    }
}

fn batch(n: u64, credits: impl IntoIterator<Item = u64>) -> Batch {
    let credits: Vec<_> = credits.into_iter().map(credit).collect();
    Batch::freeze(message_id(n), at(2), &credits).unwrap()
}

async fn submit(sink: &dyn BillingSink, batch: &Batch) -> Submission {
    sink.submit(batch, WITHIN).await
}

/// Returns the credits that the sink holds of the month, in order of key; none if it has no
/// lookup.
async fn held(sink: &dyn BillingSink) -> Option<Vec<HeldCredit>> {
    match sink.lookup(LookupBy::Period(november()), WITHIN).await {
        Lookup::Found(mut held) => {
            held.sort_by_key(|one| one.key);
            Some(held)
        }
        Lookup::Unsupported => None,
        Lookup::Unavailable => panic!("the sink did not answer"),
    }
}

fn expected(credits: impl IntoIterator<Item = u64>) -> Vec<HeldCredit> {
    let told = credits.into_iter().map(credit);
    let held = told.map(|one| HeldCredit {
        key: one.key,
        credit_percent: one.credit_percent,
        amount: one.amount,
    });
    held.collect()
}

/// **Idempotent:** a batch that comes again changes nothing, whatever came between.
pub async fn idempotent_a_repeated_batch_is_held_once<B: BillingBackend>(_spawn: SpawnAll) {
    let (sink, _guard) = B::open().await;
    let (first, second) = (batch(1, 1..=6), batch(2, 7..=9));
    assert_eq!(submit(&*sink, &first).await, Submission::Accepted);
    assert_eq!(submit(&*sink, &second).await, Submission::Accepted);
    for again in [&first, &second, &first] {
        assert_eq!(submit(&*sink, again).await, Submission::Accepted);
    }
    if let Some(held) = held(&*sink).await {
        assert_eq!(held, expected(1..=9));
    }
}

/// **Isolated:** a batch that is submitted many times at once is taken once.
pub async fn isolated_one_batch_at_once_is_held_once<B: BillingBackend>(spawn: SpawnAll) {
    let (sink, _guard) = B::open().await;
    for round in 0..10 {
        let tasks = (0..8).map(|_| {
            let sink = Arc::clone(&sink);
            let task: BoxFuture<'static, ()> = Box::pin(async move {
                let batch = batch(round, round * 10 + 1..=round * 10 + 5);
                let answer = submit(&*sink, &batch).await;
                // A batch that is being taken may be refused for now.
                assert!(
                    !matches!(answer, Submission::NotSent(refused) if refused.reason.is_permanent())
                );
            });
            task
        });
        spawn(tasks.collect()).await;
    }
    if let Some(held) = held(&*sink).await {
        assert_eq!(
            held,
            expected((0..10).flat_map(|round| round * 10 + 1..=round * 10 + 5))
        );
    }
}

/// **Durable:** another handle holds the accepted credits and knows the key of the batch.
pub async fn durable_what_was_accepted_is_held<B: BillingBackend>(_spawn: SpawnAll) {
    let (sink, guard) = B::open().await;
    assert_eq!(submit(&*sink, &batch(1, 1..=3)).await, Submission::Accepted);
    drop(sink);
    let again = B::reopen(&guard).await;
    assert_eq!(
        submit(&*again, &batch(1, 1..=3)).await,
        Submission::Accepted
    );
    if let Some(held) = held(&*again).await {
        assert_eq!(held, expected(1..=3));
    }
}

/// **Ordered:** a lookup by key or by period returns the credits that the sink holds of them.
pub async fn ordered_credits_are_found_by_key_and_period<B: BillingBackend>(_spawn: SpawnAll) {
    let (sink, _guard) = B::open().await;
    if held(&*sink).await.is_none() {
        return;
    }
    submit(&*sink, &batch(1, 1..=4)).await;
    let keys = [credit(9).key, credit(3).key];
    let found = sink.lookup(LookupBy::Keys(&keys), WITHIN).await;
    assert_eq!(found, Lookup::Found(expected([3])));
    let later = LookupBy::Period("2026-12".parse().unwrap());
    let found = sink.lookup(later, WITHIN).await;
    assert_eq!(found, Lookup::Found(Vec::new()));
}

/// **Bounded:** a sink that never answers has an unknown outcome, in time.
#[expect(
    clippy::disallowed_methods,
    reason = "the time that passes is what is tested"
)]
pub async fn bounded_a_black_hole_is_unknown_in_time<B: BillingBackend>(_spawn: SpawnAll) {
    let Some((sink, _guard)) = B::black_hole().await else {
        return;
    };
    let (started, timeout) = (Instant::now(), Duration::from_millis(300));
    let answer = sink.submit(&batch(1, 1..=1), timeout).await;
    assert_eq!(answer, Submission::Unknown);
    let answer = sink.lookup(LookupBy::Keys(&[credit(1).key]), timeout).await;
    assert!(matches!(answer, Lookup::Unavailable | Lookup::Unsupported));
    assert!(started.elapsed() < Duration::from_secs(3));
}
