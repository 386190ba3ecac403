//! Anchors: chain heads to store outside the database, where no one who can rewrite the database
//! can change them.
//!
//! A hash chain reveals a changed link. It cannot reveal that links were cut from its end, or that
//! all of it was rewritten: that takes a head that was recorded elsewhere. An [`Anchor`] is one
//! line of JSON with such heads and a digest over them, fit for a log, a file or a mail:
//!
//! `{"v":1,"at":"...","heads":{"timeline/<id>":{"seq":7,"hash":"..."}, ...},"digest":"..."}`
//!
//! where `digest = sha256("incident/anchor/v1\0" || the same object without its digest)`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::audit::Chain;
use crate::chain::{Hash, Head};
use crate::{IncidentId, Timestamp, ValidationError};

const DOMAIN: &[u8] = b"incident/anchor/v1\0";

/// A chain that can be anchored, written `timeline/<incident>`, `audit/<incident>` or
/// `audit/system`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum AnchoredChain {
    /// The timeline of an incident.
    Timeline(IncidentId),
    /// A chain of the audit trail.
    Audit(Chain),
}

impl fmt::Display for AnchoredChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeline(id) => write!(f, "timeline/{id}"),
            Self::Audit(chain) => write!(f, "audit/{chain}"),
        }
    }
}

impl FromStr for AnchoredChain {
    type Err = ValidationError;

    fn from_str(text: &str) -> Result<Self, ValidationError> {
        let wrong = || ValidationError::new("chain", "timeline/<id>, audit/<id> or audit/system");
        match text.split_once('/') {
            Some(("timeline", id)) => id.parse().map(Self::Timeline),
            Some(("audit", chain)) => chain.parse().map(Self::Audit),
            _ => return Err(wrong()),
        }
        .map_err(|_| wrong())
    }
}

impl TryFrom<String> for AnchoredChain {
    type Error = ValidationError;

    fn try_from(text: String) -> Result<Self, ValidationError> {
        text.parse()
    }
}

impl From<AnchoredChain> for String {
    fn from(chain: AnchoredChain) -> Self {
        chain.to_string()
    }
}

/// The heads of chains at one time. Its `Display` form is the line to store.
///
/// ```
/// use std::collections::BTreeMap;
/// use incident_core::anchor::{Anchor, AnchoredChain};
/// use incident_core::audit::Chain;
/// use incident_core::chain::{Hash, Head};
///
/// let head = Head { seq: 3, hash: Hash([7; 32]) };
/// let heads = BTreeMap::from([(AnchoredChain::Audit(Chain::System), head)]);
/// let anchor = Anchor::new("2026-11-21T03:00:00Z".parse()?, heads);
/// let line = anchor.to_string();
/// assert_eq!(line.parse::<Anchor>()?, anchor);
/// assert!(line.replace("\"seq\":3", "\"seq\":4").parse::<Anchor>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    payload: AnchorPayload,
    digest: Hash,
}

/// The digested content. The order of the fields is part of the format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct AnchorPayload {
    v: u8,
    at: Timestamp,
    heads: BTreeMap<AnchoredChain, Head>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnchorLine {
    v: u8,
    at: Timestamp,
    heads: BTreeMap<AnchoredChain, Head>,
    digest: Hash,
}

impl Anchor {
    /// Creates the anchor of heads that were read at `at`.
    #[must_use]
    pub fn new(at: Timestamp, heads: BTreeMap<AnchoredChain, Head>) -> Self {
        let said = AnchorPayload { v: 1, at, heads };
        let digest = digest(&said);
        Self {
            payload: said,
            digest,
        }
    }

    /// Returns the time at which the heads were read.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.payload.at
    }

    /// Returns the heads, by chain.
    #[must_use]
    pub const fn heads(&self) -> &BTreeMap<AnchoredChain, Head> {
        &self.payload.heads
    }

    /// Returns the digest over the time and all heads.
    #[must_use]
    pub const fn digest(&self) -> Hash {
        self.digest
    }
}

fn digest(said: &AnchorPayload) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(DOMAIN);
    // A map with text for keys and no float: writing it as JSON cannot fail.
    hasher.update(serde_json::to_vec(said).unwrap_or_default());
    Hash(hasher.finalize().into())
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AnchorPayload { v, at, heads } = self.payload.clone();
        let line = AnchorLine {
            v,
            at,
            heads,
            digest: self.digest,
        };
        f.write_str(&serde_json::to_string(&line).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Anchor {
    type Err = ValidationError;

    fn from_str(line: &str) -> Result<Self, ValidationError> {
        let wrong = || ValidationError::new("anchor", "an unmodified anchor line of version 1");
        let read: AnchorLine = serde_json::from_str(line).map_err(|_| wrong())?;
        let anchor = Self::new(read.at, read.heads);
        if read.v == 1 && anchor.digest == read.digest {
            Ok(anchor)
        } else {
            Err(wrong())
        }
    }
}
