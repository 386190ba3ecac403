//! Tests that cross crates.

mod architecture;
mod bad_input;
mod harness;
mod http_rules;
mod paging;
mod properties;
mod public_canary;
mod real_data;
mod scenario;
mod shapes;
mod timeline;
