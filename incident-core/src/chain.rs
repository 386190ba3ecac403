//! Hash chains: the arithmetic under the timeline and the audit trail.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Salt, ValidationError};

/// A SHA-256 digest; printed and sent as 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The previous hash of the first link of every chain: 32 zero bytes.
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
        let wrong = || ValidationError::new("hash", "64 lowercase hexadecimal digits");
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

/// Computes the hash of one link: `sha256(domain || chain id || seq as big-endian u64 || previous
/// hash || canonical bytes)`.
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

/// Computes the commitment to a text: `sha256(salt || text)`.
#[must_use]
pub fn commitment(salt: Salt, text: &str) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(salt.0);
    hasher.update(text.as_bytes());
    Hash(hasher.finalize().into())
}

/// The end of a chain: the number of links and the hash of the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Head {
    /// Number of links, which is the last one's `seq`.
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

/// The result of checking a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every link is as it was sealed.
    Valid {
        /// The end of the chain.
        head: Head,
        /// Number of the last link that an anchor covers; 0 if none does.
        ///
        /// Links after it may have been cut from the end or rewritten without the check noticing.
        anchored: u64,
    },
    /// The first link that is wrong, and the reason.
    Broken {
        /// The number of the bad link.
        seq: u64,
        /// The mismatch that was found.
        reason: &'static str,
    },
}

/// A check of a chain, link by link.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    head: Head,
    /// The anchored heads, by number.
    anchors: BTreeSet<Head>,
    /// Set if the next link is an anchored one, whose previous hash was checked when it was
    /// anchored.
    onward: bool,
}

impl Walk {
    /// Starts a check of a whole chain, which must hold every anchored link.
    pub(crate) fn whole(anchors: impl IntoIterator<Item = Head>) -> Self {
        Self {
            head: Head::EMPTY,
            anchors: anchors.into_iter().collect(),
            onward: false,
        }
    }

    /// Starts a check of the links from an anchor on, the anchored link included.
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

    /// Returns the number of the last link that was checked; the next one to load follows it.
    pub(crate) const fn seq(&self) -> u64 {
        self.head.seq
    }

    /// Returns the head that the next link must point back to.
    ///
    /// `previous` is the previous hash that this link states: it is accepted for an anchored first
    /// link.
    pub(crate) const fn before(&self, previous: Hash) -> Head {
        let Head { seq, hash } = self.head;
        Head {
            seq,
            hash: if self.onward { previous } else { hash },
        }
    }

    /// Advances by one link, or ends the check at a link that does not fit.
    ///
    /// # Errors
    /// Returns [`Verdict::Broken`] if the link does not fit, or if another link was anchored under
    /// its number.
    pub(crate) fn step(&mut self, checked: Result<Head, &'static str>) -> Result<(), Verdict> {
        let head = checked.map_err(|reason| self.broken(reason))?;
        let (first, last) = (Hash([0; 32]), Hash([0xff; 32]));
        let here = |hash| Head { hash, ..head };
        let mut anchored = self.anchors.range(here(first)..=here(last));
        if anchored.any(|anchor| *anchor != head) {
            return Err(self.broken("the hash of the entry differs from its anchor"));
        }
        self.head = head;
        self.onward = false;
        Ok(())
    }

    /// Returns the verdict that the next link is bad.
    pub(crate) fn broken(&self, reason: &'static str) -> Verdict {
        // The position decides which link is bad: the link's own number may be forged.
        let seq = self.head.seq + 1;
        Verdict::Broken { seq, reason }
    }

    /// Returns the verdict that the last checked link is bad.
    pub(crate) const fn broken_last(&self, reason: &'static str) -> Verdict {
        let seq = self.head.seq;
        Verdict::Broken { seq, reason }
    }

    /// Ends the check: there are no more links.
    pub(crate) fn end(self) -> Verdict {
        let anchored = self.anchors.last().map_or(0, |anchor| anchor.seq);
        if anchored > self.head.seq {
            return self.broken("the entry was anchored but is missing");
        }
        let head = self.head;
        Verdict::Valid { head, anchored }
    }
}
