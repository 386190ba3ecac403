//! Serializers of values that several responses share.

use incident_core::Money;
use serde::Serializer;
use serde::ser::SerializeStruct;

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
