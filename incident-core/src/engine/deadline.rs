//! The time that a call has, from the call to its answer.

use std::fmt;
use std::time::Duration;

use super::state::turns::CommandTurn;
use super::{Incidents, RequestContext};
use crate::IncidentId;
use crate::port::StoreError;

/// A call whose time was over before the store was asked.
#[derive(Debug)]
struct CallTimedOut;

impl fmt::Display for CallTimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time for the call was over before the store was asked")
    }
}

impl std::error::Error for CallTimedOut {}

/// A queue on one incident that takes no more.
#[derive(Debug)]
struct QueueFull;

impl fmt::Display for QueueFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many commands wait for this incident")
    }
}

impl std::error::Error for QueueFull {}

impl Incidents {
    /// The same engine with the time of one call running
    /// ([`command_deadline`](super::IncidentsBuilder::command_deadline)). A call that is part of
    /// another one has what is left of that one's.
    pub(super) fn begun(&self) -> Self {
        self.begun_within(self.inner.settings.command_deadline)
    }

    /// The same for a command, whose caller may have less time
    /// ([`with_timeout`](RequestContext::with_timeout)).
    pub(super) fn begun_for(&self, context: &RequestContext) -> Self {
        let timeout = context.timeout;
        self.begun_within(timeout.unwrap_or(self.inner.settings.command_deadline))
    }

    fn begun_within(&self, timeout: Duration) -> Self {
        let deadline = || self.inner.clock.steady().saturating_add(timeout);
        Self {
            deadline: Some(self.deadline.unwrap_or_else(deadline)),
            ..self.clone()
        }
    }

    /// How long the store may take now: what the call has left, and no longer than any one
    /// question to the store takes.
    ///
    /// # Errors
    /// The time of the call is over. Nothing was asked for.
    pub(super) fn left(&self) -> Result<Duration, StoreError> {
        let most = self.inner.settings.store_deadline;
        let Some(until) = self.deadline else {
            return Ok(most);
        };
        match until.saturating_sub(self.inner.clock.steady()) {
            Duration::ZERO => Err(StoreError::Unavailable(Box::new(CallTimedOut))),
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
    pub(super) async fn turn(&self, id: IncidentId) -> Result<Option<CommandTurn<'_>>, StoreError> {
        let Some(turns) = self.inner.queue(id) else {
            return Ok(None);
        };
        let crowded = || StoreError::Unavailable(Box::new(QueueFull));
        let turn = turns.wait().ok_or_else(crowded)?.await;
        self.left()?;
        Ok(Some(turn))
    }
}
