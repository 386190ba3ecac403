//! The audit trail: who did what, what was refused, in hash chains of its own.
//!
//! One chain per incident and one named `system`, so that no lock is global.
//! `hash = sha256("incident/audit/v1\0" || chain || seq || previous || canonical)`,
//! where `chain` is the 16 bytes of the incident's id, or `system`.

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

/// Which chain an audit entry belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Chain {
    /// Everything that concerns no single incident.
    System,
    /// Everything about one incident.
    Incident(IncidentId),
}

impl Chain {
    /// The chain of an incident, or that of the system.
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

/// Whether something was allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    /// It was done.
    Allowed,
    /// It was refused for lack of rights.
    Denied,
}

/// An audit entry before it is sealed.
///
/// `detail` never holds free text, but for the reason of a redaction, which its
/// admin writes for this place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditDraft {
    /// The incident it concerns.
    pub incident_id: Option<IncidentId>,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What, as in [`Action::name`](crate::actor::Action::name).
    pub action: String,
    /// Whether it was allowed.
    pub outcome: AuditOutcome,
    /// Particulars: numbers, states, names of fields.
    pub detail: BTreeMap<String, String>,
}

impl AuditDraft {
    /// Makes the entry of something that was done.
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
    /// The chain.
    pub chain: Chain,
    /// 1, 2, 3, ... without gaps in this chain.
    pub seq: u64,
    /// What it says.
    pub payload: AuditDraft,
    /// The bytes that were hashed.
    pub canonical: Vec<u8>,
    /// The hash of the entry before.
    pub prev_hash: Hash,
    /// The hash of this entry.
    pub hash: Hash,
}

/// The canonical form, as it is read. Written by `Serialize` of [`AuditDraft`].
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
    /// Never for a value made here; the signature is that of the serialiser.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        Ok(serde_json::to_vec(self)?)
    }
}

/// What stored bytes say.
///
/// # Errors
/// They are not canonical bytes of version 1.
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
        return Err(wrong(&"a version other than 1"));
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

/// Seals an entry onto the end of its chain. Pure: the store calls it under the lock of the chain,
/// with the head it read there.
///
/// # Errors
/// Never for a draft made by this crate; the signature is that of the serialiser.
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

/// Checks one entry against the end of the chain before it.
///
/// # Errors
/// The reason why the entry does not fit.
pub fn verify_next(chain: Chain, head: Head, entry: &AuditEntry) -> Result<Head, &'static str> {
    let seq = head.seq + 1;
    if entry.seq != seq || entry.chain != chain {
        return Err("the sequence has a gap or a repeat");
    }
    if entry.prev_hash != head.hash {
        return Err("the previous hash is not that of the entry before");
    }
    let hash = link(
        DOMAIN,
        &chain.bytes(),
        seq,
        entry.prev_hash,
        &entry.canonical,
    );
    if hash != entry.hash {
        return Err("the hash does not fit the stored bytes");
    }
    if !entry
        .payload
        .to_bytes()
        .is_ok_and(|bytes| bytes == entry.canonical)
    {
        return Err("what is shown is not what was hashed");
    }
    Ok(Head { seq, hash })
}

/// Checks one chain, in order of `seq`, and names the first bad entry.
/// `anchors` are the heads that were kept outside the store, if any.
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
