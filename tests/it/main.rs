//! Tests that cross crates.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::clone_on_ref_ptr,
    reason = "tests, and what they share, fail by panicking"
)]

/// Servers keep everything in memory here; `on_postgres.rs` has the others.
pub(crate) const ON_POSTGRES: bool = false;
/// Whether usage events are in ClickHouse.
pub(crate) const ON_CLICKHOUSE: bool = false;

mod architecture;
mod console;
mod data;
mod engine;
mod over_http;
mod paging;
mod sla;
mod store_parity;
