//! Comparison of issued credits with those that the sink holds.

use std::collections::BTreeMap;

use super::{BilledCredit, HeldCredit};
use crate::CreditId;

/// A difference between ledger and sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Issued, but not held by the sink.
    Missing(BilledCredit),
    /// Held by the sink, but not issued.
    Unknown(HeldCredit),
    /// Held with another amount or percentage.
    Differs {
        /// The credit as issued.
        ours: BilledCredit,
        /// The credit as held.
        theirs: HeldCredit,
    },
    /// Held more than once.
    Repeated {
        /// The credit.
        ours: BilledCredit,
        /// The number of times it is held.
        times: usize,
    },
}

/// Compares credits by key, and returns the number that agree and the differences.
///
/// Differences of issued credits come first, then unknown ones, both in order of key.
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

/// Returns `true` if a held credit agrees with the issued one.
///
/// Amounts are compared only if one was sent: otherwise the sink has computed its own.
fn agrees(ours: &BilledCredit, theirs: &HeldCredit) -> bool {
    ours.credit_percent == theirs.credit_percent
        && (ours.amount.is_none() || ours.amount == theirs.amount)
}
