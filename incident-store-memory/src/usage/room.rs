//! Memory for a batch, reserved before any of its names is stored.

use incident_core::TenantId;
use incident_core::impact::ApiUsageEvent;
use incident_core::port::UsageError;

use super::batch::EventBatch;
use super::chunk::RAW_ROW;
use super::ids::NAME;
use super::kinds::KIND;
use super::snapshot::size;
use super::source::TENANT;
use super::state::{MemoryUsage, UsageState};

impl UsageState {
    /// Releases the bytes that were reserved for a batch.
    pub(super) const fn give_back(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

impl MemoryUsage {
    /// Reserves the bytes that a batch needs, or refuses the batch.
    ///
    /// A refused batch leaves no name of a user, a tenant, a service or an endpoint behind. Returns
    /// the bytes of its events and tenants; the tables of names count their own bytes.
    ///
    /// # Errors
    /// Returns [`UsageError::Full`] if the batch does not fit, and [`UsageError::Refused`] if it
    /// has too many kinds.
    pub(super) fn reserve(&self, by_tenant: &EventBatch<'_>) -> Result<usize, UsageError> {
        let (batch, tenants) = (by_tenant.events(), by_tenant.tenants());
        let rows = batch.len() * RAW_ROW;
        let held = self.state().bytes + self.beside();
        let most = held + rows + tenants.len() * TENANT + most_of_names(batch);
        let (kinds, near) = (self.kinds(), size(most) > self.limit);
        // Far from every limit an upper bound is enough: names need not be counted exactly.
        let named = if near || !kinds.has_room_for(batch.len()) {
            let users = batch.iter().map(|event| event.user_id.as_str());
            self.shared.names.bytes_of_new(users) + kinds.room_for(batch)?
        } else {
            0
        };
        drop(kinds);
        let beside = self.beside();
        let mut state = self.change();
        let unknown = |tenant: &&TenantId| !state.tenants.contains_key(*tenant);
        let more = rows + tenants.filter(unknown).count() * TENANT;
        let held = beside + state.bytes;
        if size(held + more + named) > self.limit {
            return Err(UsageError::Full {
                held: size(held),
                limit: self.limit,
            });
        }
        state.bytes += more;
        let most = self.room_for_index(held + more + named);
        state.time_index.shrink_to(most);
        Ok(more)
    }

    /// Returns the maximum size of the index over time, in bytes, while everything else takes
    /// `held`.
    pub(super) fn room_for_index(&self, held: usize) -> usize {
        let left = self.limit.saturating_sub(size(held));
        usize::try_from(self.index_bytes.min(left)).unwrap_or(usize::MAX)
    }
}

/// Computes the bytes that the names of a batch would take if each of them were new.
fn most_of_names(batch: &[ApiUsageEvent]) -> usize {
    let names = batch.iter().map(|event| {
        let endpoint = event.endpoint.as_ref();
        NAME + KIND + event.service.as_str().len() + endpoint.map_or(0, |name| name.as_str().len())
    });
    names.sum()
}
