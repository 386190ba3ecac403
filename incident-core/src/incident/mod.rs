//! The incident: its state, the commands it takes, and the events that follow.
//!
//! [`decide()`] is the only place where a command becomes events or a refusal. It is a plain
//! function of an incident, a command and the time.

mod alert;
mod apply;
mod approvals;
mod approve;
mod change;
mod change_role;
mod clocks;
mod command;
mod comms;
mod data_times;
mod decide;
pub(crate) mod declare;
mod erase;
mod event;
mod facts;
mod in_force;
pub mod limits;
mod merge;
mod outline;
mod page;
mod public;
mod refusal;
mod repeat;
mod report;
mod roles;
mod severity;
mod shape;
mod sla_facts;
mod status;
mod tenants;
#[cfg(test)]
mod tests;
mod tick;
mod ticks;
mod times;
mod took_in;
mod update;
mod updated;
mod vendor;
mod visible;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use alert::{AlertRepeat, AlertRepeated, AlertRepeats};
pub use approvals::{
    ApprovalChanged, ApprovalStep, EndedApproval, GivenApproval, RiskApproval, RiskApprovalState,
};
pub use change::{Change, FieldDelta};
pub use clocks::{Clocks, FiredMark, NextDeadline, RuleFired, RuleSentence, UpdateClock};
pub use command::{Command, Declare, Update};
pub use comms::{Audience, CommsSent, Publish};
pub use decide::{decide, rights_for};
pub use erase::ErasedTexts;
pub use event::Event;
pub use facts::{
    CancelReason, DataLeak, DataLoss, Ending, Facts, LossState, Mode, PostMortem, ResponseRole,
    RoleAssignment, Scope, Source,
};
pub use outline::{OUTLINE_TENANTS, Outline};
pub use public::{
    DroppedUpdates, MAX_PUBLIC_BYTES, MAX_PUBLIC_SOURCES, MAX_PUBLIC_UPDATES, StatusPageEntry,
    StatusPageUpdate,
};
pub use refusal::Refusal;
pub use repeat::may_stand_for;
pub use roles::{ChangeRole, RoleChanged, RoleStep};
pub use severity::{Level, Priority, Severity};
pub use sla_facts::{OutageInterval, SlaFacts};
pub use status::{Status, TransitionKind};
pub(crate) use tenants::outage_of_tenant;
pub use tenants::{Affected, AffectedTenant, MAX_TENANTS, TENANTS_BYTES, outage_by_tenant};
pub use ticks::{TickItem, TickedItem};
pub(crate) use times::not_future;
pub use took_in::TookIn;
pub use updated::{Transition, Updated};
pub use vendor::VendorReport;

pub use crate::paging::{Retried, RetryOf};

use crate::paging::{Escalation, Paging};
use crate::window::{Window, Windows};
use crate::{
    HttpsUrl, IncidentId, Name, PersonName, Revision, RuleName, ServiceId, SuggestionId, Text,
    Timestamp, Title, Version,
};

/// The current state of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The id.
    pub id: IncidentId,
    /// Short number for people; unique, may have gaps.
    pub number: u64,
    /// Number of commands it has taken.
    pub version: Version,
    /// Number of times it was written.
    pub revision: Revision,
    /// Number of entries in its timeline.
    pub last_seq: u64,
    /// Recording time of the newest entry; no later entry has an earlier one.
    pub last_recorded_at: Timestamp,
    /// The title, internal.
    pub title: Title,
    /// The summary, internal.
    pub summary: Text,
    /// The severity.
    pub severity: Severity,
    /// The status.
    pub status: Status,
    /// Live, retrospective or drill.
    pub mode: Mode,
    /// `production`, `staging`, ...; only production counts for the SLA.
    pub environment: Name,
    /// The source of the report.
    pub source: Source,
    /// The services it hits.
    pub affected_services: Vec<ServiceId>,
    /// The tenants it hits.
    pub affected_tenants: Affected,
    /// The person responsible for the response.
    pub responder: Option<PersonName>,
    /// The roles that people held, with their times.
    pub roles: Vec<RoleAssignment>,
    /// Start of the impact.
    pub started_at: Timestamp,
    /// Set if the start was not stated but taken from the time of the declaration.
    pub started_at_assumed: bool,
    /// Time at which it was noticed.
    pub detected_at: Option<Timestamp>,
    /// Time of the declaration.
    pub declared_at: Timestamp,
    /// Time of the first acknowledgement.
    pub acknowledged_at: Option<Timestamp>,
    /// The actor of the first acknowledgement.
    pub acknowledged_by: Option<PersonName>,
    /// Time of the first mitigation since the start or the last reopen.
    pub mitigated_at: Option<Timestamp>,
    /// Stated end of the impact, of the newest interval.
    pub impact_ended_at: Option<Timestamp>,
    /// Time of the resolution.
    pub resolved_at: Option<Timestamp>,
    /// Time of the closing.
    pub closed_at: Option<Timestamp>,
    /// Time of the cancellation; absent if it was cancelled before this field existed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_at: Option<Timestamp>,
    /// Expected end.
    pub eta: Option<Timestamp>,
    /// Due time of the next update.
    pub next_update_due_at: Option<Timestamp>,
    /// Time of the last reopen.
    pub reopened_at: Option<Timestamp>,
    /// The intervals before the last reopen, as they stood then.
    pub earlier: Vec<Window>,
    /// The post-mortem.
    pub post_mortem: Option<PostMortem>,
    /// The ending, if it was cancelled or merged.
    pub ending: Option<Ending>,
    /// The incident that this one repeats.
    pub recurrence_of: Option<IncidentId>,
    /// The suggestion that it was declared from.
    pub suggestion_id: Option<SuggestionId>,
    /// The alert that it was declared for.
    pub alert_key: Option<Name>,
    /// Set if another incident stands for that alert now.
    #[serde(default)]
    pub alert_moved: bool,
    /// The alerts of incidents that were merged into it: it stands for them too.
    #[serde(default)]
    pub merged_alerts: Vec<Name>,
    /// Repeats of its alerts.
    #[serde(default)]
    pub repeats: AlertRepeats,
    /// Separate incidents declared for the same alert, where one could not stand for the other;
    /// oldest first.
    #[serde(default)]
    pub related: Vec<IncidentId>,
    /// Link to a ticket in another system.
    pub tracker_url: Option<HttpsUrl>,
    /// Optional facts.
    pub facts: Facts,
    /// The priority that a person set in place of the derived one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority_override: Option<Priority>,
    /// Time from which on a leak of data has been suspected or confirmed, by the clock of the
    /// engine; absent while none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_leak_suspected_at: Option<Timestamp>,
    /// Time from which on a loss of data has been confirmed, by the clock of the engine; absent
    /// while none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_loss_confirmed_at: Option<Timestamp>,
    /// Time at which the users whose data was lost were first recorded as written to; absent while
    /// no loss is confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affected_users_notified_at: Option<Timestamp>,
    /// The person who first recorded it; absent if that was before this field existed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affected_users_notified_by: Option<PersonName>,
    /// Time at which the authority was first recorded as notified of a leak of data; absent while
    /// none is suspected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority_notified_at: Option<Timestamp>,
    /// The person who first recorded it; absent if that was before this field existed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority_notified_by: Option<PersonName>,
    /// The status page entry: its public side.
    #[serde(rename = "face")]
    pub status_page: StatusPageEntry,
    /// State of its page.
    pub paging: Paging,
    /// Escalations, which page others than on-call; at most one per rule.
    #[serde(default)]
    pub escalations: Vec<Escalation>,
    /// Number of times that its credits were computed.
    pub credit_revision: u32,
    /// The entry that last wrote each free text, by field; the declaration if a field is missing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub text_from: BTreeMap<String, u64>,
    /// Time of the last redaction of one of its texts. Pages frozen before then are reworded before
    /// they are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redacted_at: Option<Timestamp>,
    /// The facts that the clocks of the response run from.
    #[serde(default, skip_serializing_if = "Clocks::is_empty")]
    pub clocks: Clocks,
    /// Everyone who declared it or changed the facts that its credits are computed from.
    #[serde(default, skip_serializing_if = "<[PersonName]>::is_empty")]
    pub shaped_by: Arc<[PersonName]>,
    /// Approvals of risky actions, by number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<RiskApproval>,
    /// Ticked items of checklists, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ticks: Vec<TickedItem>,
}

/// An incident. Readable as its [`State`]; changed only by applying events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Incident(State);

impl Deref for Incident {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}

impl Incident {
    /// The environment that counts for the SLA.
    pub const PRODUCTION: &'static str = "production";

    pub(crate) const fn from_state(state: State) -> Self {
        Self(state)
    }

    pub(crate) const fn state_mut(&mut self) -> &mut State {
        &mut self.0
    }

    /// Returns the priority: the one that a person set, or else the one derived from impact and
    /// urgency, if both are known.
    #[must_use]
    pub fn priority(&self) -> Option<Priority> {
        self.priority_override.or_else(|| self.facts.priority())
    }

    /// Returns the time at which it was resolved or cancelled.
    #[must_use]
    pub fn over_at(&self) -> Option<Timestamp> {
        self.resolved_at.or(self.cancelled_at)
    }

    /// Returns every interval of the outage as it stands. They are not joined; see
    /// [`Incident::outage`] for the set.
    #[must_use]
    pub fn intervals(&self) -> Vec<OutageInterval> {
        SlaFacts::of(self).intervals().collect()
    }

    /// Returns the outage as a set of disjoint windows. An interval without an end runs until
    /// `now`.
    ///
    /// The end is `impact_ended_at` if stated, else `resolved_at`, else `now`.
    #[must_use]
    pub fn outage(&self, now: Timestamp) -> Windows {
        SlaFacts::of(self).outage(now)
    }

    /// Returns `true` while it is live, so that a report about it may still change by itself.
    #[must_use]
    pub fn is_provisional(&self) -> bool {
        self.status.is_live()
    }

    /// Returns the reason why it is excluded from SLA and billing, if it is.
    #[must_use]
    pub fn excluded(&self) -> Option<String> {
        SlaFacts::of(self).excluded()
    }

    /// Returns `sys-incident:<id>`, the key under which pagers know it, so that one incident never
    /// wakes anyone twice.
    #[must_use]
    pub fn dedup_key(&self) -> String {
        crate::paging::dedup_key(self.id, None)
    }

    /// Returns the paging state of the escalation by `rule`, if there is one; without a rule, that
    /// of the incident's own page.
    #[must_use]
    pub fn paging_of(&self, rule: Option<&RuleName>) -> Option<&Paging> {
        let Some(rule) = rule else {
            return Some(&self.paging);
        };
        let found = self.escalations.iter().find(|one| one.rule == *rule);
        found.map(|one| &one.paging)
    }

    pub(crate) fn paging_mut(&mut self, rule: Option<&RuleName>) -> Option<&mut Paging> {
        let Some(rule) = rule else {
            return Some(&mut self.0.paging);
        };
        let found = self.0.escalations.iter_mut().find(|one| one.rule == *rule);
        found.map(|one| &mut one.paging)
    }

    /// Returns `true` if it is acknowledged, its current page included. A new page, after a reopen
    /// or requested by a person, needs another acknowledgement.
    #[must_use]
    pub fn is_acknowledged(&self) -> bool {
        is_acknowledged(self.acknowledged_at, &self.paging)
    }
}

fn is_acknowledged(acknowledged_at: Option<Timestamp>, paging: &Paging) -> bool {
    let open_page = paging.epoch > 0 && !paging.acknowledged;
    acknowledged_at.is_some() && !open_page
}
