//! Responses about billing: issued credits compared with those in the sink.

use incident_core::billing::{BilledCredit, Difference, HeldCredit, SignedPercent};
use incident_core::engine::{BatchInFlight, BillingReport};
use incident_core::{CreditId, IncidentId, MessageId, Money, Period, TenantId, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::values::money;
use crate::http::response::response_bodies;

response_bodies! { ResentBatchResponse ; BillingReportResponse }

/// The issued credits of a period, compared with those in the sink.
#[derive(JsonSchema, Serialize)]
pub(crate) struct BillingReportResponse<'a> {
    agree: usize,
    balanced: bool,
    compared: bool,
    differences: Vec<DifferenceResponse<'a>>,
    issued: usize,
    period: Period,
    sink: Option<String>,
    waiting: Vec<WaitingBatchResponse>,
}

impl<'a> From<&'a BillingReport> for BillingReportResponse<'a> {
    fn from(report: &'a BillingReport) -> Self {
        Self {
            agree: report.agree,
            balanced: report.is_balanced(),
            compared: report.compared,
            differences: report.differences.iter().map(Into::into).collect(),
            issued: report.issued,
            period: report.period,
            sink: report.sink.as_ref().map(ToString::to_string),
            waiting: report.waiting.iter().map(Into::into).collect(),
        }
    }
}

/// A credit that differs between the ledger and the sink.
#[derive(JsonSchema, Serialize)]
struct DifferenceResponse<'a> {
    key: CreditId,
    #[serde(skip_serializing_if = "Option::is_none")]
    ours: Option<IssuedCreditResponse<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    theirs: Option<HeldCreditResponse>,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<usize>,
    what: &'static str,
}

impl<'a> From<&'a Difference> for DifferenceResponse<'a> {
    fn from(difference: &'a Difference) -> Self {
        let (what, ours, theirs, times) = match difference {
            Difference::Missing(ours) => ("missing", Some(ours), None, None),
            Difference::Unknown(theirs) => ("unknown", None, Some(theirs), None),
            Difference::Differs { ours, theirs } => ("differs", Some(ours), Some(theirs), None),
            Difference::Repeated { ours, times } => ("repeated", Some(ours), None, Some(*times)),
        };
        let key = match difference {
            Difference::Unknown(theirs) => theirs.key,
            Difference::Missing(ours)
            | Difference::Differs { ours, .. }
            | Difference::Repeated { ours, .. } => ours.key,
        };
        Self {
            key,
            ours: ours.map(Into::into),
            theirs: theirs.map(Into::into),
            times,
            what,
        }
    }
}

/// A credit as issued by the ledger.
#[derive(JsonSchema, Serialize)]
struct IssuedCreditResponse<'a> {
    #[serde(serialize_with = "money")]
    amount: Option<Money>,
    credit_percent: SignedPercent,
    incident_id: Option<IncidentId>,
    reverses: Option<CreditId>,
    tenant_id: &'a TenantId,
}

impl<'a> From<&'a BilledCredit> for IssuedCreditResponse<'a> {
    fn from(ours: &'a BilledCredit) -> Self {
        Self {
            amount: ours.amount,
            credit_percent: ours.credit_percent,
            incident_id: ours.incident_id,
            reverses: ours.reverses,
            tenant_id: &ours.tenant_id,
        }
    }
}

/// A credit as stored by the sink.
#[derive(JsonSchema, Serialize)]
struct HeldCreditResponse {
    #[serde(serialize_with = "money")]
    amount: Option<Money>,
    credit_percent: SignedPercent,
}

impl From<&HeldCredit> for HeldCreditResponse {
    fn from(theirs: &HeldCredit) -> Self {
        Self {
            amount: theirs.amount,
            credit_percent: theirs.credit_percent,
        }
    }
}

/// A batch that the sink has not accepted yet.
#[derive(JsonSchema, Serialize)]
struct WaitingBatchResponse {
    batch: MessageId,
    credits: usize,
    held_back: bool,
    since: Timestamp,
}

impl From<&BatchInFlight> for WaitingBatchResponse {
    fn from(waiting: &BatchInFlight) -> Self {
        Self {
            batch: waiting.batch,
            credits: waiting.credits,
            held_back: waiting.held_back,
            since: waiting.since,
        }
    }
}

/// A batch that is submitted again.
#[derive(JsonSchema, Serialize)]
pub(crate) struct ResentBatchResponse {
    pub(crate) batch: MessageId,
}
