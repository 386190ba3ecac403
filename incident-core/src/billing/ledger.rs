//! Rows of the credit ledger.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Money;
use crate::window::Windows;
use crate::{
    CreditId, IncidentId, MessageId, Name, Percent, Period, PersonName, TenantId, Timestamp,
};

/// The state of a credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CreditState {
    /// Computed, not yet decided.
    Estimated,
    /// To be issued.
    Approved,
    /// Not to be issued.
    Waived,
    /// Frozen in a batch for billing. From here on it can only be reversed.
    Issued,
    /// Replaced by a newer revision before it was issued.
    Superseded,
}

impl CreditState {
    /// All states.
    pub const ALL: [Self; 5] = [
        Self::Estimated,
        Self::Approved,
        Self::Waived,
        Self::Issued,
        Self::Superseded,
    ];

    /// Returns the name on the wire and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Estimated => "estimated",
            Self::Approved => "approved",
            Self::Waived => "waived",
            Self::Issued => "issued",
            Self::Superseded => "superseded",
        }
    }
}

/// The subject that a credit is owed for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CreditSubject {
    /// One incident, under contracts per incident.
    Incident(IncidentId),
    /// All outages of a tenant in a period together, under contracts per month, quarter or year.
    Period(TenantId, Period),
}

/// An input of a row: one incident's part in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct CreditInput {
    /// The incident.
    pub incident_id: IncidentId,
    /// The windows in which the tenant was affected, before the terms left anything out.
    pub windows: Windows,
    /// The weight of its downtime.
    #[serde(rename = "weight_percent", alias = "weight")]
    pub weight: Percent,
}

/// The approval of a credit. It never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The credit under the cap of its tenant and period, in percent of the fee.
    pub percent: Percent,
    /// The amount of this share of the period's fee, if the fee was known.
    pub amount: Option<Money>,
    /// The fee of the period; absent in approvals stored before fees were recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<Money>,
    /// The person or policy that approved it.
    pub by: PersonName,
    /// The time of the approval.
    pub at: Timestamp,
}

/// The issue of a credit in a batch. It never changes, except that the sink's acceptance is added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// The batch: the outbox message that carries it.
    pub batch: MessageId,
    /// The time at which the batch was frozen.
    pub at: Timestamp,
    /// The time from which the sink is known to have it.
    pub accepted_at: Option<Timestamp>,
}

/// A credit that a tenant is owed for one incident or one period, or the reversal of an issued one.
///
/// The key is (tenant, incident or period, revision, reversal or not); there is one row per key,
/// ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRow {
    /// The id, by which billing knows the credit.
    pub id: CreditId,
    /// The incident; `None` if the contract credits the period as a whole.
    pub incident_id: Option<IncidentId>,
    /// The tenant.
    pub tenant_id: TenantId,
    /// The revision: the number of this computation of the subject's credits; 1 for the first.
    pub revision: u32,
    /// The month of the outage's end, or the period that is credited as a whole.
    pub period: Period,
    /// The outage that affected the tenant, in microseconds.
    pub outage_us: u64,
    /// The incident's own tier, before the cap of the month, or the period's credit.
    ///
    /// For a reversal, the credit that it takes back.
    pub credit_percent: Percent,
    /// The version of the terms.
    pub terms_version: Name,
    /// The state.
    pub state: CreditState,
    /// The author of the command that led to it: the person who ended the incident, or corrected
    /// it.
    pub author: PersonName,
    /// The approval, once there is one.
    pub granted: Option<Approval>,
    /// The issue to billing, once there is one.
    pub issued: Option<Issued>,
    /// The issued credit that this row reverses as a whole.
    pub reverses: Option<CreditId>,
    /// The inputs of the computation.
    pub inputs: Arc<[CreditInput]>,
}

impl LedgerRow {
    /// Returns the subject that the credit is owed for.
    #[must_use]
    pub fn subject(&self) -> CreditSubject {
        match self.incident_id {
            Some(incident) => CreditSubject::Incident(incident),
            None => CreditSubject::Period(self.tenant_id.clone(), self.period),
        }
    }
}

/// A change of the ledger: the recomputed credits of one subject.
///
/// Rows of lower revisions that are estimated or approved become superseded, except those in
/// `keeps`.
///
/// Every issued credit that is [`outstanding`] must stand or be reversed by this write. If another
/// one was issued meanwhile, the store returns
/// [`StoreError::CreditMoved`](crate::port::StoreError), so that none is paid twice. It returns the
/// same if another task has written the revision first.
#[derive(Clone, Debug)]
pub struct LedgerWrite {
    /// The subject of the credits.
    pub subject: CreditSubject,
    /// The revision: higher than every stored one.
    pub revision: u32,
    /// The new rows; empty if no tenant is owed anything any more.
    pub rows: Vec<LedgerRow>,
    /// The credits of lower revisions that stand: issued ones, and those that are estimated,
    /// approved or waived and stay so.
    pub keeps: Vec<CreditId>,
}

/// Lists the credits that were issued and not taken back by an issued reversal.
///
/// `rows` are all rows of a subject. A new computation either leaves each of these credits as it is
/// or reverses it.
pub fn outstanding<'a>(
    rows: impl IntoIterator<Item = &'a LedgerRow> + Clone,
) -> impl Iterator<Item = &'a LedgerRow> {
    let issued = |row: &&LedgerRow| row.state == CreditState::Issued;
    let reversed: BTreeSet<CreditId> = rows
        .clone()
        .into_iter()
        .filter(issued)
        .filter_map(|row| row.reverses)
        .collect();
    rows.into_iter()
        .filter(issued)
        .filter(move |row| row.reverses.is_none() && !reversed.contains(&row.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows stored before the field was renamed stay readable, and are written by the new name.
    #[test]
    fn an_input_stored_with_its_old_field_name_is_read() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let old = format!(r#"{{"incident_id":"{id}","windows":[],"weight":"50"}}"#);
        let input: CreditInput = serde_json::from_str(&old).unwrap();
        assert_eq!(input.weight.to_string(), "50");
        let new = format!(r#"{{"incident_id":"{id}","windows":[],"weight_percent":"50"}}"#);
        assert_eq!(serde_json::to_string(&input).unwrap(), new);
        assert_eq!(serde_json::from_str::<CreditInput>(&new).unwrap(), input);
    }
}
