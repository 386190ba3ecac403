//! The tests over HTTP once more, with everything kept in PostgreSQL.

/// See `main.rs`.
pub(crate) const ON_POSTGRES: bool = true;
pub(crate) const ON_CLICKHOUSE: bool = false;

mod over_http;
