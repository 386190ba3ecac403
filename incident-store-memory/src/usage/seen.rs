//! Distinct users of few rows at a time, in room that is used again.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use super::ids::RawId;

/// Most rows that it is for: of more, a set of its own is faster.
pub(super) const FEW: usize = 4_096;

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
    /// Makes it the set of these ids, at most [`FEW`] of them.
    pub(super) fn fill(&mut self, rows: usize, ids: impl Iterator<Item = RawId>) {
        let rows = rows.min(FEW);
        self.ids.clear();
        let size = (rows * 2).next_power_of_two();
        if self.places.len() < size {
            self.places.resize(size, 0);
        }
        if let Some(places) = self.places.get_mut(..size) {
            places.fill(0);
        }
        self.mask = size - 1;
        // At most half of the places are taken: each id finds its own or a free one.
        for id in ids.take(rows) {
            self.insert(id);
        }
    }

    /// The ids, each once.
    pub(super) fn ids(&self) -> &[RawId] {
        &self.ids
    }

    fn insert(&mut self, id: RawId) {
        let hash = self.hasher.hash_one(id);
        let mut at = usize::try_from(hash & PLACE).unwrap_or(0) & self.mask;
        while let Some(place) = self.places.get_mut(at) {
            if *place == 0 {
                self.ids.push(id);
                let next = u64::try_from(self.ids.len()).unwrap_or(PLACE);
                *place = hash & !PLACE | next;
                return;
            }
            let same_hash = (*place ^ hash) & !PLACE == 0;
            let known = usize::try_from((*place & PLACE) - 1).unwrap_or(0);
            if same_hash && self.ids.get(known) == Some(&id) {
                return;
            }
            at = (at + 1) & self.mask;
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
