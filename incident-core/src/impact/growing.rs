//! Questions about live incidents, which are asked again and again with a later end.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};

use super::{ImpactCounts, ImpactQuery, TenantCount};
use crate::{ServiceId, TenantId, Timestamp};

/// A question without its end: two that are equal differ at most in how far the windows
/// reach that end last.
///
/// An incident that goes on has windows that end now, but for those that were stated to end
/// earlier; the next report asks the same with a later now.
///
/// ```
/// use incident_core::impact::{Growing, ImpactQuery, TenantWindows};
/// use incident_core::{Timestamp, Window, Windows};
/// let start: Timestamp = "2026-11-20T22:00:00Z".parse()?;
/// let up_to = |end: Timestamp| -> Result<_, Box<dyn std::error::Error>> {
///     let windows = Windows::from(Window::new(start, end)?);
///     let tenants = vec![TenantWindows { tenant: "tenant-fr".parse()?, windows }];
///     Growing::of(&ImpactQuery::new(tenants, None, false)).ok_or("no windows".into())
/// };
/// let (first, end) = up_to("2026-11-20T22:10:00Z".parse()?)?;
/// let (later, later_end) = up_to("2026-11-20T22:10:05Z".parse()?)?;
/// assert!(first == later && end < later_end);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Growing {
    tenants: Vec<(TenantId, Vec<Span>)>,
    services: Option<BTreeSet<ServiceId>>,
    failed_only: bool,
}

/// A window in microseconds; without its end where that is the last one of all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Span {
    start: i64,
    end: Option<i64>,
}

impl Growing {
    /// A question without its end, and that end; none without windows.
    #[must_use]
    pub fn of(query: &ImpactQuery) -> Option<(Self, Timestamp)> {
        let windows = query.tenants().iter().map(|one| one.windows.as_slice());
        let end = windows.flatten().map(|window| window.end()).max()?;
        let tenants = query.tenants().iter().map(|one| {
            let windows = one.windows.as_slice().iter().map(|window| Span {
                start: window.start().micros(),
                end: (window.end() != end).then(|| window.end().micros()),
            });
            (one.tenant.clone(), windows.collect())
        });
        let growing = Self {
            tenants: tenants.collect(),
            services: query.services.clone(),
            failed_only: query.failed_only,
        };
        Some((growing, end))
    }
}

/// The users that a growing question has met, by tenant and over all: adding one that is
/// there changes nothing.
#[derive(Debug)]
pub struct Met<U, S> {
    by_tenant: HashMap<TenantId, HashSet<U, S>>,
    all: HashSet<U, S>,
    pairs: usize,
}

impl<U, S: Default> Default for Met<U, S> {
    fn default() -> Self {
        Self {
            by_tenant: HashMap::new(),
            all: HashSet::default(),
            pairs: 0,
        }
    }
}

impl<U: Clone + Eq + Hash, S: BuildHasher + Default> Met<U, S> {
    /// Adds users of a tenant.
    pub fn add(&mut self, tenant: &TenantId, users: impl IntoIterator<Item = U>) {
        if !self.by_tenant.contains_key(tenant) {
            self.by_tenant.insert(tenant.clone(), HashSet::default());
        }
        let Some(of_tenant) = self.by_tenant.get_mut(tenant) else {
            return;
        };
        for user in users {
            if of_tenant.insert(user.clone()) {
                self.pairs += 1;
                self.all.insert(user);
            }
        }
    }

    /// How many pairs of tenant and user there are.
    #[must_use]
    pub const fn pairs(&self) -> usize {
        self.pairs
    }

    /// The answer to the question.
    #[must_use]
    pub fn counts(&self, query: &ImpactQuery) -> ImpactCounts {
        let size = |set: &HashSet<U, S>| u64::try_from(set.len()).unwrap_or(u64::MAX);
        let rows = query.tenants().iter().map(|one| TenantCount {
            tenant: one.tenant.clone(),
            unique_users: self.by_tenant.get(&one.tenant).map_or(0, size),
        });
        ImpactCounts {
            by_tenant: rows.collect(),
            total_unique_users: size(&self.all),
        }
    }
}
