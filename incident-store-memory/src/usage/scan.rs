//! Distinct users in the events of one tenant.

use std::collections::HashSet;
use std::ops::Range;

use foldhash::fast::RandomState;
use incident_core::Window;
use std::hash::BuildHasher;

use super::chunk::{Chunk, EventFlags};
use super::grouped::{BLOCK, Passes};
use super::ids::RawId;
use super::log::Log;
use super::sealed::{SealedUsers, Segment};
use super::seen::{FEW, SeenIds};

/// Minimum number of ids for the bit filter; with fewer a set alone is faster.
const MANY: usize = 1_000;

/// Maximum number of words that a buffer may have to be reused by the next query.
const KEPT: usize = 1 << 16;

/// A filter of events by their flags.
#[derive(Debug)]
pub(super) enum Filter {
    /// All events.
    All,
    /// A table by the value of [`EventFlags`]: 1 for an event that counts. It has one entry per
    /// value, so that a lookup needs no check.
    Some(Box<Passes>),
}

impl Filter {
    /// Creates a filter for events of these kinds, or only for the failed ones.
    pub(super) fn of(kinds: &[u16], failed_only: bool) -> Self {
        let mut table = Box::new([0; 1 << 16]);
        for kind in kinds {
            for failed in [failed_only, true] {
                if let Some(counts) = table.get_mut(usize::from(EventFlags::new(*kind, failed).0)) {
                    *counts = 1;
                }
            }
        }
        Self::Some(table)
    }

    pub(super) fn counts(&self, facts: EventFlags) -> bool {
        match self {
            Self::All => true,
            Self::Some(table) => table.get(usize::from(facts.0)) == Some(&1),
        }
    }
}

/// One event.
pub(super) struct EventRow {
    pub(super) time: i64,
    pub(super) user: RawId,
    pub(super) facts: EventFlags,
}

/// Buffers for counting, reused for each tenant.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    bits: Vec<u64>,
    pub(super) seen: SeenIds,
    met: Vec<[u64; 2]>,
}

impl Scratch {
    /// Releases buffers that only few queries need.
    pub(super) fn shrink(&mut self) {
        if self.bits.len() > KEPT {
            self.bits = Vec::new();
        }
        if self.met.len() > KEPT {
            self.met = Vec::new();
        }
        self.seen.shrink(4 * KEPT);
    }
}

/// The rows of one tenant in its windows.
#[derive(Clone, Copy)]
pub(super) struct EventRows<'a> {
    sealed: &'a [(&'a Segment, Range<usize>)],
    raw: &'a [(&'a Chunk, Range<usize>)],
    one_window: bool,
}

/// The rows of all tenants of a query, in two shared lists, so that no tenant allocates its own.
#[derive(Default)]
pub(super) struct FoundRows<'a> {
    sealed: Vec<(&'a Segment, Range<usize>)>,
    raw: Vec<(&'a Chunk, Range<usize>)>,
    tenants: Vec<Option<Ends<'a>>>,
}

/// A tenant's log, and the ends of its rows in both lists.
struct Ends<'a> {
    log: &'a Log,
    sealed: usize,
    raw: usize,
    one_window: bool,
}

impl<'a> FoundRows<'a> {
    /// Finds the rows of tenants in their windows; none for a tenant without a log.
    pub(super) fn of(
        asked: impl ExactSizeIterator<Item = (Option<&'a Log>, &'a [Window])>,
    ) -> Self {
        let mut found = Self {
            sealed: Vec::with_capacity(asked.len()),
            raw: Vec::new(),
            tenants: Vec::with_capacity(asked.len()),
        };
        for (log, windows) in asked {
            match log {
                Some(log) => found.add(log, windows, 0, i64::MIN),
                None => found.tenants.push(None),
            }
        }
        found
    }

    /// Adds a tenant, without the events before `time` that came with batches up to `batch`.
    ///
    /// A part that also has events of later batches is included as a whole.
    pub(super) fn add(&mut self, log: &'a Log, windows: &[Window], batch: u64, time: i64) {
        for window in windows {
            let (start, end) = (window.start().micros(), window.end().micros());
            let from = |of: u64| if of <= batch { start.max(time) } else { start };
            // Segments follow one another in time, so those before the window are skipped.
            let first = log.segments.partition_point(|one| one.last < start);
            let rest = log.segments.get(first..).unwrap_or_default();
            for segment in rest.iter().take_while(|one| one.first < end) {
                let from = from(segment.batch);
                // Spans first: they are adjacent in memory, rows are not.
                if segment.touches(from, end) {
                    let places = segment.places(from, end);
                    if !places.is_empty() {
                        self.sealed.push((&segment.part, places));
                    }
                }
            }
            for chunk in &log.chunks {
                let from = from(chunk.batch);
                if chunk.touches(from, end) {
                    let places = chunk.places(from, end);
                    if !places.is_empty() {
                        self.raw.push((&chunk.part, places));
                    }
                }
            }
        }
        self.tenants.push(Some(Ends {
            log,
            sealed: self.sealed.len(),
            raw: self.raw.len(),
            one_window: windows.len() < 2,
        }));
    }

    /// Returns the rows of each tenant, in order; none for a tenant without events.
    pub(super) fn rows(&self) -> Vec<Option<(&'a Log, EventRows<'_>)>> {
        let (mut sealed, mut raw) = (0, 0);
        let rows = self.tenants.iter().map(|ends| {
            let ends = ends.as_ref()?;
            let rows = EventRows {
                sealed: self.sealed.get(sealed..ends.sealed).unwrap_or_default(),
                raw: self.raw.get(raw..ends.raw).unwrap_or_default(),
                one_window: ends.one_window,
            };
            (sealed, raw) = (ends.sealed, ends.raw);
            Some((ends.log, rows))
        });
        rows.collect()
    }
}

impl EventRows<'_> {
    /// Returns the number of rows, whether they pass the filter or not.
    pub(super) fn len(&self) -> usize {
        self.sealed_len() + self.raw_len()
    }

    fn sealed_len(&self) -> usize {
        self.sealed.iter().map(|(_, places)| places.len()).sum()
    }

    fn raw_len(&self) -> usize {
        self.raw.iter().map(|(_, places)| places.len()).sum()
    }

    pub(super) const fn has_raw(&self) -> bool {
        !self.raw.is_empty()
    }

    /// Returns each row that passes the filter, with its user's raw id.
    pub(super) fn each<'b>(
        &'b self,
        filter: &'b Filter,
        users: &'b SealedUsers,
    ) -> impl Iterator<Item = EventRow> + 'b {
        let sealed = self.sealed.iter().flat_map(move |(segment, places)| {
            let at = segment.at.get(places.clone()).unwrap_or_default();
            let numbers = segment.user.get(places.clone()).unwrap_or_default();
            let facts = segment.facts.get(places.clone()).unwrap_or_default();
            let rows = at.iter().zip(numbers.iter().zip(facts));
            rows.filter_map(|(at, (number, facts))| Some((*at, id(users, *number)?, *facts)))
        });
        let raw = self.raw.iter().flat_map(|(chunk, places)| {
            let at = chunk.at.get(places.clone()).unwrap_or_default();
            let ids = chunk.user.get(places.clone()).unwrap_or_default();
            let facts = chunk.facts.get(places.clone()).unwrap_or_default();
            let rows = at.iter().zip(ids.iter().zip(facts));
            rows.map(|(at, (id, facts))| (*at, *id, *facts))
        });
        let rows = sealed.chain(raw);
        let rows = rows.filter(|(.., facts)| filter.counts(*facts));
        rows.map(|(time, user, facts)| EventRow { time, user, facts })
    }

    /// Counts the distinct users, and adds their ids to `ids` if given.
    pub(super) fn users(
        &self,
        log: &Log,
        filter: &Filter,
        scratch: &mut Scratch,
        mut ids: Option<&mut Vec<RawId>>,
    ) -> u64 {
        let (sealed, raw) = (self.sealed_len(), self.raw_len());
        if sealed == 0 {
            return distinct_of(raw, self.raw_ids(filter), scratch, ids);
        }
        if raw == 0 && matches!(filter, Filter::All) && self.one_window && ids.is_none() {
            return self.first_ones();
        }
        let users = log.users();
        let mut others: HashSet<RawId, RandomState> = HashSet::default();
        let numbers = self.numbers(filter, &users, &mut others);
        // A set of few numbers costs less than all bits of a large tenant.
        let count = if (sealed + raw) * 32 < users.count() {
            let mut found: Vec<u32> = numbers.collect();
            found.sort_unstable();
            found.dedup();
            if let Some(ids) = &mut ids {
                ids.extend(found.iter().filter_map(|number| id(&users, *number)));
            }
            found.len()
        } else {
            let bits = &mut scratch.bits;
            bits.clear();
            bits.resize(users.count().div_ceil(64), 0);
            drop(numbers);
            self.mark(filter, &users, bits, &mut others);
            if let Some(ids) = &mut ids {
                ids.extend(ones(bits).filter_map(|number| id(&users, number)));
            }
            let ones = bits.iter().map(|word| word.count_ones());
            usize::try_from(ones.map(u64::from).sum::<u64>()).unwrap_or(usize::MAX)
        };
        let all = count + others.len();
        if let Some(ids) = ids {
            ids.extend(others);
        }
        u64::try_from(all).unwrap_or(u64::MAX)
    }

    /// Counts distinct users without a set: a user's first row in a window is the one whose
    /// previous row lies before the window.
    fn first_ones(&self) -> u64 {
        let Some((segment, places)) = self.sealed.first() else {
            return 0;
        };
        let start =
            u32::try_from(places.start).map_or(u32::MAX, |at| segment.base.saturating_add(at));
        let slices = self.sealed.iter().map(|(segment, places)| {
            let before = segment.before.get(places.clone()).unwrap_or_default();
            count_up_to(before, start)
        });
        slices.sum()
    }

    fn raw_ids<'b>(&'b self, filter: &'b Filter) -> impl Iterator<Item = RawId> + 'b {
        self.raw.iter().flat_map(move |(chunk, places)| {
            let users = chunk.user.get(places.clone()).unwrap_or_default();
            let facts = chunk.facts.get(places.clone()).unwrap_or_default();
            let wanted = users.iter().zip(facts);
            wanted
                .filter(move |(_, facts)| filter.counts(**facts))
                .map(|(user, _)| *user)
        })
    }

    /// Returns the dense numbers of all rows; users without one go to `others`.
    fn numbers<'b>(
        &'b self,
        filter: &'b Filter,
        users: &'b SealedUsers,
        others: &'b mut HashSet<RawId, RandomState>,
    ) -> impl Iterator<Item = u32> + 'b {
        let sealed = self.sealed.iter().flat_map(move |(segment, places)| {
            let numbers = segment.user.get(places.clone()).unwrap_or_default();
            let facts = segment.facts.get(places.clone()).unwrap_or_default();
            let wanted = numbers.iter().zip(facts);
            wanted
                .filter(move |(_, facts)| filter.counts(**facts))
                .map(|(number, _)| *number)
        });
        let raw = self.raw_ids(filter).filter_map(move |id| {
            let number = users.number(id);
            if number.is_none() {
                others.insert(id);
            }
            number
        });
        sealed.chain(raw)
    }

    /// Sets the bit of each user.
    fn mark(
        &self,
        filter: &Filter,
        users: &SealedUsers,
        bits: &mut [u64],
        others: &mut HashSet<RawId, RandomState>,
    ) {
        for (segment, places) in self.sealed {
            match filter {
                Filter::All => {
                    for number in segment.user.get(places.clone()).unwrap_or_default() {
                        set(bits, *number, 1);
                    }
                }
                Filter::Some(table) => mark_passing(segment, places, table, bits),
            }
        }
        for id in self.raw_ids(filter) {
            match users.number(id) {
                Some(number) => set(bits, number, 1),
                None => {
                    others.insert(id);
                }
            }
        }
    }
}

/// Counts the distinct ids of at most `rows` rows, and adds them to `ids` if given.
fn distinct_of(
    rows: usize,
    found: impl Iterator<Item = RawId>,
    scratch: &mut Scratch,
    ids: Option<&mut Vec<RawId>>,
) -> u64 {
    if rows == 0 {
        return 0;
    }
    let count = if rows <= FEW {
        let seen = &mut scratch.seen;
        seen.fill(rows, found);
        if let Some(ids) = ids {
            ids.extend_from_slice(seen.ids());
        }
        seen.ids().len()
    } else {
        let mut set: HashSet<RawId, RandomState> =
            HashSet::with_capacity_and_hasher(FEW, RandomState::default());
        set.extend(found);
        let count = set.len();
        if let Some(ids) = ids {
            ids.extend(set);
        }
        count
    };
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Sets the bit of each user of the rows that pass: whole blocks by their groups, the edges of the
/// window row by row.
fn mark_passing(segment: &Segment, places: &Range<usize>, table: &Passes, bits: &mut [u64]) {
    let mut rows = [0; BLOCK];
    let mut start = places.start;
    while start < places.end {
        let block = start / BLOCK;
        let block_end = ((block + 1) * BLOCK).min(segment.at.len());
        let end = block_end.min(places.end);
        let is_whole = start == block * BLOCK && end == block_end;
        let groups = is_whole.then(|| segment.grouped.passing(block, table));
        if let Some(runs) = groups.flatten() {
            for number in runs.flatten() {
                set(bits, *number, 1);
            }
        } else {
            let numbers = segment.user.get(start..end).unwrap_or_default();
            let facts = segment.facts.get(start..end).unwrap_or_default();
            for number in passed(table, numbers, facts, &mut rows) {
                set(bits, *number, 1);
            }
        }
        start = end;
    }
}

/// Collects the numbers of the rows that pass, without a branch: it would be mispredicted often.
fn passed<'b>(
    table: &Passes,
    numbers: &[u32],
    facts: &[EventFlags],
    block: &'b mut [u32; BLOCK],
) -> &'b [u32] {
    let mut end = 0;
    for (number, facts) in numbers.iter().zip(facts) {
        if let Some(place) = block.get_mut(end) {
            *place = *number;
        }
        end += usize::from(table.get(usize::from(facts.0)).copied().unwrap_or(0));
    }
    block.get(..end).unwrap_or_default()
}

fn id(users: &SealedUsers, number: u32) -> Option<RawId> {
    users.ids.get(usize::try_from(number).ok()?).copied()
}

fn set(bits: &mut [u64], number: u32, one: u64) {
    if let Some(word) = bits.get_mut(number as usize >> 6) {
        *word |= one << (number & 63);
    }
}

fn ones(bits: &[u64]) -> impl Iterator<Item = u32> + '_ {
    (0_u32..).step_by(64).zip(bits).flat_map(|(base, word)| {
        let mut left = *word;
        std::iter::from_fn(move || {
            let at = (left != 0).then(|| left.trailing_zeros())?;
            left &= left - 1;
            Some(base + at)
        })
    })
}

/// Counts the values up to `most`, in blocks whose count fits in 32 bits, so that the compiler can
/// vectorize it.
fn count_up_to(values: &[u32], most: u32) -> u64 {
    let block = |values: &[u32]| -> u32 { values.iter().map(|one| u32::from(*one <= most)).sum() };
    values
        .chunks(1 << 16)
        .map(|values| u64::from(block(values)))
        .sum()
}

/// Counts the distinct ids in concatenated lists, each of which has no duplicates.
///
/// Few ids are in more than one list, so a filter comes before the set: an id whose bit no other id
/// has is in no other list, and only the rest is compared.
pub(super) fn distinct(ids: &[RawId], scratch: &mut Scratch) -> u64 {
    if ids.len() < MANY {
        let set: HashSet<RawId, RandomState> = ids.iter().copied().collect();
        return u64::try_from(set.len()).unwrap_or(u64::MAX);
    }
    let hasher = RandomState::default();
    let size = ids.len().saturating_mul(16).next_power_of_two();
    let mask = u64::try_from(size - 1).unwrap_or(u64::MAX);
    let place = |id: &RawId| {
        let bit = hasher.hash_one(id) & mask;
        (usize::try_from(bit >> 6).unwrap_or(0), 1_u64 << (bit & 63))
    };
    // The bits of ids found once, and beside them the bits of ids found twice.
    let words = &mut scratch.met;
    words.clear();
    words.resize(size / 64, [0, 0]);
    for id in ids {
        let (at, bit) = place(id);
        if let Some([met, twice]) = words.get_mut(at) {
            *twice |= *met & bit;
            *met |= bit;
        }
    }
    let mut alone = 0;
    let mut rest: HashSet<RawId, RandomState> = HashSet::default();
    for id in ids {
        let (at, bit) = place(id);
        if words.get(at).is_none_or(|[_, twice]| twice & bit != 0) {
            rest.insert(*id);
        } else {
            alone += 1;
        }
    }
    alone + u64::try_from(rest.len()).unwrap_or(u64::MAX)
}
