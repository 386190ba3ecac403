//! Names of users as 128 bits, without loss.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use foldhash::fast::RandomState;
use uuid::Uuid;

/// A user's name in 128 bits: equal if and only if the names are.
///
/// Two bits, where a UUID of RFC 9562 has its variant, say which of three it is: a
/// UUID in its canonical form (the variant is `10`, and all 128 bits are the UUID's
/// own), a name of at most 15 bytes, or the number of a longer one in [`Names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RawId(pub(super) u128);

/// The two bits, and what they say.
const TAG: u128 = 0b11 << 62;
const UUID: u128 = 0b10 << 62;
const NUMBERED: u128 = 0b01 << 62;

/// The longest name that is kept in place.
const SHORT: usize = 15;

/// Names that are neither a UUID nor short, by number.
#[derive(Debug, Default)]
pub(super) struct Names(RwLock<HashMap<Arc<str>, u64, RandomState>>);

impl Names {
    /// The 128 bits of a name.
    pub(super) fn raw(&self, name: &str) -> RawId {
        uuid(name)
            .or_else(|| short(name.as_bytes()))
            .unwrap_or_else(|| self.numbered(name))
    }

    fn numbered(&self, name: &str) -> RawId {
        let of = |number: u64| RawId(u128::from(number) << 64 | NUMBERED);
        if let Some(number) = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
        {
            return of(*number);
        }
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let next = u64::try_from(names.len()).unwrap_or(u64::MAX);
        of(*names.entry(Arc::from(name)).or_insert(next))
    }

    /// About how many bytes the names take.
    pub(super) fn bytes(&self) -> usize {
        let names = self.0.read().unwrap_or_else(PoisonError::into_inner);
        // A fat pointer, a number, the control byte, and a name of about 60 bytes.
        names.len() * 100
    }
}

/// A UUID in canonical form: lower case, with hyphens, of the variant of RFC 9562.
fn uuid(name: &str) -> Option<RawId> {
    // Of 36 characters there is one form only; in upper case it is another name.
    if name.len() != 36 || name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let bits = Uuid::try_parse(name).ok()?.as_u128();
    (bits & TAG == UUID).then_some(RawId(bits))
}

/// Eight bytes above the tag, seven below the length, which stands beside the tag.
fn short(name: &[u8]) -> Option<RawId> {
    if name.len() > SHORT {
        return None;
    }
    let mut padded = [0_u8; 16];
    for (to, from) in padded.iter_mut().zip(name) {
        *to = *from;
    }
    let content = u128::from_be_bytes(padded) >> 8;
    let (above, below) = (content >> 56, content & ((1 << 56) - 1));
    let length = u128::try_from(name.len()).unwrap_or(0) << 56;
    Some(RawId(above << 64 | length | below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_equal_if_and_only_if_their_bits_are() {
        let names = Names::default();
        let mut all: Vec<String> = [
            "",
            "0",
            "u",
            "U",
            "u\u{301}",
            "123456789012345",
            "1234567890123456",
            "12345678901234567",
            "01a1fe7e-8565-7544-9512-dcd142c5f862",
            "01A1FE7E-8565-7544-9512-dcd142c5f862",
            "01a1fe7e85657544-9512-dcd142c5f862",
            "01a1fe7e-8565-7544-1512-dcd142c5f862",
            "00000000-0000-0000-0000-000000000000",
            "00000000-0000-0000-8000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "ffffffff-ffff-ffff-bfff-ffffffffffff",
        ]
        .map(str::to_owned)
        .to_vec();
        // Each length, with each byte set by itself.
        for length in 0..=SHORT {
            for set in 0..length {
                let mut name = vec![b'a'; length];
                name[set] = b'b';
                all.push(String::from_utf8(name).unwrap());
            }
        }
        all.sort();
        all.dedup();
        let mut seen: HashMap<RawId, &str> = HashMap::new();
        for name in &all {
            assert_eq!(seen.insert(names.raw(name), name), None, "{name}");
        }
        for (raw, name) in seen {
            assert_eq!(names.raw(name), raw, "{name}");
        }
    }
}
