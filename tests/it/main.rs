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

mod alert_links;
mod alerts;
mod anchors;
mod architecture;
mod audited;
mod background;
mod bad_input;
mod bad_usage;
mod billing;
mod bounded;
mod coalescing;
mod confirmed;
mod connections;
mod credits;
mod deadlines;
mod deliveries;
mod derivations;
mod escalations;
mod faulty;
mod figures;
mod fuzz_corpus;
mod harness;
mod http_rules;
mod imports;
mod issued;
mod late_properties;
mod late_reports;
mod limit_rows;
mod limits;
mod logged;
mod media;
mod merges;
mod mismatches;
mod moved_figures;
mod notices;
mod odd_texts;
mod older_keys;
mod paging;
mod paging_in_time;
mod properties;
mod public_canary;
mod public_page;
mod raw;
mod real_data;
mod reconciled;
mod redacted;
mod relayed;
mod revisions;
mod roles;
mod same_on_both;
mod scenario;
mod shapes;
mod sla_data;
mod sla_properties;
mod sla_tables;
mod statements;
mod stopping;
mod storms;
mod suggestions;
mod test_pages;
mod throttled;
mod timeline;
mod tokens;
mod troubled;
mod vendor_days;
mod vendor_pages;
mod vendor_trouble;
mod verified;
mod webhooks;
