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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::Granted;
    use crate::{IncidentId, Name, PersonName};
    use uuid::Uuid;

    use CreditState::{Approved, Estimated, Issued, Superseded, Waived};

    /// (incident, revision, percent, state, granted percent, the row it reverses)
    type Told = (u64, u32, u32, CreditState, Option<u32>, Option<u64>);

    fn capped(rows: &[Told]) -> Vec<u32> {
        let whole = |percent| Percent::of_whole(percent).unwrap();
        let rows = rows.iter().zip(1_u64..).map(|(told, id)| {
            let (incident, revision, credit, state, granted, reverses) = *told;
            let credit_id = |n| CreditId::from_uuid(Uuid::from_u64_pair(1, n));
            LedgerRow {
                id: credit_id(id),
                incident_id: Some(IncidentId::from_uuid(Uuid::from_u64_pair(2, incident))),
                tenant_id: TenantId::new("tenant-fr").unwrap(),
                revision,
                period: "2026-11".parse().unwrap(),
                outage_us: 1,
                credit: whole(credit),
                terms_version: Name::new("v").unwrap(),
                state,
                author: PersonName::policy(),
                granted: granted.map(|percent| Granted {
                    percent: whole(percent),
                    amount: None,
                    by: PersonName::policy(),
                    at: crate::Timestamp::MIN,
                }),
                issued: None,
                reverses: reverses.map(credit_id),
                inputs: std::sync::Arc::from([]),
            }
        });
        let found = cap_months(rows.collect(), |_| whole(50));
        let ppm = found.iter().map(|one| one.capped.ppm() / 10_000);
        ppm.collect()
    }

    #[test]
    fn earlier_rows_take_first_and_what_is_waived_makes_room() {
        let month = [
            (1, 1, 25, Estimated, None, None),
            (2, 1, 50, Waived, None, None),
            (3, 1, 50, Superseded, None, None),
            (3, 2, 50, Estimated, None, None),
            (4, 1, 10, Estimated, None, None),
        ];
        assert_eq!(capped(&month), [25, 0, 0, 25, 0]);
    }

    #[test]
    fn a_reversal_makes_room_for_what_takes_its_place_and_for_others_once_it_is_certain() {
        let month = |state| {
            [
                (1, 1, 50, Issued, Some(50), None),
                (1, 2, 50, state, (state == Approved).then_some(50), Some(1)),
                (1, 2, 25, Estimated, None, None),
                (2, 1, 50, Estimated, None, None),
            ]
        };
        // As long as nobody approved it, only its own successor has the room.
        assert_eq!(capped(&month(Estimated)), [50, 50, 25, 0]);
        assert_eq!(capped(&month(Approved)), [50, 50, 25, 25]);
        assert_eq!(capped(&month(Waived)), [50, 0, 0, 0]);
    }
}
