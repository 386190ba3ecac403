//! The deadline of a call: the time from the call to its answer.

use std::fmt;
use std::time::Duration;

use super::state::turns::CommandTurn;
use super::{Incidents, RequestContext};
use crate::IncidentId;
use crate::port::StoreError;

/// The error of a call whose time was over before the store was called.
#[derive(Debug)]
struct CallTimedOut;

impl fmt::Display for CallTimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the command timed out before anything was stored")
    }
}

impl std::error::Error for CallTimedOut {}

/// The error of a command on an incident whose queue is full.
#[derive(Debug)]
struct QueueFull;

impl fmt::Display for QueueFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many commands are waiting for this incident")
    }
}

impl std::error::Error for QueueFull {}

impl Incidents {
    /// Returns a handle on which the time of one call runs
    /// ([`command_deadline`](super::IncidentsBuilder::command_deadline)). A nested call has the
    /// time that is left of the outer one.
    pub(super) fn begun(&self) -> Self {
        self.begun_within(self.inner.settings.command_deadline)
    }

    /// Returns the same for a command, whose caller may have less time
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

    /// Returns the time that the next store operation may take: the rest of the call's time, at
    /// most the store deadline.
    ///
    /// # Errors
    /// Returns [`StoreError::Unavailable`] if the time of the call is over. Nothing was sent to the
    /// store.
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

    /// Waits for the turn of a command on an incident. Within a process commands on an incident run
    /// one after another, in order of arrival, instead of conflicting over revisions.
    ///
    /// There is no timer here. The wait still ends in time: earlier commands hold the turn no
    /// longer than their own deadlines.
    ///
    /// # Errors
    /// Returns [`StoreError::Unavailable`] if the time of the call is over by then, or if too many
    /// commands wait already.
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
