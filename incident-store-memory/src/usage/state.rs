//! The events in memory, and what is known of them.

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
    pub(super) shared: Arc<UsageShared>,
    pub(super) limit: u64,
    pub(super) seal_threshold: usize,
    pub(super) follow_from: Duration,
    /// Most bytes of the index over time.
    pub(super) index_bytes: u64,
}

#[derive(Debug, Default)]
pub(super) struct UsageShared {
    pub(super) names: UserNames,
    pub(super) kinds: RwLock<EndpointInterner>,
    pub(super) state: RwLock<UsageState>,
    pub(super) live: LiveQueries,
    /// Held during a compaction: one runs at a time.
    pub(super) compaction: Mutex<TenantByUser>,
    /// Room for the next question, bounded.
    pub(super) scratch: Mutex<Scratch>,
}

impl UsageShared {
    /// Takes the room for a question. Who asks at the same time has new room.
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
    /// By number of the tenant: whether a sealed user of it has another tenant too.
    pub(super) shares: Vec<bool>,
    pub(super) bytes: usize,
    /// How many batches there were.
    pub(super) batches: u64,
    /// The days of UTC on which there are events, by their number since 1970.
    pub(super) days: BTreeSet<i64>,
    pub(super) time_index: TimeIndex,
}

/// A tenant with events.
#[derive(Debug)]
pub(super) struct Tenant {
    /// Counted from 0 in the order in which tenants came.
    pub(super) number: u32,
    pub(super) log: Arc<Log>,
}

impl UsageState {
    /// A tenant, which is made where there is none.
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
