//! The cap on the credits of each tenant and period, and the resulting amounts.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Approval, CreditState, CreditSubject, LedgerRow};
use crate::{CreditId, Money, Percent, Period, TenantId};

/// A row with its credit under the cap of tenant and period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CappedCredit {
    /// The row.
    pub row: LedgerRow,
    /// The credit after the cap; for a reversal, the credit that it takes back.
    pub capped: Percent,
    /// The amount after the cap, if the fee is known; for a reversal, the amount that it takes
    /// back.
    #[serde(default)]
    pub amount: Option<Money>,
}

/// Lists the credits that are taken back by reversals in a wanted state, sorted.
fn reversed<'a>(
    rows: impl IntoIterator<Item = &'a LedgerRow>,
    wanted: impl Fn(CreditState) -> bool,
) -> Vec<CreditId> {
    let reversals = rows.into_iter().filter(|row| wanted(row.state));
    let mut found: Vec<CreditId> = reversals.filter_map(|row| row.reverses).collect();
    found.sort_unstable();
    found
}

/// Returns `true` if a reversal in this state is certain: its credit takes no room any more.
const fn is_certain(state: CreditState) -> bool {
    matches!(state, CreditState::Approved | CreditState::Issued)
}

/// Returns `true` if a row is decided or is still to be decided: it was not superseded.
fn is_current(state: CreditState) -> bool {
    state != CreditState::Superseded
}

/// Returns the subject and revision of a row.
///
/// Of the rows of one tenant and period, only a reversal and the row that replaces it share a key.
fn key(row: &LedgerRow) -> (CreditSubject, u32) {
    (row.subject(), row.revision)
}

/// A part of a tenant's credit in a period: parts per million of the fee, and minor units of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct CapShare {
    ppm: u64,
    minor: i64,
}

impl CapShare {
    fn plus(self, other: Self) -> Self {
        Self {
            ppm: self.ppm + other.ppm,
            minor: self.minor.saturating_add(other.minor),
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            ppm: self.ppm.saturating_sub(other.ppm),
            minor: self.minor.saturating_sub(other.minor),
        }
    }
}

/// The credits of one tenant in one period: the cap, and the part of it that is used.
#[derive(Clone, Copy, Debug)]
pub struct CreditAccount {
    /// The maximum credit, in percent of the fee.
    cap: Percent,
    /// The fee of the period, if it is known.
    fee: Option<Money>,
    used: CapShare,
}

impl CreditAccount {
    /// Creates an account with a cap in percent of the period's fee, which may be unknown.
    #[must_use]
    pub fn new(cap: Percent, fee: Option<Money>) -> Self {
        Self {
            cap,
            fee,
            used: CapShare::default(),
        }
    }

    /// Returns the fee of the period, if it is known.
    #[must_use]
    pub const fn fee(&self) -> Option<Money> {
        self.fee
    }

    /// Returns `ppm` parts per million of the fee, at most the cap, in minor units.
    fn share(&self, ppm: u64) -> i64 {
        let ppm = u32::try_from(ppm.min(self.cap.ppm().into()));
        let percent = ppm.ok().and_then(|ppm| Percent::from_ppm(ppm).ok());
        let fee = self.fee.zip(percent);
        fee.map_or(0, |(fee, percent)| fee.share(percent).minor)
    }

    /// Returns the granted part; of a grant under another fee only the percentage counts.
    fn granted(&self, granted: &Approval) -> CapShare {
        let ppm = u64::from(granted.percent.ppm());
        let same_fee = granted.fee.is_none() || granted.fee == self.fee;
        let currency = self.fee.map(|fee| fee.currency);
        let amount = granted
            .amount
            .filter(|one| same_fee && Some(one.currency) == currency);
        let of_this_fee = || self.share(self.used.ppm + ppm) - self.share(self.used.ppm);
        CapShare {
            ppm,
            minor: amount.map_or_else(of_this_fee, |one| one.minor),
        }
    }

    /// Returns the part of a credit that has room under the cap beside others.
    ///
    /// The amount is that of all credits together, rounded, less that of the others, so that rows
    /// add up.
    fn room_for(&self, credit: Percent, used: CapShare) -> CapShare {
        let room = u64::from(self.cap.ppm()).saturating_sub(used.ppm);
        let ppm = room.min(credit.ppm().into());
        if ppm == 0 {
            return CapShare::default();
        }
        let minor = self.share(used.ppm + ppm).saturating_sub(used.minor);
        CapShare {
            ppm,
            minor: minor.max(0),
        }
    }

    fn has_room(&self, used: u64) -> bool {
        used < u64::from(self.cap.ppm())
    }

    /// Returns `true` if the amounts of credits add up to that of their percentage.
    fn adds_up(&self, used: u64, rows: &[&CappedCredit]) -> bool {
        let amounts = rows.iter().map(|one| one.amount);
        let known: Option<Vec<Money>> = amounts.collect();
        let (Some(known), Some(fee)) = (known, self.fee) else {
            return true;
        };
        let same_fee = known.iter().all(|one| one.currency == fee.currency);
        let sum: i64 = known.iter().map(|one| one.minor).sum();
        !same_fee || sum == self.share(used)
    }

    fn money(&self, minor: i64) -> Option<Money> {
        let currency = self.fee?.currency;
        Some(Money { minor, currency })
    }
}

/// Applies the cap of each tenant and period.
///
/// All credits of one tenant in one period together are at most the cap of the account that `open`
/// returns for them, in percent and in money. `rows` are all rows of the tenants and periods that
/// occur in it, in the order of the ledger.
///
/// Grants come first; of the rest, earlier rows take first. The amount of a row is the rounded
/// amount of all credits up to it less those of the others, so that the amounts of a period add up
/// to that of its percentage.
///
/// Rows that are superseded or waived take nothing, nor do those whose reversal is certain. A row
/// that may be taken back makes room only for the row that replaces it.
#[must_use]
pub fn cap_periods(
    rows: Vec<LedgerRow>,
    open: impl Fn(&TenantId, Period) -> CreditAccount,
) -> Vec<CappedCredit> {
    let uncapped = |row| CappedCredit {
        row,
        capped: Percent::ZERO,
        amount: None,
    };
    let mut credits: Vec<CappedCredit> = rows.into_iter().map(uncapped).collect();
    let mut by_period: Vec<&mut CappedCredit> = credits.iter_mut().collect();
    // A stable sort preserves the order of the ledger.
    by_period.sort_by(|a, b| by_account(&a.row, &b.row));
    for credits in by_period.chunk_by_mut(|a, b| by_account(&a.row, &b.row).is_eq()) {
        if let [one, ..] = credits {
            let account = open(&one.row.tenant_id, one.row.period);
            cap_period(credits, account);
        }
    }
    credits
}

/// Compares rows by tenant and period, which share one cap.
fn by_account(a: &LedgerRow, b: &LedgerRow) -> Ordering {
    let tenants = a.tenant_id.cmp(&b.tenant_id);
    tenants.then_with(|| a.period.cmp(&b.period))
}

/// Applies the cap to all credits of one tenant in one period.
fn cap_period(credits: &mut [&mut CappedCredit], mut account: CreditAccount) {
    let certain = reversed(credits.iter().map(|one| &one.row), is_certain);
    let mut granted: BTreeMap<CreditId, (CapShare, Option<Money>)> = BTreeMap::new();
    for CappedCredit { row, .. } in credits.iter().filter(|one| takes(&one.row)) {
        let Some(grant) = &row.granted else { continue };
        let part = account.granted(grant);
        granted.insert(row.id, (part, grant.amount));
        if certain.binary_search(&row.id).is_err() {
            account.used = account.used.plus(part);
        }
    }
    // The room of credits that may be taken back is for the rows that replace them.
    let rows = credits.iter().map(|one| &one.row);
    let pending = rows.filter(|row| row.state == CreditState::Estimated);
    let room: BTreeMap<_, CapShare> = pending
        .filter_map(|row| Some((key(row), granted.get(&row.reverses?)?.0)))
        .collect();
    for credit in credits {
        let row = &credit.row;
        (credit.capped, credit.amount) = match row.reverses {
            Some(reversed) if is_open(row) => {
                let amount = granted.get(&reversed).and_then(|(_, amount)| *amount);
                (row.credit_percent, amount)
            }
            None if takes(row) => match &row.granted {
                Some(granted) => (granted.percent, granted.amount),
                None => {
                    let room = room.get(&key(row)).copied().unwrap_or_default();
                    let part = account.room_for(row.credit_percent, account.used.minus(room));
                    account.used = account.used.plus(part);
                    let percent = u32::try_from(part.ppm).ok();
                    let percent = percent.and_then(|ppm| Percent::from_ppm(ppm).ok());
                    (percent.unwrap_or_default(), account.money(part.minor))
                }
            },
            Some(_) | None => (Percent::ZERO, None),
        };
    }
}

/// Returns `true` if a row is neither superseded nor waived.
const fn is_open(row: &LedgerRow) -> bool {
    !matches!(row.state, CreditState::Superseded | CreditState::Waived)
}

/// Returns `true` if a row takes room under the cap.
const fn takes(row: &LedgerRow) -> bool {
    is_open(row) && row.reverses.is_none()
}

/// Lists the granted credits that would be granted differently now.
///
/// These are credits that a cap had cut and that have room again, credits under another fee, and
/// the last credit of a period whose amounts do not add up any more, as one of them was taken back.
/// `rows` is the result of [`cap_periods`].
///
/// A credit whose reversal waits or was waived is left alone: a person decides on it, or has
/// decided.
#[must_use]
pub fn stale_grants(
    rows: &[CappedCredit],
    open: impl Fn(&TenantId, Period) -> CreditAccount,
) -> Vec<CreditId> {
    let certain = reversed(rows.iter().map(|one| &one.row), is_certain);
    let decided = reversed(rows.iter().map(|one| &one.row), is_current);
    let takes_room =
        |one: &&CappedCredit| takes(&one.row) && certain.binary_search(&one.row.id).is_err();
    let mut by_period: Vec<&CappedCredit> = rows.iter().filter(takes_room).collect();
    // A stable sort preserves the order of the ledger.
    by_period.sort_by(|a, b| by_account(&a.row, &b.row));
    let is_undecided = |row: &LedgerRow| decided.binary_search(&row.id).is_err();
    let mut found = Vec::new();
    for rows in by_period.chunk_by(|a, b| by_account(&a.row, &b.row).is_eq()) {
        let Some(one) = rows.first() else { continue };
        let account = open(&one.row.tenant_id, one.row.period);
        let used: u64 = rows.iter().map(|one| u64::from(one.capped.ppm())).sum();
        let before = found.len();
        for one in rows.iter().filter(|one| is_undecided(&one.row)) {
            let Some(granted) = &one.row.granted else {
                continue;
            };
            let regains = granted.percent < one.row.credit_percent && account.has_room(used);
            let other_fee = granted.fee.is_some() && granted.fee != account.fee;
            if regains || other_fee {
                found.push(one.row.id);
            }
        }
        let all_granted = rows
            .iter()
            .all(|one| one.row.granted.is_some() && is_undecided(&one.row));
        if found.len() == before && all_granted && !account.adds_up(used, rows) {
            found.extend(rows.last().map(|one| one.row.id));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Currency, IncidentId, Name, PersonName};
    use uuid::Uuid;

    use CreditState::{Approved, Estimated, Issued, Superseded, Waived};

    /// (incident, revision, percent, state, granted percent, the row it reverses)
    type Short = (u64, u32, u32, CreditState, Option<u32>, Option<u64>);

    fn whole(percent: u32) -> Percent {
        Percent::of_whole(percent).unwrap()
    }

    fn money(minor: i64, code: &str) -> Money {
        let currency = Currency::new(code).unwrap();
        Money { minor, currency }
    }

    fn account(cap: u32, fee: Option<Money>) -> impl Fn(&TenantId, Period) -> CreditAccount {
        move |_, _| CreditAccount::new(whole(cap), fee)
    }

    fn rows(rows: &[Short]) -> Vec<LedgerRow> {
        let rows = rows.iter().zip(1_u64..).map(|(short, id)| {
            let (incident, revision, credit, state, granted, reverses) = *short;
            let credit_id = |n| CreditId::from_uuid(Uuid::from_u64_pair(1, n));
            LedgerRow {
                id: credit_id(id),
                incident_id: Some(IncidentId::from_uuid(Uuid::from_u64_pair(2, incident))),
                tenant_id: TenantId::new("tenant-fr").unwrap(),
                revision,
                period: "2026-11".parse().unwrap(),
                outage_us: 1,
                credit_percent: whole(credit),
                terms_version: Name::new("v").unwrap(),
                state,
                author: PersonName::policy(),
                granted: granted.map(|percent| grant(percent, None, None)),
                issued: None,
                reverses: reverses.map(credit_id),
                inputs: std::sync::Arc::from([]),
            }
        });
        rows.collect()
    }

    fn grant(percent: u32, amount: Option<Money>, fee: Option<Money>) -> Approval {
        Approval {
            percent: whole(percent),
            amount,
            fee,
            by: PersonName::policy(),
            at: crate::Timestamp::MIN,
        }
    }

    fn capped(shorts: &[Short]) -> Vec<u32> {
        let found = cap_periods(rows(shorts), account(50, None));
        let ppm = found.iter().map(|one| one.capped.ppm() / 10_000);
        ppm.collect()
    }

    fn amounts(found: &[CappedCredit]) -> Vec<Option<i64>> {
        let amounts = found.iter().map(|one| one.amount.map(|one| one.minor));
        amounts.collect()
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
        // Until it is approved, only its own successor has the room.
        assert_eq!(capped(&month(Estimated)), [50, 50, 25, 0]);
        assert_eq!(capped(&month(Approved)), [50, 50, 25, 25]);
        assert_eq!(capped(&month(Waived)), [50, 0, 0, 0]);
    }

    /// Grants come first, in any order: an earlier undecided row gets the rest.
    #[test]
    fn what_was_granted_comes_first() {
        let month = [
            (1, 1, 50, Estimated, None, None),
            (2, 1, 50, Approved, Some(30), None),
        ];
        assert_eq!(capped(&month), [20, 30]);
    }

    /// M7: two credits of 10 % of 10.05 are 20 % of it together, in whatever order they were
    /// granted, and no grant changes.
    #[test]
    fn amounts_of_a_period_add_up() {
        let fee = Some(money(1_005, "EUR"));
        let mut month = rows(&[
            (1, 1, 10, Estimated, None, None),
            (2, 1, 10, Estimated, None, None),
        ]);
        let open = cap_periods(month.clone(), account(50, fee));
        assert_eq!(amounts(&open), [Some(100), Some(101)]);
        month[1].state = Issued;
        month[1].granted = Some(grant(10, Some(money(101, "EUR")), fee));
        let issued = cap_periods(month.clone(), account(50, fee));
        assert_eq!(amounts(&issued), [Some(100), Some(101)]);
        month[1].granted = Some(grant(10, Some(money(100, "EUR")), fee));
        let other_way_round = cap_periods(month, account(50, fee));
        assert_eq!(amounts(&other_way_round), [Some(101), Some(100)]);
    }

    /// M7: the cap holds in money too.
    #[test]
    fn the_cap_holds_in_money() {
        let credit = |incident| (incident, 1, 25, Estimated, None, None);
        let three = rows(&[credit(1), credit(2), credit(3)]);
        let fee = money(10, "JPY");
        let found = cap_periods(three, account(50, Some(fee)));
        // 2.5, 5 and 5: half to even, and never more than 5.
        assert_eq!(amounts(&found), [Some(2), Some(3), Some(0)]);
    }

    /// Of several grants, each counts by its part of the running total of this fee.
    #[test]
    fn grants_of_another_fee_add_up_in_this_one() {
        let mut month = rows(&[
            (1, 1, 10, Issued, Some(10), None),
            (2, 1, 10, Issued, Some(10), None),
            (3, 1, 10, Estimated, None, None),
        ]);
        let (before, now) = (money(2_000, "EUR"), money(1_005, "EUR"));
        for row in &mut month[..2] {
            row.granted = Some(grant(10, Some(money(200, "EUR")), Some(before)));
        }
        let found = cap_periods(month, account(50, Some(now)));
        // 30 % are 301.5 and become 302; 20 % are 201.
        assert_eq!(found[2].amount, Some(money(302 - 201, "EUR")));
    }

    /// A grant under another fee counts by its percentage alone.
    #[test]
    fn an_amount_of_another_fee_is_not_taken_off() {
        let mut month = rows(&[
            (1, 1, 10, Issued, Some(10), None),
            (2, 1, 10, Estimated, None, None),
        ]);
        let old = money(1_000, "EUR");
        month[0].granted = Some(grant(10, Some(money(100, "EUR")), Some(old)));
        let fee = money(2_000, "EUR");
        let found = cap_periods(month.clone(), account(50, Some(fee)));
        assert_eq!(amounts(&found), [Some(100), Some(200)]);
        // It would be granted differently now.
        assert_eq!(stale_grants(&found, account(50, Some(fee))), [month[0].id]);
        assert_eq!(stale_grants(&found, account(50, Some(old))), []);
    }

    /// M7: where one of two credits is taken back, the other one's amount is that of its
    /// percentage again.
    #[test]
    fn what_does_not_add_up_any_more_is_granted_again() {
        let fee = Some(money(1_005, "EUR"));
        let mut month = rows(&[
            (1, 1, 10, Issued, Some(10), None),
            (2, 1, 10, Issued, Some(10), None),
            (1, 2, 10, Issued, Some(10), Some(1)),
        ]);
        for (row, minor) in month.iter_mut().zip([100, 101, 100]) {
            row.granted = Some(grant(10, Some(money(minor, "EUR")), fee));
        }
        let found = |rows: &[LedgerRow]| {
            stale_grants(
                &cap_periods(rows.to_vec(), account(50, fee)),
                account(50, fee),
            )
        };
        assert_eq!(found(&month), [month[1].id]);
        assert_eq!(found(&month[..2]), []);
    }

    /// A correction that moves an outage into another month: the reversal in the old month makes no
    /// room under the cap of the new one.
    #[test]
    fn a_reversal_makes_no_room_in_another_period() {
        let mut both = rows(&[
            (1, 1, 30, Issued, Some(30), None),
            (2, 1, 40, Issued, Some(40), None),
            (1, 2, 30, Estimated, None, Some(1)),
            (1, 2, 30, Estimated, None, None),
        ]);
        for place in [1, 3] {
            both[place].period = "2026-12".parse().unwrap();
        }
        let found = cap_periods(both, account(50, None));
        let percents: Vec<u32> = found.iter().map(|one| one.capped.ppm() / 10_000).collect();
        assert_eq!(percents, [30, 40, 30, 10]);
    }

    /// M3: a credit that a cap had cut has room again once the one that took it is taken back for
    /// certain.
    #[test]
    fn room_that_comes_back_is_for_what_was_cut() {
        let month = |state: CreditState| {
            let granted = matches!(state, Approved | Issued).then_some(25);
            rows(&[
                (1, 1, 25, Issued, Some(25), None),
                (2, 1, 25, Issued, Some(5), None),
                (1, 2, 25, state, granted, Some(1)),
            ])
        };
        let found = |rows: Vec<LedgerRow>| {
            let capped = cap_periods(rows, account(30, None));
            stale_grants(&capped, account(30, None))
        };
        let cut = month(Issued)[1].id;
        assert_eq!(found(month(Estimated)), []);
        assert_eq!(found(month(Approved)), [cut]);
        assert_eq!(found(month(Issued)), [cut]);
        assert_eq!(found(month(Waived)), []);
        // Its own correction waits, or a person waived it.
        for state in [Estimated, Waived] {
            let mut more = month(Issued);
            let mut own = rows(&[(2, 2, 5, state, None, Some(2))]);
            own[0].id = CreditId::from_uuid(Uuid::from_u64_pair(9, 9));
            more.extend(own);
            assert_eq!(found(more), [], "{state:?}");
        }
        // Others have taken the room meanwhile.
        let mut more = month(Issued);
        let mut other = rows(&[(3, 1, 50, Estimated, None, None)]);
        other[0].id = CreditId::from_uuid(Uuid::from_u64_pair(9, 9));
        more.extend(other);
        assert_eq!(found(more), []);
    }
}
