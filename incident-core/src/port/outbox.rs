//! The port to the outbox. Messages enter it through a commit only.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::StoreError;
use crate::Timestamp;
use crate::outbox::{Backlog, Claim, GivenUp, Message};

/// Who wants how many messages, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct ClaimRequest {
    /// Random per process start.
    pub owner: Uuid,
    /// The time now.
    pub now: Timestamp,
    /// How long the lease lasts.
    pub lease_for: Duration,
    /// At most so many.
    pub limit: usize,
}

/// Hands out messages that are due.
///
/// # Contract
/// **Isolated:** no message is leased to two owners at a time; two concurrent
/// claims share nothing.
/// **Ordered:** of one incident only the oldest unfinished message is handed
/// out; among incidents the worse severity goes first, then what is due longer.
/// **Durable:** a message that was committed is handed out until it is settled;
/// a lease that ran out is handed out again under a higher token, and so is one
/// that ends later than twice `lease_for` from now: the clock went back. What was
/// given up is kept until it is replayed.
/// **Idempotent:** settling with a lease that is no longer held changes nothing
/// and is [`StoreError::LeaseLost`].
/// **Bounded:** answers within `within`.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Leases messages that are due.
    async fn claim(
        &self,
        request: ClaimRequest,
        within: Duration,
    ) -> Result<Vec<Claim>, StoreError>;

    /// When the next message that is not leased falls due, if there is one.
    async fn next_due(&self, within: Duration) -> Result<Option<Timestamp>, StoreError>;

    /// What waits: for metrics and alarms.
    async fn backlog(&self, within: Duration) -> Result<Backlog, StoreError>;

    /// Messages that were given up, in the order in which they were committed.
    async fn given_up(&self, which: GivenUp, within: Duration) -> Result<Vec<Message>, StoreError>;
}
