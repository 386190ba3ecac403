//! The audit trail: allowed and denied actions, in hash chains of their own.
//!
//! One chain per incident and one named `system`, so that no lock is global. `hash =
//! sha256("incident/audit/v1\0" || chain || seq || previous || canonical)`, where `chain` is the 16
//! bytes of the incident's id, or `system`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::actor::{Actor, ActorKind};
use crate::chain::{Hash, Head, Verdict, Walk, link};
use crate::timeline::CanonicalError;
use crate::{IncidentId, PersonName, Timestamp, ValidationError};

const DOMAIN: &[u8] = b"incident/audit/v1\0";

/// The chain that an audit entry belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Chain {
    /// The chain of all entries that concern no single incident.
    System,
    /// The chain of one incident.
    Incident(IncidentId),
}

impl Chain {
    /// Returns the chain of an incident, or the system's chain without one.
    #[must_use]
    pub fn of(incident: Option<IncidentId>) -> Self {
        incident.map_or(Self::System, Self::Incident)
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::System => b"system".to_vec(),
            Self::Incident(id) => id.uuid().as_bytes().to_vec(),
        }
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Incident(id) => fmt::Display::fmt(id, f),
        }
    }
}

impl FromStr for Chain {
    type Err = ValidationError;

    fn from_str(text: &str) -> Result<Self, ValidationError> {
        if text == "system" {
            Ok(Self::System)
        } else {
            text.parse().map(Self::Incident)
        }
    }
}

/// The outcome of an audited action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    /// The action was done.
    Allowed,
    /// The action was refused for lack of rights.
    Denied,
}

impl AuditOutcome {
    /// All outcomes.
    pub const ALL: [Self; 2] = [Self::Allowed, Self::Denied];

    /// Returns the name on the wire and in the hashed bytes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
        }
    }
}

/// An audit entry before it is sealed.
///
/// `detail` never holds free text, except for the reason of a redaction, which its admin writes for
/// the audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditDraft {
    /// The incident that the entry concerns.
    pub incident_id: Option<IncidentId>,
    /// Time of the action.
    pub at: Timestamp,
    /// Author of the action.
    pub actor: Actor,
    /// Name of the action, as in [`Action::name`](crate::actor::Action::name).
    pub action: String,
    /// Outcome of the action.
    pub outcome: AuditOutcome,
    /// Details: numbers, states, names of fields.
    pub detail: BTreeMap<String, String>,
}

impl AuditDraft {
    /// Creates the entry of an action that was done.
    pub(crate) fn allowed(
        actor: Actor,
        at: Timestamp,
        incident_id: Option<IncidentId>,
        action: &str,
        detail: BTreeMap<String, String>,
    ) -> Self {
        Self {
            incident_id,
            at,
            actor,
            action: action.to_owned(),
            outcome: AuditOutcome::Allowed,
            detail,
        }
    }
}

/// An audit entry, sealed into its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// The chain of the entry.
    pub chain: Chain,
    /// Number of the entry: 1, 2, 3, ... without gaps in its chain.
    pub seq: u64,
    /// Content of the entry.
    pub payload: AuditDraft,
    /// The bytes that were hashed.
    pub canonical: Vec<u8>,
    /// The hash of the previous entry.
    pub prev_hash: Hash,
    /// The hash of this entry.
    pub hash: Hash,
}

/// The canonical form for reading. `Serialize` of [`AuditDraft`] writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CanonicalAuditEntry {
    v: u8,
    incident_id: Option<IncidentId>,
    at: i64,
    actor: PersonName,
    actor_kind: ActorKind,
    action: String,
    outcome: AuditOutcome,
    detail: BTreeMap<String, String>,
}

/// The canonical form. The order of the fields is part of the format: do not move, rename or add
/// one without a new `v`. `at` is microseconds since 1970.
impl Serialize for AuditDraft {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            incident_id,
            at,
            actor,
            action,
            outcome,
            detail,
        } = self;
        let mut fields = serializer.serialize_struct("AuditDraft", 8)?;
        fields.serialize_field("v", &1)?;
        fields.serialize_field("incident_id", incident_id)?;
        fields.serialize_field("at", &at.micros())?;
        fields.serialize_field("actor", &actor.name)?;
        fields.serialize_field("actor_kind", &actor.kind)?;
        fields.serialize_field("action", action)?;
        fields.serialize_field("outcome", outcome)?;
        fields.serialize_field("detail", detail)?;
        fields.end()
    }
}

impl AuditDraft {
    /// Returns the chain that the entry belongs to.
    #[must_use]
    pub fn chain(&self) -> Chain {
        Chain::of(self.incident_id)
    }

    /// Returns the bytes to hash and to store.
    ///
    /// # Errors
    /// Never fails for a value made by this crate; the signature is the serialiser's.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        Ok(serde_json::to_vec(self)?)
    }
}

/// Parses stored canonical bytes.
///
/// # Errors
/// Fails unless the bytes are canonical bytes of version 1.
pub fn read(bytes: &[u8]) -> Result<AuditDraft, CanonicalError> {
    use serde::de::Error as _;
    let wrong = |error: &dyn fmt::Display| CanonicalError::from(serde_json::Error::custom(error));
    let CanonicalAuditEntry {
        v,
        incident_id,
        at,
        actor,
        actor_kind,
        action,
        outcome,
        detail,
    } = serde_json::from_slice(bytes)?;
    if v != 1 {
        return Err(wrong(&"the format version is not 1"));
    }
    Ok(AuditDraft {
        incident_id,
        at: Timestamp::from_micros(at).map_err(|error| wrong(&error))?,
        actor: Actor {
            kind: actor_kind,
            name: actor,
        },
        action,
        outcome,
        detail,
    })
}

/// Seals an entry onto the end of its chain.
///
/// Pure: the store calls it under the lock of the chain, with the head that it read there.
///
/// # Errors
/// Never fails for a draft made by this crate; the signature is the serialiser's.
pub fn seal(head: Head, draft: AuditDraft) -> Result<AuditEntry, CanonicalError> {
    let chain = draft.chain();
    let canonical = draft.to_bytes()?;
    let seq = head.seq + 1;
    let hash = link(DOMAIN, &chain.bytes(), seq, head.hash, &canonical);
    Ok(AuditEntry {
        chain,
        seq,
        payload: draft,
        canonical,
        prev_hash: head.hash,
        hash,
    })
}

/// Checks one entry against the end of the chain before it, and returns the new end.
///
/// # Errors
/// Returns the reason if the entry does not fit.
pub fn verify_next(chain: Chain, head: Head, entry: &AuditEntry) -> Result<Head, &'static str> {
    let seq = head.seq + 1;
    if entry.seq != seq || entry.chain != chain {
        return Err("a sequence number is missing or repeated");
    }
    if entry.prev_hash != head.hash {
        return Err("the previous hash does not match the hash of the previous entry");
    }
    let hash = link(
        DOMAIN,
        &chain.bytes(),
        seq,
        entry.prev_hash,
        &entry.canonical,
    );
    if hash != entry.hash {
        return Err("the hash does not match the stored bytes");
    }
    if !entry
        .payload
        .to_bytes()
        .is_ok_and(|bytes| bytes == entry.canonical)
    {
        return Err("the stored fields differ from the hashed bytes");
    }
    Ok(Head { seq, hash })
}

/// Checks one chain, in order of `seq`, and reports the first bad entry.
///
/// `anchors` are the heads that were stored outside the store, if any.
#[must_use]
pub fn verify<'a>(
    chain: Chain,
    entries: impl IntoIterator<Item = &'a AuditEntry>,
    anchors: impl IntoIterator<Item = Head>,
) -> Verdict {
    let mut walk = Walk::whole(anchors);
    for entry in entries {
        let checked = verify_next(chain, walk.before(entry.prev_hash), entry);
        if let Err(broken) = walk.step(checked) {
            return broken;
        }
    }
    walk.end()
}
