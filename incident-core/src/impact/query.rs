//! Whose users are counted, when; and the answer.

use std::collections::{BTreeMap, BTreeSet};

use super::ApiUsageEvent;
use crate::window::{Window, Windows};
use crate::{ServiceId, TenantId, Timestamp, Zone};

/// A question about more tenants is not compared with others.
const MAX_COMPARED: usize = 10_000;

/// A tenant and when it was hit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TenantWindows {
    /// The tenant.
    pub tenant: TenantId,
    /// When; it may be empty.
    pub windows: Windows,
}

/// Whose distinct users are counted, and which events count.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImpactQuery {
    tenants: Vec<TenantWindows>,
    /// Only events of these services; of all if absent.
    pub services: Option<BTreeSet<ServiceId>>,
    /// Only calls that failed.
    pub failed_only: bool,
}

impl ImpactQuery {
    /// A question about these tenants. One that is given twice is asked about
    /// once, with the union of its windows, in the place of the first.
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

    /// Counts only calls that failed.
    #[must_use]
    pub const fn only_failed(mut self) -> Self {
        self.failed_only = true;
        self
    }

    /// The tenants, each once, in the order of the answer.
    #[must_use]
    pub fn tenants(&self) -> &[TenantWindows] {
        &self.tenants
    }

    /// Whether an event counts, apart from tenant and time.
    #[must_use]
    pub fn counts(&self, event: &ApiUsageEvent) -> bool {
        (!self.failed_only || event.failed)
            && self
                .services
                .as_ref()
                .is_none_or(|services| services.contains(&event.service))
    }

    /// Returns the end of the windows that end last; none without windows.
    #[must_use]
    pub fn end(&self) -> Option<Timestamp> {
        let ends = self.tenants.iter().filter_map(|one| one.windows.end());
        ends.max()
    }

    /// Returns the same question without its end: the windows that end last go on for ever. Of
    /// two questions it is equal if they differ at most in how far these windows reach. None
    /// without windows, or about more than 10,000 tenants.
    ///
    /// An incident that goes on has windows that end now, but for those that were stated to end
    /// earlier; the next report asks the same with a later now.
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

    /// The same question about so many weeks before, by the calendar of each tenant's zone:
    /// the same weekdays and times of the day, also over a change of the clocks. The part of a
    /// tenant is empty where it would meet the tenant's own windows, as after an outage of
    /// more than a week, and where it would begin before 1970.
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
    /// How many.
    pub unique_users: u64,
    /// Between which bounds the number lies, where it is estimated.
    pub bounds: Option<(u64, u64)>,
}

/// The answer to an [`ImpactQuery`]. Where it is estimated, the truth lies between the bounds 95
/// times of 100.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImpactCounts {
    /// Every tenant of the question, in its order, zeros too.
    pub by_tenant: Vec<TenantCount>,
    /// Distinct users over all tenants: somebody in two counts once.
    pub total_unique_users: u64,
    /// Between which bounds the total lies, where it is estimated.
    pub total_bounds: Option<(u64, u64)>,
    /// Two standard deviations of the source's way of estimating, in parts of a million.
    pub relative_error_ppm: Option<u32>,
}

impl ImpactCounts {
    /// Makes the exact counts of the tenants of a question, given in its order.
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

    /// Adds the bounds of estimates whose relative error is the same above and below, in parts
    /// of a million. What was counted exactly is an estimate without error.
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

    /// M17: each tenant's weeks are those of its calendar. Clocks in Paris went back on the
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
