//! The policy in force for an incident.

use super::{Incident, State};
use crate::policy::{IncidentPolicy, Policy};

impl Incident {
    /// Returns the policy that holds for its services, tenants and severity.
    #[must_use]
    pub fn policy<'a>(&self, policy: &'a Policy) -> IncidentPolicy<'a> {
        self.0.policy(policy)
    }
}

impl State {
    pub(super) fn policy<'a>(&self, policy: &'a Policy) -> IncidentPolicy<'a> {
        policy.of_incident(
            &self.affected_services,
            &self.affected_tenants,
            self.severity,
        )
    }
}
