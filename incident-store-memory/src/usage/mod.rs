//! The usage source: events per tenant in order of time.

mod batch;
mod breakdown;
mod chunk;
mod counted;
mod days;
mod grouped;
mod ids;
mod incremental;
mod kinds;
mod log;
mod room;
mod scan;
mod sealed;
mod seen;
mod snapshot;
mod source;
mod spanned;
mod state;
mod time_index;

pub use state::MemoryUsage;
