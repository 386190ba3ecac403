//! Responses with the affected tenants of an incident.

use serde::Serialize;

/// Members after the items of a list of tenants.
#[derive(Serialize)]
pub(crate) struct TenantsEndResponse {
    /// `None` if the incident affects all tenants.
    pub(crate) affected_tenants_total: Option<u64>,
    pub(crate) next_cursor: Option<String>,
}
