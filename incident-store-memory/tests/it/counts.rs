//! Counts compared with the plain reference: sealed or not, late or in order, with users of several
//! tenants.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use incident_core::impact::{ApiUsageEvent, ImpactQuery, TenantWindows, scan};
use incident_core::port::{UsageSink, UsageSource};
use incident_core::{Timestamp, Window, Windows};
use incident_store_memory::MemoryUsage;

const WITHIN: Duration = Duration::from_secs(20);

/// Marsaglia's xorshift, with a fixed seed: every run is the same.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

fn at(second: u64) -> Timestamp {
    let start: Timestamp = "2026-11-20T00:00:00Z".parse().unwrap();
    start.saturating_add(Duration::from_secs(second))
}

/// Returns a user whose name is a UUID, short or long; some users belong to all tenants.
fn user(tenant: u64, number: u64) -> String {
    let of = if number.is_multiple_of(11) { 0 } else { tenant };
    match number % 3 {
        0 => format!("{of:08x}-0000-4000-8000-{number:012x}"),
        1 => format!("u{of}-{number}"),
        _ => format!("somebody with a long name, {of}-{number}"),
    }
}

fn event(random: &mut Random, second: u64, users: u64) -> ApiUsageEvent {
    let tenant = random.below(4);
    ApiUsageEvent {
        tenant_id: format!("t{tenant}").parse().unwrap(),
        user_id: user(tenant, random.below(users)).parse().unwrap(),
        service: format!("s{}", random.below(5)).parse().unwrap(),
        occurred_at: at(second),
        failed: random.below(3) == 0,
        endpoint: None,
    }
}

fn question(random: &mut Random) -> ImpactQuery {
    let windows = |random: &mut Random| -> Windows {
        let one = |random: &mut Random| {
            let start = random.below(10_000);
            Window::new(at(start), at(start + 1 + random.below(4_000))).unwrap()
        };
        (0..random.below(4)).map(|_| one(random)).collect()
    };
    let tenants = (0..1 + random.below(5)).map(|_| TenantWindows {
        tenant: format!("t{}", random.below(5)).parse().unwrap(),
        windows: windows(random),
    });
    let tenants = tenants.collect();
    let services = (random.below(3) == 0).then(|| {
        let names = (0..random.below(4)).map(|_| format!("s{}", random.below(6)).parse().unwrap());
        names.collect::<BTreeSet<_>>()
    });
    let mut query = ImpactQuery::new(tenants);
    query.services = services;
    query.failed_only = random.below(4) == 0;
    query
}

#[tokio::test]
async fn every_way_to_count_is_the_plain_one() {
    for (round, seal_after) in (1..).zip([1, 2, 9, 40, 150, 600, 2_000, usize::MAX].repeat(3)) {
        let random = &mut Random(0x2545_f491_4f6c_dd1d ^ round);
        let usage = MemoryUsage::default().with_seal_threshold(seal_after);
        // The index over time holds all events, none, or the newest ones.
        let index = [1 << 30, 0, 20_000, 60_000][random.below(4) as usize];
        let usage = usage.with_time_index(index);
        let users = [5, 60, 900][random.below(3) as usize];
        let late = random.below(3) == 0;
        let mut events = Vec::new();
        for step in 0..60_u64 {
            let batch = (0..1 + random.below(60)).map(|n| {
                let second = if late && random.below(9) == 0 {
                    random.below(14_000)
                } else {
                    step * 200 + n
                };
                event(random, second, users)
            });
            let batch: Vec<_> = batch.collect();
            usage.record(batch.clone(), WITHIN).await.unwrap();
            events.extend(batch);
            if step % 5 == 0 {
                for _ in 0..6 {
                    let query = question(random);
                    let counts = usage.unique_users(&query, WITHIN).await.unwrap();
                    assert_eq!(
                        counts,
                        scan(&events, &query),
                        "{seal_after} {step} {query:?}"
                    );
                }
            }
        }
        usage.compact();
        for _ in 0..40 {
            let query = question(random);
            let counts = usage.unique_users(&query, WITHIN).await.unwrap();
            assert_eq!(
                counts,
                scan(&events, &query),
                "{seal_after} sealed {query:?}"
            );
        }
    }
}

/// Few and many unsealed events of a tenant, in order and not.
#[tokio::test]
async fn any_number_of_unsealed_events_is_counted() {
    let random = &mut Random(77);
    for rows in [1_000, 20_000, 60_000] {
        let usage = MemoryUsage::default().with_seal_threshold(usize::MAX);
        let usage = usage.with_time_index(0);
        let events: Vec<_> = (0..rows)
            .map(|n| event(random, n * 12_000 / rows, 3_000))
            .collect();
        for batch in events.chunks(700) {
            usage.record(batch.to_vec(), WITHIN).await.unwrap();
        }
        for _ in 0..40 {
            let query = question(random);
            let counts = usage.unique_users(&query, WITHIN).await.unwrap();
            assert_eq!(counts, scan(&events, &query), "{rows} {query:?}");
        }
    }
}

/// A few queries repeated with later ends, while events of any time arrive, are sealed and are
/// sealed again.
#[tokio::test]
async fn what_is_followed_is_counted_as_if_it_were_not() {
    for (round, seal_after) in (1..).zip([1, 7, 60, 500, 5_000, usize::MAX].repeat(4)) {
        let random = &mut Random(0x9e37_79b9_7f4a_7c15 ^ round);
        // A low limit in some rounds, so that queries are forgotten.
        let limit = [2 << 30, 40_000_000][random.below(2) as usize];
        let usage = MemoryUsage::with_limit(limit).with_seal_threshold(seal_after);
        let usage = usage.incremental_above(Duration::ZERO);
        let mut events = Vec::new();
        let questions: Vec<ImpactQuery> = (0..5).map(|_| question(random)).collect();
        for step in 0..80_u64 {
            let now = 1_000 + step * 100;
            let batch = (0..1 + random.below(40)).map(|n| {
                let second = match random.below(6) {
                    0 => random.below(12_000),
                    _ => now + n,
                };
                event(random, second, 900)
            });
            let batch: Vec<_> = batch.collect();
            usage.record(batch.clone(), WITHIN).await.unwrap();
            events.extend(batch);
            for asked in &questions {
                let query = up_to(asked, at(now));
                let counts = usage.unique_users(&query, WITHIN).await.unwrap();
                assert_eq!(
                    counts,
                    scan(&events, &query),
                    "{seal_after} {step} {query:?}"
                );
            }
            if step == 60 {
                usage.compact();
            }
        }
    }
}

/// Returns the query with windows that end now, without those that would start later.
fn up_to(query: &ImpactQuery, now: Timestamp) -> ImpactQuery {
    let tenants = query.tenants().iter().map(|one| TenantWindows {
        tenant: one.tenant.clone(),
        windows: one
            .windows
            .as_slice()
            .iter()
            .filter_map(|window| Window::non_empty(window.start(), now))
            .collect(),
    });
    let mut whole = ImpactQuery::new(tenants.collect());
    whole.services.clone_from(&query.services);
    whole.failed_only = query.failed_only;
    whole
}

/// Batches of all tenants at once, sealed all the time: every count covers whole batches.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn questions_see_whole_batches_while_they_are_sealed() {
    for follow_from in [Duration::MAX, Duration::ZERO] {
        let usage = MemoryUsage::default().with_seal_threshold(50);
        whole_batches(usage.incremental_above(follow_from)).await;
    }
}

async fn whole_batches(usage: MemoryUsage) {
    let ended = Arc::new(AtomicBool::new(false));
    let writers = (0..2_u64).map(|writer| {
        let usage = usage.clone();
        tokio::spawn(async move {
            for batch in 0..400_u64 {
                let one = |tenant: u64| ApiUsageEvent {
                    tenant_id: format!("t{tenant}").parse().unwrap(),
                    user_id: format!("u{writer}-{batch}-{tenant}").parse().unwrap(),
                    service: "api".parse().unwrap(),
                    occurred_at: at(batch * 7 % 5_000),
                    failed: false,
                    endpoint: None,
                };
                usage
                    .record((0..8).map(one).collect(), WITHIN)
                    .await
                    .unwrap();
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let whole: Windows = Window::new(at(0), at(10_000)).unwrap().into();
    let all = (0..8).map(|tenant| TenantWindows {
        tenant: format!("t{tenant}").parse().unwrap(),
        windows: whole.clone(),
    });
    let query = ImpactQuery::new(all.collect());
    let (reader, end) = (usage.clone(), Arc::clone(&ended));
    let asked = query.clone();
    let reading = tokio::spawn(async move {
        let (mut answers, mut last) = (0, 0);
        while !end.load(Ordering::SeqCst) {
            let counts = reader.unique_users(&asked, WITHIN).await.unwrap();
            assert_eq!(counts.total_unique_users % 8, 0);
            assert!(last <= counts.total_unique_users);
            last = counts.total_unique_users;
            answers += 1;
        }
        answers
    });
    for writer in writers {
        writer.await.unwrap();
    }
    ended.store(true, Ordering::SeqCst);
    assert!(reading.await.unwrap() > 0);
    let counts = usage.unique_users(&query, WITHIN).await.unwrap();
    assert_eq!(counts.total_unique_users, 6_400);
}

/// Everything is sealed, late events too: 22 bytes per event instead of 26.
#[tokio::test]
async fn sealed_events_take_less_room() {
    let usage = MemoryUsage::default().with_seal_threshold(10_000);
    let usage = usage.with_time_index(0);
    let random = &mut Random(7);
    for batch in 0..50_u64 {
        let one = |n: u64| ApiUsageEvent {
            tenant_id: "t".parse().unwrap(),
            user_id: format!("u{}", n % 100).parse().unwrap(),
            service: "api".parse().unwrap(),
            // Some events lie before all earlier ones.
            occurred_at: at(if random.below(20) == 0 {
                n
            } else {
                batch * 1_000 + n
            }),
            failed: false,
            endpoint: None,
        };
        usage
            .record((0..1_000).map(one).collect(), WITHIN)
            .await
            .unwrap();
    }
    assert!(usage.bytes() > 22 * 50_000 + 10_000, "{}", usage.bytes());
    usage.compact();
    let bytes = usage.bytes();
    assert!(
        (22 * 50_000..22 * 50_000 + 12_000).contains(&bytes),
        "{bytes}"
    );
}

/// Windows over many blocks of sealed rows, by services and failures.
#[tokio::test]
async fn filters_over_long_windows_are_the_plain_ones() {
    let random = &mut Random(0x1234_5678_9abc_def1);
    let usage = MemoryUsage::default().with_seal_threshold(6_000);
    let usage = usage.with_time_index(0);
    let mut events = Vec::new();
    for step in 0..40_u64 {
        let batch: Vec<_> = (0..1_200)
            .map(|n| {
                let second = step * 300 + n % 300;
                event(random, second, 3_000)
            })
            .collect();
        usage.record(batch.clone(), WITHIN).await.unwrap();
        events.extend(batch);
    }
    for sealed in [false, true] {
        if sealed {
            usage.compact();
        }
        for _ in 0..60 {
            let query = question(random);
            let counts = usage.unique_users(&query, WITHIN).await.unwrap();
            assert_eq!(counts, scan(&events, &query), "{sealed} {query:?}");
        }
        let whole = Windows::from(Window::new(at(0), at(20_000)).unwrap());
        for failed_only in [false, true] {
            let tenants = (0..4).map(|tenant| TenantWindows {
                tenant: format!("t{tenant}").parse().unwrap(),
                windows: whole.clone(),
            });
            let services = Some(["s1".parse().unwrap(), "s4".parse().unwrap()].into());
            let mut query = ImpactQuery::new(tenants.collect());
            query.services = services;
            query.failed_only = failed_only;
            let counts = usage.unique_users(&query, WITHIN).await.unwrap();
            assert_eq!(counts, scan(&events, &query));
            assert!(counts.total_unique_users > 0);
        }
    }
}
