//! Reports on one incident: affected users and SLA.

use incident_core::billing::CreditState;
use incident_core::engine::{BreakdownReport, ImpactReport, SlaReport, SlaRow};
use incident_core::sla::{Basis, SlaTerms, Tier};
use incident_core::{
    IncidentId, Name, Percent, Period, ServiceId, TenantId, Text, Timestamp, Windows,
};
use schemars::JsonSchema;
use serde::ser::{Serialize, Serializer};

use crate::http::response::response_bodies;

response_bodies! { ImpactReport ; BreakdownResponse SlaImpactResponse }

/// The affected users by service and endpoint, and the minutes of their first hits.
#[derive(JsonSchema, serde::Serialize)]
pub(crate) struct BreakdownResponse<'a> {
    by_service: Vec<ServiceUsersResponse<'a>>,
    first_hits: Vec<FirstHitsResponse>,
    incident_id: IncidentId,
    provisional: bool,
    source: &'static str,
    top_endpoints: Vec<EndpointUsersResponse<'a>>,
    window: &'a Windows,
}

/// Number of affected users of a service.
#[derive(JsonSchema, serde::Serialize)]
struct ServiceUsersResponse<'a> {
    service: &'a ServiceId,
    unique_users: u64,
}

/// Number of users first affected in a minute.
#[derive(JsonSchema, serde::Serialize)]
struct FirstHitsResponse {
    minute: Timestamp,
    users: u64,
}

/// Number of users affected through an endpoint.
#[derive(JsonSchema, serde::Serialize)]
struct EndpointUsersResponse<'a> {
    endpoint: &'a Text,
    service: &'a ServiceId,
    unique_users: u64,
}

impl<'a> BreakdownResponse<'a> {
    /// Creates the response about an incident.
    pub(crate) fn new(id: IncidentId, report: &'a BreakdownReport) -> Self {
        let found = &report.breakdown;
        let services = found.by_service.iter().map(|one| ServiceUsersResponse {
            service: &one.service,
            unique_users: one.users,
        });
        let first_hits = found.first_hits.iter().map(|one| FirstHitsResponse {
            minute: one.minute,
            users: one.users,
        });
        let endpoints = found.by_endpoint.iter().map(|one| EndpointUsersResponse {
            endpoint: &one.endpoint,
            service: &one.service,
            unique_users: one.users,
        });
        Self {
            by_service: services.collect(),
            first_hits: first_hits.collect(),
            incident_id: id,
            provisional: report.provisional,
            source: report.source,
            top_endpoints: endpoints.collect(),
            window: &report.window,
        }
    }
}

/// The credits of an incident.
#[derive(JsonSchema, serde::Serialize)]
pub(crate) struct SlaImpactResponse<'a> {
    incident_id: IncidentId,
    provisional: bool,
    basis: Basis,
    target_percent: Percent,
    tiers: &'a [Tier],
    terms_version: &'a Name,
    #[schemars(with = "Vec<SlaRowResponse<'a>>")]
    rows: SlaRowsResponse<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    excluded: Option<&'a str>,
}

impl<'a> SlaImpactResponse<'a> {
    /// Creates the response about an incident.
    pub(crate) fn new(id: IncidentId, report: &'a SlaReport) -> Self {
        Self {
            incident_id: id,
            provisional: report.provisional,
            basis: report.terms.basis(),
            target_percent: report.terms.target(),
            tiers: report.terms.tiers(),
            terms_version: report.terms.version(),
            rows: SlaRowsResponse(report),
            excluded: report.excluded.as_deref(),
        }
    }
}

/// A [`SlaRowResponse`] per tenant.
struct SlaRowsResponse<'a>(&'a SlaReport);

impl Serialize for SlaRowsResponse<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let SlaReport { rows, terms, .. } = self.0;
        serializer.collect_seq(rows.iter().map(|row| SlaRowResponse::new(row, terms)))
    }
}

/// The credit of one tenant; with basis and target if its contract differs from the standard terms.
#[derive(JsonSchema, serde::Serialize)]
struct SlaRowResponse<'a> {
    availability_percent: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    basis: Option<Basis>,
    credit_percent: Percent,
    outage_minutes: &'a str,
    outage_ms: u64,
    period: Period,
    state: CreditState,
    target_breached: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_percent: Option<Percent>,
    tenant_id: &'a TenantId,
}

impl<'a> SlaRowResponse<'a> {
    fn new(row: &'a SlaRow, standard: &SlaTerms) -> Self {
        let differs = (row.basis, row.target) != (standard.basis(), standard.target());
        Self {
            availability_percent: &row.availability_percent,
            basis: differs.then_some(row.basis),
            credit_percent: row.credit_percent,
            outage_minutes: &row.outage_minutes,
            outage_ms: row.outage_us / 1_000,
            period: row.period,
            state: row.state,
            target_breached: row.target_breached,
            target_percent: differs.then_some(row.target),
            tenant_id: &row.tenant_id,
        }
    }
}
