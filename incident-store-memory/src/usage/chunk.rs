//! Events as they came: columns in order of time, with raw ids.

use super::ids::RawId;

/// What of an event counts beside tenant, user and time: 15 bits for the number of
/// its [kind](super::kinds::Kind), and one for a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts(pub(super) u16);

/// Most kinds that can be told apart.
pub(super) const MOST_KINDS: usize = 1 << 15;

impl Facts {
    pub(super) const fn new(kind: u16, failed: bool) -> Self {
        Self(kind << 1 | failed as u16)
    }

    /// The number of the kind.
    pub(super) const fn kind(self) -> u16 {
        self.0 >> 1
    }
}

/// Events of one tenant in order of time. Never changed once it is shared.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunk {
    pub(super) at: Vec<i64>,
    pub(super) user: Vec<RawId>,
    pub(super) facts: Vec<Facts>,
}

/// What a row of a chunk takes.
pub(super) const RAW_ROW: usize = 8 + 16 + 2;

impl Chunk {
    pub(super) fn with_capacity(events: usize) -> Self {
        Self {
            at: Vec::with_capacity(events),
            user: Vec::with_capacity(events),
            facts: Vec::with_capacity(events),
        }
    }

    pub(super) fn push(&mut self, at: i64, user: RawId, facts: Facts) {
        self.at.push(at);
        self.user.push(user);
        self.facts.push(facts);
    }

    pub(super) fn len(&self) -> usize {
        self.at.len()
    }

    /// Puts the rows in order of time, where they are not.
    pub(super) fn sort(&mut self) {
        if self.at.is_sorted() {
            return;
        }
        let mut rows: Vec<(i64, RawId, Facts)> = self.rows().collect();
        // Stable and adaptive: what comes nearly in order costs little.
        rows.sort_by_key(|(at, ..)| *at);
        *self = rows.into_iter().collect();
    }

    fn rows(&self) -> impl Iterator<Item = (i64, RawId, Facts)> + '_ {
        let rest = self.user.iter().zip(&self.facts);
        let rows = self.at.iter().zip(rest);
        rows.map(|(at, (user, facts))| (*at, *user, *facts))
    }

    /// The rows of several chunks, in order of time.
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

    /// The rows before a time, and those from there on.
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

impl FromIterator<(i64, RawId, Facts)> for Chunk {
    fn from_iter<I: IntoIterator<Item = (i64, RawId, Facts)>>(rows: I) -> Self {
        let mut chunk = Self::default();
        for (at, user, facts) in rows {
            chunk.push(at, user, facts);
        }
        chunk
    }
}
