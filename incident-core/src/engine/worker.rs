//! The health of an engine, and the end of its work in a process.

use std::sync::PoisonError;

use super::{Error, WorkerHandle, metrics};
use crate::outbox::Backlog;
use crate::paging::TestedTarget;

/// The store answers and takes writes, and what is known of its clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// By how many microseconds the store's clock was ahead of this process' when
    /// [`measure`](WorkerHandle::measure) last looked; behind if negative. None where the store
    /// has no clock of its own.
    pub clock_ahead: Option<i64>,
}

impl WorkerHandle<'_> {
    /// Measures what waits, and sets the gauges. Call it now and then; the loop of
    /// `incident-pagers` does.
    ///
    /// # Errors
    /// The store did not answer; the gauges keep their values.
    pub async fn measure(self) -> Result<Backlog, Error> {
        let engine = &self.0.inner;
        let timeout = engine.settings.store_deadline;
        let backlog = engine.relay.backlog(timeout).await?;
        metrics::backlog(&backlog, engine.now());
        let last = engine.clock_ahead.lock();
        *last.unwrap_or_else(PoisonError::into_inner) = backlog.clock_ahead;
        Ok(backlog)
    }

    /// Asks the store if it answers and takes writes.
    ///
    /// # Errors
    /// It does not ([`StoreError::ReadOnly`](crate::port::StoreError::ReadOnly)).
    pub async fn health(self) -> Result<Health, Error> {
        let this = self.0.begun();
        this.store.ready(this.left()?).await?;
        let clock_ahead = this.inner.clock_ahead.lock();
        Ok(Health {
            clock_ahead: *clock_ahead.unwrap_or_else(PoisonError::into_inner),
        })
    }

    /// Ends what this process holds in memory, before it stops: resolves the alerts of the test
    /// page that is open, now and once, and writes down the refusals that were only counted.
    /// Returns how each target of the test answered; empty where none is open.
    ///
    /// An alert that could not be resolved is still resolved by the relay when the test's time is
    /// over, in this process or in the next one.
    ///
    /// # Errors
    /// The store did not take the entries.
    pub async fn finish(self) -> Result<Vec<TestedTarget>, Error> {
        let this = self.0;
        let resolved = this.resolve_open_test().await;
        let denials = this.inner.denials.all();
        this.begun().write_denials(denials).await?;
        Ok(resolved)
    }
}
