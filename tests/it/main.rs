//! Tests that cross crates.

/// `true` if servers store everything in PostgreSQL; in memory here, see `on_postgres.rs`.
pub(crate) const ON_POSTGRES: bool = false;
/// `true` if usage events are in ClickHouse.
pub(crate) const ON_CLICKHOUSE: bool = false;

mod architecture;
mod console;
mod data;
mod engine;
mod over_http;
mod paging;
mod response;
mod sla;
mod store_parity;
mod web;
