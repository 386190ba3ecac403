//! Impact: how many people an outage hit, counted from real usage.

mod baseline;
mod event;
mod query;
mod scan;

pub use baseline::{BASELINE_WEEKS, baseline_of};
pub use event::ApiUsageEvent;
pub use query::{ImpactCounts, ImpactQuery, TenantCount, TenantWindows};
pub use scan::scan;
