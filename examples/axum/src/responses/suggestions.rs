//! Responses with suggestions of the correlation engine.

use incident_core::suggestion::{Suggestion, SuggestionState};
use incident_core::{IncidentId, Name, ServiceId, SuggestionId, TenantId, Text, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::response::response_bodies;

response_bodies! {  ; SuggestionResponse }

/// A suggestion, with a proposed declaration.
#[derive(JsonSchema, Serialize)]
pub(crate) struct SuggestionResponse<'a> {
    draft: DraftResponse<'a>,
    evidence: Option<&'a Text>,
    id: SuggestionId,
    live_incident_id: Option<IncidentId>,
    observed_at: Timestamp,
    received_at: Timestamp,
    service: &'a ServiceId,
    signal: &'a Name,
    state: SuggestionState,
    tenant: &'a TenantId,
}

/// The proposed body of `POST /sys/incidents`.
#[derive(JsonSchema, Serialize)]
struct DraftResponse<'a> {
    affected_services: [&'a ServiceId; 1],
    affected_tenants: [&'a TenantId; 1],
    severity: &'static str,
    source: &'static str,
    started_at: Timestamp,
    suggestion_id: SuggestionId,
    summary: &'a str,
    title: String,
}

impl<'a> SuggestionResponse<'a> {
    /// Creates the response, with the live incident of the same service and tenant.
    pub(crate) fn new(
        suggestion: &'a Suggestion,
        state: SuggestionState,
        live_incident: Option<IncidentId>,
    ) -> Self {
        let request = &suggestion.request;
        let evidence = request.evidence.as_ref();
        Self {
            draft: DraftResponse {
                affected_services: [&request.service],
                affected_tenants: [&request.tenant],
                severity: "SEV3",
                source: "suggestion",
                started_at: request.observed_at,
                suggestion_id: suggestion.id,
                summary: evidence.map_or("", Text::as_str),
                title: suggestion.title(),
            },
            evidence,
            id: suggestion.id,
            live_incident_id: live_incident,
            observed_at: request.observed_at,
            received_at: suggestion.received_at,
            service: &request.service,
            signal: &request.signal,
            state,
            tenant: &request.tenant,
        }
    }
}
