//! Unsealed events: columns in order of time, with raw ids.

use std::ops::Range;

use super::ids::RawId;

/// The properties of an event besides tenant, user and time: 15 bits for the number of its
/// [kind](super::kinds::EventKind), and one for a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventFlags(pub(super) u16);

/// Maximum number of kinds.
pub(super) const MAX_KINDS: usize = 1 << 15;

impl EventFlags {
    pub(super) const fn new(kind: u16, failed: bool) -> Self {
        Self(kind << 1 | failed as u16)
    }

    /// Returns the number of the kind.
    pub(super) const fn kind(self) -> u16 {
        self.0 >> 1
    }
}

/// Events of one tenant in order of time. Never changed once it is shared.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunk {
    pub(super) at: Vec<i64>,
    pub(super) user: Vec<RawId>,
    pub(super) facts: Vec<EventFlags>,
}

/// A range of rows of a chunk, in order of time.
#[derive(Clone, Copy)]
pub(super) struct ChunkPart<'a> {
    pub(super) at: &'a [i64],
    user: &'a [RawId],
    facts: &'a [EventFlags],
}

/// Size of a row of a chunk, in bytes.
pub(super) const RAW_ROW: usize = 8 + 16 + 2;

impl Chunk {
    pub(super) fn with_capacity(events: usize) -> Self {
        Self {
            at: Vec::with_capacity(events),
            user: Vec::with_capacity(events),
            facts: Vec::with_capacity(events),
        }
    }

    /// Creates a chunk of placeholder rows, which must all be [put](Self::put).
    pub(super) fn zeroed(events: usize) -> Self {
        Self {
            at: vec![0; events],
            user: vec![RawId::default(); events],
            facts: vec![EventFlags(0); events],
        }
    }

    /// Replaces the row at a position.
    pub(super) fn put(&mut self, place: usize, (at, user, facts): (i64, RawId, EventFlags)) {
        let old = (
            self.at.get_mut(place),
            self.user.get_mut(place),
            self.facts.get_mut(place),
        );
        if let (Some(old_at), Some(old_user), Some(old_facts)) = old {
            (*old_at, *old_user, *old_facts) = (at, user, facts);
        }
    }

    /// Returns the rows at a range of positions.
    pub(super) fn part(&self, places: Range<usize>) -> ChunkPart<'_> {
        ChunkPart {
            at: self.at.get(places.clone()).unwrap_or_default(),
            user: self.user.get(places.clone()).unwrap_or_default(),
            facts: self.facts.get(places).unwrap_or_default(),
        }
    }

    /// Appends rows that do not lie before the existing ones.
    pub(super) fn extend(&mut self, part: ChunkPart<'_>) {
        self.at.extend_from_slice(part.at);
        self.user.extend_from_slice(part.user);
        self.facts.extend_from_slice(part.facts);
    }

    /// Sorts the rows at a range of positions by time, if they are not sorted.
    pub(super) fn sort_places(&mut self, places: Range<usize>) {
        let part = self.part(places.clone());
        if part.at.is_sorted() {
            return;
        }
        let rows = part.at.iter().zip(part.user.iter().zip(part.facts));
        let mut rows: Vec<_> = rows
            .map(|(at, (user, facts))| (*at, *user, *facts))
            .collect();
        rows.sort_by_key(|(at, ..)| *at);
        for (place, row) in places.zip(rows) {
            self.put(place, row);
        }
    }

    pub(super) fn push(&mut self, at: i64, user: RawId, facts: EventFlags) {
        self.at.push(at);
        self.user.push(user);
        self.facts.push(facts);
    }

    pub(super) fn len(&self) -> usize {
        self.at.len()
    }

    /// Sorts the rows by time, if they are not sorted.
    pub(super) fn sort(&mut self) {
        if self.at.is_sorted() {
            return;
        }
        let mut rows: Vec<(i64, RawId, EventFlags)> = self.rows().collect();
        // Stable and adaptive: rows that are nearly in order cost little.
        rows.sort_by_key(|(at, ..)| *at);
        *self = rows.into_iter().collect();
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (i64, RawId, EventFlags)> + '_ {
        let rest = self.user.iter().zip(&self.facts);
        let rows = self.at.iter().zip(rest);
        rows.map(|(at, (user, facts))| (*at, *user, *facts))
    }

    /// Merges the rows of several chunks, in order of time.
    pub(super) fn merged<'a>(chunks: impl IntoIterator<Item = &'a Self> + Clone) -> Self {
        let events = chunks.clone().into_iter().map(Self::len).sum();
        let mut all = Self::with_capacity(events);
        for chunk in chunks {
            all.at.extend_from_slice(&chunk.at);
            all.user.extend_from_slice(&chunk.user);
            all.facts.extend_from_slice(&chunk.facts);
        }
        all.sort();
        all
    }

    /// Splits the rows into those before a time, and those from it on.
    pub(super) fn split_at(mut self, time: i64) -> (Self, Self) {
        let at = self.at.partition_point(|one| *one < time);
        if at == 0 {
            return (Self::default(), self);
        }
        let fresh = Self {
            at: self.at.split_off(at),
            user: self.user.split_off(at),
            facts: self.facts.split_off(at),
        };
        (self, fresh)
    }
}

impl From<ChunkPart<'_>> for Chunk {
    fn from(part: ChunkPart<'_>) -> Self {
        Self {
            at: part.at.to_vec(),
            user: part.user.to_vec(),
            facts: part.facts.to_vec(),
        }
    }
}

impl FromIterator<(i64, RawId, EventFlags)> for Chunk {
    fn from_iter<I: IntoIterator<Item = (i64, RawId, EventFlags)>>(rows: I) -> Self {
        let mut chunk = Self::default();
        for (at, user, facts) in rows {
            chunk.push(at, user, facts);
        }
        chunk
    }
}
