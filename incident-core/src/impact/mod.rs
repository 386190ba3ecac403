//! Impact: the number of users that an outage affected, counted from usage events.

mod baseline;
mod breakdown;
mod compact;
mod days;
mod event;
mod incremental;
mod line;
mod query;
mod scan;
mod sketch;
mod users;

pub use baseline::{BASELINE_WEEKS, baseline_of};
pub use breakdown::{
    Breakdown, EndpointUsers, FirstHits, MINUTE_US, ServiceUsers, TOP_ENDPOINTS, break_down,
    minute_of,
};
pub use compact::{compact, expand};
pub use days::{MAX_DAYS, MAX_DAYS_AT_ONCE, UsageDays};
pub use event::ApiUsageEvent;
pub use incremental::{IncrementalCache, SeenUsers};
pub use line::UsageReader;
pub use query::{ImpactCounts, ImpactQuery, TenantCount, TenantWindows};
pub use scan::scan;
pub use sketch::{Estimate, ImpactSketches, RELATIVE_ERROR_PPM, Sketch};
pub use users::{UserPage, list_users};
