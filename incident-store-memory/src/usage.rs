//! The usage source: events per tenant in order of time.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use async_trait::async_trait;
use incident_core::impact::{ApiUsageEvent, ImpactCounts, ImpactQuery, TenantCount};
use incident_core::port::{TenantDirectory, UsageError, UsageSink, UsageSource};
use incident_core::{ServiceId, TenantId, Timestamp, UserId, Window};

/// Events at most, unless told otherwise: about 2 GiB at 24 bytes an event and
/// the names of users beside them.
const DEFAULT_LIMIT: u64 = 50_000_000;

/// Keeps usage events in memory and counts distinct users exactly. Clones share
/// it. Bounded by the number of events, never by age.
#[derive(Clone, Debug)]
pub struct MemoryUsage(Arc<RwLock<Events>>);

#[derive(Debug)]
struct Events {
    tenants: BTreeMap<TenantId, TenantEvents>,
    /// Names of users and services as dense numbers, over all tenants, so that
    /// a user of two tenants counts once in the total.
    users: Numbers<UserId>,
    services: Numbers<ServiceId>,
    held: u64,
    limit: u64,
}

#[derive(Debug)]
struct Numbers<T>(HashMap<T, u32>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    at: Timestamp,
    user: u32,
    service: u32,
    failed: bool,
}

/// The events of one tenant: what is in order, and what came out of order since
/// the last question.
#[derive(Debug, Default)]
struct TenantEvents {
    rows: Vec<Row>,
    is_sorted: bool,
}

/// What an event must be to count, in numbers.
struct Filter {
    services: Option<HashSet<u32>>,
    failed_only: bool,
}

impl Default for MemoryUsage {
    fn default() -> Self {
        Self::with_limit(DEFAULT_LIMIT)
    }
}

impl MemoryUsage {
    /// A source that holds at most so many events, and refuses more.
    #[must_use]
    pub fn with_limit(limit: u64) -> Self {
        Self(Arc::new(RwLock::new(Events {
            tenants: BTreeMap::new(),
            users: Numbers(HashMap::new()),
            services: Numbers(HashMap::new()),
            held: 0,
            limit,
        })))
    }

    fn read(&self) -> RwLockReadGuard<'_, Events> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Events> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: std::hash::Hash + Eq + Clone> Numbers<T> {
    fn of(&mut self, name: &T) -> u32 {
        if let Some(number) = self.0.get(name) {
            return *number;
        }
        let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.insert(name.clone(), next);
        next
    }
}

impl TenantEvents {
    fn push(&mut self, row: Row) {
        self.is_sorted = self
            .rows
            .last()
            .is_none_or(|last| self.is_sorted && last.at <= row.at);
        self.rows.push(row);
    }

    /// Mostly sorted input is what the standard stable sort is fastest at.
    fn sort(&mut self) {
        self.rows.sort_by_key(|row| row.at);
        self.is_sorted = true;
    }

    /// The users with an event inside a window.
    fn users_in<'a>(
        &'a self,
        window: Window,
        filter: &'a Filter,
    ) -> impl Iterator<Item = u32> + 'a {
        let first = self.rows.partition_point(|row| row.at < window.start());
        let last = self.rows.partition_point(|row| row.at < window.end());
        self.rows
            .get(first..last)
            .unwrap_or_default()
            .iter()
            .filter(|row| filter.counts(row))
            .map(|row| row.user)
    }
}

impl Filter {
    fn counts(&self, row: &Row) -> bool {
        (!self.failed_only || row.failed)
            && self
                .services
                .as_ref()
                .is_none_or(|services| services.contains(&row.service))
    }
}

impl Events {
    fn is_sorted(&self, query: &ImpactQuery) -> bool {
        let mut asked = query.tenants().iter();
        asked.all(|one| {
            self.tenants
                .get(&one.tenant)
                .is_none_or(|rows| rows.is_sorted)
        })
    }

    /// Puts the asked tenants in order, where needed.
    fn sort(&mut self, query: &ImpactQuery) {
        for one in query.tenants() {
            if let Some(rows) = self.tenants.get_mut(&one.tenant)
                && !rows.is_sorted
            {
                rows.sort();
            }
        }
    }

    /// Counts; the asked tenants are in order.
    fn count(&self, query: &ImpactQuery) -> ImpactCounts {
        let filter = self.filter(query);
        let mut everybody: HashSet<u32> = HashSet::new();
        let mut by_tenant = Vec::with_capacity(query.tenants().len());
        for one in query.tenants() {
            let mut users: HashSet<u32> = HashSet::new();
            if let Some(rows) = self.tenants.get(&one.tenant) {
                for window in one.windows.as_slice() {
                    users.extend(rows.users_in(*window, &filter));
                }
            }
            by_tenant.push(TenantCount {
                tenant: one.tenant.clone(),
                unique_users: size(&users),
            });
            everybody.extend(users);
        }
        ImpactCounts {
            by_tenant,
            total_unique_users: size(&everybody),
        }
    }

    fn filter(&self, query: &ImpactQuery) -> Filter {
        let numbers = |names: &BTreeSet<ServiceId>| {
            names
                .iter()
                .filter_map(|name| self.services.0.get(name).copied())
                .collect()
        };
        Filter {
            services: query.services.as_ref().map(numbers),
            failed_only: query.failed_only,
        }
    }
}

#[async_trait]
impl UsageSource for MemoryUsage {
    fn name(&self) -> &'static str {
        "memory"
    }

    async fn unique_users(
        &self,
        query: &ImpactQuery,
        _within: Duration,
    ) -> Result<ImpactCounts, UsageError> {
        {
            let events = self.read();
            if events.is_sorted(query) {
                return Ok(events.count(query));
            }
        }
        // Counted under the same lock: another batch cannot come between.
        let mut events = self.write();
        events.sort(query);
        Ok(events.count(query))
    }
}

fn size(users: &HashSet<u32>) -> u64 {
    u64::try_from(users.len()).unwrap_or(u64::MAX)
}

#[async_trait]
impl UsageSink for MemoryUsage {
    async fn record(&self, batch: Vec<ApiUsageEvent>, _within: Duration) -> Result<(), UsageError> {
        let mut events = self.write();
        let more = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        if events.held.saturating_add(more) > events.limit {
            return Err(UsageError::Full {
                events: events.held,
                limit: events.limit,
            });
        }
        events.held += more;
        for event in batch {
            let row = Row {
                at: event.occurred_at,
                user: events.users.of(&event.user_id),
                service: events.services.of(&event.service),
                failed: event.failed,
            };
            events.tenants.entry(event.tenant_id).or_default().push(row);
        }
        Ok(())
    }
}

#[async_trait]
impl TenantDirectory for MemoryUsage {
    async fn tenants(&self, _within: Duration) -> Result<Vec<TenantId>, UsageError> {
        Ok(self.read().tenants.keys().cloned().collect())
    }
}
