//! Values that stand in several answers.

use incident_core::{Money, Timestamp, Windows};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// Writes an amount of money, its currency first.
pub(super) fn money<S: Serializer>(
    amount: &Option<Money>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let Some(Money { minor, currency }) = amount else {
        return serializer.serialize_none();
    };
    let mut members = serializer.serialize_struct("Money", 2)?;
    members.serialize_field("currency", currency)?;
    members.serialize_field("minor", minor)?;
    members.end()
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
