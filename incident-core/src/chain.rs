//! Hash chains: the arithmetic under the timeline and the audit trail.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Salt, ValidationError};

/// A SHA-256 digest; printed and sent as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What the first link of every chain points back to.
    pub const ZERO: Self = Self([0; 32]);
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for Hash {
    type Error = ValidationError;

    fn try_from(text: String) -> Result<Self, ValidationError> {
        let wrong = || ValidationError::new("hash", "64 lower-case hex digits");
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(wrong());
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            let digits = text.get(at * 2..at * 2 + 2).ok_or_else(wrong)?;
            *byte = u8::from_str_radix(digits, 16).ok().ok_or_else(wrong)?;
        }
        Ok(Self(bytes))
    }
}

/// The hash of one link:
/// `sha256(domain || chain id || seq as big-endian u64 || previous hash || canonical bytes)`.
///
/// `domain` ends with a NUL, so that no chain of one kind can pass for another.
#[must_use]
pub fn link(domain: &[u8], chain: &[u8], seq: u64, previous: Hash, canonical: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(domain);
    hasher.update(chain);
    hasher.update(seq.to_be_bytes());
    hasher.update(previous.0);
    hasher.update(canonical);
    Hash(hasher.finalize().into())
}

/// The commitment to a text: `sha256(salt || text)`.
#[must_use]
pub fn commitment(salt: Salt, text: &str) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(salt.0);
    hasher.update(text.as_bytes());
    Hash(hasher.finalize().into())
}

/// Where a chain ends: the number of links and the hash of the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Head {
    /// How many links there are; the last one's `seq`.
    pub seq: u64,
    /// The hash of the last link; [`Hash::ZERO`] for an empty chain.
    pub hash: Hash,
}

impl Head {
    /// The head of a chain without links.
    pub const EMPTY: Self = Self {
        seq: 0,
        hash: Hash::ZERO,
    };
}

/// What checking a chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every link is as it was sealed.
    Valid {
        /// Where the chain ends.
        head: Head,
        /// Links up to this number are those that were anchored. Of what comes
        /// after it, and of everything where this is 0, a check cannot see that
        /// links were cut from the end, or all rewritten.
        anchored: u64,
    },
    /// The first link that is wrong, and why.
    Broken {
        /// The number of the bad link.
        seq: u64,
        /// What does not fit.
        reason: &'static str,
    },
}

/// A check of a chain, link by link.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    head: Head,
    /// What was anchored, by number.
    anchors: BTreeSet<Head>,
    /// The first link is an anchored one: what it points back to was checked
    /// when it was anchored.
    onward: bool,
}

impl Walk {
    /// A check of the whole chain, which holds every link that was anchored.
    pub(crate) fn whole(anchors: impl IntoIterator<Item = Head>) -> Self {
        Self {
            head: Head::EMPTY,
            anchors: anchors.into_iter().collect(),
            onward: false,
        }
    }

    /// A check of what follows an anchor, the anchored link included.
    pub(crate) fn onward(anchor: Option<Head>) -> Self {
        let whole = Self::whole(anchor);
        match anchor {
            Some(Head { seq, .. }) if seq > 0 => Self {
                head: Head {
                    seq: seq - 1,
                    hash: Hash::ZERO,
                },
                onward: true,
                ..whole
            },
            _ => whole,
        }
    }

    /// The number of the last link that was checked; the next one is asked for.
    pub(crate) const fn seq(&self) -> u64 {
        self.head.seq
    }

    /// What the next link, which says that it points back to `previous`, has to
    /// point back to.
    pub(crate) const fn before(&self, previous: Hash) -> Head {
        let Head { seq, hash } = self.head;
        Head {
            seq,
            hash: if self.onward { previous } else { hash },
        }
    }

    /// Goes on by a link, or ends at one that does not fit.
    pub(crate) fn step(&mut self, checked: Result<Head, &'static str>) -> Result<(), Verdict> {
        let head = checked.map_err(|reason| self.broken(reason))?;
        let (first, last) = (Hash([0; 32]), Hash([0xff; 32]));
        let here = |hash| Head { hash, ..head };
        let mut anchored = self.anchors.range(here(first)..=here(last));
        if anchored.any(|anchor| *anchor != head) {
            return Err(self.broken("another entry was anchored under this number"));
        }
        self.head = head;
        self.onward = false;
        Ok(())
    }

    /// The verdict on the next link.
    pub(crate) fn broken(&self, reason: &'static str) -> Verdict {
        // The place tells which link is bad; its own number may be the lie.
        let seq = self.head.seq + 1;
        Verdict::Broken { seq, reason }
    }

    /// The verdict on the last link that was checked.
    pub(crate) const fn broken_last(&self, reason: &'static str) -> Verdict {
        let seq = self.head.seq;
        Verdict::Broken { seq, reason }
    }

    /// The verdict where there are no more links.
    pub(crate) fn end(self) -> Verdict {
        let anchored = self.anchors.last().map_or(0, |anchor| anchor.seq);
        if anchored > self.head.seq {
            return self.broken("the entry is missing: it was anchored");
        }
        let head = self.head;
        Verdict::Valid { head, anchored }
    }
}
