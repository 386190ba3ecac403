//! Counts of distinct users.

mod breakdown;
mod count;
mod incremental;
mod ingest;
mod latency;
mod shared_count;
mod source;
mod state;
mod table;
mod users;

pub use source::{PgUsageBuilder, UsageTableError};
pub use state::PgUsage;
pub use table::UsageTable;
