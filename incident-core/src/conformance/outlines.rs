//! Contracts of outlines.

use std::sync::Arc;

use super::sample::{declared, everything, plain};
use super::{SpawnAll, StoreBackend, WITHIN};
use crate::commit::Commit;
use crate::incident::{Affected, AffectedTenant, Incident, OUTLINE_TENANTS, Outline};
use crate::port::IncidentFilter;
use crate::{TenantId, Timestamp};

/// Returns an incident that affects this number of tenants, or all, and its commit.
fn hitting(n: u64, tenants: Option<usize>) -> (Arc<Incident>, Commit) {
    let (incident, mut commit) = declared(&plain(n));
    let mut incident = Incident::clone(&incident);
    let row = |at: usize| AffectedTenant {
        from: (at % 2 == 1).then(|| "2026-11-20T22:00:00Z".parse::<Timestamp>().unwrap()),
        ..AffectedTenant::whole(TenantId::new(&format!("tenant-{at:05}")).unwrap())
    };
    let ended = "2026-11-20T23:30:00Z".parse::<Timestamp>().unwrap();
    let state = incident.state_mut();
    state.affected_tenants = match tenants {
        Some(tenants) => Affected::these((0..tenants).map(row).collect()).unwrap(),
        None => Affected::All,
    };
    // Each of the ends, and none.
    match n % 4 {
        1 => state.resolved_at = Some(ended),
        2 => state.impact_ended_at = Some(ended),
        3 => state.cancelled_at = Some(ended),
        _ => {}
    }
    let incident = Arc::new(incident);
    for write in &mut commit.writes {
        write.after = Arc::clone(&incident);
    }
    (incident, commit)
}

/// Checks that outlines are those of the listed incidents, in the same order, for any filter.
pub async fn ordered_outlines_are_those_of_the_list<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    for (n, tenants) in [(1, Some(0)), (2, Some(3)), (3, None), (4, Some(45))] {
        store.commit(hitting(n, tenants).1, WITHIN).await.unwrap();
    }
    for filter in [
        everything(),
        IncidentFilter {
            tenant: Some("tenant-00044".to_owned()),
            ..everything()
        },
        IncidentFilter {
            limit: 2,
            ..everything()
        },
    ] {
        let listed = store.list(&filter, WITHIN).await.unwrap();
        let expected: Vec<Outline> = listed.iter().map(|one| Outline::of(one)).collect();
        let outlines = store.outlines(&filter, WITHIN).await.unwrap();
        assert_eq!(outlines, expected, "{filter:?}");
        assert!(!outlines.is_empty());
    }
}

/// Checks that an outline names the first tenants and has the number of all.
pub async fn bounded_an_outline_is_small_however_large_its_incident_is<B: StoreBackend>(
    _spawn: SpawnAll,
) {
    let (store, _guard) = B::open().await;
    for (n, tenants) in [(1, Some(20)), (2, Some(21)), (3, Some(10_000)), (4, None)] {
        let (incident, commit) = hitting(n, tenants);
        store.commit(commit, WITHIN).await.unwrap();
        let outline = &store.outlines(&everything(), WITHIN).await.unwrap()[0];
        assert_eq!(outline.id, incident.id);
        let total = tenants.map(|tenants| u64::try_from(tenants).unwrap());
        assert_eq!(outline.affected_tenants_total, total);
        match (
            outline.affected_tenants.list(),
            incident.affected_tenants.list(),
        ) {
            (Some(shown), Some(all)) => {
                assert_eq!(shown, &all[..all.len().min(OUTLINE_TENANTS)]);
            }
            (shown, all) => assert_eq!(shown, all),
        }
    }
}
