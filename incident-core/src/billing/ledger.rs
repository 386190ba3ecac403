//! Rows of the credit ledger.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Money;
use crate::window::Windows;
use crate::{
    CreditId, IncidentId, MessageId, Name, Percent, Period, PersonName, TenantId, Timestamp,
};

/// Where a credit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CreditState {
    /// Computed, not yet decided.
    Estimated,
    /// To be issued.
    Approved,
    /// Not to be issued.
    Waived,
    /// Frozen in a batch for billing. From here on it is only ever reversed.
    Issued,
    /// A newer revision took its place before it was decided.
    Superseded,
}

impl CreditState {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Estimated,
        Self::Approved,
        Self::Waived,
        Self::Issued,
        Self::Superseded,
    ];

    /// Its name on the wire and in the database.
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

/// What a credit is owed for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CreditSubject {
    /// One incident, as contracts per incident say.
    Incident(IncidentId),
    /// All outages of a tenant in a period together, as contracts per month, quarter
    /// or year say.
    Period(TenantId, Period),
}

/// What a row was computed from: one incident's part in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditInput {
    /// The incident.
    pub incident_id: IncidentId,
    /// When it hit the tenant, before the terms left anything out.
    pub windows: Windows,
    /// What its downtime weighed.
    #[serde(rename = "weight_percent", alias = "weight")]
    pub weight: Percent,
}

/// What was granted when a credit was approved. It changes no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The credit under the cap of its tenant and month, in percent of the fee.
    pub percent: Percent,
    /// The same of the period's fee, where that was known.
    pub amount: Option<Money>,
    /// The fee that it is of; absent in what was granted before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<Money>,
    /// Who approved it.
    pub by: PersonName,
    /// When.
    pub at: Timestamp,
}

/// When a credit was issued, and in which batch. It changes no more, but that the
/// sink's acceptance is added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// The batch: the message of the outbox that carries it.
    pub batch: MessageId,
    /// When the batch was frozen.
    pub at: Timestamp,
    /// When the sink was seen to have it.
    pub accepted_at: Option<Timestamp>,
}

/// What one tenant is owed for one incident or one period; or what is taken back of
/// what was issued.
///
/// The key is (tenant, incident or period, revision, whether it reverses); there is
/// one row per key, ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRow {
    /// The id. Billing knows the credit by it.
    pub id: CreditId,
    /// The incident; none where the contract credits the period as a whole.
    pub incident_id: Option<IncidentId>,
    /// The tenant.
    pub tenant_id: TenantId,
    /// Which computation of the subject's credits; 1 for the first.
    pub revision: u32,
    /// The month of the outage's end, or the period that is credited as a whole.
    pub period: Period,
    /// The outage that hit the tenant, in microseconds.
    pub outage_us: u64,
    /// The incident's own tier, before the cap of the month; or the period's credit.
    /// Of a reversal, what it takes back.
    pub credit_percent: Percent,
    /// The terms it was computed with.
    pub terms_version: Name,
    /// Where it stands.
    pub state: CreditState,
    /// Whose command led to it: who ended the incident, or corrected it.
    pub author: PersonName,
    /// What was granted, once it was approved.
    pub granted: Option<Approval>,
    /// When it was issued, once it was.
    pub issued: Option<Issued>,
    /// The issued credit that it takes back whole.
    pub reverses: Option<CreditId>,
    /// What it was computed from.
    pub inputs: Arc<[CreditInput]>,
}

impl LedgerRow {
    /// What it is owed for.
    #[must_use]
    pub fn subject(&self) -> CreditSubject {
        match self.incident_id {
            Some(incident) => CreditSubject::Incident(incident),
            None => CreditSubject::Period(self.tenant_id.clone(), self.period),
        }
    }
}

/// A change of the ledger: the credits of one subject, computed anew. Rows of
/// lower revisions that are estimated or approved become superseded, but for those that it
/// keeps.
///
/// It says of every issued credit that is [`outstanding`]
/// whether it stands or is reversed: one that was issued meanwhile is
/// [`StoreError::CreditMoved`](crate::port::StoreError), so that none is paid twice. So is a
/// revision that somebody else was first to write.
#[derive(Clone, Debug)]
pub struct LedgerWrite {
    /// What the credits are owed for.
    pub subject: CreditSubject,
    /// Which computation: higher than every one that is kept.
    pub revision: u32,
    /// Its rows; none where nothing is owed to anybody any more.
    pub rows: Vec<LedgerRow>,
    /// The credits of lower revisions that stand: issued ones, and those that are estimated,
    /// approved or waived, and stay so.
    pub keeps: Vec<CreditId>,
}

/// The credits that were issued and not taken back by a reversal that was issued, of
/// all rows of a subject. A new computation either leaves each of them as it is or
/// reverses it.
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
