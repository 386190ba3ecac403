//! Users as lossless ids of 128 bits.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use foldhash::fast::RandomState;
use incident_core::impact::{Sketch, compact, expand};

/// A user's name in 128 bits: its [compact](compact) form, or the number of a longer one in
/// [`UserNames`], which has the bits `01` where no compact form does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RawId(u128);

/// Approximate size of a stored name, in bytes: two fat pointers, a number, the control byte, and
/// about 60 bytes of text.
pub(super) const NAME: usize = 120;

const TAG: u128 = 0b11 << 62;
const NUMBERED: u128 = 0b01 << 62;

impl RawId {
    fn of_number(number: usize) -> Self {
        let number = u128::try_from(number).unwrap_or(u128::MAX);
        Self(number << 64 | NUMBERED)
    }

    fn number(self) -> Option<usize> {
        let numbered = self.0 & TAG == NUMBERED;
        numbered.then(|| usize::try_from(self.0 >> 64).ok())?
    }
}

/// Names that have no compact form, by number and by name.
#[derive(Debug, Default)]
pub(super) struct UserNames(RwLock<Numbered>);

#[derive(Debug, Default)]
struct Numbered {
    numbers: HashMap<Arc<str>, usize, RandomState>,
    names: Vec<Arc<str>>,
}

impl UserNames {
    /// Returns the id of a name, and stores the name if it has no compact form.
    pub(super) fn raw(&self, name: &str) -> RawId {
        match compact(name) {
            Some(bits) => RawId(bits),
            None => self.numbered(name),
        }
    }

    fn numbered(&self, name: &str) -> RawId {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = known.numbers.get(name) {
            return RawId::of_number(*number);
        }
        drop(known);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = known.numbers.get(name) {
            return RawId::of_number(*number);
        }
        let (number, name) = (known.names.len(), Arc::<str>::from(name));
        known.numbers.insert(Arc::clone(&name), number);
        known.names.push(name);
        RawId::of_number(number)
    }

    /// Estimates the bytes that these names would take, without those that are stored already.
    pub(super) fn bytes_of_new<'a>(&self, names: impl Iterator<Item = &'a str>) -> usize {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let long = names.filter(|name| compact(name).is_none());
        let new = long.filter(|name| !known.numbers.contains_key(*name));
        new.collect::<HashSet<&str, RandomState>>().len() * NAME
    }

    /// Adds users to a sketch, exactly as any other source would.
    pub(super) fn add(&self, ids: &[RawId], sketch: &mut Sketch) {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for id in ids {
            match id.number().and_then(|number| known.names.get(number)) {
                Some(name) => sketch.add(name),
                None => sketch.add_compact(id.0),
            }
        }
    }

    /// Adds the names of users that come after a name, and drops the last ones beyond `limit`.
    pub(super) fn list(
        &self,
        ids: &[RawId],
        after: Option<&str>,
        limit: usize,
        listed: &mut BTreeSet<String>,
    ) {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for id in ids {
            let name = match id.number() {
                Some(number) => known.names.get(number).map(ToString::to_string),
                None => expand(id.0),
            };
            listed.extend(name.filter(|name| after.is_none_or(|after| name.as_str() > after)));
            if listed.len() > limit {
                listed.pop_last();
            }
        }
    }

    /// Estimates the bytes that the names take.
    pub(super) fn bytes(&self) -> usize {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.names.len() * NAME
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_have_numbers_and_keep_them() {
        let names = UserNames::default();
        let all = [
            "u",
            "somebody with a long name",
            "somebody with another long name",
        ];
        let raw: Vec<RawId> = all.iter().map(|name| names.raw(name)).collect();
        let mut distinct = raw.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), all.len());
        let again: Vec<RawId> = all.iter().map(|name| names.raw(name)).collect();
        assert_eq!(again, raw);
    }
}
