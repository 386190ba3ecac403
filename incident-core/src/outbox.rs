//! Messages of the outbox: what is to be done outside, once it is committed.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::billing::Batch;
use crate::incident::{Incident, Severity};
use crate::paging::{DeliveryLog, EndTest, PageAction, PageEvent};
use crate::{IncidentId, MessageId, PersonName, RuleName, TenantId, Timestamp, Window};

/// A job to be done outside, with its data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MessageBody {
    /// Deliver a page.
    Page(PageEvent),
    /// Compute the credits that a command left to the relay.
    #[serde(rename = "settle")]
    RecomputeCredits(RecomputeCredits),
    /// Submit credits to billing.
    #[serde(rename = "bill")]
    SubmitCredits(Batch),
    /// Resolve the alerts of a test page.
    EndTest(EndTest),
}

/// Credits to be computed: those of an incident that hits all tenants, and those of
/// periods as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecomputeCredits {
    /// Whose command led to it.
    pub author: PersonName,
    /// Whose periods; those of all tenants if absent.
    pub tenants: Option<Vec<TenantId>>,
    /// When there was an outage, before or after the command.
    pub span: Option<Window>,
}

impl MessageBody {
    /// The kinds that this version knows; a store hands out no others.
    pub const KINDS: [&str; 4] = ["page", "settle", "bill", "end_test"];

    /// Erases words of an incident that were redacted: what is left are those it has now.
    pub fn redact(&mut self, incident: &Incident) {
        match self {
            Self::Page(page) => page.reword(incident),
            // Names, times and figures; the words of a test page are ours.
            Self::RecomputeCredits(_) | Self::SubmitCredits(_) | Self::EndTest(_) => {}
        }
    }

    /// Its kind, as the outbox names it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Page(_) => "page",
            Self::RecomputeCredits(_) => "settle",
            Self::SubmitCredits(_) => "bill",
            Self::EndTest(_) => "end_test",
        }
    }
}

/// A job of the outbox. Messages of one incident and one [ordering key](Self::ordering_key) are
/// done in the order in which they were committed; those of others do not wait for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The id.
    pub id: MessageId,
    /// The incident; none where it belongs to no single one.
    pub incident_id: Option<IncidentId>,
    /// The priority: a worse severity goes first.
    pub priority: Severity,
    /// The job.
    pub body: MessageBody,
    /// When it was committed.
    pub committed_at: Timestamp,
    /// It is not claimed before this.
    pub due_at: Timestamp,
    /// What happened so far.
    pub log: Vec<DeliveryLog>,
}

impl Message {
    /// Tells if it opens an alert.
    #[must_use]
    pub fn is_trigger(&self) -> bool {
        matches!(&self.body, MessageBody::Page(page) if page.action == PageAction::Trigger)
    }

    /// Tells if it is cancelled when a newer message supersedes those of its ordering key
    /// ([`OutboxWrite::Supersede`](crate::commit::OutboxWrite)): a trigger, or a resend.
    #[must_use]
    pub fn is_supersedable(&self) -> bool {
        self.is_trigger() || matches!(&self.body, MessageBody::Page(page) if page.is_resend)
    }

    /// Returns the ordering key: messages of one incident, or of none, with one key are done in
    /// order.
    ///
    /// One each for its own page, the page of an escalation's rule, its credits, the batches for
    /// billing, the end of a test page: a slow pager holds up no credit, and a sink that is away
    /// no page.
    #[must_use]
    pub fn ordering_key(&self) -> Cow<'_, str> {
        match &self.body {
            MessageBody::Page(page) => page_ordering_key(page.rule.as_ref()).into(),
            MessageBody::RecomputeCredits(_) => "/settle".into(),
            MessageBody::SubmitCredits(_) => "/bill".into(),
            // A key per test: one whose vendor is away holds up no other.
            MessageBody::EndTest(end) => format!("/test/{}", end.page.incident_id).into(),
        }
    }
}

/// Returns the ordering key of the page of a rule, or of the incident's own.
#[must_use]
pub fn page_ordering_key(rule: Option<&RuleName>) -> &str {
    // A rule's name has no slash, so it is none of the others.
    rule.map_or("", AsRef::as_ref)
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

impl Claim {
    /// Returns the end of its lease with an outcome.
    #[must_use]
    pub const fn complete(&self, outcome: JobOutcome) -> LeaseCompletion {
        LeaseCompletion {
            message: self.message.id,
            lease: self.lease,
            outcome,
        }
    }

    /// Returns a number of the message that spreads its retries: the same each time.
    #[must_use]
    pub const fn jitter_seed(&self) -> u64 {
        self.message.id.uuid().as_u64_pair().1
    }
}

/// A message that was leased and cannot be read: a newer version wrote it, or it is
/// damaged. It is to be handed back ([`JobOutcome::Released`]), for a version that can read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The message.
    pub id: MessageId,
    /// Its incident; none where it belongs to no single one.
    pub incident_id: Option<IncidentId>,
    /// The lease on it.
    pub lease: Lease,
    /// When it was due: it is handed back with this.
    pub due_at: Timestamp,
    /// Why it cannot be read, for the log.
    pub why: String,
}

/// What became of a claimed message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobOutcome {
    /// It is done.
    Done,
    /// It is tried again. A trigger that was superseded meanwhile ends instead.
    Retry {
        /// Not before this.
        due_at: Timestamp,
        /// What happened so far.
        log: Vec<DeliveryLog>,
    },
    /// It is put back as it was: nothing was done with it. What was superseded
    /// meanwhile ends instead.
    Released {
        /// Not before this.
        due_at: Timestamp,
    },
    /// It is no longer tried; kept for a replay.
    DeadLettered {
        /// What happened so far.
        log: Vec<DeliveryLog>,
    },
    /// It is no longer wanted.
    Cancelled,
}

/// The end of a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseCompletion {
    /// The message.
    pub message: MessageId,
    /// The lease that was held.
    pub lease: Lease,
    /// What became of it.
    pub outcome: JobOutcome,
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
    /// By how many microseconds the store's clock is ahead of this process', where
    /// the store leases by a clock of its own; behind if negative.
    pub clock_ahead: Option<i64>,
}

/// Which messages that were given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadLetterFilter {
    /// Those of one incident.
    Incident(IncidentId),
    /// Those that belong to no single incident.
    NoIncident,
    /// This one.
    Message(MessageId),
}
