//! Impact: how many people an outage hit, counted from real usage.

mod baseline;
mod compact;
mod event;
mod query;
mod scan;
mod sketch;

pub use baseline::{BASELINE_WEEKS, baseline_of};
pub use compact::compact;
pub use event::ApiUsageEvent;
pub use query::{ImpactCounts, ImpactQuery, TenantCount, TenantWindows};
pub use scan::scan;
pub use sketch::{Estimate, ImpactSketches, RELATIVE_ERROR_PPM, Sketch};
