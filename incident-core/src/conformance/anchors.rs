//! Contracts of anchor records.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::sample::{at, id};
use super::{AnchorBackend, SpawnAll, WITHIN};
use crate::anchor::{Anchor, AnchoredChain};
use crate::audit::Chain;
use crate::chain::{Hash, Head};
use crate::port::AnchorRecord;

fn head(seq: u64, byte: u8) -> Head {
    Head {
        seq,
        hash: Hash([byte; 32]),
    }
}

fn timeline(number: u64) -> AnchoredChain {
    AnchoredChain::Timeline(id(number))
}

async fn keep(record: &Arc<dyn AnchorRecord>, second: u64, heads: &[(AnchoredChain, Head)]) {
    let anchor = Anchor::new(at(second), BTreeMap::from_iter(heads.iter().copied()));
    record.append(&anchor, WITHIN).await.unwrap();
}

/// **Durable:** another handle on the same place finds the stored anchors.
pub async fn durable_another_handle_finds_what_was_stored<B: AnchorBackend>(_spawn: SpawnAll) {
    let (record, guard) = B::open().await;
    assert_eq!(record.newest(WITHIN).await.unwrap(), None);
    assert_eq!(record.heads(timeline(1), WITHIN).await.unwrap(), []);
    keep(&record, 7, &[(timeline(1), head(3, 1))]).await;
    drop(record);
    let again = B::reopen(&guard).await;
    assert_eq!(
        again.heads(timeline(1), WITHIN).await.unwrap(),
        [head(3, 1)]
    );
    assert_eq!(again.newest(WITHIN).await.unwrap(), Some(at(7)));
}

/// **Ordered, Idempotent:** every head is returned once and by number, before and after the
/// record is opened again.
pub async fn ordered_every_head_is_returned_once<B: AnchorBackend>(_spawn: SpawnAll) {
    let (record, guard) = B::open().await;
    for (second, seq, byte) in [(1, 4, 1), (2, 4, 1), (3, 4, 9), (5, 6, 2), (4, 2, 7)] {
        keep(&record, second, &[(timeline(1), head(seq, byte))]).await;
    }
    for record in [record, B::reopen(&guard).await] {
        assert_eq!(
            record.heads(timeline(1), WITHIN).await.unwrap(),
            [head(2, 7), head(4, 1), head(4, 9), head(6, 2)]
        );
        assert_eq!(record.newest(WITHIN).await.unwrap(), Some(at(5)));
    }
}

/// **Ordered:** lists are sorted by chain, and their pages lose nothing.
pub async fn ordered_lists_page_without_loss<B: AnchorBackend>(_spawn: SpawnAll) {
    let (record, _guard) = B::open().await;
    let mut all: Vec<AnchoredChain> = (1..=5)
        .flat_map(|n| [timeline(n), AnchoredChain::Audit(Chain::Incident(id(n)))])
        .chain([AnchoredChain::Audit(Chain::System)])
        .collect();
    for one in all.iter().rev() {
        keep(&record, 1, &[(*one, head(1, 1))]).await;
    }
    all.sort_unstable();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = record.chains(after, 3, WITHIN).await.unwrap();
        seen.extend(page.iter().copied());
        after = seen.last().copied();
        if page.len() < 3 {
            break;
        }
    }
    assert_eq!(seen, all);
}

/// **Isolated:** concurrent anchors lose nothing of each other.
pub async fn isolated_concurrent_anchors_are_all_stored<B: AnchorBackend>(spawn: SpawnAll) {
    let (record, guard) = B::open().await;
    let tasks = (1..=20_u64).map(|number| {
        let record = Arc::clone(&record);
        let task: futures_util::future::BoxFuture<'static, ()> = Box::pin(async move {
            for seq in 1..=5 {
                keep(&record, 1, &[(timeline(number), head(seq, 1))]).await;
            }
        });
        task
    });
    spawn(tasks.collect()).await;
    for record in [record, B::reopen(&guard).await] {
        let chains = record.chains(None, 99, WITHIN).await.unwrap();
        assert_eq!(chains.len(), 20);
        for chain in chains {
            assert_eq!(record.heads(chain, WITHIN).await.unwrap().len(), 5);
        }
    }
}
