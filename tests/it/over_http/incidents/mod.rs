//! Incidents: alerts, texts, timelines, merges and imports.

mod alert_links;
mod alerts;
mod bad_input;
mod checklists;
mod classification;
mod coordination;
mod facts;
mod imports;
mod invalid_texts;
mod merges;
mod redaction;
mod suggestions;
mod timeline;
mod verification;
