//! The usage source: events per tenant in order of time.

mod batch;
mod breakdown;
mod chunk;
mod counted;
mod days;
mod grouped;
mod ids;
mod incremental;
mod kinds;
mod log;
mod room;
mod scan;
mod sealed;
mod seen;
mod spanned;
mod time_index;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use foldhash::fast::RandomState;
use incident_core::impact::{
    ApiUsageEvent, Breakdown, ImpactCounts, ImpactEstimates, ImpactQuery, ImpactSketches, Sketch,
    TenantWindows,
};
use incident_core::port::{TenantDirectory, UsageError, UsageSink, UsageSource};
use incident_core::{TenantId, ValidationError, Window};

use batch::Batch;
use chunk::RAW_ROW;
use ids::{Names, RawId};
use incremental::Live;
use kinds::EndpointInterner;
use log::{Log, Tidied};
use scan::{Filter, Found, Rows, Scratch};
use time_index::TimeIndex;

/// How many bytes of events are held, unless told otherwise.
const LIMIT: u64 = 2 * 1024 * 1024 * 1024;

/// So many events of a tenant are sealed together, unless told otherwise.
const SEAL_AFTER: usize = 32 * 1024;

/// About what a user takes in the register of who has which tenant.
const REGISTERED: usize = 40;

/// A question that takes as long is followed, unless told otherwise.
const FOLLOW_FROM: Duration = Duration::from_millis(2);

/// Users of questions that are followed take at most this part of all bytes.
const FOLLOWED: u64 = 16;

/// About what a tenant takes beside its events.
const TENANT: usize = 400;

/// Keeps usage events in memory and counts distinct users exactly. Clones share it.
///
/// Bounded by bytes and by days, never by age: events of any time are taken in any order,
/// and a batch that does not fit is refused whole. Events are first kept as they come;
/// once there are enough of a tenant, its users get dense numbers and each event is told
/// where the same user came before, so that a question about one window needs no set.
///
/// Questions look at a snapshot: they hold up no batch, and no batch holds them up.
///
/// ```
/// use incident_store_memory::MemoryUsage;
/// let usage = MemoryUsage::with_limit(8 << 30).with_seal_threshold(100_000);
/// assert_eq!(usage.bytes(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct MemoryUsage {
    shared: Arc<Shared>,
    limit: u64,
    seal_after: usize,
    follow_from: Duration,
    /// Most bytes of the index over time.
    index_bytes: u64,
}

#[derive(Debug, Default)]
struct Shared {
    names: Names,
    kinds: RwLock<EndpointInterner>,
    state: RwLock<State>,
    live: Live,
    /// Held by whoever seals or gathers: one at a time.
    tidying: Mutex<TenantByUser>,
    /// Room for the next question, bounded.
    scratch: Mutex<Scratch>,
}

impl Shared {
    /// Takes the room for a question. Who asks at the same time has new room.
    fn scratch(&self) -> Scratch {
        let mut kept = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut kept)
    }

    fn keep(&self, mut scratch: Scratch) {
        scratch.shrink();
        *self.scratch.lock().unwrap_or_else(PoisonError::into_inner) = scratch;
    }
}

#[derive(Debug, Default)]
struct State {
    tenants: HashMap<TenantId, Tenant, RandomState>,
    /// By number of the tenant: whether a sealed user of it has another tenant too.
    shares: Vec<bool>,
    bytes: usize,
    /// How many batches there were.
    batches: u64,
    /// The days of UTC on which there are events, by their number since 1970.
    days: BTreeSet<i64>,
    time_index: TimeIndex,
}

/// A tenant with events.
#[derive(Debug)]
struct Tenant {
    /// Counted from 0 in the order in which tenants came.
    number: u32,
    log: Arc<Log>,
}

impl State {
    /// A tenant, which is made where there is none.
    fn tenant(&mut self, tenant: &TenantId) -> &mut Tenant {
        let next = u32::try_from(self.shares.len()).unwrap_or(u32::MAX);
        let tenant = self.tenants.entry(tenant.clone());
        tenant.or_insert_with(|| {
            self.shares.push(false);
            Tenant {
                number: next,
                log: Arc::default(),
            }
        })
    }
}

/// The tenant of each sealed user.
#[derive(Debug, Default)]
struct TenantByUser(HashMap<RawId, u32, RandomState>);

impl Default for MemoryUsage {
    fn default() -> Self {
        Self::with_limit(LIMIT)
    }
}

impl MemoryUsage {
    /// A source that holds about so many bytes at most, and refuses more.
    #[must_use]
    pub fn with_limit(bytes: u64) -> Self {
        Self {
            shared: Arc::default(),
            limit: bytes,
            seal_after: SEAL_AFTER,
            follow_from: FOLLOW_FROM,
            index_bytes: bytes / time_index::SHARE,
        }
    }

    /// Seals the events of a tenant once there are so many of it. Sealed events take
    /// less room and are counted faster. What comes late is sealed anew with the rest
    /// once it is an eighth of it.
    #[must_use]
    pub fn with_seal_threshold(mut self, events: usize) -> Self {
        self.seal_after = events.max(1);
        self
    }

    /// Follows questions that take as long, 2 ms if not given: one that is asked again with a
    /// later end, as a report on a live incident is, costs what came since. Their users
    /// are kept for ten minutes, in at most a sixteenth of the limit.
    #[must_use]
    pub const fn incremental_above(mut self, took: Duration) -> Self {
        self.follow_from = took;
        self
    }

    /// Keeps the newest events of all tenants also in order of time, in at most so many bytes,
    /// an eighth of the limit if not given; 0 for none. A few minutes of many tenants are counted
    /// faster by it. An event takes 30 bytes of it. It gives way where events need the room.
    #[must_use]
    pub const fn with_time_index(mut self, bytes: u64) -> Self {
        self.index_bytes = bytes;
        self
    }

    /// About how many bytes the events take, and what is kept beside them.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let state = self.state();
        let events = state.bytes + state.time_index.bytes();
        drop(state);
        size(events + self.beside())
    }

    /// About how many bytes are taken beside events: by names, and by questions that are
    /// followed.
    fn beside(&self) -> usize {
        self.shared.names.bytes() + self.kinds().bytes() + self.shared.live.bytes()
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        let state = self.shared.state.read();
        state.unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, State> {
        let state = self.shared.state.write();
        state.unwrap_or_else(PoisonError::into_inner)
    }

    /// Seals every event there is: for data that no longer grows.
    pub fn seal(&self) {
        let mut register = self
            .shared
            .tidying
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let logs: Vec<TenantId> = self.state().tenants.keys().cloned().collect();
        for tenant in &logs {
            self.compact(tenant, &mut register, |log| log.compaction_plan(1));
            // What came late is sealed with the rest.
            self.compact(tenant, &mut register, |log| {
                (!log.chunks.is_empty()).then(|| log.sealed_anew())?
            });
        }
    }

    fn kinds(&self) -> RwLockReadGuard<'_, EndpointInterner> {
        let kinds = self.shared.kinds.read();
        kinds.unwrap_or_else(PoisonError::into_inner)
    }

    fn kind(&self, event: &ApiUsageEvent) -> Result<u16, UsageError> {
        if let Some(number) = self.kinds().known(event) {
            return Ok(number);
        }
        let kinds = self.shared.kinds.write();
        kinds.unwrap_or_else(PoisonError::into_inner).number(event)
    }

    /// Made after the snapshot that it is used on, so that it knows every kind of it.
    fn filter(&self, query: &ImpactQuery) -> Filter {
        match &query.services {
            None if !query.failed_only => Filter::All,
            services => Filter::of(&self.kinds().of(services.as_ref()), query.failed_only),
        }
    }

    /// What is to be sealed or gathered of these tenants, if nobody is at it.
    fn tidy_up(&self, tenants: &[TenantId]) {
        let Ok(mut register) = self.shared.tidying.try_lock() else {
            return;
        };
        for tenant in tenants {
            self.compact(tenant, &mut register, |log| {
                log.compaction_plan(self.seal_after)
            });
        }
    }

    /// Works on a snapshot and puts the result in its place: batches and questions go
    /// on meanwhile. Only who holds the register takes chunks away, so those that were
    /// looked at are still the first ones.
    fn compact(
        &self,
        tenant: &TenantId,
        register: &mut MutexGuard<'_, TenantByUser>,
        tidied: impl Fn(&Log) -> Option<Tidied>,
    ) {
        let known = self.state().tenants.get(tenant).map(|known| {
            let log = Arc::clone(&known.log);
            (known.number, log)
        });
        let Some((number, log)) = known else {
            return;
        };
        let Some(tidied) = tidied(&log) else {
            return;
        };
        let (mut shared, before) = (Vec::new(), register.0.len());
        for id in &tidied.new_users {
            let owner = *register.0.entry(*id).or_insert(number);
            if owner != number {
                shared.extend([owner, number]);
            }
        }
        let registered = (register.0.len() - before) * REGISTERED;
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
        current.put(tidied);
        let after = current.bytes();
        state.bytes = (state.bytes + after + registered).saturating_sub(before);
    }
}

fn size(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// A snapshot of the tenants of a question.
struct Snapshot<'a> {
    asked: Vec<(Option<Arc<Log>>, &'a [Window])>,
    /// Whether a sealed user of one of them has another tenant too.
    shares: bool,
    /// The last batch that is in it.
    batch: u64,
}

impl<'a> Snapshot<'a> {
    /// Finds the rows of each tenant.
    fn found(&self) -> Found<'_> {
        let asked = self.asked.iter();
        Found::of(asked.map(|(log, windows)| (log.as_deref(), *windows)))
    }
}

impl MemoryUsage {
    /// One snapshot of all tenants: a batch is in all of them or in none.
    fn snapshot<'a>(&self, query: &'a ImpactQuery) -> Snapshot<'a> {
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
    /// Sketches of the users of each tenant, to be merged with those of other processes
    /// before they are read.
    ///
    /// # Errors
    /// [`UsageError::TimedOut`].
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

/// Whether the time is over; then the size of the question.
fn in_time(
    started: Instant,
    timeout: Duration,
    rows: &[Option<(&Log, Rows<'_>)>],
) -> Result<(), UsageError> {
    if started.elapsed() <= timeout {
        return Ok(());
    }
    let known = rows.iter().filter_map(Option::as_ref);
    let events = known.map(|(_, rows)| rows.len()).sum();
    Err(UsageError::TimedOut {
        tenants: rows.len(),
        events: Some(size(events)),
    })
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
    ) -> Result<ImpactEstimates, UsageError> {
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
        // After the snapshot, so that every kind of it is known; copied, so that batches with
        // new ones go on.
        let kinds = self.kinds().all().to_vec();
        breakdown::breakdown(
            &snapshot.found().rows(),
            &filter,
            &kinds,
            (started, timeout),
        )
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
        let by_tenant = Batch::of(&batch);
        let reserved = self.reserve(&by_tenant)?;
        let columns = match by_tenant.columns(self) {
            Ok(columns) => columns,
            Err(error) => {
                self.change().give_back(reserved);
                return Err(error);
            }
        };
        let (mut untidy, beside) = (Vec::new(), self.beside());
        {
            let mut state = self.change();
            // Another batch may have brought a tenant meanwhile that was new to this one.
            state.give_back(reserved);
            // So may it have brought days.
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
                if log.is_untidy(self.seal_after) {
                    untidy.push(name.clone());
                }
            }
            let new = state.shares.len() - known;
            state.bytes += batch.len() * RAW_ROW + new * TENANT;
            let most = self.room_for_index(state.bytes + beside);
            state.time_index.add(&columns.by_slot, &numbers, most);
        }
        self.tidy_up(&untidy);
        Ok(())
    }
}

#[async_trait]
impl TenantDirectory for MemoryUsage {
    async fn tenants(&self, _timeout: Duration) -> Result<Vec<TenantId>, UsageError> {
        Ok(self.state().tenants.keys().cloned().collect())
    }
}
