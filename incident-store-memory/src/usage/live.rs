//! Questions about live incidents: asked anew with a later end, they cost what came since.
//!
//! Events carry the number of the batch they came with, so that late ones are told from
//! those that were counted before. What was put together from old and new events is
//! looked at again as a whole: a user who is met twice counts once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use incident_core::impact::{Growing, ImpactCounts, ImpactQuery, Met};
use incident_core::port::UsageError;

use super::ids::RawId;
use super::log::Log;
use super::scan::{Filter, Rows};
use super::{Snapshot, in_time};

/// A question about more tenants is not followed.
const MOST_TENANTS: usize = 10_000;

/// Most questions that are followed: a report asks five.
const MOST_QUESTIONS: usize = 64;

/// A question that nobody asked for so long is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(600);

/// About what a pair of tenant and user takes in two sets.
const PAIR: usize = 64;

/// The questions that were asked lately.
#[derive(Debug, Default)]
pub(super) struct Live(Mutex<HashMap<Growing, Entry, RandomState>>);

#[derive(Debug)]
struct Entry {
    asked: Instant,
    /// None until it is asked for the second time.
    followed: Option<Arc<Mutex<Followed>>>,
    /// About how many bytes it takes.
    bytes: usize,
}

/// What was counted so far.
#[derive(Debug, Default)]
struct Followed {
    /// The number of the last batch.
    batch: u64,
    /// Up to which time, in microseconds.
    end: i64,
    met: Met<RawId, RandomState>,
}

/// What a question came to.
pub(super) enum Found {
    Counts(ImpactCounts),
    /// It is to be counted as any other.
    NotFollowed,
}

impl Live {
    fn entries(&self) -> MutexGuard<'_, HashMap<Growing, Entry, RandomState>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// About how many bytes are taken.
    pub(super) fn bytes(&self) -> usize {
        self.entries().values().map(|entry| entry.bytes).sum()
    }

    /// The answer of a question that was asked before with an earlier end; `room` is how
    /// many bytes all of them may take.
    pub(super) fn ask(
        &self,
        query: &ImpactQuery,
        (snapshot, rows): (&Snapshot<'_>, &[Option<(&Log, Rows<'_>)>]),
        filter: &Filter,
        room: usize,
        (started, within): (Instant, Duration),
    ) -> Result<Found, UsageError> {
        if query.tenants().len() > MOST_TENANTS {
            return Ok(Found::NotFollowed);
        }
        let Some((growing, end)) = Growing::of(query) else {
            return Ok(Found::NotFollowed);
        };
        let Some(followed) = self.known(&growing, started) else {
            return Ok(Found::NotFollowed);
        };
        let end = end.micros();
        let mut so_far = followed.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody asked about an earlier time, or looked before who asked last.
        if end < so_far.end || snapshot.batch < so_far.batch {
            return Ok(Found::NotFollowed);
        }
        for (one, (log, windows)) in query.tenants().iter().zip(&snapshot.asked) {
            let Some(log) = log else { continue };
            let new = Rows::since(log, windows, so_far.batch, so_far.end);
            let users = log.users();
            let new = new.each(filter, &users).map(|row| row.user);
            so_far.met.add(&one.tenant, new);
            if let Err(late) = in_time(started, within, rows) {
                // Half of it would be taken for all of it.
                *so_far = Followed::default();
                return Err(late);
            }
        }
        (so_far.batch, so_far.end) = (snapshot.batch, end);
        let counts = so_far.met.counts(query);
        let bytes = so_far.met.pairs() * PAIR;
        drop(so_far);
        self.measured(&growing, bytes, room);
        Ok(Found::Counts(counts))
    }

    /// What was counted of a question; none if it is asked for the first time.
    fn known(&self, growing: &Growing, now: Instant) -> Option<Arc<Mutex<Followed>>> {
        let mut entries = self.entries();
        if let Some(entry) = entries.get_mut(growing) {
            entry.asked = now;
            return Some(Arc::clone(entry.followed.get_or_insert_default()));
        }
        entries.retain(|_, entry| now.duration_since(entry.asked) < FORGOTTEN_AFTER);
        if entries.len() >= MOST_QUESTIONS {
            forget_oldest(&mut entries);
        }
        let entry = Entry {
            asked: now,
            followed: None,
            bytes: 0,
        };
        entries.insert(growing.clone(), entry);
        None
    }

    /// Notes the size of a question, and forgets the longest unasked ones if there are too
    /// many users: they are counted as a whole when they are asked again.
    fn measured(&self, growing: &Growing, bytes: usize, room: usize) {
        let mut entries = self.entries();
        if let Some(entry) = entries.get_mut(growing) {
            entry.bytes = bytes;
        }
        while entries.values().map(|entry| entry.bytes).sum::<usize>() > room {
            if !forget_oldest(&mut entries) {
                return;
            }
        }
    }
}

fn forget_oldest(entries: &mut HashMap<Growing, Entry, RandomState>) -> bool {
    let oldest = entries.iter().min_by_key(|(_, entry)| entry.asked);
    let oldest = oldest.map(|(growing, _)| growing.clone());
    oldest.is_some_and(|oldest| entries.remove(&oldest).is_some())
}
