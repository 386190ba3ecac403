//! A second copy of the users of sealed rows, grouped by flags: a filter reads the groups that pass
//! and skips the others.

use super::chunk::EventFlags;

/// Number of rows that are grouped together.
pub(super) const BLOCK: usize = 4_096;

/// Maximum number of groups of a block. A block with more is not grouped: reading its groups would
/// take longer than reading its rows.
const MAX_GROUPS: usize = BLOCK / 16;

/// A table by the value of [`EventFlags`]: 1 for those that pass.
pub(super) type Passes = [u8; 1 << 16];

/// Size of a grouped row, in bytes.
pub(super) const GROUPED_ROW: usize = 4;

/// Rows in blocks, those of a block grouped by their flags.
#[derive(Debug)]
pub(super) struct Grouped {
    /// The dense numbers of users: as many as there are rows, block by block.
    users: Vec<u32>,
    /// The groups of each block; none if there would be too many.
    blocks: Vec<Vec<Group>>,
}

/// Rows with the same flags.
#[derive(Clone, Copy, Debug)]
struct Group {
    facts: EventFlags,
    /// Its end in the block; it begins at the end of the previous group.
    end: usize,
}

impl Grouped {
    /// Groups rows that are in order of time.
    pub(super) fn of(users: &[u32], facts: &[EventFlags]) -> Self {
        let mut grouped = Self {
            users: Vec::with_capacity(users.len()),
            blocks: Vec::with_capacity(users.len().div_ceil(BLOCK)),
        };
        // By value of the flags: first the number of rows, then the position of the next one.
        let mut places = vec![0_usize; 1 << 16];
        for (users, facts) in users.chunks(BLOCK).zip(facts.chunks(BLOCK)) {
            grouped.add(users, facts, &mut places);
        }
        grouped
    }

    fn add(&mut self, users: &[u32], facts: &[EventFlags], places: &mut [usize]) {
        let mut seen: Vec<EventFlags> = Vec::new();
        for one in facts {
            if let Some(count) = places.get_mut(usize::from(one.0)) {
                if *count == 0 {
                    seen.push(*one);
                }
                *count += 1;
            }
        }
        let (start, mut end) = (self.users.len(), 0);
        let mut groups = Vec::with_capacity(seen.len());
        for facts in &seen {
            if let Some(place) = places.get_mut(usize::from(facts.0)) {
                let count = std::mem::replace(place, start + end);
                end += count;
                groups.push(Group { facts: *facts, end });
            }
        }
        self.users.resize(start + users.len(), 0);
        for (user, facts) in users.iter().zip(facts) {
            if let Some(place) = places.get_mut(usize::from(facts.0)) {
                if let Some(row) = self.users.get_mut(*place) {
                    *row = *user;
                }
                *place += 1;
            }
        }
        for facts in &seen {
            if let Some(place) = places.get_mut(usize::from(facts.0)) {
                *place = 0;
            }
        }
        if groups.len() > MAX_GROUPS {
            groups.clear();
        }
        self.blocks.push(groups);
    }

    /// Returns the users of the rows of a block that pass, in runs; none if the block is not
    /// grouped.
    pub(super) fn passing<'a>(
        &'a self,
        block: usize,
        table: &'a Passes,
    ) -> Option<impl Iterator<Item = &'a [u32]>> {
        let groups = self.blocks.get(block).filter(|groups| !groups.is_empty())?;
        let users = self.users.get(block * BLOCK..)?;
        let mut start = 0;
        let runs = groups.iter().filter_map(move |group| {
            let run = start..group.end;
            start = group.end;
            let passes = table.get(usize::from(group.facts.0)) == Some(&1);
            passes.then(|| users.get(run).unwrap_or_default())
        });
        Some(runs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_the_group_of_its_facts() {
        let rows = 2 * BLOCK + 100;
        for kinds in [1_u16, 7, 300] {
            let facts: Vec<EventFlags> = (0..rows)
                .map(|row| EventFlags((row * 31 % usize::from(kinds)).try_into().unwrap()))
                .collect();
            let users: Vec<u32> = (0..u32::try_from(rows).unwrap()).collect();
            let grouped = Grouped::of(&users, &facts);
            for wanted in [0, 3] {
                let mut table = [0; 1 << 16];
                table[usize::from(wanted)] = 1;
                for (block, rows) in users.chunks(BLOCK).enumerate() {
                    let of_block = |user: &&u32| facts[**user as usize].0 == wanted;
                    let expected: Vec<u32> = rows.iter().filter(of_block).copied().collect();
                    let found = grouped.passing(block, &table);
                    let found = found.map(|runs| runs.flatten().copied().collect::<Vec<_>>());
                    let is_grouped = rows.len().min(usize::from(kinds)) <= MAX_GROUPS;
                    assert_eq!(
                        found,
                        is_grouped.then_some(expected),
                        "{kinds} {wanted} {block}"
                    );
                }
            }
        }
    }
}
