//! The settings of an engine that pages for people tell: policy, targets, known names.

use std::sync::Arc;
use std::time::Duration;

use crate::actor::Permissions;
use crate::billing::CreditPolicy;
use crate::engine::{Error, Incidents, PagingHandle, ReportsHandle};
use crate::incident::Incident;
use crate::paging::{TargetId, TargetState};
use crate::policy::Policy;
use crate::port::Pager;
use crate::response::{Checklists, Warning, warnings};
use crate::sla::Contracts;
use crate::{RuleName, ServiceId, TenantId, Timestamp};

impl Incidents {
    /// Returns the policy, which also has the thresholds of classification.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.inner.settings.policy
    }

    /// Returns `true` unless the host runs it
    /// [without SLA](crate::engine::IncidentsBuilder::without_sla).
    #[must_use]
    pub fn has_sla(&self) -> bool {
        self.inner.settings.has_sla
    }

    /// Returns `true` unless the host runs it
    /// [without a status page](crate::engine::IncidentsBuilder::without_status_page).
    #[must_use]
    pub fn has_status_page(&self) -> bool {
        self.inner.settings.has_status_page
    }

    /// Returns the checklists.
    #[must_use]
    pub fn checklists(&self) -> &Checklists {
        &self.inner.settings.checklists
    }

    /// Returns the warnings about an incident at a time, by the engine's checklists and policy.
    #[must_use]
    pub fn warnings(&self, incident: &Incident, at: Timestamp) -> Vec<Warning> {
        let settings = &self.inner.settings;
        warnings(incident, &settings.checklists, &settings.policy, at)
    }

    /// Returns the contracts with tenants.
    #[must_use]
    pub fn contracts(&self) -> &Contracts {
        &self.inner.settings.contracts
    }

    /// Returns the rules for approving credits.
    #[must_use]
    pub fn credit_policy(&self) -> CreditPolicy {
        self.inner.settings.credits
    }

    /// Returns the actions that each role may take.
    #[must_use]
    pub fn permissions(&self) -> &Permissions {
        &self.inner.settings.permissions
    }

    /// Returns `true` if approved credits are submitted to billing; without a sink they stay
    /// approved.
    #[must_use]
    pub fn has_billing(&self) -> bool {
        self.inner.billing.is_some()
    }

    /// Returns `true` if there is a usage source: the users of an outage can be counted and listed.
    #[must_use]
    pub fn has_usage(&self) -> bool {
        self.inner.usage.is_some()
    }
}

impl PagingHandle<'_> {
    /// Returns the targets of a page to on-call, in the order in which they are tried; none if no
    /// pager is configured.
    #[must_use]
    pub fn targets(self) -> Vec<TargetId> {
        ids(&self.0.inner.pagers)
    }

    /// Returns the targets that open no more alerts, and still acknowledge and resolve those that
    /// they opened.
    #[must_use]
    pub fn retired_targets(self) -> Vec<TargetId> {
        ids(&self.0.inner.retired)
    }

    /// Returns the state of a target, as far as this process knows it.
    #[must_use]
    pub fn target_state(self, target: &TargetId) -> TargetState {
        let inner = &self.0.inner;
        inner.gates.state(target, inner.now())
    }

    /// Returns the time until the open test page of this process ends; none if no test is open.
    #[must_use]
    pub fn test_ends_in(self) -> Option<Duration> {
        let inner = &self.0.inner;
        inner.tests.ends_in(inner.now())
    }

    /// Returns the escalation rules by name, each with its targets in the order in which they are
    /// tried. A rule without targets is only a timeline entry and an
    /// [`EngineEvent`](crate::engine::EngineEvent).
    #[must_use]
    pub fn escalation_rules(self) -> Vec<(RuleName, Vec<TargetId>)> {
        let rules = self.0.inner.escalations.iter();
        rules
            .map(|(rule, pagers)| (rule.clone(), ids(pagers)))
            .collect()
    }
}

impl ReportsHandle<'_> {
    /// Lists the tenants of the host's directory, by name.
    ///
    /// # Errors
    /// Returns [`Error::NotConfigured`] without a directory. Fails if it did not answer.
    pub async fn tenants(self) -> Result<Vec<TenantId>, Error> {
        self.0.all_tenants().await
    }

    /// Lists the services that have a public name, by id.
    pub fn named_services(&self) -> impl Iterator<Item = &ServiceId> {
        self.0.inner.settings.names.services()
    }
}

fn ids(pagers: &[Arc<dyn Pager>]) -> Vec<TargetId> {
    pagers.iter().map(|pager| pager.target_id()).collect()
}
