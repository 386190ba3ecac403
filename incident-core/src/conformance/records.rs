//! Contracts of audit, suggestions and ledger.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::sample::{anna, at, id, keep, plain};
use super::{SpawnAll, StoreBackend, WITHIN};
use crate::audit::{self, AuditDraft, AuditOutcome, Chain};
use crate::billing::{CreditMove, CreditState, Granted, LedgerRow};
use crate::chain::Verdict;
use crate::commit::{Commit, LedgerWrite, SuggestionWrite};
use crate::port::{AuditQuery, CreditQuery, StoreError, SuggestionQuery};
use crate::suggestion::{SUGGESTION_TTL, Suggest, Suggestion};
use crate::{CreditId, IncidentId, Month, Percent, SuggestionId};

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

pub(super) fn credit_of(incident_id: IncidentId, revision: u32) -> LedgerWrite {
    let row = |n: u32| LedgerRow {
        id: CreditId::from_uuid(Uuid::from_u64_pair(u64::from(revision), u64::from(n))),
        incident_id,
        tenant_id: format!("tenant-{n}").parse().unwrap(),
        revision,
        period: Month::of(at(0)),
        outage_us: 1,
        credit: Percent::ZERO,
        terms_version: "t".parse().unwrap(),
        state: CreditState::Estimated,
        author: anna().name,
        granted: None,
    };
    LedgerWrite {
        incident_id,
        revision,
        rows: vec![row(1), row(2)],
    }
}

fn suggestion(n: u64, tenant: &str, second: u64) -> Suggestion {
    Suggestion {
        id: SuggestionId::from_uuid(Uuid::from_u64_pair(5, n)),
        said: Suggest {
            service: "api".parse().unwrap(),
            tenant: tenant.parse().unwrap(),
            signal: "error_rate".parse().unwrap(),
            observed_at: at(second),
            evidence: None,
        },
        received_at: at(second),
        used: false,
    }
}

/// A second one for the pair is refused while one is open, and not after it was
/// used or expired. A used one is not used again.
pub async fn isolated_one_suggestion_of_a_pair_is_open<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let commit = |write| {
        store.commit(
            Commit {
                suggestion: Some(write),
                ..Commit::default()
            },
            WITHIN,
        )
    };
    let first = suggestion(1, "fr", 0);
    commit(SuggestionWrite::Open(first.clone())).await.unwrap();
    match commit(SuggestionWrite::Open(suggestion(2, "fr", 1))).await {
        Err(StoreError::SuggestionOpen(open)) => assert_eq!(open, first.id),
        other => panic!("{other:?}"),
    }
    commit(SuggestionWrite::Open(suggestion(3, "de", 2)))
        .await
        .unwrap();
    commit(SuggestionWrite::Use(first.id)).await.unwrap();
    assert!(matches!(
        commit(SuggestionWrite::Use(first.id)).await,
        Err(StoreError::SuggestionUsed)
    ));
    commit(SuggestionWrite::Open(suggestion(2, "fr", 3)))
        .await
        .unwrap();
    let expired = 2 + SUGGESTION_TTL.as_secs();
    commit(SuggestionWrite::Open(suggestion(4, "de", expired)))
        .await
        .unwrap();
    assert!(
        store
            .suggestion(first.id, WITHIN)
            .await
            .unwrap()
            .unwrap()
            .used
    );
    let list = store
        .suggestions(
            &SuggestionQuery {
                before: None,
                limit: 9,
            },
            WITHIN,
        )
        .await
        .unwrap();
    assert_eq!(
        list.iter()
            .map(|one| one.id.uuid().as_u64_pair().1)
            .collect::<Vec<_>>(),
        [4, 2, 3, 1]
    );
    let before = Some((list[1].received_at, list[1].id));
    let rest = store
        .suggestions(&SuggestionQuery { before, limit: 1 }, WITHIN)
        .await
        .unwrap();
    assert_eq!(rest, [list[2].clone()]);
}

/// A key is written once; a newer revision supersedes what is still estimated.
pub async fn isolated_one_credit_per_key<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let incident = keep(&*store, &plain(1)).await;
    let commit = |write| {
        store.commit(
            Commit {
                ledger: vec![write],
                ..Commit::default()
            },
            WITHIN,
        )
    };
    commit(credit_of(incident.id, 1)).await.unwrap();
    assert!(matches!(
        commit(credit_of(incident.id, 1)).await,
        Err(StoreError::Refused(_))
    ));
    commit(credit_of(incident.id, 2)).await.unwrap();
    let rows = store
        .credits(&CreditQuery::default(), WITHIN)
        .await
        .unwrap();
    let states: Vec<_> = rows.iter().map(|row| (row.revision, row.state)).collect();
    let (old, new) = ((1, CreditState::Superseded), (2, CreditState::Estimated));
    assert_eq!(states, [old, old, new, new]);
    let wanted = CreditQuery {
        id: Some(rows[3].id),
        tenant: Some("tenant-2".parse().unwrap()),
        state: Some(CreditState::Estimated),
        incident: Some(incident.id),
        period: Some(Month::of(at(0))),
    };
    assert_eq!(
        store.credits(&wanted, WITHIN).await.unwrap(),
        [rows[3].clone()]
    );
}

/// A credit leaves the state that was seen, or nothing happens; what is approved
/// gives way to a newer computation, what is waived stays as it is.
pub async fn isolated_a_credit_is_decided_once<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let incident = keep(&*store, &plain(1)).await;
    let write = |revision| Commit {
        ledger: vec![credit_of(incident.id, revision)],
        ..Commit::default()
    };
    store.commit(write(1), WITHIN).await.unwrap();
    let rows = || async {
        store
            .credits(&CreditQuery::default(), WITHIN)
            .await
            .unwrap()
    };
    let ids: Vec<CreditId> = rows().await.iter().map(|row| row.id).collect();
    let granted = Granted {
        percent: Percent::HUNDRED,
        amount: None,
        by: anna().name,
        at: at(5),
    };
    use CreditState::{Approved, Estimated, Superseded, Waived};
    let moved = |id, from, to| Commit {
        credits: vec![CreditMove {
            id,
            from,
            to,
            granted: (to == Approved).then(|| granted.clone()),
        }],
        audit: vec![audit_of(None, 5)],
        ..Commit::default()
    };
    store
        .commit(moved(ids[0], Estimated, Approved), WITHIN)
        .await
        .unwrap();
    store
        .commit(moved(ids[1], Estimated, Waived), WITHIN)
        .await
        .unwrap();
    for wrong in [
        moved(ids[0], Estimated, Waived),
        moved(ids[1], Approved, Waived),
    ] {
        let refused = store.commit(wrong, WITHIN).await;
        assert!(
            matches!(refused, Err(StoreError::CreditMoved(_))),
            "{refused:?}"
        );
    }
    let found = rows().await;
    let states: Vec<_> = found
        .iter()
        .map(|row| (row.state, row.granted.clone()))
        .collect();
    assert_eq!(states, [(Approved, Some(granted.clone())), (Waived, None)]);
    assert_eq!(
        store
            .audit_chain(Chain::System, 0, 9, WITHIN)
            .await
            .unwrap()
            .len(),
        2
    );
    store.commit(write(2), WITHIN).await.unwrap();
    let states: Vec<_> = rows().await.iter().map(|row| row.state).collect();
    assert_eq!(states, [Superseded, Waived, Estimated, Estimated]);
}

/// Each chain counts by itself and verifies; filters and pages lose nothing.
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
                .map(|entry| (entry.said.at, entry.chain, entry.seq)),
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
