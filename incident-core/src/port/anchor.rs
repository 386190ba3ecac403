//! The ports to anchors, which are stored outside the store.

use std::error::Error as StdError;
use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use crate::Timestamp;
use crate::anchor::{Anchor, AnchoredChain};
use crate::chain::Head;

/// A failure to store or read anchors. **Handling:** try again later; heads that were not
/// anchored are anchored by a later pass.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct AnchorError(#[source] pub Box<dyn StdError + Send + Sync>);

/// A write-only sink for anchors, such as a log line, a mail or a chat room.
///
/// # Contract
/// **Durable:** an anchor is stored for good when [`append`](AnchorSink::append) returns, at a
/// place where no one who can write to the database can change it.
/// **Idempotent:** the same anchor may come again, also from other replicas.
/// **Bounded:** answers within `timeout`.
#[async_trait]
pub trait AnchorSink: Debug + Send + Sync {
    /// Stores an anchor.
    async fn append(&self, anchor: &Anchor, timeout: Duration) -> Result<(), AnchorError>;
}

/// A sink that can also be read, so that a check of a chain can compare it with its anchors.
///
/// # Contract
/// **Durable:** every later handle finds the stored anchors.
/// **Ordered:** every head that was ever stored of a chain is returned, without repeats, in
/// ascending order, in whatever order anchors came: a chain has to contain all of them. Two
/// heads with one `seq` are both returned. Lists of chains are ascending.
/// **Isolated:** concurrent anchors lose nothing of each other.
/// **Bounded:** answers within `timeout`.
#[async_trait]
pub trait AnchorRecord: AnchorSink {
    /// Lists the heads of a chain.
    async fn heads(
        &self,
        chain: AnchoredChain,
        timeout: Duration,
    ) -> Result<Vec<Head>, AnchorError>;

    /// Lists the chains that have a head, after `after`.
    async fn chains(
        &self,
        after: Option<AnchoredChain>,
        limit: usize,
        timeout: Duration,
    ) -> Result<Vec<AnchoredChain>, AnchorError>;

    /// Returns the time of the newest anchor.
    async fn newest(&self, timeout: Duration) -> Result<Option<Timestamp>, AnchorError>;
}
