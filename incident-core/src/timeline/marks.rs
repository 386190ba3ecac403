//! Marks of an incident's state in its chain: what credits are computed from cannot be
//! rewritten beside the timeline.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::incident::{Affected, Ending, Incident, Scope};
use crate::{Invalid, Timestamp};

const DOMAIN: &[u8] = b"incident/state/v1\0";

/// A group of fields of an incident's state, from which credits are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MarkedGroup {
    /// `mode`, `environment`, `status` and `ending`: whether it counts, and is over.
    Counts,
    /// `facts.scope`: how much of the platform was hit.
    Scope,
    /// `severity`.
    Severity,
    /// `affected_tenants`, with the times of each.
    Tenants,
    /// `started_at`, `earlier`, `reopened_at`, `impact_ended_at` and `resolved_at`.
    Times,
}

impl MarkedGroup {
    /// Every group, in the order of their names.
    pub const ALL: [Self; 5] = [
        Self::Counts,
        Self::Scope,
        Self::Severity,
        Self::Tenants,
        Self::Times,
    ];

    /// Its name in the canonical bytes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counts => "counts",
            Self::Scope => "scope",
            Self::Severity => "severity",
            Self::Tenants => "tenants",
            Self::Times => "times",
        }
    }

    /// The sentence about an incident whose fields of this group are not those that its
    /// chain has.
    #[must_use]
    pub const fn rewritten(self) -> &'static str {
        match self {
            Self::Counts => {
                "the stored mode, environment, status or ending is not the one of this entry"
            }
            Self::Scope => "the stored scope is not the one of this entry",
            Self::Severity => "the stored severity is not the one of this entry",
            Self::Tenants => "the stored tenants or their times are not those of this entry",
            Self::Times => "the stored times of the outage are not those of this entry",
        }
    }

    /// Feeds the values of the group: texts each with a NUL behind it, which none of them
    /// holds; times as microseconds since 1970, big-endian. This is part of the format.
    fn feed(self, incident: &Incident, into: &mut Sha256) {
        match self {
            Self::Counts => {
                text(into, incident.mode.name());
                text(into, incident.environment.as_str());
                text(into, incident.status.name());
                match incident.ending {
                    None => text(into, ""),
                    Some(Ending::Cancelled(reason)) => text(into, reason.name()),
                    Some(Ending::MergedInto(other)) => into.update(other.uuid().as_bytes()),
                }
            }
            Self::Scope => text(into, incident.facts.scope.map_or("", Scope::name)),
            Self::Severity => text(into, incident.severity.name()),
            Self::Tenants => match &incident.affected_tenants {
                Affected::All => into.update([0]),
                Affected::These(list) => {
                    into.update([1]);
                    for one in list {
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
                for earlier in &incident.earlier {
                    time(into, Some(earlier.start()));
                    time(into, Some(earlier.end()));
                }
            }
        }
    }
}

fn text(into: &mut Sha256, text: &str) {
    into.update(text);
    into.update([0]);
}

fn time(into: &mut Sha256, at: Option<Timestamp>) {
    match at {
        None => into.update([0]),
        Some(at) => {
            into.update([1]);
            into.update(at.micros().to_be_bytes());
        }
    }
}

/// The first 128 bits of a SHA-256 digest; written as 32 lower-case hex digits. Whoever
/// rewrites a state would need a second preimage.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Mark([u8; 16]);

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from(*self))
    }
}

impl From<Mark> for String {
    fn from(mark: Mark) -> Self {
        format!("{:032x}", u128::from_be_bytes(mark.0))
    }
}

impl TryFrom<String> for Mark {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        let wrong = || Invalid::new("mark", "32 lower-case hex digits");
        let digits =
            text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let read = u128::from_str_radix(&text, 16).ok().filter(|_| digits);
        read.map(|bits| Self(bits.to_be_bytes())).ok_or_else(wrong)
    }
}

/// Marks of the state that an incident has with an entry, a digest per group: `sha256` of
/// `"incident/state/v1\0"`, the group's name, a NUL and its values, cut to 128 bits.
///
/// The newest entry of a chain carries those of the state as it is now: every write that
/// appends entries puts them into the last one, and nothing of the groups changes without
/// an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateMarks {
    counts: Mark,
    scope: Mark,
    severity: Mark,
    tenants: Mark,
    times: Mark,
}

impl StateMarks {
    /// The marks of a state.
    #[must_use]
    pub fn of(incident: &Incident) -> Self {
        let mark = |group: MarkedGroup| {
            let mut hasher = Sha256::new();
            hasher.update(DOMAIN);
            text(&mut hasher, group.name());
            group.feed(incident, &mut hasher);
            let digest: [u8; 32] = hasher.finalize().into();
            let mut bytes = [0; 16];
            for (to, from) in bytes.iter_mut().zip(digest) {
                *to = from;
            }
            Mark(bytes)
        };
        Self {
            counts: mark(MarkedGroup::Counts),
            scope: mark(MarkedGroup::Scope),
            severity: mark(MarkedGroup::Severity),
            tenants: mark(MarkedGroup::Tenants),
            times: mark(MarkedGroup::Times),
        }
    }

    const fn get(&self, group: MarkedGroup) -> Mark {
        match group {
            MarkedGroup::Counts => self.counts,
            MarkedGroup::Scope => self.scope,
            MarkedGroup::Severity => self.severity,
            MarkedGroup::Tenants => self.tenants,
            MarkedGroup::Times => self.times,
        }
    }

    /// Returns the first group of a state that is not as it was marked.
    #[must_use]
    pub fn rewritten_in(&self, incident: &Incident) -> Option<MarkedGroup> {
        let now = Self::of(incident);
        let differs = |group: &MarkedGroup| self.get(*group) != now.get(*group);
        MarkedGroup::ALL.into_iter().find(differs)
    }
}
