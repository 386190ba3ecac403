//! The tests over HTTP, run with everything stored in PostgreSQL.

/// See `main.rs`.
pub(crate) const ON_POSTGRES: bool = true;
pub(crate) const ON_CLICKHOUSE: bool = false;

mod over_http;
