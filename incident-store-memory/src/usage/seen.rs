//! Distinct users of few rows at a time, in a buffer that is reused.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use super::ids::RawId;

/// Maximum number of rows of one tenant for this set; for more, a set of their own is faster.
pub(super) const FEW: usize = 4_096;

/// A set of ids that reuses its memory. Emptying it costs as much as the rows that come next.
#[derive(Debug, Default)]
pub(super) struct SeenIds {
    hasher: RandomState,
    /// Each id once, in order of insertion.
    ids: Vec<RawId>,
    /// The upper [`TAG`] bits are those of an id's hash, the lower ones one more than its position
    /// in `ids`; 0 for a free place.
    places: Vec<u32>,
    /// Number of places in use, a power of two, minus one.
    mask: usize,
}

/// Maximum number of ids in a set.
pub(super) const MAX_IDS: usize = (1 << 22) - 2;

/// Number of bits of an id's hash that are stored, so that ids with another hash are seldom
/// compared.
const TAG: u32 = 10;

/// The bits of a position in `ids`.
const PLACE: u32 = u32::MAX >> TAG;

impl SeenIds {
    /// Replaces the content by these ids, at most [`FEW`] of them.
    pub(super) fn fill(&mut self, rows: usize, ids: impl Iterator<Item = RawId>) {
        let rows = rows.min(FEW);
        self.begin(rows);
        for id in ids.take(rows) {
            self.insert(id);
        }
    }

    /// Clears it for up to `rows` ids, at most [`MAX_IDS`].
    ///
    /// At most half of the places are taken, so that each id finds its own or a free one.
    pub(super) fn begin(&mut self, rows: usize) {
        self.ids.clear();
        let size = (rows * 2).next_power_of_two();
        if self.places.len() < size {
            self.places.resize(size, 0);
        }
        if let Some(places) = self.places.get_mut(..size) {
            places.fill(0);
        }
        self.mask = size - 1;
    }

    /// Releases memory that only few queries need.
    pub(super) fn shrink(&mut self, places: usize) {
        if self.places.len() > places {
            *self = Self::default();
        }
    }

    /// Returns the ids, each once.
    pub(super) fn ids(&self) -> &[RawId] {
        &self.ids
    }

    /// Adds an id, if it is not there yet, and returns its position among [`ids`](Self::ids).
    pub(super) fn insert(&mut self, id: RawId) -> usize {
        let hash = self.hasher.hash_one(id);
        let tag = u32::try_from(hash >> (u64::BITS - TAG)).unwrap_or(0) << (u32::BITS - TAG);
        let mut at = usize::try_from(hash & 0xffff_ffff).unwrap_or(0) & self.mask;
        while let Some(place) = self.places.get(at) {
            let Some(known) = (place & PLACE).checked_sub(1) else {
                break;
            };
            let known = usize::try_from(known).unwrap_or(0);
            if place & !PLACE == tag && self.ids.get(known) == Some(&id) {
                return known;
            }
            at = (at + 1) & self.mask;
        }
        let next = self.ids.len();
        self.ids.push(id);
        if let Some(place) = self.places.get_mut(at) {
            *place = tag | (u32::try_from(next + 1).unwrap_or(0) & PLACE);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::ids::UserNames;
    use super::*;

    #[test]
    fn each_id_is_there_once_however_often_the_room_is_used() {
        let names = UserNames::default();
        let mut seen = SeenIds::default();
        for (rows, users) in [
            (0, 1),
            (1, 1),
            (5, 3),
            (100, 100),
            (FEW, FEW),
            (300, 7),
            (FEW - 1, 50),
        ] {
            let ids: Vec<RawId> = (0..rows)
                .map(|row| names.raw(&format!("u{}", row * 7_919 % users)))
                .collect();
            seen.fill(ids.len(), ids.iter().copied());
            let expected: HashSet<RawId> = ids.iter().copied().collect();
            assert_eq!(seen.ids().len(), expected.len(), "{rows} {users}");
            assert_eq!(seen.ids().iter().copied().collect::<HashSet<_>>(), expected);
        }
    }
}
