//! Hash chains: the arithmetic under the timeline and the audit trail.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Invalid, Salt};

/// A SHA-256 digest; printed and sent as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        let wrong = || Invalid::new("hash", "64 lower-case hex digits");
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Every link is as it was sealed. Without an anchor kept elsewhere this
    /// cannot see that links were cut from the end, or all rewritten.
    Valid(Head),
    /// The first link that is wrong, and why.
    Broken {
        /// The number of the bad link.
        seq: u64,
        /// What does not fit.
        reason: &'static str,
    },
}
