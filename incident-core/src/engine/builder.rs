//! The builder of an engine.

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
use crate::actor::Permissions;
use crate::billing::CreditPolicy;
use crate::paging::{FailoverPolicy, GateSettings, InboundPolicy, TargetId};
use crate::policy::Policy;
use crate::port::{
    AnchorRecord, AnchorSink, BillingSink, Channel, Clock, IdGen, PageCheck, Pager, Store,
    TenantDirectory, UsageSource,
};
use crate::response::Checklists;
use crate::sla::{Contracts, SlaTerms};
use crate::status_page::PublicNames;
use crate::{ChannelPattern, Name, RuleName, ValidationError};

/// An error of [`IncidentsBuilder::build`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Two pagers that open alerts share a name, or a retired target (name and account) is also
    /// current or given twice: outcomes could not be attributed.
    #[error("two pagers are named {0}")]
    SameTarget(TargetId),
    /// The named part is missing: without the feature `system` the host provides the clock and the
    /// ids.
    #[error("no {0} was set and the feature `system` is off: set one, or enable the feature")]
    Missing(&'static str),
    /// Two channels of one group, or of all groups, share a name: a failed notice could not be sent
    /// again over the right one.
    #[error("two channels are named {0}")]
    SameChannel(Name),
    /// Durations that do not fit together; the text names them and the reason.
    #[error("{0}")]
    Times(&'static str),
    /// A policy whose values do not fit together.
    #[error("policy: {0}")]
    Policy(#[from] ValidationError),
}

/// A builder of [`Incidents`]; see there for an example.
pub struct IncidentsBuilder {
    store: Arc<dyn Store>,
    relay: Option<Arc<dyn Store>>,
    pagers: Vec<Arc<dyn Pager>>,
    retired: Vec<Arc<dyn Pager>>,
    escalations: BTreeMap<RuleName, Vec<Arc<dyn Pager>>>,
    channels: Vec<(Option<Name>, Arc<dyn Channel>)>,
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
    /// Creates a builder with a store and the default policy, terms and permissions.
    #[must_use]
    pub fn builder(store: Arc<dyn Store>) -> IncidentsBuilder {
        IncidentsBuilder {
            store,
            relay: None,
            pagers: Vec::new(),
            retired: Vec::new(),
            escalations: BTreeMap::new(),
            channels: Vec::new(),
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
    /// Sets the store through which the relay works: the same one, over connections of its own.
    ///
    /// Pages then go out while requests and queries use up the other connections. Defaults to the
    /// handle that the store provides ([`Outbox::for_relay`](crate::port::Outbox::for_relay)), or
    /// to the store itself.
    #[must_use]
    pub fn relay_store(mut self, store: Arc<dyn Store>) -> Self {
        self.relay = Some(store);
        self
    }

    /// Adds a pager. Pagers are tried in the order in which they are added.
    #[must_use]
    pub fn pager(mut self, pager: Arc<dyn Pager>) -> Self {
        self.pagers.push(pager);
        self
    }

    /// Adds a pager that opens no more alerts: an older key, or a vendor that is no longer used.
    /// Alerts that it opened are still acknowledged and resolved there.
    #[must_use]
    pub fn retired_pager(mut self, pager: Arc<dyn Pager>) -> Self {
        self.retired.push(pager);
        self
    }

    /// Adds an escalation rule ([`Command::Escalate`](crate::incident::Command)) and the pagers
    /// that reach its targets, tried in this order.
    ///
    /// Without a pager, an escalation is only a timeline entry and an [`EngineEvent`].
    #[must_use]
    pub fn escalation(mut self, rule: RuleName, pagers: Vec<Arc<dyn Pager>>) -> Self {
        self.escalations.entry(rule).or_default().extend(pagers);
        self
    }

    /// Adds a channel for the notices of escalation rules to all groups of people that have no
    /// channel of their own.
    ///
    /// Without a channel, a rule that fires is a timeline entry, and a page if the rule has pagers.
    #[must_use]
    pub fn channel(mut self, channel: Arc<dyn Channel>) -> Self {
        self.channels.push((None, channel));
        self
    }

    /// Adds a channel for the notices to one group of people. A group may have several.
    #[must_use]
    pub fn channel_of(mut self, group: Name, channel: Arc<dyn Channel>) -> Self {
        self.channels.push((Some(group), channel));
        self
    }

    /// Adds a check of whether a page that a target accepted opened an alert; see
    /// [`confirm`](super::WorkerHandle::confirm).
    #[must_use]
    pub fn page_check(mut self, check: Arc<dyn PageCheck>) -> Self {
        self.checks.push(check);
        self
    }

    /// Sets the source that counts affected users.
    #[must_use]
    pub fn usage(mut self, usage: Arc<dyn UsageSource>) -> Self {
        self.usage = Some(usage);
        self
    }

    /// Sets the directory that lists all tenants, for incidents that hit all of them.
    #[must_use]
    pub fn directory(mut self, directory: Arc<dyn TenantDirectory>) -> Self {
        self.directory = Some(directory);
        self
    }

    /// Sets the sink that receives issued credits. Without a sink credits stay approved.
    #[must_use]
    pub fn billing(mut self, sink: Arc<dyn BillingSink>) -> Self {
        self.billing = Some(sink);
        self
    }

    /// Sets the clock; the system clock by default.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Sets the source of ids and salts; the system's by default.
    #[must_use]
    pub fn ids(mut self, ids: Arc<dyn IdGen>) -> Self {
        self.ids = Some(ids);
        self
    }

    /// Sets the sink that chain heads are anchored in, outside the store; by default a log line
    /// ([`LogAnchors`]).
    #[must_use]
    pub fn anchor_sink(mut self, sink: Arc<dyn AnchorSink>) -> Self {
        self.anchors = Destination::Sink(sink);
        self
    }

    /// Sets an anchor sink that can be read back, in place of [`anchor_sink`](Self::anchor_sink):
    /// chain checks then compare chains with their anchors.
    #[must_use]
    pub fn anchor_record(mut self, record: Arc<dyn AnchorRecord>) -> Self {
        self.anchors = Destination::Record(record);
        self
    }

    /// Sets the policy per severity.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.settings.policy = policy;
        self
    }

    /// Sets the pattern that names the chat channel of each new incident; without one, an incident
    /// has the channel that its creator states. Retrospective incidents are named no channel.
    #[must_use]
    pub fn channel_pattern(mut self, pattern: ChannelPattern) -> Self {
        self.settings.channel = Some(pattern);
        self
    }

    /// Runs the engine without SLA: no credit is computed, decided or issued, and the ledger gets no
    /// rows. Batches that were issued before are still submitted to billing.
    #[must_use]
    pub const fn without_sla(mut self) -> Self {
        self.settings.has_sla = false;
        self
    }

    /// Runs the engine without a status page: nothing is published. What was published before can
    /// still be hidden.
    #[must_use]
    pub const fn without_status_page(mut self) -> Self {
        self.settings.has_status_page = false;
        self
    }

    /// Sets the checklists.
    #[must_use]
    pub fn checklists(mut self, checklists: Checklists) -> Self {
        self.settings.checklists = checklists;
        self
    }

    /// Sets the same SLA terms for every tenant, in place of [`contracts`](Self::contracts).
    #[must_use]
    pub fn terms(self, terms: SlaTerms) -> Self {
        self.contracts(Contracts::standard(terms))
    }

    /// Sets the policy for approving credits: the limit without a person, and four eyes.
    #[must_use]
    pub const fn credit_policy(mut self, policy: CreditPolicy) -> Self {
        self.settings.credits = policy;
        self
    }

    /// Sets the contracts with tenants.
    #[must_use]
    pub fn contracts(mut self, contracts: Contracts) -> Self {
        self.settings.contracts = contracts;
        self
    }

    /// Sets the actions that each role may take.
    #[must_use]
    pub fn permissions(mut self, permissions: Permissions) -> Self {
        self.settings.permissions = permissions;
        self
    }

    /// Sets the public names of services.
    #[must_use]
    pub fn public_names(mut self, names: PublicNames) -> Self {
        self.settings.names = names;
        self
    }

    /// Sets when to fail over to the next pager: for SEV1 and SEV2, and for SEV3 and SEV4.
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

    /// Sets what vendor events may change; see
    /// [`vendor_event`](super::SignalsHandle::vendor_event).
    #[must_use]
    pub const fn inbound_policy(mut self, policy: InboundPolicy) -> Self {
        self.settings.inbound = policy;
        self
    }

    /// Sets the rate limit of each target, and when its circuit breaker opens.
    #[must_use]
    pub const fn gate(mut self, settings: GateSettings) -> Self {
        self.settings.gate = settings;
        self
    }

    /// Sets the longest time of one call, from the call to its answer; 5 s by default.
    ///
    /// It covers the wait behind earlier commands on the same incident, every query to the store
    /// and the commit. Work that is not done by then fails with
    /// [`StoreError::Unavailable`](crate::port::StoreError::Unavailable), a commit that was sent
    /// and not answered with [`StoreError::Unknown`](crate::port::StoreError::Unknown). Reports,
    /// chain checks and the relay have deadlines of their own. For one caller,
    /// [`RequestContext::with_timeout`](super::RequestContext::with_timeout) overrides it.
    #[must_use]
    pub const fn command_deadline(mut self, deadline: Duration) -> Self {
        self.settings.command_deadline = deadline;
        self
    }

    /// Sets the longest time of one store operation; 5 s by default. Two of them and that of a
    /// pager ([`pager_deadline`](Self::pager_deadline)) must fit into the [lease](Self::lease).
    #[must_use]
    pub const fn store_deadline(mut self, deadline: Duration) -> Self {
        self.settings.store_deadline = deadline;
        self
    }

    /// Sets the longest time of one call to the usage source or the tenant directory; 30 s by
    /// default.
    #[must_use]
    pub const fn usage_deadline(mut self, deadline: Duration) -> Self {
        self.settings.usage_deadline = deadline;
        self
    }

    /// Sets how long a claimed message of the outbox is leased; 30 s by default. If a process dies
    /// while it sends, its message waits until the lease ends.
    #[must_use]
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// Sets the longest time of one call to a pager, a page check or the billing sink; 10 s by
    /// default.
    #[must_use]
    pub const fn pager_deadline(mut self, deadline: Duration) -> Self {
        self.settings.pager_deadline = deadline;
        self
    }

    /// Adds a listener of [`EngineEvent`]s; it must not block.
    ///
    /// Listeners are called after commits, including those whose outcome is unknown
    /// ([`StoreError::Unknown`](crate::port::StoreError::Unknown)), and for alarms. Several may be
    /// added.
    #[must_use]
    pub fn on_event(mut self, listener: impl Fn(&EngineEvent) + Send + Sync + 'static) -> Self {
        self.listeners.push(Box::new(listener));
        self
    }

    /// Builds the engine.
    ///
    /// # Errors
    /// Returns [`BuildError::SameTarget`] if two pagers share a name or a target,
    /// [`BuildError::Times`] if durations do not fit together, and [`BuildError::Missing`] if there
    /// is no clock or no source of ids and the feature `system` is off.
    pub fn build(self) -> Result<Incidents, BuildError> {
        check_targets(&self.pagers, &self.retired)?;
        for pagers in self.escalations.values() {
            check_targets(pagers, &[])?;
        }
        check_channels(&self.channels)?;
        self.settings.check().map_err(BuildError::Times)?;
        self.settings.policy.check()?;
        let clock = self
            .clock
            .or_else(default_clock)
            .ok_or(BuildError::Missing("clock"))?;
        let ids = self
            .ids
            .or_else(default_ids)
            .ok_or(BuildError::Missing("id generator"))?;
        let owner = ids.random();
        let store = self.store;
        let relay = self.relay.or_else(|| store.for_relay());
        let inner = Inner {
            relay: relay.unwrap_or_else(|| Arc::clone(&store)),
            pagers: self.pagers,
            retired: self.retired,
            escalations: self.escalations,
            channels: self.channels,
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

fn check_channels(channels: &[(Option<Name>, Arc<dyn Channel>)]) -> Result<(), BuildError> {
    let mut names = BTreeSet::new();
    for (group, channel) in channels {
        if !names.insert((group, channel.name())) {
            return Err(BuildError::SameChannel(channel.name().clone()));
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

    /// The timeline knows a pager by its name; a retired one may share the name of a current one,
    /// in another account.
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
