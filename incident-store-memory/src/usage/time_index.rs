//! The newest events of all tenants by minute: a short window of many tenants is read
//! from one place, where the logs of tenants would cost a few misses of the cache each.

use std::collections::BTreeMap;
use std::sync::Arc;

use incident_core::Window;

use super::chunk::{Chunk, Facts, RAW_ROW};
use super::ids::RawId;

/// The index takes at most this part of the limit, unless told otherwise.
pub(super) const SHARE: u64 = 8;

const MINUTE_US: i64 = 60_000_000;

/// Most events of a part: adding to one that somebody reads copies it.
const PART: usize = 1_024;

/// About what a minute takes beside its events.
const MINUTE: usize = 200;

/// What an event takes.
const ENTRY: usize = RAW_ROW + 4;

/// An event of a batch that is not kept yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) time: i64,
    pub(super) user: RawId,
    /// The place of the tenant in the batch.
    pub(super) tenant: u32,
    pub(super) facts: Facts,
}

/// Events of a minute, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    /// The number of the tenant of each row.
    pub(super) tenant: Vec<u32>,
    pub(super) rows: Chunk,
}

/// A part, and whether its minute lies in the window that was asked for as a whole.
pub(super) type Found = (Arc<Part>, bool);

/// Events by minute, complete from some minute on.
///
/// It repeats what logs hold, so that it gives way where room is short: the oldest minute
/// first, as a whole.
#[derive(Debug)]
pub(super) struct TimeIndex {
    minutes: BTreeMap<i64, Vec<Arc<Part>>>,
    /// The first minute that it is complete from.
    complete_from: i64,
    bytes: usize,
}

impl Default for TimeIndex {
    fn default() -> Self {
        Self {
            minutes: BTreeMap::new(),
            complete_from: i64::MIN,
            bytes: 0,
        }
    }
}

fn minute(time: i64) -> i64 {
    time.div_euclid(MINUTE_US)
}

/// Puts events in order of minutes, where they are not.
pub(super) fn sort(entries: &mut [Entry]) {
    if !entries.is_sorted_by_key(|one| minute(one.time)) {
        entries.sort_by_key(|one| minute(one.time));
    }
}

impl TimeIndex {
    /// Adds events that are in order of minutes, with the number of the tenant in each place of
    /// their batch. Keeps at most so many bytes.
    pub(super) fn add(&mut self, entries: &[Entry], tenants: &[u32], most: usize) {
        let same_minute = |one: &Entry, next: &Entry| minute(one.time) == minute(next.time);
        for run in entries.chunk_by(same_minute) {
            let Some(first) = run.first() else { continue };
            if most > 0 && minute(first.time) >= self.complete_from {
                self.add_to(minute(first.time), run, tenants);
            } else {
                self.complete_from = self.complete_from.max(minute(first.time) + 1);
            }
        }
        self.shrink_to(most);
    }

    fn add_to(&mut self, minute: i64, run: &[Entry], tenants: &[u32]) {
        let parts = self.minutes.entry(minute).or_insert_with(|| {
            self.bytes += MINUTE;
            Vec::new()
        });
        let mut rest = run;
        while !rest.is_empty() {
            if parts.last().is_none_or(|part| part.tenant.len() >= PART) {
                parts.push(Arc::default());
            }
            let Some(part) = parts.last_mut().map(Arc::make_mut) else {
                return;
            };
            let (now, later) = rest.split_at(rest.len().min(PART - part.tenant.len()));
            for entry in now {
                let place = usize::try_from(entry.tenant).unwrap_or(usize::MAX);
                let tenant = tenants.get(place).copied().unwrap_or(u32::MAX);
                part.tenant.push(tenant);
                part.rows.push(entry.time, entry.user, entry.facts);
            }
            self.bytes += now.len() * ENTRY;
            rest = later;
        }
    }

    /// Gives up the oldest minutes until it takes at most so many bytes.
    pub(super) fn shrink_to(&mut self, most: usize) {
        while self.bytes > most {
            let Some((minute, parts)) = self.minutes.pop_first() else {
                return;
            };
            let events: usize = parts.iter().map(|part| part.tenant.len()).sum();
            self.bytes = self.bytes.saturating_sub(MINUTE + events * ENTRY);
            self.complete_from = self.complete_from.max(minute + 1);
        }
    }

    /// About how many bytes it takes.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The events of the minutes that a window touches; none where some of them may be
    /// missing, or there are more than so many.
    pub(super) fn within(&self, window: Window, most: usize) -> Option<Vec<Found>> {
        let (start, end) = (window.start().micros(), window.end().micros());
        if minute(start) < self.complete_from {
            return None;
        }
        let whole = minute(start - 1) + 1..minute(end);
        let (mut found, mut events) = (Vec::new(), 0);
        for (minute, parts) in self.minutes.range(minute(start)..=minute(end - 1)) {
            for part in parts {
                events += part.tenant.len();
                found.push((Arc::clone(part), whole.contains(minute)));
            }
            if events > most {
                return None;
            }
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use incident_core::Timestamp;

    use super::*;

    fn entry(second: i64) -> Entry {
        Entry {
            time: second * 1_000_000,
            user: RawId::default(),
            tenant: 0,
            facts: Facts(0),
        }
    }

    fn window(start: u64, end: u64) -> Window {
        let at = |second| {
            let start = Timestamp::from_micros(0).unwrap();
            start.saturating_add(std::time::Duration::from_secs(second))
        };
        Window::new(at(start), at(end)).unwrap()
    }

    fn times(index: &TimeIndex, of: Window) -> Option<Vec<i64>> {
        let parts = index.within(of, 10_000)?;
        let times = parts.iter().flat_map(|(part, _)| &part.rows.at);
        Some(times.map(|time| time / 1_000_000).collect())
    }

    #[test]
    fn minutes_hold_what_came_and_the_oldest_ones_give_way() {
        let mut index = TimeIndex::default();
        let mut entries = [130, 5, 61, 59].map(entry);
        sort(&mut entries);
        index.add(&entries, &[7], usize::MAX);
        assert_eq!(index.bytes(), 3 * MINUTE + 4 * ENTRY);
        assert_eq!(times(&index, window(0, 60)), Some(vec![5, 59]));
        assert_eq!(times(&index, window(30, 61)), Some(vec![5, 59, 61]));
        assert_eq!(times(&index, window(500, 600)), Some(Vec::new()));
        assert!(index.within(window(0, 600), 3).is_none(), "too many");
        index.shrink_to(2 * MINUTE + 2 * ENTRY);
        assert_eq!(times(&index, window(59, 600)), None, "given up");
        assert_eq!(times(&index, window(60, 600)), Some(vec![61, 130]));
        // What is older than the index is complete stays out of it.
        index.add(&[entry(10), entry(70)], &[7], usize::MAX);
        assert_eq!(times(&index, window(0, 120)), None);
        assert_eq!(times(&index, window(60, 120)), Some(vec![61, 70]));
        index.add(&[entry(700)], &[7], 0);
        assert_eq!((index.bytes(), times(&index, window(700, 701))), (0, None));
        assert_eq!(times(&index, window(720, 721)), Some(Vec::new()));
    }

    #[test]
    fn a_minute_is_whole_where_the_window_has_all_of_it() {
        let mut index = TimeIndex::default();
        index.add(&[entry(1), entry(61), entry(121)], &[7], usize::MAX);
        let wholes = |of: Window| -> Vec<bool> {
            let found = index.within(of, 10).unwrap();
            found.iter().map(|(_, whole)| *whole).collect()
        };
        assert_eq!(wholes(window(0, 180)), [true, true, true]);
        assert_eq!(wholes(window(1, 179)), [false, true, false]);
        assert_eq!(wholes(window(60, 121)), [true, false]);
        assert_eq!(wholes(window(70, 80)), [false]);
    }

    #[test]
    fn what_somebody_reads_does_not_change() {
        let mut index = TimeIndex::default();
        index.add(&[entry(1)], &[7], usize::MAX);
        let read = index.within(window(0, 60), 10).unwrap();
        let many: Vec<Entry> = (0..3_000).map(|n| entry(n % 60)).collect();
        index.add(&many, &[7], usize::MAX);
        assert_eq!(
            read.iter()
                .map(|(part, _)| part.tenant.len())
                .sum::<usize>(),
            1
        );
        let now = times(&index, window(0, 60)).unwrap();
        assert_eq!(now.len(), 3_001);
        assert!(read.iter().all(|(part, _)| part.tenant == [7]));
    }
}
