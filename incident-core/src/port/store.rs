//! The port to the outbox, whose messages enter it through a commit only; and the store as a
//! whole.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::{AuditLog, IncidentStore, Ledger, StoreError, Suggestions};
use crate::outbox::{Backlog, Claim, DeadLetterFilter, Message, Unreadable};
use crate::{MessageId, Timestamp};

/// Who wants how many messages, and for how long.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    /// Random per process start.
    pub owner: Uuid,
    /// The time now.
    pub now: Timestamp,
    /// How long the lease lasts.
    pub lease_for: Duration,
    /// At most so many.
    pub limit: usize,
    /// None of these: this process cannot read them. What follows them in their
    /// threads waits.
    pub except: Vec<MessageId>,
}

/// Hands out messages that are due.
///
/// # Contract
/// **Isolated:** no message is leased to two owners at a time; two concurrent
/// claims share nothing. One message that cannot be read spoils no answer: a claim
/// leases it and names it as one ([`Unreadable`]), and a list of what was given
/// up leaves it out. Handed back, it is as it was, and other processes get it at once.
/// **Ordered:** of one incident only the oldest unfinished message is handed
/// out; among incidents the worse severity goes first, then what is due longer.
/// **Durable:** a message that was committed is handed out until it is settled;
/// a lease that ran out is handed out again under a higher token, and so is one
/// that ends later than twice `lease_for` from now: the clock went back. What was
/// given up is kept until it is replayed. A store may lease by a clock of its own
/// instead of [`ClaimRequest::now`], so that processes whose clocks are apart do not
/// take each other's messages; the times that it is given and that it tells are those
/// of the caller's clock all the same.
/// **Idempotent:** settling with a lease that is no longer held changes nothing
/// and is [`StoreError::LeaseLost`].
/// **Bounded:** answers within `timeout`.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Leases messages that are due.
    async fn claim(
        &self,
        request: ClaimRequest,
        timeout: Duration,
    ) -> Result<Vec<Result<Claim, Unreadable>>, StoreError>;

    /// When the next message that is not leased falls due, if there is one.
    async fn next_due(&self, timeout: Duration) -> Result<Option<Timestamp>, StoreError>;

    /// What waits: for metrics and alarms.
    async fn backlog(&self, timeout: Duration) -> Result<Backlog, StoreError>;

    /// Lists the dead letters, in the order in which they were committed or replayed.
    async fn given_up(
        &self,
        which: DeadLetterFilter,
        timeout: Duration,
    ) -> Result<Vec<Message>, StoreError>;

    /// The same store over connections that requests cannot use up, where it has such:
    /// the relay does all its work through it. A wrapper leaves it out, or wraps that too.
    fn for_relay(&self) -> Option<Arc<dyn Store>> {
        None
    }
}

/// Everything the engine needs of one database.
pub trait Store: IncidentStore + Outbox + AuditLog + Suggestions + Ledger {}

impl<S: IncidentStore + Outbox + AuditLog + Suggestions + Ledger> Store for S {}
