//! The events in memory, with their tenants, days and index.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use foldhash::fast::RandomState;
use incident_core::TenantId;

use super::ids::{RawId, UserNames};
use super::incremental::LiveQueries;
use super::kinds::EndpointInterner;
use super::log::Log;
use super::scan::Scratch;
use super::time_index::TimeIndex;

/// A usage source that holds events in memory and counts distinct users exactly. Clones share it.
///
/// Bounded by bytes and by days, never by age: events of any time are accepted in any order, and a
/// batch that does not fit is refused whole. Events are first stored unsealed; once a tenant has
/// enough of them, its users get dense numbers and each event gets the position of the same user's
/// previous event, so that a query about one window needs no set.
///
/// Queries read a snapshot: they do not block batches, and batches do not block them.
///
/// ```
/// use incident_store_memory::MemoryUsage;
/// let usage = MemoryUsage::with_limit(8 << 30).with_seal_threshold(100_000);
/// assert_eq!(usage.bytes(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct MemoryUsage {
    pub(super) shared: Arc<UsageShared>,
    pub(super) limit: u64,
    pub(super) seal_threshold: usize,
    pub(super) follow_from: Duration,
    /// Maximum size of the index over time, in bytes.
    pub(super) index_bytes: u64,
}

#[derive(Debug, Default)]
pub(super) struct UsageShared {
    pub(super) names: UserNames,
    pub(super) kinds: RwLock<EndpointInterner>,
    pub(super) state: RwLock<UsageState>,
    pub(super) live: LiveQueries,
    /// Held during a compaction, so that only one runs at a time.
    pub(super) compaction: Mutex<TenantByUser>,
    /// Buffers for the next query, bounded in size.
    pub(super) scratch: Mutex<Scratch>,
}

impl UsageShared {
    /// Takes the buffers for a query. A concurrent query gets new ones.
    pub(super) fn scratch(&self) -> Scratch {
        let mut kept = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut kept)
    }

    pub(super) fn keep(&self, mut scratch: Scratch) {
        scratch.shrink();
        *self.scratch.lock().unwrap_or_else(PoisonError::into_inner) = scratch;
    }
}

#[derive(Debug, Default)]
pub(super) struct UsageState {
    pub(super) tenants: HashMap<TenantId, Tenant, RandomState>,
    /// By number of the tenant: `true` if a sealed user of it has another tenant too.
    pub(super) shares: Vec<bool>,
    pub(super) bytes: usize,
    /// Number of batches so far.
    pub(super) batches: u64,
    /// The days of UTC on which there are events, by their number since 1970.
    pub(super) days: BTreeSet<i64>,
    pub(super) time_index: TimeIndex,
}

/// A tenant with events.
#[derive(Debug)]
pub(super) struct Tenant {
    /// Its number, counted from 0 in the order in which tenants arrived.
    pub(super) number: u32,
    pub(super) log: Arc<Log>,
}

impl UsageState {
    /// Returns a tenant, and adds it if it is new.
    pub(super) fn tenant(&mut self, tenant: &TenantId) -> &mut Tenant {
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
pub(super) struct TenantByUser(pub(super) HashMap<RawId, u32, RandomState>);
