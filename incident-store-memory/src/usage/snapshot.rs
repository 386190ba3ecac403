//! A snapshot of the events that a query reads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use incident_core::Window;
use incident_core::port::UsageError;

use super::log::Log;
use super::scan::{EventRows, FoundRows};

/// A snapshot of the tenants of a query.
pub(super) struct Snapshot<'a> {
    pub(super) asked: Vec<(Option<Arc<Log>>, &'a [Window])>,
    /// `true` if a sealed user of one of them has another tenant too.
    pub(super) shares: bool,
    /// The last batch that it includes.
    pub(super) batch: u64,
}

impl<'a> Snapshot<'a> {
    /// Finds the rows of each tenant.
    pub(super) fn found(&self) -> FoundRows<'_> {
        let asked = self.asked.iter();
        FoundRows::of(asked.map(|(log, windows)| (log.as_deref(), *windows)))
    }
}

/// Checks that the timeout has not passed.
///
/// # Errors
/// Returns [`UsageError::QueryTimedOut`], with the size of the query, if it has.
pub(super) fn in_time(
    started: Instant,
    timeout: Duration,
    rows: &[Option<(&Log, EventRows<'_>)>],
) -> Result<(), UsageError> {
    if started.elapsed() <= timeout {
        return Ok(());
    }
    let known = rows.iter().filter_map(Option::as_ref);
    let events = known.map(|(_, rows)| rows.len()).sum();
    Err(UsageError::QueryTimedOut {
        tenants: rows.len(),
        events: Some(size(events)),
    })
}

pub(super) fn size(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
