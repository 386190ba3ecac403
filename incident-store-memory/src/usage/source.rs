//! The usage source in memory.

use std::collections::BTreeSet;
use std::sync::{Arc, MutexGuard, PoisonError, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use incident_core::impact::{
    ApiUsageEvent, Breakdown, ImpactCounts, ImpactQuery, ImpactSketches, Sketch, TenantWindows,
    UserPage,
};
use incident_core::port::{TenantDirectory, UsageError, UsageSink, UsageSource};
use incident_core::{TenantId, ValidationError};

use super::batch::EventBatch;
use super::chunk::RAW_ROW;
use super::kinds::EndpointInterner;
use super::log::{CompactionPlan, Log};
use super::scan::{Filter, Scratch};
use super::snapshot::{Snapshot, in_time, size};
use super::state::{MemoryUsage, TenantByUser, UsageState};
use super::time_index::{self};
use super::{breakdown, days};

/// Default maximum size of the source, in bytes.
const LIMIT: u64 = 2 * 1024 * 1024 * 1024;

/// Default number of events of a tenant that are sealed together.
const SEAL_THRESHOLD: usize = 32 * 1024;

/// Approximate size of a user in the table of tenants by user, in bytes.
const OWNER: usize = 40;

/// Default duration from which on a query is counted incrementally when it is repeated.
const FOLLOW_FROM: Duration = Duration::from_millis(2);

/// Divisor of the limit that gives the maximum size of the users of incremental queries.
pub(super) const FOLLOWED: u64 = 16;

/// Approximate size of a tenant besides its events, in bytes.
pub(super) const TENANT: usize = 400;

impl Default for MemoryUsage {
    fn default() -> Self {
        Self::with_limit(LIMIT)
    }
}

impl MemoryUsage {
    /// Creates a source that holds about `bytes` bytes at most, and refuses more.
    #[must_use]
    pub fn with_limit(bytes: u64) -> Self {
        Self {
            shared: Arc::default(),
            limit: bytes,
            seal_threshold: SEAL_THRESHOLD,
            follow_from: FOLLOW_FROM,
            index_bytes: bytes / time_index::SHARE,
        }
    }

    /// Sets the number of events of a tenant from which on they are sealed into a segment.
    ///
    /// Sealed events take less memory and are counted faster. Late events are merged into the
    /// segments once they are more than this number and more than an eighth of the sealed ones.
    #[must_use]
    pub fn with_seal_threshold(mut self, events: usize) -> Self {
        self.seal_threshold = events.max(1);
        self
    }

    /// Sets the duration from which on a query is counted incrementally when it is repeated; the
    /// default is 2 ms.
    ///
    /// A query that is repeated with a later end, such as a report on a live incident, then reads
    /// only events that arrived since. Its users are stored until it has not been repeated for ten
    /// minutes, in at most a sixteenth of the limit.
    #[must_use]
    pub const fn incremental_above(mut self, took: Duration) -> Self {
        self.follow_from = took;
        self
    }

    /// Sets the maximum size of the index over time, in bytes; the default is an eighth of the
    /// limit, 0 means none.
    ///
    /// The index holds the newest events of all tenants in order of time, 30 bytes each, and speeds
    /// up queries about a few minutes of many tenants. It shrinks when events need the memory.
    #[must_use]
    pub const fn with_time_index(mut self, bytes: u64) -> Self {
        self.index_bytes = bytes;
        self
    }

    /// Estimates the bytes that the events take, with everything that is stored beside them.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let state = self.state();
        let events = state.bytes + state.time_index.bytes();
        drop(state);
        size(events + self.beside())
    }

    /// Estimates the bytes that are taken beside events: by names, and by incremental queries.
    pub(super) fn beside(&self) -> usize {
        self.shared.names.bytes() + self.kinds().bytes() + self.shared.live.lock().bytes()
    }

    pub(super) fn state(&self) -> RwLockReadGuard<'_, UsageState> {
        let state = self.shared.state.read();
        state.unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change(&self) -> RwLockWriteGuard<'_, UsageState> {
        let state = self.shared.state.write();
        state.unwrap_or_else(PoisonError::into_inner)
    }

    /// Compacts all events into sealed segments, which take less memory and are counted faster.
    /// Meant for data that no longer grows.
    pub fn compact(&self) {
        let mut owners = self
            .shared
            .compaction
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let logs: Vec<TenantId> = self.state().tenants.keys().cloned().collect();
        for tenant in &logs {
            self.compact_log(tenant, &mut owners, |log| log.compaction_plan(1));
            // Late events go into the segment with the rest.
            self.compact_log(tenant, &mut owners, |log| {
                (!log.chunks.is_empty()).then(|| log.rewrite())?
            });
        }
    }

    pub(super) fn kinds(&self) -> RwLockReadGuard<'_, EndpointInterner> {
        let kinds = self.shared.kinds.read();
        kinds.unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn kind(&self, event: &ApiUsageEvent) -> Result<u16, UsageError> {
        if let Some(number) = self.kinds().known(event) {
            return Ok(number);
        }
        let kinds = self.shared.kinds.write();
        kinds.unwrap_or_else(PoisonError::into_inner).number(event)
    }

    /// Builds the filter of a query. Call it after taking the snapshot, so that it has every kind
    /// of the snapshot.
    pub(super) fn filter(&self, query: &ImpactQuery) -> Filter {
        match &query.services {
            None if !query.failed_only => Filter::All,
            services => Filter::of(&self.kinds().of(services.as_ref()), query.failed_only),
        }
    }

    /// Compacts the logs of these tenants where that is due, unless another task does.
    pub(super) fn compact_tenants(&self, tenants: &[TenantId]) {
        let Ok(mut owners) = self.shared.compaction.try_lock() else {
            return;
        };
        for tenant in tenants {
            self.compact_log(tenant, &mut owners, |log| {
                log.compaction_plan(self.seal_threshold)
            });
        }
    }

    /// Compacts a snapshot of a log and applies the result, while batches and queries go on.
    ///
    /// Only the holder of `owners` removes chunks, so those of the snapshot are still the first
    /// ones.
    fn compact_log(
        &self,
        tenant: &TenantId,
        owners: &mut MutexGuard<'_, TenantByUser>,
        plan: impl Fn(&Log) -> Option<CompactionPlan>,
    ) {
        let known = self.state().tenants.get(tenant).map(|known| {
            let log = Arc::clone(&known.log);
            (known.number, log)
        });
        let Some((number, log)) = known else {
            return;
        };
        let Some(plan) = plan(&log) else {
            return;
        };
        let (mut shared, before) = (Vec::new(), owners.0.len());
        for id in &plan.new_users {
            let owner = *owners.0.entry(*id).or_insert(number);
            if owner != number {
                shared.extend([owner, number]);
            }
        }
        let taken = (owners.0.len() - before) * OWNER;
        let mut state = self.change();
        for number in shared {
            let at = usize::try_from(number).unwrap_or(usize::MAX);
            if let Some(shares) = state.shares.get_mut(at) {
                *shares = true;
            }
        }
        let Some(current) = state.tenants.get_mut(tenant) else {
            return;
        };
        let current = Arc::make_mut(&mut current.log);
        let before = current.bytes();
        current.apply(plan);
        let after = current.bytes();
        state.bytes = (state.bytes + after + taken).saturating_sub(before);
    }
}

impl MemoryUsage {
    /// Takes one snapshot of all tenants: a batch is in all of them or in none.
    pub(super) fn snapshot<'a>(&self, query: &'a ImpactQuery) -> Snapshot<'a> {
        let state = self.state();
        let mut shares = false;
        let one = |one: &'a TenantWindows| {
            let known = state.tenants.get(&one.tenant);
            let number = known.and_then(|known| usize::try_from(known.number).ok());
            shares |= number.is_some_and(|number| state.shares.get(number) != Some(&false));
            let log = known.map(|known| Arc::clone(&known.log));
            (log, one.windows.as_slice())
        };
        let asked = query.tenants().iter().map(one).collect();
        Snapshot {
            asked,
            shares,
            batch: state.batches,
        }
    }
}

impl MemoryUsage {
    /// Returns sketches of the users of each tenant, to be merged with those of other processes
    /// before they are read.
    ///
    /// # Errors
    /// Returns [`UsageError::QueryTimedOut`] if the timeout passes, and [`UsageError::Refused`] if a
    /// sketch cannot be created or merged.
    pub fn sketches(
        &self,
        query: &ImpactQuery,
        timeout: Duration,
    ) -> Result<ImpactSketches, UsageError> {
        let started = Instant::now();
        let snapshot = self.snapshot(query);
        let filter = self.filter(query);
        let found = snapshot.found();
        let rows = found.rows();
        let unfit = |error: ValidationError| UsageError::Refused(error.to_string());
        let mut total = Sketch::new().map_err(unfit)?;
        let mut by_tenant = Vec::with_capacity(rows.len());
        let (mut scratch, mut ids) = (Scratch::default(), Vec::new());
        for (one, found) in query.tenants().iter().zip(&rows) {
            let mut sketch = Sketch::new().map_err(unfit)?;
            if let Some((log, rows)) = found {
                ids.clear();
                rows.users(log, &filter, &mut scratch, Some(&mut ids));
                self.shared.names.add(&ids, &mut sketch);
                total.merge(&sketch).map_err(unfit)?;
            }
            by_tenant.push((one.tenant.clone(), sketch));
            in_time(started, timeout, &rows)?;
        }
        Ok(ImpactSketches { by_tenant, total })
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
        timeout: Duration,
    ) -> Result<ImpactCounts, UsageError> {
        self.counts(query, (Instant::now(), timeout))
    }

    async fn estimates(
        &self,
        query: &ImpactQuery,
        timeout: Duration,
    ) -> Result<ImpactCounts, UsageError> {
        Ok(self.sketches(query, timeout)?.into())
    }

    async fn breakdown(
        &self,
        query: &ImpactQuery,
        timeout: Duration,
    ) -> Result<Breakdown, UsageError> {
        let started = Instant::now();
        let snapshot = self.snapshot(query);
        let filter = self.filter(query);
        // After the snapshot, so that every kind of it is known; copied, so that batches with new
        // ones go on.
        let kinds = self.kinds().all().to_vec();
        breakdown::breakdown(
            &snapshot.found().rows(),
            &filter,
            &kinds,
            (started, timeout),
        )
    }

    async fn users(
        &self,
        query: &ImpactQuery,
        after: Option<&str>,
        limit: usize,
        timeout: Duration,
    ) -> Result<UserPage, UsageError> {
        let started = Instant::now();
        let snapshot = self.snapshot(query);
        let filter = self.filter(query);
        let found = snapshot.found();
        let rows = found.rows();
        let mut listed = BTreeSet::new();
        let (mut scratch, mut ids) = (Scratch::default(), Vec::new());
        for (log, some) in rows.iter().flatten() {
            ids.clear();
            some.users(log, &filter, &mut scratch, Some(&mut ids));
            self.shared.names.list(&ids, after, limit, &mut listed);
            in_time(started, timeout, &rows)?;
        }
        Ok(UserPage::new(listed.into_iter().collect(), limit))
    }
}

#[async_trait]
impl UsageSink for MemoryUsage {
    async fn record(
        &self,
        batch: Vec<ApiUsageEvent>,
        _timeout: Duration,
    ) -> Result<(), UsageError> {
        let days = days::days(&batch);
        self.state().has_room_for(&days)?;
        let by_tenant = EventBatch::of(&batch);
        let reserved = self.reserve(&by_tenant)?;
        let columns = match by_tenant.columns(self) {
            Ok(columns) => columns,
            Err(error) => {
                self.change().give_back(reserved);
                return Err(error);
            }
        };
        let (mut due, beside) = (Vec::new(), self.beside());
        {
            let mut state = self.change();
            // Another batch may have added a tenant meanwhile that was new to this one.
            state.give_back(reserved);
            // It may have added days as well.
            state.has_room_for(&days)?;
            state.days.extend(days);
            let known = state.shares.len();
            state.batches += 1;
            let number = state.batches;
            let mut numbers = Vec::with_capacity(by_tenant.tenants().len());
            for (name, part) in columns.each() {
                let tenant = state.tenant(name);
                numbers.push(tenant.number);
                let log = Arc::make_mut(&mut tenant.log);
                log.add(part, number);
                if log.needs_compaction(self.seal_threshold) {
                    due.push(name.clone());
                }
            }
            let new = state.shares.len() - known;
            state.bytes += batch.len() * RAW_ROW + new * TENANT;
            let most = self.room_for_index(state.bytes + beside);
            state.time_index.add(&columns.by_slot, &numbers, most);
        }
        self.compact_tenants(&due);
        Ok(())
    }
}

#[async_trait]
impl TenantDirectory for MemoryUsage {
    async fn tenants(&self, _timeout: Duration) -> Result<Vec<TenantId>, UsageError> {
        Ok(self.state().tenants.keys().cloned().collect())
    }
}
