//! The incident: its state, what may be asked of it, and what follows.
//!
//! [`decide()`] is the one place where a command becomes events or a refusal. It
//! is a plain function of an incident, a command and the time.

mod alert;
mod apply;
mod change;
mod command;
mod comms;
mod decide;
pub(crate) mod declare;
mod erase;
mod event;
mod facts;
pub mod limits;
mod merge;
mod outline;
mod page;
mod public;
mod refusal;
mod repeat;
mod report;
mod severity;
mod shape;
mod sla_facts;
mod status;
mod tenants;
#[cfg(test)]
mod tests;
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
pub use change::{Change, FieldDelta};
pub use command::{Command, Declare, Update};
pub use comms::{Audience, CommsSent, Publish};
pub use decide::{decide, rights_for};
pub use event::Event;
pub use facts::{
    CancelReason, DataLoss, Ending, Facts, LossState, Mode, PostMortem, ResponseRole,
    RoleAssignment, Scope, Source,
};
pub use outline::{OUTLINE_TENANTS, Outline};
pub use public::{
    DroppedUpdates, MAX_PUBLIC_BYTES, MAX_PUBLIC_SOURCES, MAX_PUBLIC_UPDATES, StatusPageEntry,
    StatusPageUpdate,
};
pub use refusal::Refusal;
pub use repeat::may_stand_for;
pub use severity::{Level, Priority, Severity};
pub use sla_facts::{OutageInterval, SlaFacts};
pub use status::{Status, TransitionKind};
pub(crate) use tenants::outage_of_tenant;
pub use tenants::{Affected, AffectedTenant, MAX_TENANTS, TENANTS_BYTES, outage_by_tenant};
pub(crate) use times::not_future;
pub use took_in::TookIn;
pub use updated::{Transition, Updated};
pub use vendor::VendorReport;

pub use crate::paging::RetryOf;

use crate::paging::{Escalation, Paging};
use crate::window::{Window, Windows};
use crate::{
    HttpsUrl, IncidentId, Name, PersonName, Revision, RuleName, ServiceId, SuggestionId, Text,
    Timestamp, Title, Version,
};

/// Everything that is known about an incident now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The id.
    pub id: IncidentId,
    /// A short number for people; unique, may have gaps.
    pub number: u64,
    /// How many commands it has taken.
    pub version: Version,
    /// How often it was written.
    pub revision: Revision,
    /// How many entries its timeline has.
    pub last_seq: u64,
    /// When the newest entry was recorded; no later one is recorded before it.
    pub last_recorded_at: Timestamp,
    /// The title, internal.
    pub title: Title,
    /// What is known, internal.
    pub summary: Text,
    /// How bad it is.
    pub severity: Severity,
    /// Where it stands.
    pub status: Status,
    /// Live, entered afterwards, or an exercise.
    pub mode: Mode,
    /// `production`, `staging`, ...; only production counts for the SLA.
    pub environment: Name,
    /// Where it came from.
    pub source: Source,
    /// The services it hits.
    pub affected_services: Vec<ServiceId>,
    /// The tenants it hits.
    pub affected_tenants: Affected,
    /// Who answers for it.
    pub responder: Option<PersonName>,
    /// Who held which role, and when.
    pub roles: Vec<RoleAssignment>,
    /// Start of the impact.
    pub started_at: Timestamp,
    /// Whether the start was not stated but taken from the declaration.
    pub started_at_assumed: bool,
    /// When it was noticed.
    pub detected_at: Option<Timestamp>,
    /// When it was declared.
    pub declared_at: Timestamp,
    /// When somebody took it.
    pub acknowledged_at: Option<Timestamp>,
    /// Who took it.
    pub acknowledged_by: Option<PersonName>,
    /// When it was first mitigated since it began or was reopened.
    pub mitigated_at: Option<Timestamp>,
    /// End of the impact, where stated; of the newest interval.
    pub impact_ended_at: Option<Timestamp>,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// When it was cancelled; absent in what was cancelled before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_at: Option<Timestamp>,
    /// When it should be over.
    pub eta: Option<Timestamp>,
    /// When the next update is due.
    pub next_update_due_at: Option<Timestamp>,
    /// When it was last reopened.
    pub reopened_at: Option<Timestamp>,
    /// The intervals before the last reopen, as they stood then.
    pub earlier: Vec<Window>,
    /// The post-mortem.
    pub post_mortem: Option<PostMortem>,
    /// How it ended, if it was cancelled or merged.
    pub ending: Option<Ending>,
    /// The incident this one repeats.
    pub recurrence_of: Option<IncidentId>,
    /// The suggestion it came from.
    pub suggestion_id: Option<SuggestionId>,
    /// The alert it was declared for.
    pub alert_key: Option<Name>,
    /// Whether another incident stands for that alert now.
    #[serde(default)]
    pub alert_moved: bool,
    /// The alerts of incidents that were merged into it: it stands for them too.
    #[serde(default)]
    pub merged_alerts: Vec<Name>,
    /// How often its alerts came again.
    #[serde(default)]
    pub repeats: AlertRepeats,
    /// Incidents that were declared for the same alert and for which it does not stand,
    /// or that do not stand for it; oldest first.
    #[serde(default)]
    pub related: Vec<IncidentId>,
    /// A ticket elsewhere.
    pub tracker_url: Option<HttpsUrl>,
    /// Optional facts.
    pub facts: Facts,
    /// What the public may see.
    #[serde(rename = "face")]
    pub status_page: StatusPageEntry,
    /// Where its page stands.
    pub paging: Paging,
    /// Pages to others than on-call, at most one per rule.
    #[serde(default)]
    pub escalations: Vec<Escalation>,
    /// How often its credits were computed.
    pub credit_revision: u32,
    /// The entry that wrote a free text last, by field; the declaration where there is
    /// none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub text_from: BTreeMap<String, u64>,
    /// When a text of it was erased last: what was frozen before then is not sent as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redacted_at: Option<Timestamp>,
    /// Everybody whose command changed what its credits are computed from.
    #[serde(default, skip_serializing_if = "<[PersonName]>::is_empty")]
    pub shaped_by: Arc<[PersonName]>,
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

    /// When it was over: resolved, or cancelled.
    #[must_use]
    pub fn over_at(&self) -> Option<Timestamp> {
        self.resolved_at.or(self.cancelled_at)
    }

    /// Returns every interval of the outage as it stands. Not joined; see [`Incident::outage`]
    /// for the set.
    #[must_use]
    pub fn intervals(&self) -> Vec<OutageInterval> {
        SlaFacts::of(self).intervals().collect()
    }

    /// The outage as a set of disjoint windows. An interval without an end runs
    /// until `now`.
    ///
    /// The end is `impact_ended_at` if stated, else `resolved_at`, else `now`.
    #[must_use]
    pub fn outage(&self, now: Timestamp) -> Windows {
        SlaFacts::of(self).outage(now)
    }

    /// Whether a report about it may still change by itself: it is live.
    #[must_use]
    pub fn is_provisional(&self) -> bool {
        self.status.is_live()
    }

    /// Why it has no part in SLA and billing, if it has none.
    #[must_use]
    pub fn excluded(&self) -> Option<String> {
        SlaFacts::of(self).excluded()
    }

    /// `sys-incident:<id>`: the key under which a pager knows it, so that one
    /// incident never wakes anyone twice.
    #[must_use]
    pub fn dedup_key(&self) -> String {
        crate::paging::dedup_key(self.id, None)
    }

    /// Where the page of an escalation stands, or without a rule that of the
    /// incident itself.
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

    /// Whether somebody has it. A new page, after a reopen or by a person, is
    /// acknowledged anew.
    #[must_use]
    pub fn is_acknowledged(&self) -> bool {
        is_acknowledged(self.acknowledged_at, &self.paging)
    }
}

fn is_acknowledged(acknowledged_at: Option<Timestamp>, paging: &Paging) -> bool {
    let open_page = paging.epoch > 0 && !paging.acknowledged;
    acknowledged_at.is_some() && !open_page
}
