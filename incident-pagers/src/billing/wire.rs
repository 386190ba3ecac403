//! Bodies of a lookup: the query to a sink, and its answer.

use incident_core::billing::{HeldCredit, SignedPercent};
use incident_core::port::LookupBy;
use incident_core::{CreditId, Money, Period};
use serde::{Deserialize, Serialize};

/// A lookup of booked credits, by key or by period.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LookupQuery {
    Keys(Vec<CreditId>),
    Period(Period),
}

impl From<LookupBy<'_>> for LookupQuery {
    fn from(asked: LookupBy<'_>) -> Self {
        match asked {
            LookupBy::Keys(keys) => Self::Keys(keys.to_vec()),
            LookupBy::Period(period) => Self::Period(period),
        }
    }
}

/// A credit that the sink holds. A credit booked twice is listed twice.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Held {
    pub(crate) key: CreditId,
    pub(crate) credit_percent: SignedPercent,
    pub(crate) amount: Option<Money>,
}

/// The answer to a [`LookupQuery`].
#[derive(Serialize, Deserialize)]
pub(crate) struct LookupAnswer {
    pub(crate) held: Vec<Held>,
}

impl From<Held> for HeldCredit {
    fn from(held: Held) -> Self {
        let Held {
            key,
            credit_percent,
            amount,
        } = held;
        Self {
            key,
            credit_percent,
            amount,
        }
    }
}
