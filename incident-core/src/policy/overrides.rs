//! Overrides for services and tenants.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::SeverityPolicy;
use crate::incident::Severity;
use crate::{ServiceId, TenantId};

/// The policy of the incidents that hit a service, a tenant, or a service of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyOverride {
    /// Only for incidents that hit this service; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceId>,
    /// Only for incidents that hit this tenant; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// The policies of the severities that differ, each as a whole.
    pub severities: BTreeMap<Severity, SeverityPolicy>,
}
