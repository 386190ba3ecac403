//! Values that stand in several answers.

use incident_core::{Currency, Money, Timestamp, Windows};
use serde::Serialize;

/// An amount of money.
#[derive(Serialize)]
pub(super) struct MoneyResponse {
    currency: Currency,
    minor: i64,
}

impl From<Money> for MoneyResponse {
    fn from(money: Money) -> Self {
        Self {
            currency: money.currency,
            minor: money.minor,
        }
    }
}

/// A stretch of time, its end excluded.
#[derive(Serialize)]
pub(super) struct WindowResponse {
    end: Timestamp,
    start: Timestamp,
}

impl WindowResponse {
    /// Returns each of a set of windows.
    pub(super) fn each(windows: &Windows) -> Vec<Self> {
        let windows = windows.as_slice().iter();
        windows
            .map(|window| Self {
                end: window.end(),
                start: window.start(),
            })
            .collect()
    }
}
