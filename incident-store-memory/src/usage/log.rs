//! The events of one tenant.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use super::chunk::{Chunk, ChunkPart, RAW_ROW};
use super::ids::RawId;
use super::sealed::{SEALED_ROW, SealedUsers, Segment};
use super::spanned::Spanned;

/// Number of chunks of about one size that are merged together.
const FAN_IN: usize = 8;

/// Returns the last batch of several parts.
fn last_batch<'a, T: 'a>(parts: impl IntoIterator<Item = &'a Spanned<T>>) -> u64 {
    let batches = parts.into_iter().map(|part| part.batch);
    batches.max().unwrap_or(0)
}

/// The events of one tenant: sealed segments, one after the other in time, and unsealed chunks,
/// which may lie anywhere in time. A change copies it while a query reads it.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    pub(super) segments: Vec<Spanned<Segment>>,
    pub(super) chunks: Vec<Spanned<Chunk>>,
    users: Arc<RwLock<SealedUsers>>,
}

/// A replacement for the first chunks of a log.
pub(super) struct CompactionPlan {
    /// Number of chunks that it replaces.
    replaces: usize,
    chunks: Vec<Spanned<Chunk>>,
    /// All segments after the compaction, if they changed.
    segments: Option<Vec<Spanned<Segment>>>,
    users: Arc<RwLock<SealedUsers>>,
    /// Users that were sealed for the first time.
    pub(super) new_users: Vec<RawId>,
}

impl Log {
    pub(super) fn users(&self) -> RwLockReadGuard<'_, SealedUsers> {
        self.users.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the rows of a batch: to the last chunk, if that is small, ends before them and is not
    /// being read; otherwise as a chunk of their own.
    pub(super) fn add(&mut self, part: ChunkPart<'_>, batch: u64) {
        let last = self.chunks.last_mut();
        if !last.is_some_and(|last| last.extend(part, batch)) {
            self.chunks.extend(Spanned::chunk(part.into(), batch));
        }
    }

    fn raw_rows(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.rows()).sum()
    }

    fn sealed_rows(&self) -> usize {
        self.segments.iter().map(|one| one.rows()).sum()
    }

    pub(super) fn bytes(&self) -> usize {
        self.raw_rows() * RAW_ROW + self.sealed_rows() * SEALED_ROW + self.users().bytes()
    }

    /// Returns `true` if [`compaction_plan`](Self::compaction_plan) may find something to do;
    /// cheap.
    pub(super) fn needs_compaction(&self, seal_threshold: usize) -> bool {
        self.chunks.len() >= FAN_IN
            || self.fresh_rows() >= seal_threshold
            || self.has_much_late(seal_threshold)
    }

    /// Returns `true` if a chunk lies before the end of the sealed rows, as a whole.
    fn is_late(&self, chunk: &Spanned<Chunk>) -> bool {
        let end = self.segments.last().map(|segment| segment.last);
        end.is_some_and(|end| chunk.last < end)
    }

    fn fresh_rows(&self) -> usize {
        let fresh = self.chunks.iter().filter(|chunk| !self.is_late(chunk));
        fresh.map(|chunk| chunk.rows()).sum()
    }

    /// Returns `true` if enough late rows are unsealed to be worth rewriting everything: more than
    /// `seal_threshold`, and more than an eighth of the sealed rows.
    fn has_much_late(&self, seal_threshold: usize) -> bool {
        let late = self.raw_rows() - self.fresh_rows();
        late > seal_threshold.max(self.sealed_rows() / 8)
    }

    /// Seals a segment if there are enough rows for one, or merges small chunks.
    ///
    /// One compaction of a log runs at a time; chunks may be added meanwhile. Returns none if there
    /// is nothing to do, or while a query reads the users.
    pub(super) fn compaction_plan(&self, seal_threshold: usize) -> Option<CompactionPlan> {
        if self.has_much_late(seal_threshold) {
            return self.rewrite();
        }
        if self.fresh_rows() < seal_threshold {
            return self.merge_chunks();
        }
        let mut users = self.users.try_write().ok()?;
        let (late, fresh): (Vec<_>, Vec<_>) =
            self.chunks.iter().partition(|chunk| self.is_late(chunk));
        let batch = last_batch(fresh.iter().copied());
        let merged = Chunk::merged(fresh.iter().map(|one| &*one.part));
        let end = self
            .segments
            .last()
            .map_or(i64::MIN, |segment| segment.last);
        // A chunk may lie on both sides.
        let (before, fresh) = merged.split_at(end);
        let mut chunks: Vec<_> = late.into_iter().cloned().collect();
        chunks.extend(Spanned::chunk(before, batch));
        let known = users.count();
        let mut segments = None;
        if fresh.len() * 2 >= seal_threshold && users.have_room(fresh.len()) {
            let kept = self.segments.iter().cloned();
            segments = Some(
                kept.chain(Spanned::segment(users.seal(fresh), batch))
                    .collect(),
            );
        } else {
            chunks.extend(Spanned::chunk(fresh, batch));
        }
        let new_users = users.ids.get(known..).unwrap_or_default().to_vec();
        Some(CompactionPlan {
            replaces: self.chunks.len(),
            chunks,
            segments,
            users: Arc::clone(&self.users),
            new_users,
        })
    }

    /// Rewrites all rows into one segment, in order of time; returns none if there are too many
    /// rows.
    pub(super) fn rewrite(&self) -> Option<CompactionPlan> {
        let before = self.users();
        let id = |number: &u32| {
            let at = usize::try_from(*number).ok()?;
            before.ids.get(at).copied()
        };
        let unsealed = self.segments.iter().map(|segment| {
            let segment = &segment.part;
            let rows = segment
                .at
                .iter()
                .zip(segment.user.iter().zip(&segment.facts));
            let rows = rows.filter_map(|(at, (user, facts))| Some((*at, id(user)?, *facts)));
            rows.collect::<Chunk>()
        });
        let unsealed: Vec<Chunk> = unsealed.collect();
        let raw = self.chunks.iter().map(|chunk| &*chunk.part);
        let all = Chunk::merged(unsealed.iter().chain(raw));
        let mut users = SealedUsers::default();
        if !users.have_room(all.len()) {
            return None;
        }
        let segment = users.seal(all);
        let batch = last_batch(&self.segments).max(last_batch(&self.chunks));
        let new_users = users.ids.clone();
        Some(CompactionPlan {
            replaces: self.chunks.len(),
            chunks: Vec::new(),
            segments: Some(Spanned::segment(segment, batch).into_iter().collect()),
            users: Arc::new(RwLock::new(users)),
            new_users,
        })
    }

    /// Merges chunks of about one size once there are enough of them, so that a row is copied once
    /// per size.
    fn merge_chunks(&self) -> Option<CompactionPlan> {
        let class = |chunk: &Spanned<Chunk>| chunk.rows().checked_ilog(FAN_IN).unwrap_or(0);
        let smallest = (0..usize::BITS).find(|wanted| {
            let of = self.chunks.iter().filter(|chunk| class(chunk) == *wanted);
            of.count() >= FAN_IN
        })?;
        let (some, others): (Vec<_>, Vec<_>) = self
            .chunks
            .iter()
            .cloned()
            .partition(|chunk| class(chunk) <= smallest);
        let merged = Chunk::merged(some.iter().map(|one| &*one.part));
        Some(CompactionPlan {
            replaces: self.chunks.len(),
            chunks: others
                .into_iter()
                .chain(Spanned::chunk(merged, last_batch(&some)))
                .collect(),
            segments: None,
            users: Arc::clone(&self.users),
            new_users: Vec::new(),
        })
    }

    /// Replaces the first chunks by those of a plan; chunks that were added meanwhile stay.
    pub(super) fn apply(&mut self, plan: CompactionPlan) {
        let added = self.chunks.split_off(plan.replaces.min(self.chunks.len()));
        self.chunks = plan.chunks;
        self.chunks.extend(added);
        self.users = plan.users;
        if let Some(segments) = plan.segments {
            self.segments = segments;
        }
    }
}
