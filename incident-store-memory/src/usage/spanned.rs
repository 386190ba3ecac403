//! Parts of a log with the time they span, and a grid to find a time in them.

use std::ops::Range;
use std::sync::Arc;

use super::chunk::{Chunk, ChunkPart};
use super::sealed::Segment;

/// Average number of rows per cell of a grid, or up to twice as many, as widths are powers of two.
const CELL: usize = 32;

/// Minimum number of rows for a grid: with fewer, a binary search reads few cache lines.
const GRID_FROM: usize = 256;

/// Maximum number of rows of a chunk that is extended in place. Such chunks have no grid.
const SMALL: usize = GRID_FROM / 2;

/// A part of a log with the time it spans, stored beside the pointer, so that a query about another
/// time does not touch the part.
#[derive(Debug)]
pub(super) struct Spanned<T> {
    pub(super) first: i64,
    pub(super) last: i64,
    /// In 32 bits, so that a cache line holds more spans.
    rows: u32,
    /// Width of a cell of the grid, as a number of binary digits of microseconds.
    shift: u32,
    /// By cell: the first row that does not lie before it. It takes an eighth of a byte per row,
    /// which no size includes.
    grid: Option<Arc<[u32]>>,
    /// The number of the last batch of any of its events.
    pub(super) batch: u64,
    pub(super) part: Arc<T>,
}

impl<T> Clone for Spanned<T> {
    fn clone(&self) -> Self {
        Self {
            part: Arc::clone(&self.part),
            grid: self.grid.clone(),
            ..*self
        }
    }
}

impl<T> Spanned<T> {
    /// Creates the span of a part whose events are in order of time; none for a part without
    /// events.
    fn of(part: T, batch: u64, at: impl Fn(&T) -> &[i64]) -> Option<Self> {
        let times = at(&part);
        let (first, last) = (*times.first()?, *times.last()?);
        let (shift, grid) = grid(times, first, last);
        Some(Self {
            first,
            last,
            rows: u32::try_from(times.len()).unwrap_or(u32::MAX),
            shift,
            grid,
            batch,
            part: Arc::new(part),
        })
    }

    pub(super) fn rows(&self) -> usize {
        usize::try_from(self.rows).unwrap_or(usize::MAX)
    }

    pub(super) const fn touches(&self, start: i64, end: i64) -> bool {
        self.first < end && start <= self.last
    }

    /// Returns the position of the first row that does not lie before a time.
    fn place(&self, times: &[i64], time: i64) -> usize {
        if time <= self.first {
            return 0;
        }
        if time > self.last {
            return times.len();
        }
        let near = self.near(time).unwrap_or(0..times.len());
        let rows = times.get(near.clone()).unwrap_or_default();
        near.start + rows.partition_point(|at| *at < time)
    }

    /// Returns the rows between which a time lies; it must not be before the first or after the
    /// last row.
    fn near(&self, time: i64) -> Option<Range<usize>> {
        let grid = self.grid.as_ref()?;
        let cell = usize::try_from(self.first.abs_diff(time) >> self.shift).ok()?;
        let start = usize::try_from(*grid.get(cell)?).ok()?;
        let end = grid.get(cell + 1).copied().unwrap_or(self.rows);
        Some(start..usize::try_from(end).ok()?)
    }
}

impl Spanned<Chunk> {
    /// Creates the span of a chunk.
    pub(super) fn chunk(chunk: Chunk, batch: u64) -> Option<Self> {
        Self::of(chunk, batch, |chunk| &chunk.at)
    }

    /// Appends rows of a later batch, if they follow those of a small chunk that is not being read.
    /// Returns `true` if it did.
    pub(super) fn extend(&mut self, part: ChunkPart<'_>, batch: u64) -> bool {
        let (Some(first), Some(last)) = (part.at.first(), part.at.last()) else {
            return true;
        };
        let rows = self.rows() + part.at.len();
        if rows > SMALL || *first < self.last {
            return false;
        }
        let (Some(chunk), Ok(rows)) = (Arc::get_mut(&mut self.part), u32::try_from(rows)) else {
            return false;
        };
        chunk.extend(part);
        (self.last, self.rows, self.batch) = (*last, rows, batch);
        true
    }

    /// Returns the positions of the rows in a half-open window.
    pub(super) fn places(&self, start: i64, end: i64) -> Range<usize> {
        self.place(&self.part.at, start)..self.place(&self.part.at, end)
    }
}

impl Spanned<Segment> {
    /// Creates the span of a segment.
    pub(super) fn segment(segment: Segment, batch: u64) -> Option<Self> {
        Self::of(segment, batch, |segment| &segment.at)
    }

    /// Returns the positions of the rows in a half-open window.
    pub(super) fn places(&self, start: i64, end: i64) -> Range<usize> {
        self.place(&self.part.at, start)..self.place(&self.part.at, end)
    }
}

/// Computes the width of cells, and the first row of each.
fn grid(times: &[i64], first: i64, last: i64) -> (u32, Option<Arc<[u32]>>) {
    if times.len() < GRID_FROM || u32::try_from(times.len()).is_err() {
        return (0, None);
    }
    let cells = u64::try_from(times.len() / CELL).unwrap_or(u64::MAX);
    let width = first.abs_diff(last) / cells;
    let shift = width.checked_ilog2().map_or(0, |digits| digits + 1);
    let mut grid = Vec::with_capacity(times.len() / CELL);
    for (row, time) in (0_u32..).zip(times) {
        let cell = usize::try_from(first.abs_diff(*time) >> shift).unwrap_or(0);
        while grid.len() <= cell {
            grid.push(row);
        }
    }
    (shift, Some(grid.into()))
}

#[cfg(test)]
mod tests {
    use super::super::chunk::EventFlags;
    use super::super::ids::UserNames;
    use super::*;

    /// Rows are appended in place while they follow in time, are few, and are not being read.
    #[test]
    fn small_chunks_grow_in_place() {
        let id = UserNames::default().raw("u");
        let chunk = |times: Range<i64>| times.map(|at| (at, id, EventFlags(0))).collect::<Chunk>();
        let add = |to: &mut Spanned<Chunk>, times: Range<i64>, batch| {
            let rows = chunk(times);
            to.extend(rows.part(0..rows.len()), batch)
        };
        let mut spanned = Spanned::chunk(chunk(0..10), 1).unwrap();
        assert!(add(&mut spanned, 9..20, 2));
        assert_eq!((spanned.first, spanned.last, spanned.batch), (0, 19, 2));
        assert_eq!((spanned.rows(), spanned.places(9, 10)), (21, 9..11));
        assert!(!add(&mut spanned, 18..30, 3), "not in order");
        let reader = spanned.clone();
        assert!(!add(&mut spanned, 20..30, 3), "somebody reads it");
        drop(reader);
        assert!(add(&mut spanned, 20..30, 3));
        assert!(!add(&mut spanned, 30..400, 4), "too many");
        assert_eq!((spanned.rows(), spanned.batch), (31, 3));
    }

    /// Times that are even, in bursts, all the same, and at both ends of the range.
    #[test]
    fn places_are_those_of_a_binary_search() {
        let id = UserNames::default().raw("u");
        let mut random = 7_u64;
        let mut next = |most: u64| {
            random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            i64::try_from((random >> 33) % most).unwrap()
        };
        for rows in [1, 2, 31, 255, 256, 257, 1_000, 5_000] {
            for kind in 0..6 {
                let mut at: Vec<i64> = (0..rows)
                    .map(|row| match kind {
                        0 => row * 1_000 + next(1_000),
                        1 => next(1 << 40) & !0xff_ffff_ffff | next(50),
                        2 => 77,
                        3 => row,
                        4 => next(3) * (i64::MAX / 2),
                        _ => next(20) * next(20) * next(1 << 30),
                    })
                    .collect();
                at.sort_unstable();
                let chunk: Chunk = at.iter().map(|at| (*at, id, EventFlags(0))).collect();
                let spanned = Spanned::chunk(chunk, 1).unwrap();
                assert_eq!(spanned.grid.is_some(), rows >= 256, "{rows}");
                let asked = |at: &i64| [at.saturating_sub(1), *at, at.saturating_add(1)];
                let mut times: Vec<i64> = at.iter().flat_map(asked).collect();
                times.extend((0..200).map(|_| next(1 << 41)));
                times.extend([i64::MIN, 0, i64::MAX]);
                for time in times {
                    let expected = at.partition_point(|at| *at < time);
                    assert_eq!(spanned.place(&at, time), expected, "{rows} {kind} {time}");
                }
            }
        }
    }
}
