//! Commands that are decided and not committed yet.

use std::sync::Arc;

use crate::IncidentId;
use crate::commit::Commit;
use crate::engine::{EngineEvent, Incidents};
use crate::incident::Incident;

/// A command that is decided and not committed.
///
/// A host hands it to its store with a transaction of its own (`PgStore::commit_with`), so that its
/// rows and the incident are committed together or not at all. If it commits by itself
/// (`PgStore::commit_in`), it calls [`committed`](Self::committed) when that transaction is
/// committed, or may be: otherwise a page goes out at the next poll, up to a second later, and
/// listeners are not notified. The trait `Store` has neither: another store takes
/// [`commit`](Self::commit), whatever its transactions are.
///
/// **Cancellation** is the host's: nothing here runs in a task of its own. A command that is not
/// committed has no effect; the number of a declared incident stays unused.
///
/// **Conflicts:** `commit_in` refuses a decision on a state that is no longer the newest
/// ([`StoreError::Conflict`](crate::port::StoreError::Conflict)), and a key or alert that is in use
/// by then ([`IdempotencyKeyInUse`](crate::port::StoreError::IdempotencyKeyInUse),
/// [`AlertKeyTaken`](crate::port::StoreError::AlertKeyTaken)). A refusal fails the host's
/// transaction: roll it back, prepare again, and repeat it as a whole; for a key or an alert in
/// use, [`Incidents::act`] and [`Incidents::declare`] return the answer.
#[derive(Clone, Debug)]
pub struct PreparedCommand {
    /// The incident that the command returns, as it was when the command was decided.
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

    /// Returns the incident after the command.
    #[must_use]
    pub fn incident(&self) -> &Arc<Incident> {
        let writes = &mut self.commit.writes.iter();
        writes
            .find(|write| write.after.id == self.before.id)
            .map_or(&self.before, |write| &write.after)
    }

    /// Returns the commit that the store has to make.
    #[must_use]
    pub const fn commit(&self) -> &Commit {
        &self.commit
    }

    /// Notifies the engine that the host's transaction is committed, or may be: it calls the
    /// listeners, which wake the relay.
    pub fn committed(&self) {
        if let Some(engine) = &self.engine
            && !self.event.is_empty()
        {
            engine.inner.emit(&self.event);
        }
    }

    /// Returns one of the command's incidents after the command; `before` if nothing changes it.
    pub(in crate::engine) fn after<'a>(&'a self, before: &'a Incident) -> &'a Incident {
        let writes = &mut self.commit.writes.iter();
        writes
            .find(|write| write.after.id == before.id)
            .map_or(before, |write| &write.after)
    }

    /// Returns an incident that the command changes, to change it further.
    pub(in crate::engine) fn after_mut(&mut self, id: IncidentId) -> Option<&mut Incident> {
        let writes = &mut self.commit.writes.iter_mut();
        let write = writes.find(|write| write.after.id == id)?;
        Some(Arc::make_mut(&mut write.after))
    }

    /// Returns the numbers of the entries that belong to the command's answer.
    pub(in crate::engine) fn seqs(&self) -> Vec<u64> {
        let writes = &mut self.commit.writes.iter();
        let own = writes.find(|write| write.after.id == self.before.id);
        own.map_or_else(Vec::new, |write| {
            let last = write.after.last_seq;
            (last + 1 - write.entries.len() as u64..=last).collect()
        })
    }
}
