//! A batch by its tenants, told apart once.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use incident_core::TenantId;
use incident_core::impact::ApiUsageEvent;
use incident_core::port::UsageError;

use super::MemoryUsage;
use super::chunk::{Chunk, Facts};

/// The tenants of a batch. Nothing of it is kept yet.
pub(super) struct Batch<'a> {
    events: &'a [ApiUsageEvent],
    /// Each tenant, and how many events of it there are.
    tenants: Vec<(&'a TenantId, usize)>,
    /// By event: the place of its tenant.
    of: Vec<usize>,
}

impl<'a> Batch<'a> {
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

    /// The tenants, each once.
    pub(super) fn tenants(&self) -> impl ExactSizeIterator<Item = &'a TenantId> {
        self.tenants.iter().map(|(tenant, _)| *tenant)
    }

    /// One chunk of each tenant, in order of time. Names that are new have numbers then.
    pub(super) fn chunks(&self, usage: &MemoryUsage) -> Result<Vec<(TenantId, Chunk)>, UsageError> {
        // Every chunk is made in its size.
        let made = |(tenant, events): &(&TenantId, usize)| {
            ((*tenant).clone(), Chunk::with_capacity(*events))
        };
        let mut chunks: Vec<(TenantId, Chunk)> = self.tenants.iter().map(made).collect();
        let mut kinds = usage.kinds();
        for (event, place) in self.events.iter().zip(&self.of) {
            let kind = match kinds.known(event) {
                Some(kind) => kind,
                None => {
                    drop(kinds);
                    let kind = usage.kind(event)?;
                    kinds = usage.kinds();
                    kind
                }
            };
            let user = usage.shared.names.raw(event.user_id.as_str());
            let facts = Facts::new(kind, event.failed);
            if let Some((_, chunk)) = chunks.get_mut(*place) {
                chunk.push(event.occurred_at.micros(), user, facts);
            }
        }
        drop(kinds);
        for (_, chunk) in &mut chunks {
            chunk.sort();
        }
        Ok(chunks)
    }
}
