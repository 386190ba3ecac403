//! Questions about live incidents: asked anew with a later end, they cost what came since.
//!
//! Events carry the number of the batch they came with, so that late ones are told from
//! those that were counted before. What was put together from old and new events is
//! looked at again as a whole: a user who is met twice counts once.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use incident_core::impact::{ImpactCounts, ImpactQuery, IncrementalCache, SeenUsers};
use incident_core::port::UsageError;

use super::ids::RawId;
use super::scan::{Filter, FoundRows};
use super::snapshot::{Snapshot, in_time};

/// Most users of a question that is followed: without sets, sealed events are counted
/// faster than the sets of many users are made.
const MAX_USERS: u64 = 1_000_000;

/// About what a pair of tenant and user takes in two sets.
const PAIR: usize = 64;

/// The queries that were asked lately, with their lock and clock.
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

    /// Tells the time on the cache's clock.
    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

/// What was counted so far.
#[derive(Debug, Default)]
pub(super) struct RunningCount {
    /// The number of the last batch.
    batch: u64,
    /// Up to which time, in microseconds.
    end: i64,
    met: SeenUsers<RawId, RandomState>,
}

/// The answer of a question that was asked before with an earlier end; none of one that is
/// to be counted as any other. `room` is how many bytes all of them may take.
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
    // Somebody asked about an earlier time, or looked before who asked last.
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
            // Half of it would be taken for all of it.
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

/// Follows a question from now on that took long to count, unless it has too many users.
pub(super) fn note(live: &LiveQueries, query: &ImpactQuery, counts: &ImpactCounts) {
    let users = counts.by_tenant.iter().map(|one| one.unique_users);
    if users.sum::<u64>() > MAX_USERS {
        return;
    }
    if let Some(growing) = query.open_ended() {
        live.lock().follow(&growing, live.now());
    }
}
