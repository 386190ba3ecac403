//! The settings of an engine that pages for people tell: policy, targets, known names.

use std::sync::Arc;

use crate::engine::{Error, Incidents, PagingHandle, ReportsHandle};
use crate::paging::TargetId;
use crate::policy::Policy;
use crate::port::Pager;
use crate::{RuleName, ServiceId, TenantId};

impl Incidents {
    /// Returns the policy of each severity.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.inner.settings.policy
    }
}

impl PagingHandle<'_> {
    /// Returns the targets of a page to on-call, in the order in which they are tried; none if no
    /// pager is configured.
    #[must_use]
    pub fn targets(self) -> Vec<TargetId> {
        ids(&self.0.inner.pagers)
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
