//! Sealed events: users as dense numbers, and for each event the position of the same user's
//! previous one.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::chunk::{Chunk, EventFlags};
use super::grouped::{GROUPED_ROW, Grouped};
use super::ids::RawId;

/// Events of one tenant in order of time, after those of the previous segment. Never changed.
#[derive(Debug)]
pub(super) struct Segment {
    /// The position of its first row among all sealed rows of the tenant.
    pub(super) base: u32,
    pub(super) at: Vec<i64>,
    /// The dense number of the user.
    pub(super) user: Vec<u32>,
    pub(super) facts: Vec<EventFlags>,
    /// One more than the position of the same user's previous row; 0 if there is none.
    ///
    /// In the rows from position `a` on, a user's first one is that whose `before` is at most `a`:
    /// distinct users are counted without a set.
    pub(super) before: Vec<u32>,
    pub(super) grouped: Grouped,
}

/// Size of a sealed row, in bytes.
pub(super) const SEALED_ROW: usize = 8 + 4 + 2 + 4 + GROUPED_ROW;

/// Approximate size of a user, in bytes: its id twice, its number, its last position.
const USER: usize = 16 + 4 + 1 + 16 + 4 + 8;

/// The users of a tenant by dense number, and the last position of each.
#[derive(Debug, Default)]
pub(super) struct SealedUsers {
    numbers: HashMap<RawId, u32, RandomState>,
    /// The id of each number.
    pub(super) ids: Vec<RawId>,
    /// One more than the position of its last sealed row.
    last: Vec<u32>,
    /// Number of sealed rows.
    rows: u32,
}

impl SealedUsers {
    pub(super) fn number(&self, id: RawId) -> Option<u32> {
        self.numbers.get(&id).copied()
    }

    pub(super) fn count(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.ids.len() * USER
    }

    /// Returns `true` if positions are left for `rows` more rows. Positions are 32 bits, which
    /// allows about four thousand million.
    pub(super) fn have_room(&self, rows: usize) -> bool {
        let more = u32::try_from(rows).ok();
        more.and_then(|more| self.rows.checked_add(more))
            .is_some_and(|rows| rows < u32::MAX)
    }

    /// Seals rows that follow all sealed ones. The caller has checked that there [is
    /// room](Self::have_room).
    pub(super) fn seal(&mut self, chunk: Chunk) -> Segment {
        let base = self.rows;
        self.rows = base.saturating_add(u32::try_from(chunk.len()).unwrap_or(u32::MAX));
        let mut user = Vec::with_capacity(chunk.len());
        let mut before = Vec::with_capacity(chunk.len());
        for (id, place) in chunk.user.iter().zip(base + 1..) {
            let next = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
            let number = *self.numbers.entry(*id).or_insert(next);
            if number == next {
                self.ids.push(*id);
                self.last.push(0);
            }
            user.push(number);
            let last = usize::try_from(number)
                .ok()
                .and_then(|at| self.last.get_mut(at));
            before.push(last.map_or(0, |last| std::mem::replace(last, place)));
        }
        Segment {
            base,
            grouped: Grouped::of(&user, &chunk.facts),
            at: chunk.at,
            user,
            facts: chunk.facts,
            before,
        }
    }
}
