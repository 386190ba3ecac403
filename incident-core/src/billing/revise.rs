//! Recomputation of a subject's credits: rows that stand, are superseded or are reversed.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::ledger::outstanding;
use super::{CreditInput, CreditState, CreditSubject, LedgerRow, LedgerWrite};
use crate::{CreditId, IncidentId, Name, Percent, Period, PersonName, TenantId};

/// A credit as it is computed now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComputedCredit {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The month of the outage's end, or the period that is credited as a whole.
    pub period: Period,
    /// The outage, in microseconds.
    pub outage_us: u64,
    /// The credit, before the cap of the month.
    pub credit_percent: Percent,
    /// The version of the terms.
    pub terms_version: Name,
    /// The inputs of the computation.
    pub inputs: Arc<[CreditInput]>,
}

impl ComputedCredit {
    /// Creates the credit of a row, as if it were computed now.
    #[must_use]
    pub fn of(row: &LedgerRow) -> Self {
        Self {
            tenant_id: row.tenant_id.clone(),
            period: row.period,
            outage_us: row.outage_us,
            credit_percent: row.credit_percent,
            terms_version: row.terms_version.clone(),
            inputs: Arc::clone(&row.inputs),
        }
    }

    fn is(&self, row: &LedgerRow) -> bool {
        (self.period, self.outage_us, self.credit_percent)
            == (row.period, row.outage_us, row.credit_percent)
            && self.tenant_id == row.tenant_id
            && self.terms_version == row.terms_version
            && self.inputs == row.inputs
    }
}

/// Lists the newest row of each tenant that was not superseded, without reversals, by tenant.
///
/// `rows` are all rows of a subject.
#[must_use]
pub fn newest(rows: &[LedgerRow]) -> Vec<&LedgerRow> {
    let standing =
        |row: &&LedgerRow| row.state != CreditState::Superseded && row.reverses.is_none();
    let mut newest: Vec<&LedgerRow> = rows.iter().filter(standing).collect();
    newest.sort_by_key(|row| (&row.tenant_id, Reverse(row.revision)));
    newest.dedup_by_key(|row| &row.tenant_id);
    newest
}

/// Finds the row of a tenant in the result of [`newest`].
#[must_use]
pub fn newest_of<'a>(newest: &[&'a LedgerRow], tenant: &TenantId) -> Option<&'a LedgerRow> {
    let place = newest.binary_search_by(|row| row.tenant_id.cmp(tenant));
    place.ok().and_then(|place| newest.get(place)).copied()
}

/// Returns `true` if a row's tenant has no later row, such as the reversal of an issued credit that
/// this row left as it was.
fn is_last_word(rows: &[LedgerRow], row: &LedgerRow) -> bool {
    let after = |other: &&LedgerRow| {
        other.state != CreditState::Superseded
            && other.tenant_id == row.tenant_id
            && other.revision > row.revision
    };
    !rows.iter().any(|other| after(&other))
}

/// Returns `true` if a new computation agrees with the newest row of every tenant.
///
/// `rows` are all rows of the subject; `fresh` is sorted by tenant, each once.
#[must_use]
pub fn is_up_to_date(rows: &[LedgerRow], fresh: &[ComputedCredit]) -> bool {
    let mut newest = newest(rows);
    // A tenant that is owed nothing any more: its credit has a reversal already.
    let taken_back = |row: &LedgerRow| {
        rows.iter()
            .any(|other| other.reverses == Some(row.id) && other.state != CreditState::Superseded)
    };
    newest.retain(|row| !taken_back(row) && is_last_word(rows, row));
    newest.len() == fresh.len() && fresh.iter().zip(newest).all(|(one, row)| one.is(row))
}

/// Computes the write for a new computation.
///
/// A credit that comes out the same stands, whether it was issued, approved or not decided yet. Any
/// other one is superseded; an issued one is reversed as a whole, beside the new row of its tenant,
/// if it has one.
///
/// `rows` are all rows of the subject; `fresh` is sorted by tenant, each once. The credits in
/// `outgrown` come out the same, but their grants do not ([`stale_grants`](super::stale_grants())).
/// A reversal comes before the row that replaces it; both are estimated: nothing is taken back
/// before it is approved.
pub fn revise(
    subject: CreditSubject,
    revision: u32,
    rows: &[LedgerRow],
    fresh: Vec<ComputedCredit>,
    outgrown: &[CreditId],
    author: &PersonName,
    mut id: impl FnMut() -> CreditId,
) -> LedgerWrite {
    let incident_id = incident(&subject);
    let mut write = LedgerWrite {
        subject,
        revision,
        rows: Vec::new(),
        keeps: Vec::new(),
    };
    let newest = newest(rows);
    let comes_out = |row: &LedgerRow| {
        let place = fresh.binary_search_by(|one| one.tenant_id.cmp(&row.tenant_id));
        let found = place.ok().and_then(|place| fresh.get(place));
        found.is_some_and(|one| one.is(row))
    };
    let stands = |row: &LedgerRow| comes_out(row) && !outgrown.contains(&row.id);
    // A person has decided that the issued credit stays as it is.
    let stays = |row: &LedgerRow| {
        newest_of(&newest, &row.tenant_id).is_some_and(|row| {
            row.state == CreditState::Waived && is_last_word(rows, row) && comes_out(row)
        })
    };
    // Tenants with an issued credit, and tenants whose credit stands: one credit each.
    let (mut was_issued, mut standing) = (BTreeSet::new(), BTreeSet::new());
    for row in outstanding(rows) {
        let tenant = &row.tenant_id;
        was_issued.insert(tenant);
        if (stands(row) || stays(row)) && standing.insert(tenant) {
            write.keeps.push(row.id);
            continue;
        }
        write.rows.push(reversal(row, id(), revision, author));
    }
    // A decision on a credit outlives a correction that does not change it. Where a credit was
    // issued, reversal and new row come as a pair.
    for row in &newest {
        let is_issued = row.state == CreditState::Issued;
        let last = is_last_word(rows, row);
        if !is_issued && last && !was_issued.contains(&row.tenant_id) && stands(row) {
            standing.insert(&row.tenant_id);
            write.keeps.push(row.id);
        }
    }
    let fresh = fresh.into_iter();
    let new = fresh.filter(|one| !standing.contains(&one.tenant_id));
    write.rows.extend(new.map(|one| LedgerRow {
        id: id(),
        incident_id,
        tenant_id: one.tenant_id,
        revision,
        period: one.period,
        outage_us: one.outage_us,
        credit_percent: one.credit_percent,
        terms_version: one.terms_version,
        state: CreditState::Estimated,
        author: author.clone(),
        granted: None,
        issued: None,
        reverses: None,
        inputs: one.inputs,
    }));
    write
}

/// Creates the row that takes back an issued credit, which the cap may have cut.
fn reversal(row: &LedgerRow, id: CreditId, revision: u32, author: &PersonName) -> LedgerRow {
    let granted = row.granted.as_ref().map(|one| one.percent);
    LedgerRow {
        id,
        revision,
        credit_percent: granted.unwrap_or(row.credit_percent),
        state: CreditState::Estimated,
        author: author.clone(),
        granted: None,
        issued: None,
        reverses: Some(row.id),
        ..row.clone()
    }
}

impl LedgerWrite {
    /// Returns the tenants whose credit changes, so that a cap may have room again.
    ///
    /// `rows` are all rows of the subject before the write.
    #[must_use]
    pub fn changed<'a>(&self, rows: &'a [LedgerRow]) -> BTreeSet<&'a TenantId> {
        let before = newest(rows).into_iter();
        let gave_way = before.filter(|row| !self.keeps.contains(&row.id));
        gave_way.map(|row| &row.tenant_id).collect()
    }
}

const fn incident(subject: &CreditSubject) -> Option<IncidentId> {
    match subject {
        CreditSubject::Incident(id) => Some(*id),
        CreditSubject::Period(..) => None,
    }
}

#[cfg(test)]
mod tests;
