//! The time that a call has, from the call to its answer.

use std::fmt;
use std::time::Duration;

use super::Incidents;
use super::shared::Shared;
use super::turns::Turn;
use crate::IncidentId;
use crate::port::StoreError;

/// A call whose time was over before the store was asked.
#[derive(Debug)]
struct Late;

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time for the call was over before the store was asked")
    }
}

impl std::error::Error for Late {}

/// A queue on one incident that takes no more.
#[derive(Debug)]
struct Crowded;

impl fmt::Display for Crowded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many commands wait for this incident")
    }
}

impl std::error::Error for Crowded {}

impl Incidents {
    /// The same engine, each call of which is answered within so much time from the
    /// call, instead of within that of the builder
    /// ([`command_deadline`](super::IncidentsBuilder::command_deadline)). For callers that
    /// are themselves waited for, such as a webhook.
    #[must_use]
    pub fn with_timeout(&self, deadline: Duration) -> Self {
        let mut shared = self.0.clone();
        shared.timeout = Some(deadline);
        Self(shared)
    }

    /// The same engine with the time of one call running. A call that is part of another
    /// one has what is left of that one's.
    pub(super) fn begun(&self) -> Self {
        let mut shared = self.0.clone();
        let deadline = shared.timeout.unwrap_or(shared.settings.command_deadline);
        let until = || shared.clock.steady().saturating_add(deadline);
        shared.deadline = Some(shared.deadline.unwrap_or_else(until));
        Self(shared)
    }
}

impl Shared {
    /// How long the store may take now: what the call has left, and no longer than any one
    /// question to the store takes.
    ///
    /// # Errors
    /// The time of the call is over. Nothing was asked for.
    pub(super) fn left(&self) -> Result<Duration, StoreError> {
        let most = self.settings.store_deadline;
        let Some(until) = self.deadline else {
            return Ok(most);
        };
        match until.saturating_sub(self.clock.steady()) {
            Duration::ZERO => Err(StoreError::Unavailable(Box::new(Late))),
            left => Ok(left.min(most)),
        }
    }

    /// Waits for the turn of a command on an incident: in one process they go one after
    /// another, in the order in which they came, instead of fighting over revisions.
    ///
    /// Nothing here has a timer. It ends in time all the same: those ahead came before,
    /// and whatever they do with the turn ends with their own time.
    ///
    /// # Errors
    /// The time was over by then, or too many wait already.
    pub(super) async fn turn(&self, id: IncidentId) -> Result<Option<Turn<'_>>, StoreError> {
        let Some(turns) = self.queue(id) else {
            return Ok(None);
        };
        let crowded = || StoreError::Unavailable(Box::new(Crowded));
        let turn = turns.wait().ok_or_else(crowded)?.await;
        self.left()?;
        Ok(Some(turn))
    }
}
