//! Commands that are decided and not committed yet.

use std::sync::Arc;

use crate::IncidentId;
use crate::commit::Commit;
use crate::engine::{EngineEvent, Incidents};
use crate::incident::Incident;

/// A command that is decided and not committed.
///
/// A host hands it to its store with a transaction of its own (`PgStore::commit_with`), so that
/// its rows and the incident are committed together or not at all. Where it commits by itself
/// (`PgStore::commit_in`), it calls [`committed`](Self::committed) when that transaction is
/// committed, or may be: without it a page goes out at the next poll, up to a second later, and
/// listeners hear nothing. The trait `Store` has neither: another store takes
/// [`commit`](Self::commit), whatever its transactions are.
///
/// **Cancellation** is the host's: nothing here runs in a task of its own. What is not
/// committed never was; the number of a declared incident stays unused.
///
/// **Conflicts:** `commit_in` refuses what was decided on a state that is no longer the newest
/// ([`StoreError::Conflict`](crate::port::StoreError::Conflict)), and a key or alert that
/// somebody else has by then
/// ([`IdempotencyKeyInUse`](crate::port::StoreError::IdempotencyKeyInUse),
/// [`AlertKeyTaken`](crate::port::StoreError::AlertKeyTaken)). A refusal fails the host's
/// transaction: roll it back, prepare again, and repeat it as a whole; for a key or an alert
/// in use, [`Incidents::act`] and [`Incidents::declare`] give the answer.
#[derive(Clone, Debug)]
pub struct PreparedCommand {
    /// The incident that is the answer, as it was decided on.
    before: Arc<Incident>,
    pub(in crate::engine) commit: Commit,
    pub(in crate::engine) event: EngineEvent,
    pub(in crate::engine) deduplicated: bool,
    engine: Option<Incidents>,
}

impl PreparedCommand {
    pub(in crate::engine) fn new(before: Arc<Incident>) -> Self {
        Self {
            before,
            commit: Commit::default(),
            event: EngineEvent::default(),
            deduplicated: false,
            engine: None,
        }
    }

    pub(super) fn of(mut self, incidents: &Incidents) -> Self {
        self.engine = Some(incidents.clone());
        self.event.outbox |= !self.commit.outbox.is_empty();
        self
    }

    /// Returns the incident as it will be.
    #[must_use]
    pub fn incident(&self) -> &Arc<Incident> {
        let writes = &mut self.commit.writes.iter();
        writes
            .find(|write| write.after.id == self.before.id)
            .map_or(&self.before, |write| &write.after)
    }

    /// Returns what the store is to commit.
    #[must_use]
    pub const fn commit(&self) -> &Commit {
        &self.commit
    }

    /// Tells the engine that the host's transaction is committed, or may be: listeners hear
    /// of it, and the relay is woken.
    pub fn committed(&self) {
        if let Some(engine) = &self.engine
            && !self.event.is_empty()
        {
            engine.inner.emit(&self.event);
        }
    }

    /// Returns one of its incidents as it will be; as it is where nothing changes it.
    pub(in crate::engine) fn after<'a>(&'a self, before: &'a Incident) -> &'a Incident {
        let writes = &mut self.commit.writes.iter();
        writes
            .find(|write| write.after.id == before.id)
            .map_or(before, |write| &write.after)
    }

    /// Returns one of its incidents that it changes, to change it further.
    pub(in crate::engine) fn after_mut(&mut self, id: IncidentId) -> Option<&mut Incident> {
        let writes = &mut self.commit.writes.iter_mut();
        let write = writes.find(|write| write.after.id == id)?;
        Some(Arc::make_mut(&mut write.after))
    }

    /// Returns the numbers of the entries that the answer gets.
    pub(in crate::engine) fn seqs(&self) -> Vec<u64> {
        let writes = &mut self.commit.writes.iter();
        let own = writes.find(|write| write.after.id == self.before.id);
        own.map_or_else(Vec::new, |write| {
            let last = write.after.last_seq;
            (last + 1 - write.entries.len() as u64..=last).collect()
        })
    }
}
