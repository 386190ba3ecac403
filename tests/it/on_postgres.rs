//! The tests over HTTP once more, with everything kept in PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::clone_on_ref_ptr,
    reason = "tests, and what they share, fail by panicking"
)]

/// See `main.rs`.
pub(crate) const ON_POSTGRES: bool = true;
pub(crate) const ON_CLICKHOUSE: bool = false;

mod over_http;
