//! A full source refuses a batch whole and loses none of its events.

use std::time::Duration;

use incident_core::impact::{ApiUsageEvent, ImpactQuery, TenantWindows};
use incident_core::port::{UsageError, UsageSink, UsageSource};
use incident_core::{Window, Windows};
use incident_store_memory::MemoryUsage;

const WITHIN: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_full_source_refuses_whole_batches_and_drops_nothing() {
    let event = |user: u32| ApiUsageEvent {
        tenant_id: "t".parse().unwrap(),
        user_id: format!("u{user}").parse().unwrap(),
        service: "api".parse().unwrap(),
        occurred_at: "1999-01-01T00:00:00Z".parse().unwrap(),
        failed: false,
        endpoint: None,
    };
    // 26 bytes per event, 400 for the tenant, 163 for the service.
    let usage = MemoryUsage::with_limit(703);
    usage
        .record((0..4).map(event).collect(), WITHIN)
        .await
        .unwrap();
    let refused = usage.record((4..6).map(event).collect(), WITHIN).await;
    assert!(
        matches!(
            refused,
            Err(UsageError::Full {
                held: 667,
                limit: 703
            })
        ),
        "{refused:?}"
    );
    usage.record(vec![event(9)], WITHIN).await.unwrap();
    let all = Window::new(
        "1998-01-01T00:00:00Z".parse().unwrap(),
        "2000-01-01T00:00:00Z".parse().unwrap(),
    )
    .unwrap();
    let query = ImpactQuery::new(vec![TenantWindows {
        tenant: "t".parse().unwrap(),
        windows: Windows::from(all),
    }]);
    assert_eq!(
        usage
            .unique_users(&query, WITHIN)
            .await
            .unwrap()
            .total_unique_users,
        5
    );
}

fn long_named(n: u32) -> ApiUsageEvent {
    ApiUsageEvent {
        tenant_id: format!("tenant-{n}").parse().unwrap(),
        user_id: format!("somebody with a long name, number {n}")
            .parse()
            .unwrap(),
        service: format!("service-{n}").parse().unwrap(),
        occurred_at: "2026-11-20T22:00:00Z".parse().unwrap(),
        failed: false,
        endpoint: Some(format!("/endpoint/{n}").parse().unwrap()),
    }
}

/// A22: a refused batch leaves none of its names behind, however often it is sent.
#[tokio::test]
async fn refused_batches_leave_no_names_behind() {
    let usage = MemoryUsage::with_limit(50_000).with_time_index(0);
    usage.record(vec![long_named(0)], WITHIN).await.unwrap();
    let held = usage.bytes();
    let shown = format!("{usage:?}").len();
    for round in 0..20 {
        // Each of these batches would fit without its names.
        let batch = (0..90).map(|n| long_named(1_000 * (round + 1) + n));
        let refused = usage.record(batch.collect(), WITHIN).await;
        assert!(
            matches!(refused, Err(UsageError::Full { held: now, .. }) if now == held),
            "{refused:?}"
        );
        assert_eq!(usage.bytes(), held);
    }
    // No other part of the source has grown either.
    assert_eq!(format!("{usage:?}").len(), shown);
    // More kinds than can be numbered: the batch is refused whole, before one is stored.
    let roomy = MemoryUsage::default().with_time_index(0);
    roomy.record(vec![long_named(0)], WITHIN).await.unwrap();
    let held = roomy.bytes();
    let kinds = (1..=40_000).map(|n| ApiUsageEvent {
        endpoint: None,
        ..long_named(n)
    });
    let refused = roomy.record(kinds.collect(), WITHIN).await;
    assert!(
        matches!(refused, Err(UsageError::Refused(_))),
        "{refused:?}"
    );
    assert_eq!(roomy.bytes(), held);
    let all: Vec<_> = (1..=50).map(long_named).collect();
    roomy.record(all, WITHIN).await.unwrap();
    assert!(roomy.bytes() > held + 50 * 120);
}

/// A batch that fits when it is measured fits when it is stored: concurrent batches are counted
/// together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_that_come_at_once_share_the_room() {
    let usage = MemoryUsage::with_limit(60_000);
    let send = |writer: u32| {
        let usage = usage.clone();
        tokio::spawn(async move {
            let mut kept = 0;
            for n in 0..200 {
                let batch = vec![long_named(1_000 * writer + n)];
                kept += u32::from(usage.record(batch, WITHIN).await.is_ok());
            }
            kept
        })
    };
    let writers: Vec<_> = (0..4).map(send).collect();
    let mut kept = 0;
    for writer in writers {
        kept += writer.await.unwrap();
    }
    assert!(kept > 50, "{kept}");
    // Names may be stored at one moment and measured at another.
    assert!(usage.bytes() <= 60_000 + 4 * 1_000, "{}", usage.bytes());
}

/// S10: events lie on at most 4,000 days in all, whatever their dates.
#[tokio::test]
async fn four_thousand_days_are_kept() {
    let on = |day: i64| ApiUsageEvent {
        tenant_id: "t".parse().unwrap(),
        user_id: "u".parse().unwrap(),
        service: "api".parse().unwrap(),
        occurred_at: incident_core::Timestamp::from_micros(day * 86_400_000_000).unwrap(),
        failed: false,
        endpoint: None,
    };
    let usage = MemoryUsage::default();
    for start in 0..10 {
        let days = (start * 400..(start + 1) * 400).map(|day| on(day * 3));
        usage.record(days.collect(), WITHIN).await.unwrap();
    }
    let refused = usage.record(vec![on(0), on(1)], WITHIN).await;
    assert!(
        matches!(
            refused,
            Err(UsageError::TooManyDays {
                days: 4_001,
                limit: 4_000
            })
        ),
        "{refused:?}"
    );
    usage.record(vec![on(0), on(3)], WITHIN).await.unwrap();
}
