//! A subject's credits, computed anew: what gives way, what is reversed, what stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ledger::outstanding;
use super::{CreditInput, CreditState, CreditSubject, LedgerRow, LedgerWrite};
use crate::{CreditId, IncidentId, Name, Percent, Period, PersonName, TenantId};

/// A credit as it is computed now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fresh {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The month of the outage's end, or the period that is credited as a whole.
    pub period: Period,
    /// The outage, in microseconds.
    pub outage_us: u64,
    /// The credit, before the cap of the month.
    pub credit: Percent,
    /// The terms.
    pub terms_version: Name,
    /// What it is computed from.
    pub inputs: Arc<[CreditInput]>,
}

impl Fresh {
    fn is(&self, row: &LedgerRow) -> bool {
        (self.period, self.outage_us, self.credit) == (row.period, row.outage_us, row.credit)
            && self.tenant_id == row.tenant_id
            && self.terms_version == row.terms_version
            && self.inputs == row.inputs
    }
}

/// The newest row of each tenant that was not replaced, reversals aside. `rows` are
/// all rows of a subject.
#[must_use]
pub fn newest(rows: &[LedgerRow]) -> BTreeMap<&TenantId, &LedgerRow> {
    let mut newest: BTreeMap<&TenantId, &LedgerRow> = BTreeMap::new();
    let standing =
        |row: &&LedgerRow| row.state != CreditState::Superseded && row.reverses.is_none();
    for row in rows.iter().filter(standing) {
        let kept = newest.entry(&row.tenant_id).or_insert(row);
        if kept.revision < row.revision {
            *kept = row;
        }
    }
    newest
}

/// Whether a new computation says of every tenant what its newest row says. `rows`
/// are all rows of the subject.
#[must_use]
pub fn is_settled(rows: &[LedgerRow], fresh: &[Fresh]) -> bool {
    let mut newest = newest(rows);
    // A tenant that is owed nothing any more: what it had is on its way back.
    let taken_back = |row: &LedgerRow| {
        rows.iter()
            .any(|other| other.reverses == Some(row.id) && other.state != CreditState::Superseded)
    };
    newest.retain(|_, row| !taken_back(row));
    newest.len() == fresh.len()
        && fresh
            .iter()
            .all(|one| newest.get(&one.tenant_id).is_some_and(|row| one.is(row)))
}

/// The write of a new computation. An issued credit that comes out the same stands;
/// any other one is reversed whole, beside the new row of its tenant, if it has one.
///
/// `rows` are all rows of the subject. A reversal comes before what takes its place,
/// and is, like that, estimated: nothing is taken back before somebody approves it.
pub fn revise(
    subject: CreditSubject,
    revision: u32,
    rows: &[LedgerRow],
    fresh: Vec<Fresh>,
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
    let mut fresh: BTreeMap<TenantId, Fresh> = fresh
        .into_iter()
        .map(|one| (one.tenant_id.clone(), one))
        .collect();
    for row in outstanding(rows) {
        if fresh.get(&row.tenant_id).is_some_and(|one| one.is(row)) {
            fresh.remove(&row.tenant_id);
            write.keeps.push(row.id);
            continue;
        }
        write.rows.push(LedgerRow {
            id: id(),
            revision,
            // What was issued, which the cap may have cut.
            credit: row.granted.as_ref().map_or(row.credit, |one| one.percent),
            state: CreditState::Estimated,
            author: author.clone(),
            granted: None,
            issued: None,
            reverses: Some(row.id),
            ..row.clone()
        });
    }
    write.rows.extend(fresh.into_values().map(|one| LedgerRow {
        id: id(),
        incident_id,
        tenant_id: one.tenant_id,
        revision,
        period: one.period,
        outage_us: one.outage_us,
        credit: one.credit,
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

const fn incident(subject: &CreditSubject) -> Option<IncidentId> {
    match subject {
        CreditSubject::Incident(id) => Some(*id),
        CreditSubject::Period(..) => None,
    }
}
