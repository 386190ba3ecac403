//! Incremental queries about live incidents: repeated with a later end, they read only events that
//! arrived since.
//!
//! Events carry the number of their batch, which separates late ones from those that were counted
//! before. A part that was merged from old and new events is read again as a whole: a user who is
//! found twice counts once.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use incident_core::impact::{ImpactCounts, ImpactQuery, IncrementalCache, SeenUsers};
use incident_core::port::UsageError;

use super::ids::RawId;
use super::scan::{Filter, FoundRows};
use super::snapshot::{Snapshot, in_time};

/// Maximum number of users of an incremental query: beyond it, counting sealed events without sets
/// is faster than filling the sets.
const MAX_USERS: u64 = 1_000_000;

/// Approximate size of a pair of tenant and user in two sets, in bytes.
const PAIR: usize = 64;

/// The cache of recent queries, with its lock and clock.
#[derive(Debug)]
pub(super) struct LiveQueries {
    started: Instant,
    cache: Mutex<IncrementalCache<Mutex<RunningCount>>>,
}

impl Default for LiveQueries {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            cache: Mutex::default(),
        }
    }
}

impl LiveQueries {
    /// Locks the cache.
    pub(super) fn lock(&self) -> MutexGuard<'_, IncrementalCache<Mutex<RunningCount>>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the time on the cache's clock.
    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

/// The users that were counted so far.
#[derive(Debug, Default)]
pub(super) struct RunningCount {
    /// The number of the last batch that was counted.
    batch: u64,
    /// The end of the counted time, in microseconds.
    end: i64,
    met: SeenUsers<RawId, RandomState>,
}

/// Returns the counts of a query that is in the cache with an earlier end; none if it must be
/// counted in full.
///
/// `room` is the maximum size of all cached users, in bytes.
pub(super) fn ask(
    live: &LiveQueries,
    query: &ImpactQuery,
    snapshot: &Snapshot<'_>,
    (filter, room): (&Filter, usize),
    (started, timeout): (Instant, Duration),
) -> Result<Option<ImpactCounts>, UsageError> {
    let (Some(end), Some(growing)) = (query.end(), query.open_ended()) else {
        return Ok(None);
    };
    let known = live.lock().known(&growing, live.now());
    let Some(counted) = known else {
        return Ok(None);
    };
    let end = end.micros();
    let mut so_far = counted.lock().unwrap_or_else(PoisonError::into_inner);
    // A concurrent call has counted further, or this query has an earlier end.
    if end < so_far.end || snapshot.batch < so_far.batch {
        return Ok(None);
    }
    for (one, (log, windows)) in query.tenants().iter().zip(&snapshot.asked) {
        let Some(log) = log else { continue };
        let mut found = FoundRows::default();
        found.add(log, windows, so_far.batch, so_far.end);
        let users = log.users();
        for (_, new) in found.rows().iter().flatten() {
            let new = new.each(filter, &users).map(|row| row.user);
            so_far.met.add(&one.tenant, new);
        }
        if started.elapsed() > timeout {
            // A partial count must not be mistaken for a complete one.
            *so_far = RunningCount::default();
            return in_time(started, timeout, &snapshot.found().rows()).map(|()| None);
        }
    }
    (so_far.batch, so_far.end) = (snapshot.batch, end);
    let counts = so_far.met.counts(query);
    let bytes = so_far.met.pairs() * PAIR;
    drop(so_far);
    live.lock().measured(&growing, bytes, room);
    Ok(Some(counts))
}

/// Adds a slow query to the cache, unless it has too many users.
pub(super) fn note(live: &LiveQueries, query: &ImpactQuery, counts: &ImpactCounts) {
    let users = counts.by_tenant.iter().map(|one| one.unique_users);
    if users.sum::<u64>() > MAX_USERS {
        return;
    }
    if let Some(growing) = query.open_ended() {
        live.lock().follow(&growing, live.now());
    }
}
