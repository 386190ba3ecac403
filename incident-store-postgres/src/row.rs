//! Reads of single values from rows.

use std::error::Error;

use chrono::{DateTime, Utc};
use incident_core::Timestamp;
use incident_core::chain::Hash;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, IntoDeserializer};
use sqlx::postgres::PgRow;
use sqlx::{Decode, Postgres, Row, Type};

/// Creates the error for a value in a form that this version does not write.
pub(crate) fn unreadable(error: impl Into<Box<dyn Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

pub(crate) fn get<'r, T>(row: &'r PgRow, column: &str) -> sqlx::Result<T>
where
    T: Decode<'r, Postgres> + Type<Postgres>,
{
    row.try_get(column)
}

/// Reads JSON text from a column.
pub(crate) fn json<T: DeserializeOwned>(row: &PgRow, column: &str) -> sqlx::Result<T> {
    serde_json::from_str(get::<&str>(row, column)?).map_err(unreadable)
}

/// Reads JSON text from a column that may be null.
pub(crate) fn optional_json<T: DeserializeOwned>(
    row: &PgRow,
    column: &str,
) -> sqlx::Result<Option<T>> {
    let text: Option<&str> = get(row, column)?;
    text.map(serde_json::from_str)
        .transpose()
        .map_err(unreadable)
}

/// Reads a number that is never negative.
pub(crate) fn count(row: &PgRow, column: &str) -> sqlx::Result<u64> {
    u64::try_from(get::<i64>(row, column)?).map_err(unreadable)
}

pub(crate) fn hash(row: &PgRow, column: &str) -> sqlx::Result<Hash> {
    let bytes: &[u8] = get(row, column)?;
    bytes.try_into().map(Hash).map_err(unreadable)
}

pub(crate) fn time(row: &PgRow, column: &str) -> sqlx::Result<Timestamp> {
    Timestamp::from_chrono(get::<DateTime<Utc>>(row, column)?).map_err(unreadable)
}

pub(crate) fn optional_time(row: &PgRow, column: &str) -> sqlx::Result<Option<Timestamp>> {
    let time = get::<Option<DateTime<Utc>>>(row, column)?;
    time.map(Timestamp::from_chrono)
        .transpose()
        .map_err(unreadable)
}

/// Parses the text of a column as a type of core.
pub(crate) fn parsed<T>(row: &PgRow, column: &str) -> sqlx::Result<T>
where
    T: std::str::FromStr,
    T::Err: Into<Box<dyn Error + Send + Sync>>,
{
    get::<&str>(row, column)?.parse().map_err(unreadable)
}

/// Reads a name or text by the rule under which it was once accepted, which may be older than
/// today's: serde applies the oldest one.
pub(crate) fn stored<T: DeserializeOwned>(row: &PgRow, column: &str) -> sqlx::Result<T> {
    let text: StrDeserializer<'_, serde::de::value::Error> =
        get::<&str>(row, column)?.into_deserializer();
    T::deserialize(text).map_err(unreadable)
}
