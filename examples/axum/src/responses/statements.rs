//! Statements: the credit of a tenant for a period.

use incident_core::sla::{Basis, SlaStatement, decimal_minutes};
use incident_core::{IncidentId, Money, Name, Percent, Period, TenantId, Zone, escape_csv_formula};
use schemars::JsonSchema;
use serde::Serialize;

use super::values::money;
use crate::http::response::response_bodies;

response_bodies! {  ; StatementResponse }

/// A statement.
#[derive(JsonSchema, Serialize)]
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

/// Returns a statement in its JSON form.
#[must_use]
pub fn json(made: &SlaStatement) -> impl Serialize + use<'_> {
    StatementResponse::from(made)
}

const COLUMNS: [&str; 13] = [
    "tenant_id",
    "period",
    "timezone",
    "basis",
    "terms_version",
    "outage_minutes",
    "excluded_minutes",
    "availability_percent",
    "target_breached",
    "credit_percent",
    "amount_minor",
    "currency",
    "provisional",
];

/// Writes a table of statements (RFC 4180). No cell begins like a formula: names come from the
/// host, and spreadsheets run cells that begin with `=`, `+`, `-` or `@`.
///
/// # Errors
/// Never fails for a table in memory; fallible only because the writer is.
pub fn csv(all: &[SlaStatement]) -> Result<String, csv::Error> {
    let mut table = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    table.write_record(COLUMNS)?;
    for made in all {
        let amount = made.amount.map(|amount| amount.minor.to_string());
        let currency = made.amount.map(|amount| amount.currency.code().to_owned());
        let cells = [
            made.tenant.to_string(),
            made.period.to_string(),
            made.zone.to_string(),
            made.basis.name().to_owned(),
            made.terms_version.to_string(),
            decimal_minutes(made.outage_us),
            decimal_minutes(made.excluded_us),
            made.availability_percent.clone(),
            made.target_breached.to_string(),
            made.credit_percent.to_string(),
            amount.unwrap_or_default(),
            currency.unwrap_or_default(),
            made.provisional.to_string(),
        ];
        table.write_record(
            cells
                .iter()
                .map(|text| escape_csv_formula(text).into_owned()),
        )?;
    }
    let bytes = table.into_inner().map_err(|error| error.into_error())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
