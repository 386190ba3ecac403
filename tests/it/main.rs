//! Tests that cross crates.

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
