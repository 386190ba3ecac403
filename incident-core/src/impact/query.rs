//! Impact queries and their results.

use std::collections::{BTreeMap, BTreeSet};

use super::ApiUsageEvent;
use crate::window::{Window, Windows};
use crate::{ServiceId, TenantId, Timestamp, Zone};

/// Maximum number of tenants in a query that is compared with others.
const MAX_COMPARED: usize = 10_000;

/// A tenant and the windows in which it was affected.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TenantWindows {
    /// The tenant.
    pub tenant: TenantId,
    /// The windows; they may be empty.
    pub windows: Windows,
}

/// A query for the distinct users of tenants, and the events that count.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImpactQuery {
    tenants: Vec<TenantWindows>,
    /// The services whose events count; all if `None`.
    pub services: Option<BTreeSet<ServiceId>>,
    /// If `true`, only failed calls count.
    pub failed_only: bool,
}

impl ImpactQuery {
    /// Creates a query about these tenants.
    ///
    /// A tenant that is given twice appears once, with the union of its windows, in the place of
    /// the first.
    #[must_use]
    pub fn new(tenants: Vec<TenantWindows>) -> Self {
        let mut places: BTreeMap<TenantId, usize> = BTreeMap::new();
        let mut folded: Vec<TenantWindows> = Vec::with_capacity(tenants.len());
        for one in tenants {
            let known = places.get(&one.tenant).and_then(|at| folded.get_mut(*at));
            if let Some(first) = known {
                let both = first
                    .windows
                    .as_slice()
                    .iter()
                    .chain(one.windows.as_slice());
                first.windows = both.copied().collect();
            } else {
                places.insert(one.tenant.clone(), folded.len());
                folded.push(one);
            }
        }
        Self {
            tenants: folded,
            services: None,
            failed_only: false,
        }
    }

    /// Counts only events of these services.
    #[must_use]
    pub fn only_services(mut self, services: BTreeSet<ServiceId>) -> Self {
        self.services = Some(services);
        self
    }

    /// Counts only failed calls.
    #[must_use]
    pub const fn only_failed(mut self) -> Self {
        self.failed_only = true;
        self
    }

    /// Returns the tenants, each once, in the order of the result.
    #[must_use]
    pub fn tenants(&self) -> &[TenantWindows] {
        &self.tenants
    }

    /// Returns `true` if an event counts, regardless of tenant and time.
    #[must_use]
    pub fn counts(&self, event: &ApiUsageEvent) -> bool {
        (!self.failed_only || event.failed)
            && self
                .services
                .as_ref()
                .is_none_or(|services| services.contains(&event.service))
    }

    /// Returns the end of the windows that end last; `None` without windows.
    #[must_use]
    pub fn end(&self) -> Option<Timestamp> {
        let ends = self.tenants.iter().filter_map(|one| one.windows.end());
        ends.max()
    }

    /// Returns the same query without its end: the windows that end last go on for ever.
    ///
    /// The results for two queries are equal if these differ at most in the end of those windows.
    /// Returns `None` without windows, or with more than 10,000 tenants.
    ///
    /// The windows of an open incident end now, except those that were stated to end earlier; the
    /// next report has the same query with a later end.
    ///
    /// ```
    /// use incident_core::impact::{ImpactQuery, TenantWindows};
    /// use incident_core::{Timestamp, Window, Windows};
    /// let start: Timestamp = "2026-11-20T22:00:00Z".parse()?;
    /// let up_to = |end: &str| -> Result<_, Box<dyn std::error::Error>> {
    ///     let windows = Windows::from(Window::new(start, end.parse()?)?);
    ///     let tenants = vec![TenantWindows { tenant: "tenant-fr".parse()?, windows }];
    ///     Ok(ImpactQuery::new(tenants))
    /// };
    /// let (first, later) = (up_to("2026-11-20T22:10:00Z")?, up_to("2026-11-20T22:10:05Z")?);
    /// assert!(first.open_ended() == later.open_ended() && first.end() < later.end());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn open_ended(&self) -> Option<Self> {
        if self.tenants.len() > MAX_COMPARED {
            return None;
        }
        let last = self.end()?;
        let open = |window: &Window| match window.end() {
            end if end == last => Window::non_empty(window.start(), Timestamp::MAX),
            _ => Some(*window),
        };
        let tenants = self.tenants.iter().map(|one| TenantWindows {
            tenant: one.tenant.clone(),
            windows: one.windows.as_slice().iter().filter_map(open).collect(),
        });
        Some(Self {
            tenants: tenants.collect(),
            services: self.services.clone(),
            failed_only: self.failed_only,
        })
    }

    /// Returns the same query a number of weeks earlier, by the calendar of each tenant's zone.
    ///
    /// Weekdays and times of the day are the same, also over a change of the clocks. The windows of
    /// a tenant are empty if they would overlap its own windows in this query, as after an outage
    /// of more than a week. A window that would begin before 1970 is left out.
    #[must_use]
    pub fn weeks_before(&self, weeks: u32, zone: impl Fn(&TenantId) -> Zone) -> Self {
        let tenants = self.tenants.iter().map(|one| {
            let zone = zone(&one.tenant);
            let back = |time| zone.weeks_before(time, weeks);
            let shift =
                |window: &Window| Window::non_empty(back(window.start())?, back(window.end())?);
            let windows: Windows = one.windows.as_slice().iter().filter_map(shift).collect();
            let meets = !windows.intersect(&one.windows).is_empty();
            TenantWindows {
                tenant: one.tenant.clone(),
                windows: if meets { Windows::empty() } else { windows },
            }
        });
        Self {
            tenants: tenants.collect(),
            services: self.services.clone(),
            failed_only: self.failed_only,
        }
    }
}

/// The distinct users of one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantCount {
    /// The tenant.
    pub tenant: TenantId,
    /// The number of distinct users.
    pub unique_users: u64,
    /// The bounds of the number, if it is estimated.
    pub bounds: Option<(u64, u64)>,
}

/// The result of an [`ImpactQuery`].
///
/// If it is estimated, the true number lies between the bounds 95 times of 100.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImpactCounts {
    /// Every tenant of the query, in its order, including zeros.
    pub by_tenant: Vec<TenantCount>,
    /// Distinct users over all tenants: a user of two tenants counts once.
    pub total_unique_users: u64,
    /// The bounds of the total, if it is estimated.
    pub total_bounds: Option<(u64, u64)>,
    /// Two standard deviations of the source's estimation method, in parts per million.
    pub relative_error_ppm: Option<u32>,
}

impl ImpactCounts {
    /// Creates the exact counts of the tenants of a query, given in its order.
    #[must_use]
    pub fn exact(
        query: &ImpactQuery,
        unique_users: impl IntoIterator<Item = u64>,
        total_unique_users: u64,
    ) -> Self {
        let rows = query.tenants().iter().zip(unique_users);
        let rows = rows.map(|(one, unique_users)| TenantCount {
            tenant: one.tenant.clone(),
            unique_users,
            bounds: None,
        });
        Self {
            by_tenant: rows.collect(),
            total_unique_users,
            ..Self::default()
        }
    }

    /// Adds the bounds of estimates whose relative error is the same above and below, in parts per
    /// million. With an error of 0, both bounds are the count itself.
    ///
    /// ```
    /// use incident_core::impact::{ImpactCounts, ImpactQuery};
    /// let found = ImpactCounts::exact(&ImpactQuery::new(Vec::new()), [], 200_000);
    /// assert_eq!(found.with_relative_error(5_750).total_bounds, Some((198_850, 201_150)));
    /// ```
    #[must_use]
    pub fn with_relative_error(mut self, ppm: u32) -> Self {
        let bounds = |users: u64| {
            let off = (u128::from(users) * u128::from(ppm)).div_ceil(1_000_000);
            let off = u64::try_from(off).unwrap_or(u64::MAX);
            Some((users.saturating_sub(off), users.saturating_add(off)))
        };
        for row in &mut self.by_tenant {
            row.bounds = bounds(row.unique_users);
        }
        self.total_bounds = bounds(self.total_unique_users);
        self.relative_error_ppm = Some(ppm);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(start: &str, end: &str) -> ImpactQuery {
        let window = Window::new(start.parse().unwrap(), end.parse().unwrap()).unwrap();
        let of = |name: &str| TenantWindows {
            tenant: TenantId::new(name).unwrap(),
            windows: window.into(),
        };
        ImpactQuery::new(vec![of("fr"), of("us")])
    }

    fn zone(tenant: &TenantId) -> Zone {
        let name = match tenant.as_str() {
            "fr" => "Europe/Paris",
            _ => "America/New_York",
        };
        name.parse().unwrap()
    }

    fn starts(query: &ImpactQuery) -> Vec<Option<String>> {
        let start = |one: &TenantWindows| one.windows.start().map(|time| time.to_string());
        query.tenants().iter().map(start).collect()
    }

    /// M17: each tenant's weeks before are those of its calendar. Clocks in Paris went back on the
    /// 25th of October, those in New York a week later.
    #[test]
    fn the_weeks_before_are_those_of_each_calendar() {
        let outage = query("2026-10-27T08:00:00Z", "2026-10-27T09:00:00Z");
        let week_before = outage.weeks_before(1, zone);
        let expected = ["2026-10-20T07:00:00Z", "2026-10-20T08:00:00Z"];
        assert_eq!(
            starts(&week_before),
            expected.map(|one| Some(one.to_owned()))
        );
        let lengths = week_before.tenants().iter().map(|one| one.windows.micros());
        assert!(lengths.into_iter().all(|length| length == 3_600_000_000));
    }

    /// M17: an outage of ten days is not its own baseline.
    #[test]
    fn weeks_that_the_outage_reaches_into_are_left_out() {
        let outage = query("2026-11-01T12:00:00Z", "2026-11-11T12:00:00Z");
        assert_eq!(starts(&outage.weeks_before(1, zone)), [None, None]);
        let two_weeks = outage.weeks_before(2, zone);
        assert!(starts(&two_weeks).iter().all(Option::is_some));
    }
}
