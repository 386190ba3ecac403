//! Responses with the affected tenants of an incident.

use incident_core::incident::AffectedTenant;
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::response::response_bodies;

response_bodies! { AffectedTenant TenantsEndResponse ; }

/// Members after the items of a list of tenants.
#[derive(JsonSchema, Serialize)]
pub(crate) struct TenantsEndResponse {
    /// Number of all rows; null if the incident affects all tenants.
    pub(crate) affected_tenants_total: Option<u64>,
    pub(crate) next_cursor: Option<String>,
}
