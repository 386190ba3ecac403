//! Contracts of `UsageSource` and `UsageSink`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;

use super::sample::at;
use super::{SpawnAll, UsageBackend, WITHIN};
use crate::impact::{ApiUsageEvent, ImpactQuery, TenantWindows, break_down, list_users, scan};
use crate::port::{UsageSink, UsageSource};
use crate::{Window, Windows};

/// Time-out of queries that are large on purpose.
const LONG: Duration = Duration::from_secs(120);

fn event(tenant: &str, user: &str, second: u64) -> ApiUsageEvent {
    ApiUsageEvent {
        tenant_id: tenant.parse().unwrap(),
        user_id: user.parse().unwrap(),
        service: if second.is_multiple_of(2) {
            "api"
        } else {
            "login"
        }
        .parse()
        .unwrap(),
        occurred_at: at(second),
        failed: second.is_multiple_of(3),
        endpoint: None,
    }
}

fn windows(spans: &[(u64, u64)]) -> Windows {
    spans
        .iter()
        .map(|(start, end)| Window::new(at(*start), at(*end)).unwrap())
        .collect()
}

fn query(tenants: &[(&str, &[(u64, u64)])]) -> ImpactQuery {
    let one = |(tenant, spans): &(&str, &[(u64, u64)])| TenantWindows {
        tenant: tenant.parse().unwrap(),
        windows: windows(spans),
    };
    ImpactQuery::new(tenants.iter().map(one).collect())
}

async fn agree<S: UsageSource>(source: &S, events: &[ApiUsageEvent], query: &ImpactQuery) {
    assert_eq!(
        source.unique_users(query, WITHIN).await.unwrap(),
        scan(events, query)
    );
}

/// Checks that a window includes its start and excludes its end, and that adjacent windows miss
/// nothing.
pub async fn ordered_edges_are_half_open<B: UsageBackend>(_spawn: SpawnAll) {
    let (source, _guard) = B::open().await;
    let events: Vec<_> = (0..=10)
        .map(|second| event("t", &format!("u{second}"), second))
        .collect();
    source.record(events.clone(), WITHIN).await.unwrap();
    for (spans, expected) in [
        (&[(2, 5)][..], 3),
        (&[(0, 11)], 11),
        (&[(2, 5), (5, 7)], 5),
        (&[(0, 1), (10, 11)], 2),
        (&[], 0),
        (&[(50, 60)], 0),
    ] {
        let query = query(&[("t", spans)]);
        assert_eq!(
            source
                .unique_users(&query, WITHIN)
                .await
                .unwrap()
                .total_unique_users,
            expected,
            "{spans:?}"
        );
        agree(&source, &events, &query).await;
    }
}

/// Checks that events that come twice, late or in reverse give the same answer.
pub async fn idempotent_repeats_and_late_events_change_nothing<B: UsageBackend>(_spawn: SpawnAll) {
    let events: Vec<_> = (0..100)
        .map(|n| {
            event(
                ["a", "b"][n as usize % 2],
                &format!("u{}", n % 17),
                n * 7 % 100,
            )
        })
        .collect();
    let query = query(&[("a", &[(10, 60)]), ("b", &[(0, 30), (50, 90)])]);
    let mut reversed = events.clone();
    reversed.reverse();
    for order in [
        vec![events.clone()],
        vec![reversed.clone(), events.clone()],
        reversed.chunks(3).map(<[_]>::to_vec).collect(),
    ] {
        let (source, _guard) = B::open().await;
        for batch in order {
            source.record(batch, WITHIN).await.unwrap();
            // Queries between the batches must not change later answers.
            source.unique_users(&query, WITHIN).await.unwrap();
        }
        agree(&source, &events, &query).await;
    }
}

/// Checks that rows are in the order of the query, zeros included. A tenant that is given twice
/// is one row; a user of two tenants counts once in the total.
pub async fn ordered_rows_are_those_of_the_question<B: UsageBackend>(_spawn: SpawnAll) {
    let (source, _guard) = B::open().await;
    let events = [
        event("z", "same", 1),
        event("a", "same", 1),
        event("a", "other", 2),
    ];
    source.record(events.to_vec(), WITHIN).await.unwrap();
    let query = query(&[
        ("z", &[(0, 9)]),
        ("unknown", &[(0, 9)]),
        ("a", &[(0, 2)]),
        ("a", &[(2, 9)]),
    ]);
    let counts = source.unique_users(&query, WITHIN).await.unwrap();
    let rows: Vec<_> = counts
        .by_tenant
        .iter()
        .map(|row| (row.tenant.as_str(), row.unique_users))
        .collect();
    assert_eq!(
        (rows.as_slice(), counts.total_unique_users),
        (&[("z", 1), ("unknown", 0), ("a", 2)][..], 2)
    );
    assert_eq!(
        source
            .unique_users(&ImpactQuery::new(Vec::new()), WITHIN)
            .await
            .unwrap()
            .total_unique_users,
        0
    );
}

/// Checks the filters by service, by failure, by both, and by a service without calls.
pub async fn ordered_filters_agree_with_the_reference<B: UsageBackend>(_spawn: SpawnAll) {
    let (source, _guard) = B::open().await;
    let events: Vec<_> = (0..60)
        .map(|n| event("t", &format!("u{}", n % 23), n))
        .collect();
    source.record(events.clone(), WITHIN).await.unwrap();
    for services in [
        None,
        Some(vec!["api"]),
        Some(vec!["api", "login"]),
        Some(vec!["other"]),
        Some(vec![]),
    ] {
        for failed_only in [false, true] {
            let mut query = query(&[("t", &[(5, 50)])]);
            query.services = services
                .as_ref()
                .map(|names| names.iter().map(|name| name.parse().unwrap()).collect());
            query.failed_only = failed_only;
            agree(&source, &events, &query).await;
        }
    }
}

/// Checks many random events and queries against `impact::scan`.
pub async fn ordered_random_events_agree_with_the_reference<B: UsageBackend>(_spawn: SpawnAll) {
    let (source, _guard) = B::open().await;
    // A linear congruential generator of Knuth's MMIX: the same run every time.
    let mut seed: u64 = 42;
    let mut next = |below: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut events = Vec::new();
    for _ in 0..20 {
        let batch: Vec<_> = (0..100)
            .map(|_| {
                event(
                    &format!("t{}", next(5)),
                    &format!("u{}", next(80)),
                    next(3_000),
                )
            })
            .collect();
        source.record(batch.clone(), WITHIN).await.unwrap();
        events.extend(batch);
        let spans: Vec<(u64, u64)> = (0..next(4))
            .map(|_| {
                let start = next(2_900);
                (start, start + 1 + next(400))
            })
            .collect();
        agree(
            &source,
            &events,
            &query(&[("t1", &spans), ("t3", &[(0, 3_000)]), ("t9", &spans)]),
        )
        .await;
    }
}

/// Checks that names are compared by byte: case, marks and blanks make a difference.
pub async fn ordered_names_are_opaque<B: UsageBackend>(_spawn: SpawnAll) {
    let (source, _guard) = B::open().await;
    let long = "é".repeat(100);
    let names = [
        "U",
        "u",
        " u",
        "e\u{301}",
        "é",
        "#en.wikipedia",
        "'; --",
        long.as_str(),
    ];
    let events: Vec<_> = names
        .iter()
        .flat_map(|tenant| names.iter().map(|user| event(tenant, user, 1)))
        .collect();
    source.record(events.clone(), WITHIN).await.unwrap();
    let all: Vec<_> = names.iter().map(|name| (*name, &[(0, 9)][..])).collect();
    let query = query(&all);
    agree(&source, &events, &query).await;
    assert_eq!(
        source
            .unique_users(&query, WITHIN)
            .await
            .unwrap()
            .total_unique_users,
        names.len() as u64
    );
}

/// Checks that a query about very many tenants is answered: 20 000, or a million if
/// `INCIDENT_TEST_LONG` is set.
pub async fn bounded_very_many_tenants_in_one_question<B: UsageBackend>(_spawn: SpawnAll) {
    let many = if std::env::var_os("INCIDENT_TEST_LONG").is_some() {
        1_000_000
    } else {
        20_000
    };
    let (source, _guard) = B::open().await;
    let name = |n: u32| format!("tenant-{n}");
    let events: Vec<_> = (0..many)
        .step_by(10)
        .map(|n| event(&name(n), &name(n % 1_000), 1))
        .collect();
    for batch in events.chunks(10_000) {
        source.record(batch.to_vec(), LONG).await.unwrap();
    }
    let tenants = (0..many).map(|n| TenantWindows {
        tenant: name(n).parse().unwrap(),
        windows: windows(&[(0, 9)]),
    });
    let query = ImpactQuery::new(tenants.collect());
    let counts = source.unique_users(&query, LONG).await.unwrap();
    assert_eq!(counts, scan(&events, &query));
}

/// Checks empty windows, windows without events, and tenants without events.
pub async fn ordered_nothing_is_counted_where_nothing_is<B: UsageBackend>(_spawn: SpawnAll) {
    let (source, _guard) = B::open().await;
    let nobody = query(&[("t", &[(0, 9)]), ("other", &[])]);
    agree(&source, &[], &nobody).await;
    let events = [event("t", &"x".repeat(200), 5)];
    source.record(events.to_vec(), WITHIN).await.unwrap();
    source.record(Vec::new(), WITHIN).await.unwrap();
    for spans in [&[][..], &[(6, 7)], &[(4, 5)], &[(5, 6)], &[(0, 5), (6, 9)]] {
        let query = query(&[("t", spans), ("unknown", spans)]);
        agree(&source, &events, &query).await;
    }
}

/// Checks that an estimate is near the truth, and lies within its bounds.
pub async fn errors_estimates_are_near<B: UsageBackend>(_spawn: SpawnAll) {
    let (source, _guard) = B::open().await;
    let users = [("few", 7_u64), ("many", 30_000)];
    let mut events = Vec::new();
    for (tenant, users) in users {
        let of = |user| event(tenant, &format!("{tenant} user number {user}"), user % 100);
        events.extend((0..users).map(of));
    }
    for batch in events.chunks(5_000) {
        source.record(batch.to_vec(), WITHIN).await.unwrap();
    }
    let all = query(&[
        ("few", &[(0, 100)]),
        ("nobody", &[(0, 9)]),
        ("many", &[(0, 100)]),
    ]);
    let estimates = source.estimates(&all, WITHIN).await.unwrap();
    let exact = scan(&events, &all);
    let error = u64::from(estimates.relative_error_ppm.unwrap());
    let near = |users: u64, bounds: Option<(u64, u64)>, exact: u64| {
        // Four standard deviations.
        let most = 2 * exact * error / 1_000_000;
        assert!(users.abs_diff(exact) <= most, "{exact}: {users}");
        let (lower, upper) = bounds.unwrap();
        assert!(lower <= users && users <= upper);
    };
    assert_eq!(estimates.by_tenant.len(), exact.by_tenant.len());
    for (row, exact) in estimates.by_tenant.iter().zip(&exact.by_tenant) {
        assert_eq!(row.tenant, exact.tenant);
        near(row.unique_users, row.bounds, exact.unique_users);
    }
    let (total, bounds) = (estimates.total_unique_users, estimates.total_bounds);
    near(total, bounds, exact.total_unique_users);
}

/// Checks first hits, services and endpoints against `impact::break_down`.
///
/// With filters and several windows, users of two tenants, services that share endpoints, and
/// more endpoints than are listed.
pub async fn ordered_breakdowns_agree_with_the_reference<B: UsageBackend>(_spawn: SpawnAll) {
    let (source, _guard) = B::open().await;
    let one = |n: u64| {
        let user = format!("u{}", n * n % 37);
        let mut one = event(["a", "b", "c"][n as usize % 3], &user, n * 53 % 900);
        one.endpoint = match n % 4 {
            0 if n.is_multiple_of(8) => Some("".parse().unwrap()),
            0 => None,
            1 => Some("GET /v1/tournaments/{id}".parse().unwrap()),
            _ => Some(format!("/v1/{}/é'\t", n % 29).parse().unwrap()),
        };
        one
    };
    let events: Vec<_> = (0..400).map(one).collect();
    for batch in events.chunks(90) {
        source.record(batch.to_vec(), WITHIN).await.unwrap();
    }
    let all = [
        ("a", &[(0, 900)][..]),
        ("b", &[(30, 200), (600, 601)]),
        ("d", &[(0, 9)]),
    ];
    for tenants in [&all[..], &all[..1], &all[2..], &[]] {
        for services in [None, Some(vec!["login"]), Some(vec![])] {
            for failed_only in [false, true] {
                let mut query = query(tenants);
                query.services = services
                    .as_ref()
                    .map(|names| names.iter().map(|name| name.parse().unwrap()).collect());
                query.failed_only = failed_only;
                let found = source.breakdown(&query, WITHIN).await.unwrap();
                assert_eq!(found, break_down(&events, &query), "{query:?}");
                let sum: u64 = found.first_hits.iter().map(|one| one.users).sum();
                assert_eq!(sum, scan(&events, &query).total_unique_users);
            }
        }
    }
}

/// Checks that pages of users name each user of the query once, in order, and agree with the
/// reference, whatever their size.
pub async fn ordered_users_are_listed_page_by_page<B: UsageBackend>(_spawn: SpawnAll) {
    let (source, _guard) = B::open().await;
    let name = |n: u64| match n % 5 {
        0 => format!("01a1fe7e-8565-7544-9512-dcd142c5f{n:03}"),
        1 => format!("somebody with a long name and the number {n}"),
        2 => format!("É{n}"),
        3 => format!("u{n}"),
        _ => format!("U'{n}\\"),
    };
    let one = |n: u64| event(["a", "b"][n as usize % 2], &name(n * n % 83), n * 37 % 600);
    let events: Vec<_> = (0..500).map(one).collect();
    for batch in events.chunks(120) {
        source.record(batch.to_vec(), WITHIN).await.unwrap();
    }
    let all = [("a", &[(0, 300), (400, 420)][..]), ("b", &[(100, 500)])];
    for tenants in [&all[..], &all[..1], &[("c", &[(0, 9)][..])], &[]] {
        for (failed_only, limit) in [(false, 1_000), (false, 7), (true, 7), (false, 1)] {
            let mut query = query(tenants);
            query.failed_only = failed_only;
            let (mut found, mut after) = (Vec::new(), None::<String>);
            loop {
                let page = source.users(&query, after.as_deref(), limit, WITHIN).await;
                let page = page.unwrap();
                let expected = list_users(&events, &query, after.as_deref(), limit);
                assert_eq!(page, expected, "{limit} after {after:?}");
                found.extend(page.users);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            let counted = scan(&events, &query).total_unique_users;
            assert_eq!(u64::try_from(found.len()).unwrap(), counted);
            assert!(found.is_sorted_by(|one, next| one < next), "{found:?}");
        }
    }
}

/// Checks a query that is repeated with a later end while events of any time arrive: late ones,
/// and ones after the end.
pub async fn ordered_a_growing_question_misses_nothing<B: UsageBackend>(_spawn: SpawnAll) {
    let (source, _guard) = B::open().await;
    let users = 2_000;
    let mut events = Vec::new();
    for round in 0..30_u64 {
        let of = |n: u64| {
            let at = (n * 7_919 + round * 131) % 4_000;
            event(
                ["a", "b", "c"][n as usize % 3],
                &format!("u{}", n * round % users),
                at,
            )
        };
        let batch: Vec<_> = (round * 1_000..(round + 1) * 1_000).map(of).collect();
        source.record(batch.clone(), WITHIN).await.unwrap();
        events.extend(batch);
        let end = 300 + round * 100;
        // One window ends with the query, one has ended, one tenant has a gap.
        let mut asked = query(&[
            ("a", &[(200, end)]),
            ("b", &[(0, 250)]),
            ("c", &[(50, 150), (280, end)]),
        ]);
        agree(&source, &events, &asked).await;
        asked.failed_only = true;
        agree(&source, &events, &asked).await;
        if round % 5 == 4 {
            // Again, and once for an earlier end.
            agree(&source, &events, &asked).await;
            agree(&source, &events, &query(&[("a", &[(200, end - 60)])])).await;
        }
    }
}

/// Checks that every answer is a multiple of ten while batches of ten users arrive.
pub async fn isolated_readers_see_whole_batches<B: UsageBackend>(spawn: SpawnAll) {
    let (source, _guard) = B::open().await;
    let ended = Arc::new(AtomicBool::new(false));
    let (writer, reader, end) = (source.clone(), source.clone(), Arc::clone(&ended));
    let writing = async move {
        for batch in 0..200_u64 {
            let users = (0..10)
                .map(|user| event("t", &format!("u{batch}-{user}"), (batch * 31 + user) % 100));
            writer.record(users.collect(), WITHIN).await.unwrap();
        }
        end.store(true, Ordering::SeqCst);
    };
    let reading = async move {
        let mut last = 0;
        // With a later end each time, as in a report on a live incident.
        let mut end = 100;
        while !ended.load(Ordering::SeqCst) {
            let query = query(&[("t", &[(0, end)])]);
            end += 1;
            let count = reader
                .unique_users(&query, WITHIN)
                .await
                .unwrap()
                .total_unique_users;
            assert!(count % 10 == 0 && last <= count, "{last} then {count}");
            last = count;
        }
    };
    spawn(vec![writing.boxed(), reading.boxed()]).await;
    assert_eq!(
        source
            .unique_users(&query(&[("t", &[(0, 100)])]), WITHIN)
            .await
            .unwrap()
            .total_unique_users,
        2_000
    );
}
