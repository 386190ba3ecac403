//! The tenants that an incident hits.

use serde::Serialize;

/// The members of a list of tenants that stand after its items.
#[derive(Serialize)]
pub(crate) struct TenantsEndResponse {
    /// None where the incident hits all tenants.
    pub(crate) affected_tenants_total: Option<u64>,
    pub(crate) next_cursor: Option<String>,
}
