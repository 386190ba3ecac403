//! The reference implementation that every usage source agrees with.

use std::collections::{BTreeMap, BTreeSet};

use super::{ApiUsageEvent, ImpactCounts, ImpactQuery};
use crate::UserId;

/// Counts the distinct users of each tenant with an event inside the tenant's windows, and over all
/// tenants.
///
/// Events may come in any order, and repeated.
///
/// ```
/// use incident_core::impact::{ApiUsageEvent, ImpactQuery, TenantWindows, scan};
/// use incident_core::{Window, Windows};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let event = |user: &str, at: &str| -> Result<ApiUsageEvent, Box<dyn std::error::Error>> {
///     Ok(ApiUsageEvent {
///         tenant_id: "tenant-fr".parse()?, user_id: user.parse()?, service: "api".parse()?,
///         occurred_at: at.parse()?, failed: true, endpoint: None,
///     })
/// };
/// let outage = Window::new("2026-11-20T22:00:00Z".parse()?, "2026-11-20T22:38:00Z".parse()?)?;
/// let query = ImpactQuery::new(
///     vec![TenantWindows { tenant: "tenant-fr".parse()?, windows: Windows::from(outage) }]);
/// let events = [
///     event("u1", "2026-11-20T22:00:00Z")?, // the start is inside
///     event("u1", "2026-11-20T22:10:00Z")?, // the same user
///     event("u2", "2026-11-20T22:38:00Z")?, // the end is outside
/// ];
/// assert_eq!(scan(&events, &query).total_unique_users, 1);
/// # Ok(())
/// # }
/// ```
pub fn scan<'a>(
    events: impl IntoIterator<Item = &'a ApiUsageEvent>,
    query: &ImpactQuery,
) -> ImpactCounts {
    let mut users: BTreeMap<&str, BTreeSet<&UserId>> = BTreeMap::new();
    let windows: BTreeMap<&str, _> = query
        .tenants()
        .iter()
        .map(|one| (one.tenant.as_str(), &one.windows))
        .collect();
    for event in events.into_iter().filter(|event| query.counts(event)) {
        let tenant = event.tenant_id.as_str();
        if windows
            .get(tenant)
            .is_some_and(|windows| windows.contains(event.occurred_at))
        {
            users.entry(tenant).or_default().insert(&event.user_id);
        }
    }
    let size = |set: &BTreeSet<&UserId>| u64::try_from(set.len()).unwrap_or(u64::MAX);
    let counts = query.tenants().iter().map(|one| {
        let users = users.get(one.tenant.as_str());
        users.map_or(0, size)
    });
    let total = size(&users.values().flatten().copied().collect());
    ImpactCounts::exact(query, counts, total)
}
