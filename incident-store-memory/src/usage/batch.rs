//! A batch of events, grouped by tenant once.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::RandomState;
use incident_core::TenantId;
use incident_core::impact::ApiUsageEvent;
use incident_core::port::UsageError;

use super::chunk::{Chunk, ChunkPart, EventFlags};
use super::state::MemoryUsage;
use super::time_index;

/// The tenants of a batch, before any of it is stored.
pub(super) struct EventBatch<'a> {
    events: &'a [ApiUsageEvent],
    /// Each tenant, with the number of its events.
    tenants: Vec<(&'a TenantId, usize)>,
    /// By event: the position of its tenant.
    of: Vec<usize>,
}

impl<'a> EventBatch<'a> {
    pub(super) fn of(events: &'a [ApiUsageEvent]) -> Self {
        let mut places: HashMap<&TenantId, usize, RandomState> = HashMap::default();
        let mut tenants: Vec<(&TenantId, usize)> = Vec::new();
        let mut of = Vec::with_capacity(events.len());
        for event in events {
            let place = *places.entry(&event.tenant_id).or_insert(tenants.len());
            match tenants.get_mut(place) {
                Some((_, events)) => *events += 1,
                None => tenants.push((&event.tenant_id, 1)),
            }
            of.push(place);
        }
        Self {
            events,
            tenants,
            of,
        }
    }

    pub(super) const fn events(&self) -> &'a [ApiUsageEvent] {
        self.events
    }

    /// Returns the tenants, each once.
    pub(super) fn tenants(&self) -> impl ExactSizeIterator<Item = &'a TenantId> {
        self.tenants.iter().map(|(tenant, _)| *tenant)
    }

    /// Builds the rows of each tenant, in order of time. New names get their numbers here.
    pub(super) fn columns(&self, usage: &MemoryUsage) -> Result<EventColumns, UsageError> {
        let mut tenants = Vec::with_capacity(self.tenants.len());
        let (mut next, mut start) = (Vec::with_capacity(self.tenants.len()), 0);
        for (tenant, events) in &self.tenants {
            next.push(start);
            tenants.push(((*tenant).clone(), start..start + events));
            start += events;
        }
        let mut rows = Chunk::zeroed(start);
        let mut by_slot = time_index::IndexPart::with_capacity(start);
        let mut kinds = usage.kinds();
        for (event, tenant) in self.events.iter().zip(&self.of) {
            let kind = if let Some(kind) = kinds.known(event) {
                kind
            } else {
                drop(kinds);
                let kind = usage.kind(event)?;
                kinds = usage.kinds();
                kind
            };
            let user = usage.shared.names.raw(event.user_id.as_str());
            let facts = EventFlags::new(kind, event.failed);
            if let Some(place) = next.get_mut(*tenant) {
                let row = (event.occurred_at.micros(), user, facts);
                rows.put(*place, row);
                *place += 1;
                by_slot.push(u32::try_from(*tenant).unwrap_or(u32::MAX), row);
            }
        }
        drop(kinds);
        for (_, places) in &tenants {
            rows.sort_places(places.clone());
        }
        by_slot.sort();
        Ok(EventColumns {
            rows,
            tenants,
            by_slot,
        })
    }
}

/// The rows of a batch, tenant by tenant.
pub(super) struct EventColumns {
    rows: Chunk,
    tenants: Vec<(TenantId, Range<usize>)>,
    /// All events in order of slots, each with the position of its tenant.
    pub(super) by_slot: time_index::IndexPart,
}

impl EventColumns {
    /// Returns each tenant, once, with its rows in order of time.
    pub(super) fn each(&self) -> impl Iterator<Item = (&TenantId, ChunkPart<'_>)> {
        let part = |places: &Range<usize>| self.rows.part(places.clone());
        let tenants = self.tenants.iter();
        tenants.map(move |(tenant, places)| (tenant, part(places)))
    }
}
