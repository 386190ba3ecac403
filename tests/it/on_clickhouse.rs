//! What counts users over HTTP once more, with usage events in ClickHouse.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::clone_on_ref_ptr,
    dead_code,
    reason = "tests, and what they share, fail by panicking; few of them are run here"
)]

/// See `main.rs`.
pub(crate) const ON_POSTGRES: bool = false;
pub(crate) const ON_CLICKHOUSE: bool = true;

mod over_http {
    pub(crate) mod harness;
    pub(crate) mod scenario;
    pub(crate) mod troubled;
    pub(crate) mod usage {
        pub(crate) mod real_data;
    }
}
