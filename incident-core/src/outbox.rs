//! Messages of the outbox: what is to be done outside, once it is committed.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::incident::Severity;
use crate::paging::{PageAction, PageEvent, TargetLog};
use crate::{IncidentId, MessageId, PersonName, RuleName, Timestamp};

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MessageBody {
    /// Tell the pagers.
    Page(PageEvent),
    /// Compute the credits of an incident that hits all tenants; whose command led
    /// to it.
    Settle(PersonName),
}

impl MessageBody {
    /// The kinds that this version knows; a store hands out no others.
    pub const KINDS: [&str; 2] = ["page", "settle"];

    /// Its kind, as the outbox names it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Page(_) => "page",
            Self::Settle(_) => "settle",
        }
    }
}

/// One thing to do. Messages of one incident and one [thread](Self::thread) are
/// done in the order in which they were committed; threads do not wait for each
/// other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The id.
    pub id: MessageId,
    /// The incident.
    pub incident_id: IncidentId,
    /// The lane: a worse severity goes first.
    pub lane: Severity,
    /// What is to be done.
    pub body: MessageBody,
    /// When it was committed.
    pub committed_at: Timestamp,
    /// It is not claimed before this.
    pub due_at: Timestamp,
    /// What happened so far.
    pub log: Vec<TargetLog>,
}

impl Message {
    /// Whether it opens an alert.
    #[must_use]
    pub fn is_trigger(&self) -> bool {
        matches!(&self.body, MessageBody::Page(page) if page.action == PageAction::Trigger)
    }

    /// Whether it ends when its thread is superseded
    /// ([`OutboxWrite::Supersede`](crate::commit::OutboxWrite)): a trigger, or what
    /// only repeats.
    #[must_use]
    pub fn is_supersedable(&self) -> bool {
        self.is_trigger() || matches!(&self.body, MessageBody::Page(page) if page.repeats)
    }

    /// The thread of its incident to which it belongs: the rule of an escalation,
    /// or none.
    #[must_use]
    pub const fn thread(&self) -> Option<&RuleName> {
        match &self.body {
            MessageBody::Page(page) => page.rule.as_ref(),
            MessageBody::Settle(_) => None,
        }
    }
}

/// The right to work on a message for a while, fenced: a finish counts only
/// with the owner and token that hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Random per process start.
    pub owner: Uuid,
    /// Rises with every lease of the message.
    pub token: u64,
}

/// A message that was claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The message.
    pub message: Message,
    /// The lease on it.
    pub lease: Lease,
}

/// What became of a claimed message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is done.
    Done,
    /// It is tried again. A trigger that was superseded meanwhile ends instead.
    Later {
        /// Not before this.
        due_at: Timestamp,
        /// What happened so far.
        log: Vec<TargetLog>,
    },
    /// It is no longer tried; kept for a replay.
    GivenUp {
        /// What happened so far.
        log: Vec<TargetLog>,
    },
    /// It is no longer wanted.
    Superseded,
}

/// The end of a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The message.
    pub message: MessageId,
    /// The lease that was held.
    pub lease: Lease,
    /// What became of it.
    pub outcome: Settled,
}

/// What waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Messages that are neither done nor given up.
    pub unfinished: u64,
    /// Messages that were given up and not replayed.
    pub given_up: u64,
    /// When the oldest trigger that no pager has accepted yet was committed.
    pub oldest_page: Option<Timestamp>,
}

/// Which messages that were given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenUp {
    /// Those of one incident.
    Of(IncidentId),
    /// This one.
    One(MessageId),
}
