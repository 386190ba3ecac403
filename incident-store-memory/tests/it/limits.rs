//! A full source refuses a batch whole and keeps what it has.

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
    // 26 bytes an event, 400 for the tenant, 163 for the service.
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
    let query = ImpactQuery::new(
        vec![TenantWindows {
            tenant: "t".parse().unwrap(),
            windows: Windows::from(all),
        }],
        None,
        false,
    );
    assert_eq!(
        usage
            .unique_users(&query, WITHIN)
            .await
            .unwrap()
            .total_unique_users,
        5
    );
}
