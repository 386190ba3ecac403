//! The port to the outbox, whose messages enter it through a commit only, and the store as a
//! whole.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::{AuditLog, IncidentStore, Ledger, Policies, StoreError, Suggestions};
use crate::outbox::{Backlog, Claim, DeadLetterFilter, Message, Unreadable};
use crate::{MessageId, Timestamp};

/// A request for a lease on due messages.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    /// The owner of the lease: random per process start.
    pub owner: Uuid,
    /// The current time.
    pub now: Timestamp,
    /// Duration of the lease.
    pub lease_for: Duration,
    /// Maximum number of messages.
    pub limit: usize,
    /// Messages that are not claimed, because this process cannot read them. The messages that
    /// follow them under their ordering keys wait.
    pub except: Vec<MessageId>,
}

/// The queue of committed messages, which leases those that are due.
///
/// # Contract
/// **Isolated:** no message is leased to two owners at a time; two concurrent claims share
/// nothing. An unreadable message fails neither a claim nor a list: a claim leases it and
/// returns it as [`Unreadable`], and a list of dead letters leaves it out. Handed back, it is
/// as it was, and other processes can claim it at once.
/// **Ordered:** of one incident and [ordering key](Message::ordering_key) only the oldest
/// unfinished message is leased; among them the worse severity goes first, then the message due
/// longer.
/// **Durable:** a committed message is leased again until it is completed; a lease that ran out
/// is granted again under a higher token, and so is one that ends later than twice `lease_for`
/// from now: the clock went back. A dead letter is stored until it is replayed. A store may
/// lease by a clock of its own instead of [`ClaimRequest::now`], so that processes whose clocks
/// differ do not take each other's messages; the times that it takes and returns are still
/// those of the caller's clock.
/// **Idempotent:** completing a lease that is no longer held changes nothing and is
/// [`StoreError::LeaseLost`].
/// **Bounded:** answers within `timeout`.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Leases messages that are due.
    async fn claim(
        &self,
        request: ClaimRequest,
        timeout: Duration,
    ) -> Result<Vec<Result<Claim, Unreadable>>, StoreError>;

    /// Returns the earlier of the next due time of a message that is not leased and the next
    /// end of a lease; none if there is neither.
    async fn next_due(&self, timeout: Duration) -> Result<Option<Timestamp>, StoreError>;

    /// Returns the backlog, for metrics and alarms.
    async fn backlog(&self, timeout: Duration) -> Result<Backlog, StoreError>;

    /// Lists the dead letters, in the order in which they were committed or replayed.
    async fn given_up(
        &self,
        which: DeadLetterFilter,
        timeout: Duration,
    ) -> Result<Vec<Message>, StoreError>;

    /// Returns the same store over connections that requests cannot use up, if it has such
    /// connections.
    ///
    /// The relay does all its work through it. A wrapper does not override this method, or
    /// wraps the returned store too.
    fn for_relay(&self) -> Option<Arc<dyn Store>> {
        None
    }
}

/// Everything that the engine needs of one database.
pub trait Store: IncidentStore + Outbox + AuditLog + Suggestions + Ledger + Policies {}

impl<S: IncidentStore + Outbox + AuditLog + Suggestions + Ledger + Policies> Store for S {}
