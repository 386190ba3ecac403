//! How an engine is put together.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::state::anchors::{Anchors, Destination};
use super::state::confirmations::Unconfirmed;
use super::state::denials::Denials;
use super::state::gates::Gates;
use super::state::open_alerts::OpenAlertsByService;
use super::state::polled_alerts::PolledAlerts;
use super::state::returned::ReturnedMessages;
use super::state::settings::Settings;
use super::state::test_page::Tests;
use super::state::turns::Turns;
use super::state::{Inner, Listener, QUEUES};
use super::{EngineEvent, Incidents, LogAnchors};
use crate::RuleName;
use crate::actor::Permissions;
use crate::billing::CreditPolicy;
use crate::paging::{FailoverPolicy, GateSettings, InboundPolicy, TargetId};
use crate::policy::Policy;
use crate::port::{
    AnchorRecord, AnchorSink, BillingSink, Clock, IdGen, PageCheck, Pager, Store, TenantDirectory,
    UsageSource,
};
use crate::sla::{Contracts, SlaTerms};
use crate::status_page::PublicNames;

/// Why no engine was made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Two pagers that open alerts have one name, or a retired one is given
    /// twice; outcomes could not be told apart.
    #[error("two pagers are named {0}")]
    SameTarget(TargetId),
    /// Without the feature `system` the host brings the clock and the ids.
    #[error("no {0} was given, and the feature `system` is off")]
    Missing(&'static str),
    /// Times that do not go together; the sentence says which, and why.
    #[error("{0}")]
    Times(&'static str),
}

/// Makes an [`Incidents`]; see there for an example.
pub struct IncidentsBuilder {
    store: Arc<dyn Store>,
    relay: Option<Arc<dyn Store>>,
    pagers: Vec<Arc<dyn Pager>>,
    retired: Vec<Arc<dyn Pager>>,
    escalations: BTreeMap<RuleName, Vec<Arc<dyn Pager>>>,
    checks: Vec<Arc<dyn PageCheck>>,
    usage: Option<Arc<dyn UsageSource>>,
    directory: Option<Arc<dyn TenantDirectory>>,
    billing: Option<Arc<dyn BillingSink>>,
    clock: Option<Arc<dyn Clock>>,
    ids: Option<Arc<dyn IdGen>>,
    anchors: Destination,
    settings: Settings,
    listeners: Vec<Listener>,
}

impl fmt::Debug for IncidentsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncidentsBuilder")
            .field("pagers", &self.pagers)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Incidents {
    /// Starts with a store and the shipped policy, terms and permissions.
    #[must_use]
    pub fn builder(store: Arc<dyn Store>) -> IncidentsBuilder {
        IncidentsBuilder {
            store,
            relay: None,
            pagers: Vec::new(),
            retired: Vec::new(),
            escalations: BTreeMap::new(),
            checks: Vec::new(),
            usage: None,
            directory: None,
            billing: None,
            clock: None,
            ids: None,
            anchors: Destination::Sink(Arc::new(LogAnchors)),
            settings: Settings::default(),
            listeners: Vec::new(),
        }
    }
}

impl IncidentsBuilder {
    /// The same store over connections of its own, through which the relay works: so
    /// pages go out while requests and questions use up the others. If not given, what
    /// the store itself brings ([`Outbox::for_relay`](crate::port::Outbox::for_relay)),
    /// or the store.
    #[must_use]
    pub fn relay_store(mut self, store: Arc<dyn Store>) -> Self {
        self.relay = Some(store);
        self
    }

    /// Adds a pager; the first one added is tried first.
    #[must_use]
    pub fn pager(mut self, pager: Arc<dyn Pager>) -> Self {
        self.pagers.push(pager);
        self
    }

    /// Adds a pager that opens nothing any more: an older key, or a vendor that
    /// was left. What it opened is still acknowledged and resolved there.
    #[must_use]
    pub fn retired_pager(mut self, pager: Arc<dyn Pager>) -> Self {
        self.retired.push(pager);
        self
    }

    /// Adds a rule by which an incident goes to others than on-call
    /// ([`Command::Escalate`](crate::incident::Command)), and the pagers that
    /// reach them, the first one first. Without a pager it is an entry and a
    /// notice only.
    #[must_use]
    pub fn escalation(mut self, rule: RuleName, pagers: Vec<Arc<dyn Pager>>) -> Self {
        self.escalations.entry(rule).or_default().extend(pagers);
        self
    }

    /// Adds a way to ask a target whether what it accepted opened an alert; see
    /// [`confirm`](super::WorkerHandle::confirm).
    #[must_use]
    pub fn page_check(mut self, check: Arc<dyn PageCheck>) -> Self {
        self.checks.push(check);
        self
    }

    /// Where affected users are counted.
    #[must_use]
    pub fn usage(mut self, usage: Arc<dyn UsageSource>) -> Self {
        self.usage = Some(usage);
        self
    }

    /// Who "all tenants" are.
    #[must_use]
    pub fn directory(mut self, directory: Arc<dyn TenantDirectory>) -> Self {
        self.directory = Some(directory);
        self
    }

    /// Who is told of credits that are issued. Without a sink they stay approved.
    #[must_use]
    pub fn billing(mut self, sink: Arc<dyn BillingSink>) -> Self {
        self.billing = Some(sink);
        self
    }

    /// The clock; that of the system if not given.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The source of ids and salts; that of the system if not given.
    #[must_use]
    pub fn ids(mut self, ids: Arc<dyn IdGen>) -> Self {
        self.ids = Some(ids);
        self
    }

    /// Where the heads of chains are written down, outside the store; a log
    /// line ([`LogAnchors`]) if nothing is given.
    #[must_use]
    pub fn anchor_sink(mut self, sink: Arc<dyn AnchorSink>) -> Self {
        self.anchors = Destination::Sink(sink);
        self
    }

    /// As [`anchor_sink`](Self::anchor_sink), with a sink that can be asked:
    /// checks of chains are then held against what was anchored.
    #[must_use]
    pub fn anchor_record(mut self, record: Arc<dyn AnchorRecord>) -> Self {
        self.anchors = Destination::Record(record);
        self
    }

    /// The policy per severity.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.settings.policy = policy;
        self
    }

    /// The same SLA for every tenant.
    #[must_use]
    pub fn terms(self, terms: SlaTerms) -> Self {
        self.contracts(Contracts::standard(terms))
    }

    /// Who may approve which credits.
    #[must_use]
    pub const fn credit_policy(mut self, policy: CreditPolicy) -> Self {
        self.settings.credits = policy;
        self
    }

    /// What was agreed with which tenant.
    #[must_use]
    pub fn contracts(mut self, contracts: Contracts) -> Self {
        self.settings.contracts = contracts;
        self
    }

    /// Which role may do what.
    #[must_use]
    pub fn permissions(mut self, permissions: Permissions) -> Self {
        self.settings.permissions = permissions;
        self
    }

    /// The public names of services.
    #[must_use]
    pub fn public_names(mut self, names: PublicNames) -> Self {
        self.settings.names = names;
        self
    }

    /// When to leave a pager for the next: for SEV1 and SEV2, and for the others.
    #[must_use]
    pub const fn failover(
        mut self,
        high_urgency: FailoverPolicy,
        low_urgency: FailoverPolicy,
    ) -> Self {
        self.settings.high_urgency = high_urgency;
        self.settings.low_urgency = low_urgency;
        self
    }

    /// What vendors may change: see [`vendor_event`](super::SignalsHandle::vendor_event).
    #[must_use]
    pub const fn inbound_policy(mut self, policy: InboundPolicy) -> Self {
        self.settings.inbound = policy;
        self
    }

    /// What each target takes in a minute, and when it counts as down.
    #[must_use]
    pub const fn gate(mut self, settings: GateSettings) -> Self {
        self.settings.gate = settings;
        self
    }

    /// How long a call may take, from the call to its answer, 5 s if not given: the wait
    /// for those who came before it on the same incident, every question to the store
    /// and the commit. What is not done by then is refused as
    /// [`StoreError::Unavailable`](crate::port::StoreError::Unavailable), a commit that was
    /// sent and not answered is
    /// [`StoreError::Unknown`](crate::port::StoreError::Unknown). Reports, checks of chains
    /// and what the relay does have times of their own. See
    /// [`RequestContext::with_timeout`](super::RequestContext::with_timeout) for one caller that has less.
    #[must_use]
    pub const fn command_deadline(mut self, deadline: Duration) -> Self {
        self.settings.command_deadline = deadline;
        self
    }

    /// Sets the longest time that one question to the store takes; 5 s if not given. Two of them
    /// and the [pager's](Self::pager_deadline) must fit into the [lease](Self::lease).
    #[must_use]
    pub const fn store_deadline(mut self, deadline: Duration) -> Self {
        self.settings.store_deadline = deadline;
        self
    }

    /// Sets the longest time that the usage source has for a report; 30 s if not given.
    #[must_use]
    pub const fn usage_deadline(mut self, deadline: Duration) -> Self {
        self.settings.usage_deadline = deadline;
        self
    }

    /// Sets for how long a message of the outbox is claimed; 30 s if not given. A process that
    /// dies while it sends holds its message for so long.
    #[must_use]
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// How long to wait for a pager; 10 s if not given.
    #[must_use]
    pub const fn pager_deadline(mut self, deadline: Duration) -> Self {
        self.settings.pager_deadline = deadline;
        self
    }

    /// Called after each commit, also after one of which nobody can know if it was
    /// kept ([`StoreError::Unknown`](crate::port::StoreError::Unknown)); must not
    /// block. Several may listen.
    #[must_use]
    pub fn on_event(mut self, listener: impl Fn(&EngineEvent) + Send + Sync + 'static) -> Self {
        self.listeners.push(Box::new(listener));
        self
    }

    /// The engine.
    ///
    /// # Errors
    /// Two pagers of one name, deadlines that do not compose, or no clock where
    /// the feature `system` is off.
    pub fn build(self) -> Result<Incidents, BuildError> {
        check_targets(&self.pagers, &self.retired)?;
        for pagers in self.escalations.values() {
            check_targets(pagers, &[])?;
        }
        self.settings.check().map_err(BuildError::Times)?;
        let clock = self
            .clock
            .or_else(default_clock)
            .ok_or(BuildError::Missing("clock"))?;
        let ids = self
            .ids
            .or_else(default_ids)
            .ok_or(BuildError::Missing("source of ids"))?;
        let owner = ids.random();
        let store = self.store;
        let relay = self.relay.or_else(|| store.for_relay());
        let inner = Inner {
            relay: relay.unwrap_or_else(|| Arc::clone(&store)),
            pagers: self.pagers,
            retired: self.retired,
            escalations: self.escalations,
            checks: self.checks,
            unconfirmed: Unconfirmed::default(),
            polled: PolledAlerts::default(),
            returned: ReturnedMessages::default(),
            clock_ahead: std::sync::Mutex::default(),
            usage: self.usage,
            directory: self.directory,
            billing: self.billing,
            clock,
            ids,
            anchors: Anchors::new(self.anchors),
            gates: Gates::new(self.settings.gate),
            denials: Denials::default(),
            open_alerts: OpenAlertsByService::default(),
            tests: Tests::default(),
            settings: self.settings,
            listeners: self.listeners,
            owner,
            queues: (0..QUEUES).map(|_| Turns::default()).collect(),
        };
        Ok(Incidents {
            inner: Arc::new(inner),
            store,
            deadline: None,
        })
    }
}

fn check_targets(current: &[Arc<dyn Pager>], retired: &[Arc<dyn Pager>]) -> Result<(), BuildError> {
    let (mut names, mut targets) = (BTreeSet::new(), BTreeSet::new());
    for pager in current {
        let target = pager.target_id();
        if !names.insert(target.name().to_owned()) {
            return Err(BuildError::SameTarget(target));
        }
        targets.insert(target);
    }
    for target in retired.iter().map(|pager| pager.target_id()) {
        if !targets.insert(target.clone()) {
            return Err(BuildError::SameTarget(target));
        }
    }
    Ok(())
}

#[cfg(feature = "system")]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the twin without the feature has none"
)]
fn default_clock() -> Option<Arc<dyn Clock>> {
    Some(Arc::new(super::system::SystemClock))
}

#[cfg(not(feature = "system"))]
fn default_clock() -> Option<Arc<dyn Clock>> {
    None
}

#[cfg(feature = "system")]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the twin without the feature has none"
)]
fn default_ids() -> Option<Arc<dyn IdGen>> {
    Some(Arc::new(super::system::SystemIds))
}

#[cfg(not(feature = "system"))]
fn default_ids() -> Option<Arc<dyn IdGen>> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::RecordingPager;

    fn pagers(targets: &[TargetId]) -> Vec<Arc<dyn Pager>> {
        let made =
            |target: &TargetId| -> Arc<dyn Pager> { Arc::new(RecordingPager::of(target.clone())) };
        targets.iter().map(made).collect()
    }

    /// The timeline knows a pager by its name; what is retired may have the name of a
    /// current one, in another account.
    #[test]
    fn no_two_pagers_share_a_name_and_no_two_targets_are_one() {
        let [one, other] = ["pagerduty", "opsgenie"].map(|name| TargetId::new(name).unwrap());
        let old = one.clone().in_account("a1").unwrap();
        let check = |current: &[TargetId], retired: &[TargetId]| {
            check_targets(&pagers(current), &pagers(retired))
        };
        assert_eq!(
            check(&[one.clone(), other.clone()], std::slice::from_ref(&old)),
            Ok(())
        );
        for (current, retired, twice) in [
            (vec![one.clone(), one.clone()], vec![], &one),
            (vec![one.clone(), old.clone()], vec![], &old),
            (vec![one.clone()], vec![one.clone()], &one),
            (vec![other], vec![old.clone(), old.clone()], &old),
        ] {
            let expected = Err(BuildError::SameTarget(twice.clone()));
            assert_eq!(check(&current, &retired), expected);
        }
    }
}
