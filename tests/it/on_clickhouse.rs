//! The tests over HTTP that count users, run with usage events in ClickHouse.

#![expect(dead_code, reason = "little of what is shared is used here")]

/// See `main.rs`.
pub(crate) const ON_POSTGRES: bool = false;
pub(crate) const ON_CLICKHOUSE: bool = true;

mod over_http {
    pub(crate) mod document;
    pub(crate) mod harness;
    pub(crate) mod scenario;
    pub(crate) mod troubled;
    pub(crate) mod usage {
        pub(crate) mod real_data;
    }
}
