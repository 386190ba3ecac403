//! Queries about live incidents, which are repeated with a later end.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::time::Duration;

use super::{ImpactCounts, ImpactQuery, TenantWindows};
use crate::TenantId;

/// The distinct users that an open-ended query has counted, by tenant and over all.
///
/// Adding a user again changes nothing.
#[derive(Debug)]
pub struct SeenUsers<U, S> {
    by_tenant: HashMap<TenantId, HashSet<U, S>>,
    all: HashSet<U, S>,
    pairs: usize,
}

impl<U, S: Default> Default for SeenUsers<U, S> {
    fn default() -> Self {
        Self {
            by_tenant: HashMap::new(),
            all: HashSet::default(),
            pairs: 0,
        }
    }
}

impl<U: Clone + Eq + Hash, S: BuildHasher + Default> SeenUsers<U, S> {
    /// Adds users of a tenant.
    pub fn add(&mut self, tenant: &TenantId, users: impl IntoIterator<Item = U>) {
        if !self.by_tenant.contains_key(tenant) {
            self.by_tenant.insert(tenant.clone(), HashSet::default());
        }
        let Some(of_tenant) = self.by_tenant.get_mut(tenant) else {
            return;
        };
        for user in users {
            if of_tenant.insert(user.clone()) {
                self.pairs += 1;
                self.all.insert(user);
            }
        }
    }

    /// Returns the number of pairs of tenant and user.
    #[must_use]
    pub const fn pairs(&self) -> usize {
        self.pairs
    }

    /// Returns the counts for the query.
    #[must_use]
    pub fn counts(&self, query: &ImpactQuery) -> ImpactCounts {
        let size = |set: &HashSet<U, S>| u64::try_from(set.len()).unwrap_or(u64::MAX);
        let users = |one: &TenantWindows| self.by_tenant.get(&one.tenant).map_or(0, size);
        let counts = query.tenants().iter().map(users);
        ImpactCounts::exact(query, counts, size(&self.all))
    }
}

/// Idle time after which a query is forgotten: a person who watches an incident reloads more often
/// than that, and its users are held in memory.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(600);

/// Maximum number of queries that are followed; a report with its baseline has five.
const MAX_QUESTIONS: usize = 64;

/// A cache of recent open-ended queries, each with the state that its source has for it.
///
/// The key is the query [without its end](ImpactQuery::open_ended). The cache has no lock and no
/// clock: its owner provides both.
///
/// Times are durations since any fixed moment.
#[derive(Debug)]
pub struct IncrementalCache<T>(HashMap<ImpactQuery, CacheEntry<T>>);

#[derive(Debug)]
struct CacheEntry<T> {
    asked: Duration,
    known: Arc<T>,
    bytes: usize,
}

impl<T> Default for IncrementalCache<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Default> IncrementalCache<T> {
    /// Returns `true` if no query is followed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the state of a query and marks it as used; `None` if it is not followed.
    pub fn known(&mut self, query: &ImpactQuery, now: Duration) -> Option<Arc<T>> {
        let entry = self.0.get_mut(query)?;
        entry.asked = now;
        Some(Arc::clone(&entry.known))
    }

    /// Starts to follow a query, or marks it as used.
    ///
    /// Queries that were not used for ten minutes are forgotten. If there is no place left, so is
    /// the least recently used.
    pub fn follow(&mut self, query: &ImpactQuery, now: Duration) {
        if let Some(entry) = self.0.get_mut(query) {
            entry.asked = now;
            return;
        }
        self.0
            .retain(|_, entry| now.saturating_sub(entry.asked) < FORGOTTEN_AFTER);
        if self.0.len() >= MAX_QUESTIONS {
            forget_oldest(&mut self.0);
        }
        let entry = CacheEntry {
            asked: now,
            known: Arc::default(),
            bytes: 0,
        };
        self.0.insert(query.clone(), entry);
    }

    /// Records the approximate size of a query in bytes.
    ///
    /// While all queries together exceed `room`, the least recently used is forgotten.
    pub fn measured(&mut self, query: &ImpactQuery, bytes: usize, room: usize) {
        if let Some(entry) = self.0.get_mut(query) {
            entry.bytes = bytes;
        }
        while self.bytes() > room {
            forget_oldest(&mut self.0);
        }
    }

    /// Returns the approximate size of all queries, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.values().map(|entry| entry.bytes).sum()
    }
}

fn forget_oldest<T>(entries: &mut HashMap<ImpactQuery, CacheEntry<T>>) {
    let oldest = entries.iter().min_by_key(|(_, entry)| entry.asked);
    if let Some(oldest) = oldest.map(|(growing, _)| growing.clone()) {
        entries.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Timestamp, Window, Windows};

    fn growing(start: u64) -> ImpactQuery {
        of(1, start).unwrap()
    }

    fn of(tenants: usize, start: u64) -> Option<ImpactQuery> {
        let zero: Timestamp = "2026-11-20T00:00:00Z".parse().unwrap();
        let start = zero.saturating_add(Duration::from_secs(start));
        let end = start.saturating_add(Duration::from_secs(10));
        let windows = Windows::from(Window::new(start, end).unwrap());
        let one = |n: usize| TenantWindows {
            tenant: format!("t{n}").parse().unwrap(),
            windows: windows.clone(),
        };
        let query = ImpactQuery::new((0..tenants).map(one).collect());
        query.open_ended()
    }

    #[test]
    fn few_are_followed_and_the_longest_unasked_are_forgotten() {
        assert!(of(10_000, 0).is_some() && of(10_001, 0).is_none());
        let mut following = IncrementalCache::<u8>::default();
        let after = Duration::from_secs;
        assert!(following.is_empty());
        for n in 0..70 {
            assert!(following.known(&growing(n), after(n)).is_none());
            following.follow(&growing(n), after(n));
        }
        let is_known = |following: &mut IncrementalCache<u8>, n: u64, at: u64| {
            following.known(&growing(n), after(at)).is_some()
        };
        assert!(
            !is_known(&mut following, 5, 70),
            "the longest unasked is forgotten"
        );
        assert!(is_known(&mut following, 60, 71));
        for n in [60, 68, 69] {
            following.measured(&growing(n), 100, 250);
        }
        assert!(following.bytes() <= 250);
        assert!(is_known(&mut following, 60, 72), "asked last");
        following.follow(&growing(1_000), after(5_000));
        assert!(!is_known(&mut following, 60, 5_000) && is_known(&mut following, 1_000, 5_000));
        assert_eq!(following.bytes(), 0, "nobody asked for ten minutes");
    }
}
