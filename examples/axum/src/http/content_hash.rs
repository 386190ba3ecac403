//! Short hashes of content, for tags and names.

use incident_core::chain::Hash;
use sha2::{Digest, Sha256};

/// Number of digits that tell contents of one kind apart: 96 bits.
pub(crate) const TAG_DIGITS: usize = 24;

/// Returns the first hexadecimal digits of the SHA-256 of a content, at most 64.
#[must_use]
pub(crate) fn content_hash(content: &[u8], digits: usize) -> String {
    let mut hash = Hash(Sha256::digest(content).into()).to_string();
    hash.truncate(digits);
    hash
}
