//! Distinct users of few rows at a time, in room that is used again.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use super::ids::RawId;

/// Places for so many ids are made ready at most before any comes.
const READY: usize = 4_096;

/// Room that is kept for the next question, in places.
const KEPT: usize = 1 << 16;

/// A set of ids. It keeps its room when it is emptied, and emptying it costs as much as the
/// rows that come next.
#[derive(Debug, Default)]
pub(super) struct Seen {
    hasher: RandomState,
    /// Each id once, in the order in which they came.
    ids: Vec<RawId>,
    /// The upper half is that of an id's hash, the lower one more than its place in `ids`; 0
    /// where there is none.
    places: Vec<u64>,
    /// So many of the places are in use, a power of two, less one.
    mask: usize,
}

const PLACE: u64 = 0xffff_ffff;

impl Seen {
    /// Empties it for ids from so many rows.
    pub(super) fn clear(&mut self, rows: usize) {
        self.ids.clear();
        self.resize(rows.clamp(8, READY));
    }

    /// Gives back room that only few questions need.
    pub(super) fn shrink(&mut self) {
        if self.places.len() > KEPT {
            *self = Self::default();
        }
    }

    fn resize(&mut self, ids: usize) {
        let size = (ids * 2).next_power_of_two();
        if self.places.len() < size {
            self.places.resize(size, 0);
        }
        if let Some(places) = self.places.get_mut(..size) {
            places.fill(0);
        }
        self.mask = size - 1;
    }

    /// Adds those that are not in it.
    pub(super) fn extend(&mut self, ids: impl Iterator<Item = RawId>) {
        for id in ids {
            if self.insert(id) && self.ids.len() * 2 > self.mask {
                self.grow();
            }
        }
    }

    /// The ids, each once.
    pub(super) fn ids(&self) -> &[RawId] {
        &self.ids
    }

    fn insert(&mut self, id: RawId) -> bool {
        let hash = self.hasher.hash_one(id);
        let mut at = usize::try_from(hash & PLACE).unwrap_or(0) & self.mask;
        while let Some(place) = self.places.get_mut(at) {
            if *place == 0 {
                self.ids.push(id);
                let next = u64::try_from(self.ids.len()).unwrap_or(PLACE);
                *place = hash & !PLACE | next;
                return true;
            }
            let same_hash = (*place ^ hash) & !PLACE == 0;
            let known = usize::try_from((*place & PLACE) - 1).unwrap_or(0);
            if same_hash && self.ids.get(known) == Some(&id) {
                return false;
            }
            at = (at + 1) & self.mask;
        }
        false
    }

    /// Twice as many places: ids are put in again.
    fn grow(&mut self) {
        let ids = std::mem::take(&mut self.ids);
        self.ids.reserve(ids.len() * 2);
        self.resize(self.mask + 1);
        for id in ids {
            self.insert(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::ids::Names;
    use super::*;

    #[test]
    fn each_id_is_there_once_however_often_the_room_is_used() {
        let names = Names::default();
        let mut seen = Seen::default();
        for (rows, users) in [
            (0, 1),
            (5, 3),
            (100, 100),
            (20_000, 19_000),
            (300, 7),
            (40_000, 50),
        ] {
            let ids: Vec<RawId> = (0..rows)
                .map(|row| names.raw(&format!("u{}", row * 7_919 % users)))
                .collect();
            seen.clear(ids.len());
            seen.extend(ids.iter().copied());
            let expected: HashSet<RawId> = ids.iter().copied().collect();
            assert_eq!(seen.ids().len(), expected.len(), "{rows} {users}");
            assert_eq!(seen.ids().iter().copied().collect::<HashSet<_>>(), expected);
        }
        seen.shrink();
        assert!(seen.places.len() <= KEPT);
    }
}
