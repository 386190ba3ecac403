//! User names encoded in 128 bits.

use uuid::Uuid;

/// The two bits of the variant in a UUID of RFC 9562, and their value in one.
const TAG: u128 = 0b11 << 62;
const UUID: u128 = 0b10 << 62;

/// Maximum length of a short name, in bytes.
const SHORT: usize = 15;

/// Encodes a name in 128 bits without loss: a UUID in its canonical form, or at most 15 bytes.
///
/// Returns `None` for other names. Two codes are equal if and only if the names are.
///
/// A UUID is its own 128 bits, of which two are the variant `10`; a short name has `00` there, its
/// length beside them and its bytes around them. A code with `01` or `11` there is never returned,
/// and free for other uses.
///
/// ```
/// use incident_core::impact::compact;
/// let uuid = "01a1fe7e-8565-7544-9512-dcd142c5f862";
/// assert_eq!(compact(uuid), Some(0x01a1fe7e_8565_7544_9512_dcd142c5f862));
/// assert!(compact("u-1247").is_some());
/// assert_eq!(compact("somebody with a long name"), None);
/// ```
#[must_use]
pub fn compact(name: &str) -> Option<u128> {
    uuid(name).or_else(|| short(name.as_bytes()))
}

/// Returns the name that [`compact`] encoded; `None` for a code that it never returns.
///
/// ```
/// use incident_core::impact::{compact, expand};
/// assert_eq!(compact("u-1247").and_then(expand).as_deref(), Some("u-1247"));
/// assert_eq!(expand(1 << 62), None);
/// ```
#[must_use]
pub fn expand(code: u128) -> Option<String> {
    match code & TAG {
        UUID => Some(Uuid::from_u128(code).hyphenated().to_string()),
        0 => {
            let length = usize::try_from(code >> 56 & 0x3f).ok()?;
            let content = code >> 64 << 56 | code & ((1 << 56) - 1);
            let padded = (content << 8).to_be_bytes();
            let name = padded.get(..length).filter(|_| length <= SHORT)?;
            String::from_utf8(name.to_vec()).ok()
        }
        _ => None,
    }
}

/// Encodes a UUID of the RFC 9562 variant, in lower case and with hyphens.
fn uuid(name: &str) -> Option<u128> {
    // The form with hyphens is the only one of 36 characters; upper case would be another name.
    if name.len() != 36 || name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let bits = Uuid::try_parse(name).ok()?.as_u128();
    (bits & TAG == UUID).then_some(bits)
}

/// Encodes a short name: eight bytes above the tag, seven below the length, which is beside the
/// tag.
fn short(name: &[u8]) -> Option<u128> {
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
    Some(above << 64 | length | below)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn names_are_equal_if_and_only_if_their_bits_are() {
        let mut all: Vec<String> = [
            "",
            "0",
            "u",
            "U",
            "u\u{301}",
            "123456789012345",
            "01a1fe7e-8565-7544-9512-dcd142c5f862",
            "00000000-0000-0000-8000-000000000000",
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
        let mut seen: HashMap<u128, &str> = HashMap::new();
        for name in &all {
            let bits = compact(name).unwrap();
            assert!(matches!(bits & TAG, 0 | UUID), "{name}");
            assert_eq!(seen.insert(bits, name), None, "{name}");
            assert_eq!(expand(bits).as_deref(), Some(name.as_str()));
        }
        for long in [
            "1234567890123456",
            "01A1FE7E-8565-7544-9512-dcd142c5f862",
            "01a1fe7e85657544-9512-dcd142c5f862",
            "01a1fe7e-8565-7544-1512-dcd142c5f862",
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
        ] {
            assert_eq!(compact(long), None, "{long}");
        }
    }
}
