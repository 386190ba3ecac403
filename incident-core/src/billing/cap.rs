//! The cap of a tenant and period.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CreditState, CreditSubject, LedgerRow};
use crate::{CreditId, Percent, Period, TenantId};

/// A row with what is left of its credit under the cap of tenant and period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CappedRow {
    /// The row.
    pub row: LedgerRow,
    /// The credit after the cap; of a reversal, what it takes back.
    pub capped: Percent,
}

/// What reversals do to the room under a cap.
#[derive(Default)]
struct Reversals {
    /// Credits that are taken back for certain: they take no room any more.
    certain: Vec<CreditId>,
    /// Credits that may be taken back, by the key of what would take their place.
    pending: BTreeMap<(CreditSubject, TenantId, u32), CreditId>,
}

impl Reversals {
    fn of(rows: &[LedgerRow]) -> Self {
        let mut found = Self::default();
        for row in rows {
            let Some(reversed) = row.reverses else {
                continue;
            };
            match row.state {
                CreditState::Approved | CreditState::Issued => found.certain.push(reversed),
                CreditState::Estimated => {
                    found.pending.insert(key(row), reversed);
                }
                CreditState::Waived | CreditState::Superseded => {}
            }
        }
        found.certain.sort_unstable();
        found
    }
}

fn key(row: &LedgerRow) -> (CreditSubject, TenantId, u32) {
    (row.subject(), row.tenant_id.clone(), row.revision)
}

/// Applies the cap of each tenant and period: all credits of one tenant in one
/// period together are at most what `cap` says of it. Earlier rows take first.
///
/// Rows that were superseded or waived take nothing, nor do those that are taken back
/// for certain. One that may be taken back makes room only for what takes its place.
#[must_use]
pub fn cap_months(rows: Vec<LedgerRow>, cap: impl Fn(&LedgerRow) -> Percent) -> Vec<CappedRow> {
    let reversals = Reversals::of(&rows);
    let mut granted: BTreeMap<CreditId, Percent> = BTreeMap::new();
    let mut taken: BTreeMap<(TenantId, Period), Percent> = BTreeMap::new();
    rows.into_iter()
        .map(|row| {
            if matches!(row.state, CreditState::Superseded | CreditState::Waived) {
                let capped = Percent::ZERO;
                return CappedRow { row, capped };
            }
            if row.reverses.is_some() {
                let capped = row.credit;
                return CappedRow { row, capped };
            }
            let used = taken
                .entry((row.tenant_id.clone(), row.period))
                .or_default();
            let makes_room = reversals.pending.get(&key(&row));
            let room = makes_room.and_then(|id| granted.get(id)).copied();
            // What was granted stays granted, whatever became of the terms.
            let capped = match &row.granted {
                Some(granted) => granted.percent,
                None => {
                    let used = used.saturating_sub(room.unwrap_or_default());
                    row.credit.min(cap(&row).saturating_sub(used))
                }
            };
            granted.insert(row.id, capped);
            if reversals.certain.binary_search(&row.id).is_err() {
                *used = used.saturating_add(capped);
            }
            CappedRow { row, capped }
        })
        .collect()
}
