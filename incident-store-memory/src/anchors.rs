//! Anchors in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use incident_core::Timestamp;
use incident_core::anchor::{Anchor, AnchoredChain};
use incident_core::chain::Head;
use incident_core::port::{AnchorError, AnchorRecord, AnchorSink};

/// Maximum number of heads stored per chain; the newest ones stay.
const MAX_HEADS: usize = 10_000;

/// A record of anchors in memory, for tests and as the index of a record that is stored elsewhere.
/// Clones share their content.
///
/// ```
/// use std::sync::Arc;
/// use incident_core::engine::Incidents;
/// use incident_store_memory::{MemoryAnchors, MemoryStore};
///
/// let incidents = Incidents::builder(Arc::new(MemoryStore::default()))
///     .anchor_record(Arc::new(MemoryAnchors::default()))
///     .build()?;
/// # Ok::<(), incident_core::engine::BuildError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryAnchors(Arc<Mutex<AnchoredHead>>);

#[derive(Debug, Default)]
struct AnchoredHead {
    heads: BTreeMap<AnchoredChain, BTreeSet<Head>>,
    newest: Option<Timestamp>,
}

impl MemoryAnchors {
    /// Records an anchor, as [`AnchorSink::append`] does.
    pub fn note(&self, anchor: &Anchor) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (chain, head) in anchor.heads() {
            let heads = kept.heads.entry(*chain).or_default();
            heads.insert(*head);
            // A later head covers all entries before it, so the oldest can go.
            if heads.len() > MAX_HEADS {
                heads.pop_first();
            }
        }
        kept.newest = kept.newest.max(Some(anchor.at()));
    }
}

#[async_trait]
impl AnchorSink for MemoryAnchors {
    async fn append(&self, anchor: &Anchor, _timeout: Duration) -> Result<(), AnchorError> {
        self.note(anchor);
        Ok(())
    }
}

#[async_trait]
impl AnchorRecord for MemoryAnchors {
    async fn heads(
        &self,
        chain: AnchoredChain,
        _timeout: Duration,
    ) -> Result<Vec<Head>, AnchorError> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(kept
            .heads
            .get(&chain)
            .into_iter()
            .flatten()
            .copied()
            .collect())
    }

    async fn chains(
        &self,
        after: Option<AnchoredChain>,
        limit: usize,
        _timeout: Duration,
    ) -> Result<Vec<AnchoredChain>, AnchorError> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let chains = kept.heads.range((start, Bound::Unbounded));
        Ok(chains.take(limit).map(|(chain, _)| *chain).collect())
    }

    async fn newest(&self, _timeout: Duration) -> Result<Option<Timestamp>, AnchorError> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(kept.newest)
    }
}

#[cfg(test)]
mod tests {
    use incident_core::audit::Chain;
    use incident_core::chain::Hash;

    use super::*;

    #[test]
    fn so_many_heads_of_a_chain_are_held() {
        let anchors = MemoryAnchors::default();
        let chain = AnchoredChain::Audit(Chain::System);
        let at: Timestamp = "2026-11-21T03:00:00Z".parse().unwrap();
        let most = u64::try_from(MAX_HEADS).unwrap();
        for seq in 1..=most + 1 {
            let head = Head {
                seq,
                hash: Hash([7; 32]),
            };
            anchors.note(&Anchor::new(at, BTreeMap::from([(chain, head)])));
        }
        let kept = anchors.0.lock().unwrap();
        let heads = &kept.heads[&chain];
        assert_eq!((heads.len(), heads.first().unwrap().seq), (MAX_HEADS, 2));
    }
}
