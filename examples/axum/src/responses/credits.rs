//! Responses of the credit ledger.

use incident_core::billing::{CappedCredit, CreditInput, CreditState, SignedPercent};
use incident_core::{
    CreditId, IncidentId, MessageId, Money, Month, Name, Period, PersonName, TenantId, Timestamp,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::values::money;
use crate::http::response::response_bodies;

response_bodies! { RecomputedResponse ; CreditResponse }

/// A ledger row. A reversal has negative amounts, so that sums are correct.
#[derive(JsonSchema, Serialize)]
pub(crate) struct CreditResponse<'a> {
    #[serde(serialize_with = "money")]
    amount: Option<Money>,
    approved_at: Option<Timestamp>,
    approved_by: Option<&'a PersonName>,
    author: &'a PersonName,
    batch: Option<MessageId>,
    billed_at: Option<Timestamp>,
    credit_percent: SignedPercent,
    id: CreditId,
    incident_id: Option<IncidentId>,
    inputs: &'a [CreditInput],
    issued_at: Option<Timestamp>,
    outage_ms: u64,
    period: Period,
    reverses: Option<CreditId>,
    revision: u32,
    state: CreditState,
    tenant_id: &'a TenantId,
    terms_version: &'a Name,
}

impl<'a> From<&'a CappedCredit> for CreditResponse<'a> {
    fn from(credit: &'a CappedCredit) -> Self {
        let row = &credit.row;
        let (granted, issued) = (row.granted.as_ref(), row.issued.as_ref());
        let is_reversal = row.reverses.is_some();
        let amount = credit
            .amount
            .or(granted.and_then(|granted| granted.amount))
            .map(|amount| {
                if is_reversal {
                    amount.negative()
                } else {
                    amount
                }
            });
        Self {
            amount,
            approved_at: granted.map(|granted| granted.at),
            approved_by: granted.map(|granted| &granted.by),
            author: &row.author,
            batch: issued.map(|issued| issued.batch),
            billed_at: issued.and_then(|issued| issued.accepted_at),
            credit_percent: SignedPercent {
                negative: is_reversal,
                percent: credit.capped,
            },
            id: row.id,
            incident_id: row.incident_id,
            inputs: &row.inputs,
            issued_at: issued.map(|issued| issued.at),
            outage_ms: row.outage_us / 1_000,
            period: row.period,
            reverses: row.reverses,
            revision: row.revision,
            state: row.state,
            tenant_id: &row.tenant_id,
            terms_version: &row.terms_version,
        }
    }
}

/// Number of credits of a month that were recomputed.
#[derive(JsonSchema, Serialize)]
pub(crate) struct RecomputedResponse {
    pub(crate) changed: usize,
    pub(crate) month: Month,
}
