//! Marks of an incident's state in its chain, which reveal a rewrite of the fields that credits are
//! computed from.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::Timestamp;
use crate::incident::{Affected, Ending, Incident, Scope};

const DOMAIN: &[u8] = b"incident/state/v1\0";

/// A group of fields of an incident's state, from which credits are computed.
#[derive(Clone, Copy, Debug)]
enum MarkedGroup {
    /// `mode`, `environment`, `status` and `ending`, which decide if it counts and is over.
    Counts,
    /// `facts.scope`: the part of the platform that was hit.
    Scope,
    /// `severity`.
    Severity,
    /// `affected_tenants`, with the times of each.
    Tenants,
    /// `started_at`, `earlier`, `reopened_at`, `impact_ended_at` and `resolved_at`.
    Times,
}

impl MarkedGroup {
    /// All groups, in the order of their values and hints.
    const ALL: [Self; 5] = [
        Self::Counts,
        Self::Scope,
        Self::Severity,
        Self::Tenants,
        Self::Times,
    ];

    /// Returns the sentence about an incident whose fields of this group differ from its chain.
    const fn rewritten(self) -> &'static str {
        match self {
            Self::Counts => {
                "the stored mode, environment, status or ending differs from this entry"
            }
            Self::Scope => "the stored scope differs from this entry",
            Self::Severity => "the stored severity differs from this entry",
            Self::Tenants => "the stored tenants or their times differ from this entry",
            Self::Times => "the stored times of the outage differ from this entry",
        }
    }

    /// Appends the values of the group to those of the groups before it.
    ///
    /// Each value delimits itself: a text ends with a NUL, which no text contains; a list starts
    /// with its length; a time starts with a byte that says if there is one. Numbers are
    /// big-endian, times are microseconds since 1970. This is part of the format.
    fn put(self, incident: &Incident, into: &mut Vec<u8>) {
        match self {
            Self::Counts => {
                text(into, incident.mode.name());
                text(into, incident.environment.as_str());
                text(into, incident.status.name());
                match incident.ending {
                    None => into.push(0),
                    Some(Ending::Cancelled(reason)) => {
                        into.push(1);
                        text(into, reason.name());
                    }
                    Some(Ending::MergedInto(other)) => {
                        into.push(2);
                        into.extend(other.uuid().as_bytes());
                    }
                }
            }
            Self::Scope => text(into, incident.facts.scope.map_or("", Scope::name)),
            Self::Severity => text(into, incident.severity.name()),
            Self::Tenants => match &incident.affected_tenants {
                Affected::All => into.push(0),
                Affected::These(list) => {
                    into.push(1);
                    length(into, list.len());
                    for one in list.iter() {
                        text(into, one.tenant_id.as_str());
                        time(into, one.from);
                        time(into, one.until);
                    }
                }
            },
            Self::Times => {
                time(into, Some(incident.started_at));
                time(into, incident.reopened_at);
                time(into, incident.impact_ended_at);
                time(into, incident.resolved_at);
                length(into, incident.earlier.len());
                for earlier in &incident.earlier {
                    time(into, Some(earlier.start()));
                    time(into, Some(earlier.end()));
                }
            }
        }
    }
}

fn text(into: &mut Vec<u8>, text: &str) {
    into.extend(text.as_bytes());
    into.push(0);
}

fn length(into: &mut Vec<u8>, length: usize) {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    into.extend(length.to_be_bytes());
}

fn time(into: &mut Vec<u8>, at: Option<Timestamp>) {
    match at {
        None => into.push(0),
        Some(at) => {
            into.push(1);
            into.extend(at.micros().to_be_bytes());
        }
    }
}

/// Computes the sixteen bits that identify a changed group: FNV-1a over its bytes, folded.
///
/// The digest alone decides if a state is the marked one.
fn hint(bytes: &[u8]) -> [u8; 2] {
    let mut sum: u32 = 0x811c_9dc5;
    for byte in bytes {
        sum = (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    }
    let [a, b, c, d] = sum.to_be_bytes();
    [a ^ c, b ^ d]
}

/// Length of the digest, in bytes: the first 128 bits of SHA-256, so that rewriting a state takes a
/// second preimage.
const DIGEST: usize = 16;

/// Length of a hint, in bytes.
const HINT: usize = 2;

/// Length of marks, in bytes.
const ALL: usize = DIGEST + HINT * MarkedGroup::ALL.len();

/// Marks of the state that an incident has after an entry.
///
/// They are `sha256("incident/state/v1\0" || the values of every group)`, cut to 128 bits, and 16
/// bits of each group, which identify a group that was rewritten. They are written as 52
/// hexadecimal digits.
///
/// The newest entry of a chain carries the marks of the current state: every write that appends
/// entries puts them into the last one, and no field of the groups changes without an entry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StateMarks([u8; ALL]);

impl StateMarks {
    /// Computes the marks of a state.
    #[must_use]
    pub fn of(incident: &Incident) -> Self {
        let mut all = [0; ALL];
        let (digest, hints) = all.split_at_mut(DIGEST);
        let mut bytes = Vec::with_capacity(160);
        bytes.extend(DOMAIN);
        for (group, two) in MarkedGroup::ALL
            .into_iter()
            .zip(hints.chunks_exact_mut(HINT))
        {
            let start = bytes.len();
            group.put(incident, &mut bytes);
            two.copy_from_slice(&hint(bytes.get(start..).unwrap_or_default()));
        }
        for (to, from) in digest.iter_mut().zip(Sha256::digest(&bytes)) {
            *to = from;
        }
        Self(all)
    }

    /// Returns a sentence about the first group of a state that differs from the marked one.
    ///
    /// The sentence is about the whole state if no group can be identified. Returns nothing if the
    /// state is the marked one.
    #[must_use]
    pub fn mismatch(&self, incident: &Incident) -> Option<&'static str> {
        let now = Self::of(incident);
        let ((digest, hints), (same_digest, same_hints)) =
            (self.0.split_at(DIGEST), now.0.split_at(DIGEST));
        if digest == same_digest {
            return None;
        }
        let pairs = hints.chunks_exact(HINT).zip(same_hints.chunks_exact(HINT));
        let mut groups = MarkedGroup::ALL.into_iter().zip(pairs);
        let named = groups.find_map(|(group, (marked, now))| (marked != now).then_some(group));
        Some(named.map_or(
            "the stored state differs from this entry",
            MarkedGroup::rewritten,
        ))
    }

    /// Passes the digits to `with`, without an allocation: they are written with every command.
    fn written<T>(&self, with: impl FnOnce(&str) -> T) -> T {
        const DIGITS: [u8; 16] = *b"0123456789abcdef";
        let digit = |bits: u8| DIGITS.get(usize::from(bits)).copied().unwrap_or_default();
        let mut text = [0; 2 * ALL];
        for (two, byte) in text.chunks_exact_mut(2).zip(self.0) {
            if let [high, low] = two {
                (*high, *low) = (digit(byte >> 4), digit(byte & 15));
            }
        }
        // Digits are ASCII.
        with(std::str::from_utf8(&text).unwrap_or_default())
    }

    fn read(text: &str) -> Option<Self> {
        let digits = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 2 * ALL || !text.bytes().all(digits) {
            return None;
        }
        let mut all = [0; ALL];
        for (at, byte) in all.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(Self(all))
    }
}

impl fmt::Debug for StateMarks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written(|text| f.write_str(text))
    }
}

impl Serialize for StateMarks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written(|text| serializer.serialize_str(text))
    }
}

impl<'de> Deserialize<'de> for StateMarks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::read(&text).ok_or_else(|| {
            D::Error::custom("invalid state marks: expected 52 lowercase hexadecimal digits")
        })
    }
}
