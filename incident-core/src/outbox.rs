//! Messages of the outbox: jobs to do outside, once their commit is stored.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::billing::Batch;
use crate::incident::{Incident, Severity};
use crate::notice::Notice;
use crate::paging::{DeliveryLog, EndTest, PageAction, PageEvent};
use crate::{IncidentId, MessageId, PersonName, RuleName, TenantId, Timestamp, Window};

/// A job to do outside, with its data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MessageBody {
    /// A page to deliver.
    Page(PageEvent),
    /// Credits to compute that a command left to the relay.
    #[serde(rename = "settle")]
    RecomputeCredits(RecomputeCredits),
    /// Credits to submit to billing.
    #[serde(rename = "bill")]
    SubmitCredits(Batch),
    /// The alerts of a test page, to be resolved.
    EndTest(EndTest),
    /// A notice to send.
    Notice(Notice),
}

/// Credits to compute: those of an incident that hits all tenants, and those of whole periods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecomputeCredits {
    /// The author of the command that caused it.
    pub author: PersonName,
    /// The tenants whose periods are recomputed; all tenants if absent.
    pub tenants: Option<Vec<TenantId>>,
    /// The span of the outage before and after the command, from its first start to its last end.
    pub span: Option<Window>,
}

impl MessageBody {
    /// The kinds that this version knows; a store hands out no others.
    pub const KINDS: [&str; 5] = ["page", "settle", "bill", "end_test", "notice"];

    /// Erases redacted text of an incident: a page gets the texts that the incident has now.
    pub fn redact(&mut self, incident: &Incident) {
        match self {
            Self::Page(page) => page.reword(incident),
            // Names, times and figures; the text of a test page is the library's own.
            Self::RecomputeCredits(_)
            | Self::SubmitCredits(_)
            | Self::EndTest(_)
            | Self::Notice(_) => {}
        }
    }

    /// Returns the kind, as the outbox names it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Page(_) => "page",
            Self::RecomputeCredits(_) => "settle",
            Self::SubmitCredits(_) => "bill",
            Self::EndTest(_) => "end_test",
            Self::Notice(_) => "notice",
        }
    }
}

/// A job of the outbox.
///
/// Messages of one incident and one [ordering key](Self::ordering_key) are done in the order in
/// which they were committed; those of others do not wait for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The id.
    pub id: MessageId,
    /// The incident; none if it belongs to no single one.
    pub incident_id: Option<IncidentId>,
    /// The priority: a worse severity goes first.
    pub priority: Severity,
    /// The job.
    pub body: MessageBody,
    /// Time of the commit.
    pub committed_at: Timestamp,
    /// Earliest time of its claim.
    pub due_at: Timestamp,
    /// The delivery log per target so far.
    pub log: Vec<DeliveryLog>,
}

impl Message {
    /// Returns `true` if it opens an alert.
    #[must_use]
    pub fn is_trigger(&self) -> bool {
        matches!(&self.body, MessageBody::Page(page) if page.action == PageAction::Trigger)
    }

    /// Returns `true` if it is cancelled when its ordering key is superseded
    /// ([`OutboxWrite::Supersede`](crate::commit::OutboxWrite)): a trigger, or a resend.
    #[must_use]
    pub fn is_supersedable(&self) -> bool {
        self.is_trigger() || matches!(&self.body, MessageBody::Page(page) if page.is_resend)
    }

    /// Returns the ordering key: messages of one incident, or of none, with one key are done in
    /// order.
    ///
    /// There is one key each for the incident's own page, the page of an escalation's rule, its
    /// credits, the batches for billing and the end of a test page: a slow pager delays no credit,
    /// and an unavailable billing sink delays no page.
    #[must_use]
    pub fn ordering_key(&self) -> Cow<'_, str> {
        match &self.body {
            MessageBody::Page(page) => page_ordering_key(page.rule.as_ref()).into(),
            MessageBody::RecomputeCredits(_) => "/settle".into(),
            MessageBody::SubmitCredits(_) => "/bill".into(),
            // A key per test: an unavailable vendor delays no other test.
            MessageBody::EndTest(end) => format!("/test/{}", end.page.incident_id).into(),
            // The levels of a rule in order; an unavailable channel delays no other notice.
            MessageBody::Notice(notice) => {
                let Notice {
                    fired,
                    group,
                    channel,
                    ..
                } = notice;
                format!("/notice/{}/{group}/{channel}", fired.rule).into()
            }
        }
    }
}

/// Returns the ordering key of the page of a rule, or of the incident's own page.
#[must_use]
pub fn page_ordering_key(rule: Option<&RuleName>) -> &str {
    // A rule's name has no slash, so it equals none of the other keys.
    rule.map_or("", AsRef::as_ref)
}

/// The right to work on a message for a limited time, fenced: a completion counts only with the
/// owner and token that hold it.
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
    /// Returns the completion of its lease with an outcome.
    #[must_use]
    pub const fn complete(&self, outcome: JobOutcome) -> LeaseCompletion {
        LeaseCompletion {
            message: self.message.id,
            lease: self.lease,
            outcome,
        }
    }

    /// Returns a number that spreads the message's retries; always the same for one message.
    #[must_use]
    pub const fn jitter_seed(&self) -> u64 {
        self.message.id.uuid().as_u64_pair().1
    }
}

/// A leased message that cannot be read: a newer version wrote it, or it is damaged.
///
/// It must be handed back ([`JobOutcome::Released`]), for a version that can read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The message.
    pub id: MessageId,
    /// Its incident; none if it belongs to no single one.
    pub incident_id: Option<IncidentId>,
    /// The lease on it.
    pub lease: Lease,
    /// The due time, with which it is handed back.
    pub due_at: Timestamp,
    /// The reason it cannot be read, for the log.
    pub why: String,
}

/// The outcome of a claimed message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobOutcome {
    /// It is done.
    Done,
    /// It is tried again. A trigger or resend that was superseded meanwhile ends instead.
    Retry {
        /// Earliest time of the retry.
        due_at: Timestamp,
        /// The delivery log so far.
        log: Vec<DeliveryLog>,
    },
    /// It is put back unchanged: nothing was done with it. A message that was superseded meanwhile
    /// ends instead.
    Released {
        /// Earliest time of its next claim.
        due_at: Timestamp,
    },
    /// It is no longer tried, and is stored as a dead letter that can be replayed.
    DeadLettered {
        /// The delivery log so far.
        log: Vec<DeliveryLog>,
    },
    /// It is no longer needed.
    Cancelled,
}

/// The end of a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseCompletion {
    /// The message.
    pub message: MessageId,
    /// The lease that was held.
    pub lease: Lease,
    /// The outcome of the message.
    pub outcome: JobOutcome,
}

/// The messages that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Number of messages that are neither completed nor dead-lettered.
    pub unfinished: u64,
    /// Number of dead letters that were not replayed.
    pub given_up: u64,
    /// Commit time of the oldest unfinished trigger, which no pager has accepted yet.
    pub oldest_page: Option<Timestamp>,
    /// Commit time of the oldest unfinished notice.
    pub oldest_notice: Option<Timestamp>,
    /// Lead of the store's clock over this process' clock, in microseconds, if the store leases by
    /// a clock of its own; negative if it is behind.
    pub clock_ahead: Option<i64>,
}

/// A filter of dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadLetterFilter {
    /// Those of one incident.
    Incident(IncidentId),
    /// Those that belong to no single incident.
    NoIncident,
    /// This message only.
    Message(MessageId),
    /// The first ones of all, at most this number.
    First(usize),
}
