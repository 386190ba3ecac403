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

mod alert_links;
mod alerts;
mod bad_input;
mod bad_usage;
mod billing;
mod bounded;
mod coalescing;
mod confirmed;
mod connections;
mod credits;
mod deliveries;
mod escalations;
mod faulty;
mod figures;
mod harness;
mod http_rules;
mod imports;
mod issued;
mod late_reports;
mod limits;
mod logged;
mod media;
mod merges;
mod mismatches;
mod moved_figures;
mod odd_texts;
mod older_keys;
mod paging;
mod public_canary;
mod public_page;
mod raw;
mod real_data;
mod reconciled;
mod redacted;
mod relayed;
mod scenario;
mod statements;
mod stopping;
mod storms;
mod suggestions;
mod test_pages;
mod throttled;
mod timeline;
mod troubled;
mod vendor_pages;
mod vendor_trouble;
mod verified;
mod webhooks;
