//! What was issued against what the sink holds.

use std::collections::BTreeMap;

use super::{BilledCredit, HeldCredit};
use crate::CreditId;

/// Something in which ledger and sink differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Issued, and not held.
    Missing(BilledCredit),
    /// Held, and not issued.
    Unknown(HeldCredit),
    /// Held with another amount or percentage.
    Differs {
        /// As it was issued.
        ours: BilledCredit,
        /// As it is held.
        theirs: HeldCredit,
    },
    /// Held more than once.
    Repeated {
        /// The credit.
        ours: BilledCredit,
        /// How often.
        times: usize,
    },
}

/// Compares by key; says how many agree, and where they differ, in order of key.
#[must_use]
pub fn compare(ours: Vec<BilledCredit>, theirs: Vec<HeldCredit>) -> (usize, Vec<Difference>) {
    let mut held: BTreeMap<CreditId, Vec<HeldCredit>> = BTreeMap::new();
    for one in theirs {
        held.entry(one.key).or_default().push(one);
    }
    let issued: BTreeMap<CreditId, BilledCredit> =
        ours.into_iter().map(|one| (one.key, one)).collect();
    let (mut agree, mut differences) = (0, Vec::new());
    for (key, ours) in issued {
        let mut found = held.remove(&key).unwrap_or_default();
        let times = found.len();
        match found.pop() {
            None => differences.push(Difference::Missing(ours)),
            Some(_) if times > 1 => differences.push(Difference::Repeated { ours, times }),
            Some(theirs) if agrees(&ours, &theirs) => agree += 1,
            Some(theirs) => differences.push(Difference::Differs { ours, theirs }),
        }
    }
    differences.extend(held.into_values().flatten().map(Difference::Unknown));
    (agree, differences)
}

/// A sink that was told no amount has computed one.
fn agrees(ours: &BilledCredit, theirs: &HeldCredit) -> bool {
    ours.credit_percent == theirs.credit_percent
        && (ours.amount.is_none() || ours.amount == theirs.amount)
}
