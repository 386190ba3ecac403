//! Contracts of the audit trail.

use std::collections::BTreeMap;

use super::sample::{anna, at, id};
use super::{SpawnAll, StoreBackend, WITHIN};
use crate::IncidentId;
use crate::audit::{self, AuditDraft, AuditEntry, AuditOutcome, Chain};
use crate::chain::Verdict;
use crate::commit::Commit;
use crate::port::AuditQuery;

pub(super) fn audit_of(incident_id: Option<IncidentId>, second: u64) -> AuditDraft {
    AuditDraft {
        incident_id,
        at: at(second),
        actor: anna(),
        action: "update".to_owned(),
        outcome: AuditOutcome::Allowed,
        detail: BTreeMap::new(),
    }
}

/// Checks that each chain has its own numbers and verifies, and that filters and pages lose
/// nothing.
pub async fn ordered_audit_chains_have_no_gaps<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    for second in 0..6 {
        let audit = vec![
            audit_of(None, second),
            audit_of(Some(id(1)), second),
            audit_of(Some(id(2)), second),
        ];
        store
            .commit(
                Commit {
                    audit,
                    ..Commit::default()
                },
                WITHIN,
            )
            .await
            .unwrap();
    }
    let chains = store.audit_chains(None, 10, WITHIN).await.unwrap();
    assert_eq!(
        chains,
        [
            Chain::System,
            Chain::Incident(id(1)),
            Chain::Incident(id(2))
        ]
    );
    assert_eq!(
        store
            .audit_chains(Some(Chain::System), 1, WITHIN)
            .await
            .unwrap(),
        [Chain::Incident(id(1))]
    );
    for chain in chains {
        let mut entries = store.audit_chain(chain, 0, 4, WITHIN).await.unwrap();
        assert_eq!(entries.len(), 4);
        entries.extend(store.audit_chain(chain, 4, 4, WITHIN).await.unwrap());
        assert!(
            matches!(audit::verify(chain, &entries, []), Verdict::Valid { head, anchored: 0 } if head.seq == 6)
        );
        let query = AuditQuery {
            chain: Some(chain),
            limit: 99,
            ..AuditQuery::default()
        };
        let mut listed = store.audit(&query, WITHIN).await.unwrap();
        listed.sort_by_key(|entry| entry.seq);
        assert_eq!(listed, entries);
    }
    let mut query = AuditQuery {
        from: Some(at(1)),
        actor: Some("anna".to_owned()),
        limit: 4,
        ..AuditQuery::default()
    };
    let mut seen = Vec::new();
    loop {
        let page = store.audit(&query, WITHIN).await.unwrap();
        seen.extend(
            page.iter()
                .map(|entry| (entry.payload.at, entry.chain, entry.seq)),
        );
        query.after = seen.last().copied();
        if page.len() < 4 {
            break;
        }
    }
    assert_eq!(seen.len(), 15);
    assert!(seen.is_sorted());
    query = AuditQuery {
        actor: Some("bob".to_owned()),
        limit: 4,
        ..AuditQuery::default()
    };
    assert!(store.audit(&query, WITHIN).await.unwrap().is_empty());
}

/// Checks that every filter of the audit trail agrees with the reference, in both orders and page by
/// page.
pub async fn ordered_audit_entries_are_filtered_alike_in_both_orders<B: StoreBackend>(
    _spawn: SpawnAll,
) {
    let (store, _guard) = B::open().await;
    let mut all = Vec::new();
    for second in 0..6 {
        let mut audit = vec![audit_of(None, second), audit_of(Some(id(1)), second)];
        if let [first, other] = audit.as_mut_slice() {
            first.action = if second % 2 == 0 { "even" } else { "odd" }.to_owned();
            if second % 3 == 0 {
                other.outcome = AuditOutcome::Denied;
            }
        }
        let commit = Commit {
            audit,
            ..Commit::default()
        };
        store.commit(commit, WITHIN).await.unwrap();
    }
    for chain in [Chain::System, Chain::Incident(id(1))] {
        all.extend(store.audit_chain(chain, 0, 99, WITHIN).await.unwrap());
    }
    all.sort_by_key(|entry| (entry.payload.at, entry.chain, entry.seq));
    assert_eq!(all.len(), 12);
    let named = |name: &str| AuditQuery {
        action: Some(name.to_owned()),
        ..AuditQuery::default()
    };
    for filter in [
        AuditQuery::default(),
        named("even"),
        named("no_such_action"),
        AuditQuery {
            outcome: Some(AuditOutcome::Denied),
            ..AuditQuery::default()
        },
        AuditQuery {
            from: Some(at(1)),
            to: Some(at(4)),
            ..AuditQuery::default()
        },
    ] {
        for newest_first in [false, true] {
            let mut query = AuditQuery {
                newest_first,
                limit: 2,
                ..filter.clone()
            };
            let mut expected: Vec<&AuditEntry> =
                all.iter().filter(|entry| query.matches(entry)).collect();
            if newest_first {
                expected.reverse();
            }
            let mut found = Vec::new();
            loop {
                let page = store.audit(&query, WITHIN).await.unwrap();
                let last = page.last();
                query.after = last.map(|last| (last.payload.at, last.chain, last.seq));
                let is_last = page.len() < query.limit;
                found.extend(page);
                if is_last {
                    break;
                }
            }
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{filter:?}");
        }
    }
}
