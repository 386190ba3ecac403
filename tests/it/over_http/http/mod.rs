//! The rules of HTTP, and the public page.

mod connections;
mod content_types;
mod events;
mod http_rules;
mod public_canary;
mod public_history;
mod public_page;
mod status_page;
mod stopping;
