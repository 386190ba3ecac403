//! Where anchors are kept, outside the store.

use std::error::Error as StdError;
use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use crate::Timestamp;
use crate::anchor::{Anchor, AnchoredChain};
use crate::chain::Head;

/// Anchors could not be kept or read. **Handling:** try again later; what was
/// not anchored is anchored by a later pass.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct AnchorError(#[source] pub Box<dyn StdError + Send + Sync>);

/// Takes anchors, and need not give them back: a log line, a mail, a chat room.
///
/// # Contract
/// **Durable:** an anchor is kept for good when [`append`](AnchorSink::append)
/// answers, where whoever can write to the database cannot change it.
/// **Idempotent:** the same anchor may come again, from other replicas too.
/// **Bounded:** answers within `timeout`.
#[async_trait]
pub trait AnchorSink: Debug + Send + Sync {
    /// Keeps an anchor.
    async fn append(&self, anchor: &Anchor, timeout: Duration) -> Result<(), AnchorError>;
}

/// A sink that can be asked, so that a check of a chain is held against what was
/// anchored of it.
///
/// # Contract
/// **Durable:** what was kept is found by every later handle.
/// **Ordered:** every head that was ever kept of a chain is told, without
/// repeats, in ascending order, in whatever order anchors came: a chain has to
/// hold all of them. Two heads with one `seq` are both told. Lists of chains are
/// ascending.
/// **Isolated:** concurrent anchors lose nothing of each other.
/// **Bounded:** answers within `timeout`.
#[async_trait]
pub trait AnchorRecord: AnchorSink {
    /// The heads of a chain.
    async fn heads(
        &self,
        chain: AnchoredChain,
        timeout: Duration,
    ) -> Result<Vec<Head>, AnchorError>;

    /// The chains that have a head, after `after`.
    async fn chains(
        &self,
        after: Option<AnchoredChain>,
        limit: usize,
        timeout: Duration,
    ) -> Result<Vec<AnchoredChain>, AnchorError>;

    /// When the newest anchor was made.
    async fn newest(&self, timeout: Duration) -> Result<Option<Timestamp>, AnchorError>;
}
