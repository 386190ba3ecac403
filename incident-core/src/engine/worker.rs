//! The health of an engine, and the end of its work in a process.

use std::sync::PoisonError;

use super::{Error, WorkerHandle, metrics};
use crate::outbox::Backlog;
use crate::paging::TestedTarget;

/// The health of an engine whose store answers and takes writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Microseconds by which the store's clock was ahead of this process' at the last
    /// [`measure`](WorkerHandle::measure); negative if it was behind. None before the first one, or
    /// if the store has no clock of its own.
    pub clock_ahead: Option<i64>,
}

impl WorkerHandle<'_> {
    /// Measures the backlog and sets the gauges. Call it now and then; the loop of
    /// `incident-pagers` does.
    ///
    /// # Errors
    /// Fails if the store did not answer; the gauges keep their values.
    pub async fn measure(self) -> Result<Backlog, Error> {
        let engine = &self.0.inner;
        let timeout = engine.settings.store_deadline;
        let backlog = engine.relay.backlog(timeout).await?;
        metrics::backlog(&backlog, engine.now());
        let last = engine.clock_ahead.lock();
        *last.unwrap_or_else(PoisonError::into_inner) = backlog.clock_ahead;
        Ok(backlog)
    }

    /// Checks that the store answers and takes writes.
    ///
    /// # Errors
    /// Fails if the store does not answer, or takes no writes
    /// ([`StoreError::ReadOnly`](crate::port::StoreError::ReadOnly)).
    pub async fn health(self) -> Result<Health, Error> {
        let this = self.0.begun();
        this.store.ready(this.left()?).await?;
        let clock_ahead = this.inner.clock_ahead.lock();
        Ok(Health {
            clock_ahead: *clock_ahead.unwrap_or_else(PoisonError::into_inner),
        })
    }

    /// Finishes the work that this process holds in memory, before it stops.
    ///
    /// It resolves the alerts of the open test page, now and once, and writes the audit entries of
    /// refusals that were only counted. Returns the answer of each target of the test; empty if
    /// none is open. An alert that could not be resolved is still resolved by the relay when the
    /// test's time is over, in this process or in the next one.
    ///
    /// # Errors
    /// Fails if the store did not take the entries.
    pub async fn finish(self) -> Result<Vec<TestedTarget>, Error> {
        let this = self.0;
        let resolved = this.resolve_open_test().await;
        let denials = this.inner.denials.all();
        this.begun().write_denials(denials).await?;
        Ok(resolved)
    }
}
