//! Statements: the credit of a tenant for a period.

use incident_core::sla::{Basis, SlaStatement};
use incident_core::{IncidentId, Money, Name, Percent, Period, TenantId, Zone};
use serde::Serialize;

use super::values::money;

/// A statement.
#[derive(Serialize)]
pub(crate) struct StatementResponse<'a> {
    #[serde(serialize_with = "money")]
    amount: Option<Money>,
    availability_percent: &'a str,
    basis: Basis,
    credit_percent: Percent,
    derivation: Vec<String>,
    excluded_ms: u64,
    #[serde(serialize_with = "money")]
    fee: Option<Money>,
    incidents: Vec<IncidentId>,
    outage_ms: u64,
    period: Period,
    provisional: bool,
    target_breached: bool,
    target_percent: Percent,
    tenant_id: &'a TenantId,
    terms_version: &'a Name,
    timezone: Zone,
}

impl<'a> From<&'a SlaStatement> for StatementResponse<'a> {
    fn from(made: &'a SlaStatement) -> Self {
        Self {
            amount: made.amount,
            availability_percent: &made.availability_percent,
            basis: made.basis,
            credit_percent: made.credit_percent,
            derivation: made.derivation(),
            excluded_ms: made.excluded_ms(),
            fee: made.fee,
            incidents: made.incidents.iter().map(|line| line.incident).collect(),
            outage_ms: made.outage_ms(),
            period: made.period,
            provisional: made.provisional,
            target_breached: made.target_breached,
            target_percent: made.target,
            tenant_id: &made.tenant,
            terms_version: &made.terms_version,
            timezone: made.zone,
        }
    }
}
