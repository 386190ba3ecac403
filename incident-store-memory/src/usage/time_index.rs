//! An index of the newest events of all tenants by slots of five minutes: a short window of many
//! tenants is read from one place, where the tenants' logs would cost a few cache misses each.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use incident_core::Window;

use super::chunk::{Chunk, EventFlags, RAW_ROW};
use super::ids::RawId;

/// Divisor of the limit that gives the default maximum size of the index.
pub(super) const SHARE: u64 = 8;

/// Length of a slot, in microseconds.
const SLOT_US: i64 = 5 * 60_000_000;

/// Maximum number of events of a part: adding to one that is being read copies it.
const ROWS_PER_PART: usize = 1_024;

/// Approximate size of a slot besides its events, in bytes.
const SLOT: usize = 400;

/// Size of an event, in bytes.
const ENTRY: usize = RAW_ROW + 4;

/// Events of any tenants.
#[derive(Clone, Debug, Default)]
pub(super) struct IndexPart {
    /// The number of the tenant of each row; in a batch that is not stored yet, its position in the
    /// batch.
    pub(super) tenant: Vec<u32>,
    pub(super) rows: Chunk,
}

impl IndexPart {
    pub(super) fn with_capacity(events: usize) -> Self {
        Self {
            tenant: Vec::with_capacity(events),
            rows: Chunk::with_capacity(events),
        }
    }

    pub(super) fn push(&mut self, tenant: u32, (time, user, facts): (i64, RawId, EventFlags)) {
        self.tenant.push(tenant);
        self.rows.push(time, user, facts);
    }

    /// Sorts rows by slot, if they are not sorted.
    pub(super) fn sort(&mut self) {
        if self.rows.at.is_sorted_by_key(|time| slot(*time)) {
            return;
        }
        let rows = self.tenant.iter().zip(self.rows.rows());
        let mut rows: Vec<_> = rows.map(|(tenant, row)| (*tenant, row)).collect();
        rows.sort_by_key(|(_, (time, ..))| slot(*time));
        *self = Self::with_capacity(rows.len());
        for (tenant, row) in rows {
            self.push(tenant, row);
        }
    }
}

/// A part, and `true` if the query's window covers its slot entirely.
pub(super) type FoundPart = (Arc<IndexPart>, bool);

/// Events by slot, complete from one slot on.
///
/// It repeats the content of the logs, so it shrinks when memory is short: the oldest slot goes
/// first, as a whole.
#[derive(Debug)]
pub(super) struct TimeIndex {
    slots: BTreeMap<i64, Vec<Arc<IndexPart>>>,
    /// The first slot from which on it is complete.
    complete_from: i64,
    bytes: usize,
}

impl Default for TimeIndex {
    fn default() -> Self {
        Self {
            slots: BTreeMap::new(),
            complete_from: i64::MIN,
            bytes: 0,
        }
    }
}

fn slot(time: i64) -> i64 {
    time.div_euclid(SLOT_US)
}

impl TimeIndex {
    /// Adds events that are in order of slots, and drops the oldest slots beyond `most` bytes.
    ///
    /// `tenants` gives the number of the tenant at each position in the batch.
    pub(super) fn add(&mut self, batch: &IndexPart, tenants: &[u32], most: usize) {
        let mut start = 0;
        for run in batch.rows.at.chunk_by(|a, b| slot(*a) == slot(*b)) {
            let Some(slot) = run.first().map(|time| slot(*time)) else {
                continue;
            };
            let end = start + run.len();
            if most > 0 && slot >= self.complete_from {
                self.add_to(slot, batch, start..end, tenants);
            } else {
                self.complete_from = self.complete_from.max(slot + 1);
            }
            start = end;
        }
        self.shrink_to(most);
    }

    fn add_to(&mut self, slot: i64, batch: &IndexPart, places: Range<usize>, tenants: &[u32]) {
        let parts = self.slots.entry(slot).or_insert_with(|| {
            self.bytes += SLOT;
            Vec::new()
        });
        self.bytes += places.len() * ENTRY;
        let mut start = places.start;
        while start < places.end {
            if parts
                .last()
                .is_none_or(|part| part.tenant.len() >= ROWS_PER_PART)
            {
                parts.push(Arc::default());
            }
            let Some(part) = parts.last_mut().map(Arc::make_mut) else {
                return;
            };
            let end = places.end.min(start + ROWS_PER_PART - part.tenant.len());
            let of = batch.tenant.get(start..end).unwrap_or_default().iter();
            part.tenant.extend(of.map(|place| {
                let place = usize::try_from(*place).unwrap_or(usize::MAX);
                tenants.get(place).copied().unwrap_or(u32::MAX)
            }));
            part.rows.extend(batch.rows.part(start..end));
            start = end;
        }
    }

    /// Drops the oldest slots until it takes at most `most` bytes.
    pub(super) fn shrink_to(&mut self, most: usize) {
        while self.bytes > most {
            let Some((slot, parts)) = self.slots.pop_first() else {
                return;
            };
            let events: usize = parts.iter().map(|part| part.tenant.len()).sum();
            self.bytes = self.bytes.saturating_sub(SLOT + events * ENTRY);
            self.complete_from = self.complete_from.max(slot + 1);
        }
    }

    /// Estimates the bytes that it takes.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the events of the slots that a window touches; none if some of them may be missing,
    /// or there are more than `most`.
    pub(super) fn within(&self, window: Window, most: usize) -> Option<Vec<FoundPart>> {
        let (start, end) = (window.start().micros(), window.end().micros());
        if slot(start) < self.complete_from {
            return None;
        }
        let whole = slot(start - 1) + 1..slot(end);
        let (mut found, mut events) = (Vec::new(), 0);
        for (slot, parts) in self.slots.range(slot(start)..=slot(end - 1)) {
            for part in parts {
                events += part.tenant.len();
                if events > most {
                    return None;
                }
                found.push((Arc::clone(part), whole.contains(slot)));
            }
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use incident_core::Timestamp;

    use super::*;

    /// A sixtieth of a slot.
    const UNIT_US: i64 = SLOT_US / 60;

    fn events(times: impl IntoIterator<Item = i64>) -> IndexPart {
        let mut part = IndexPart::default();
        for time in times {
            part.push(0, (time * UNIT_US, RawId::default(), EventFlags(0)));
        }
        part.sort();
        part
    }

    fn window(start: i64, end: i64) -> Window {
        let at = |time: i64| Timestamp::from_micros(time * UNIT_US).unwrap();
        Window::new(at(start), at(end)).unwrap()
    }

    fn times(index: &TimeIndex, of: Window) -> Option<Vec<i64>> {
        let parts = index.within(of, 10_000)?;
        let times = parts.iter().flat_map(|(part, _)| &part.rows.at);
        Some(times.map(|time| time / UNIT_US).collect())
    }

    #[test]
    fn slots_hold_what_came_and_the_oldest_ones_give_way() {
        let mut index = TimeIndex::default();
        index.add(&events([130, 5, 61, 59]), &[7], usize::MAX);
        assert_eq!(index.bytes(), 3 * SLOT + 4 * ENTRY);
        assert_eq!(times(&index, window(0, 60)), Some(vec![5, 59]));
        assert_eq!(times(&index, window(30, 61)), Some(vec![5, 59, 61]));
        assert_eq!(times(&index, window(500, 600)), Some(Vec::new()));
        assert!(index.within(window(0, 600), 3).is_none(), "too many");
        index.shrink_to(2 * SLOT + 2 * ENTRY);
        assert_eq!(times(&index, window(59, 600)), None, "given up");
        assert_eq!(times(&index, window(60, 600)), Some(vec![61, 130]));
        // Events of slots before those that are complete stay out of the index.
        index.add(&events([10, 70]), &[7], usize::MAX);
        assert_eq!(times(&index, window(0, 120)), None);
        assert_eq!(times(&index, window(60, 120)), Some(vec![61, 70]));
        index.add(&events([700]), &[7], 0);
        assert_eq!((index.bytes(), times(&index, window(700, 701))), (0, None));
        assert_eq!(times(&index, window(720, 721)), Some(Vec::new()));
    }

    #[test]
    fn a_slot_is_whole_where_the_window_has_all_of_it() {
        let mut index = TimeIndex::default();
        index.add(&events([1, 61, 121]), &[7], usize::MAX);
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
        index.add(&events([1]), &[7], usize::MAX);
        let read = index.within(window(0, 60), 10).unwrap();
        index.add(&events((0..3_000).map(|n| n % 60)), &[7], usize::MAX);
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
