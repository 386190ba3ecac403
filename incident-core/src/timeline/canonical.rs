//! The canonical form of an entry: the bytes that are hashed.

use std::collections::BTreeMap;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use super::{EntryDraft, EntryKind, StateMarks, TextName};
use crate::actor::{Actor, ActorKind};
use crate::chain::Hash;
use crate::incident::{Audience, Status};
use crate::{PersonName, Timestamp};

/// Stored bytes of an entry that this version cannot read as canonical.
#[derive(Debug, thiserror::Error)]
#[error("the canonical bytes of the entry could not be decoded")]
pub struct CanonicalError(#[from] serde_json::Error);

/// The fields of an entry besides its free text: exactly what was hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryFields {
    /// Kind of the entry.
    pub kind: EntryKind,
    /// Author of the entry.
    pub author: Actor,
    /// Time of the event, as the author states it.
    pub occurred_at: Timestamp,
    /// Time of recording.
    pub recorded_at: Timestamp,
    /// The status before.
    pub status_from: Option<Status>,
    /// The status after.
    pub status_to: Option<Status>,
    /// Audience of a message that was sent.
    pub audience: Option<Audience>,
    /// The entry that it corrects.
    pub corrects: Option<u64>,
    /// The commitment to each free text.
    pub commitments: BTreeMap<TextName, Hash>,
    /// The marks of the incident's state, if the entry is the last one of a write.
    pub marks: Option<StateMarks>,
}

/// The canonical form for reading. `Serialize` of [`EntryFields`] writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CanonicalTimelineEntry {
    v: u8,
    kind: EntryKind,
    author: PersonName,
    author_kind: ActorKind,
    occurred_at: i64,
    recorded_at: i64,
    status_from: Option<Status>,
    status_to: Option<Status>,
    audience: Option<Audience>,
    corrects: Option<u64>,
    texts: BTreeMap<TextName, Hash>,
    #[serde(default)]
    state: Option<StateMarks>,
}

/// The canonical form. The order of the fields is part of the format: do not move, rename or add
/// one without a new `v`. Times are microseconds since 1970. `state` exists in version 2 only,
/// where it is always present and last.
impl Serialize for EntryFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            kind,
            author,
            occurred_at,
            recorded_at,
            status_from,
            status_to,
            audience,
            corrects,
            commitments,
            marks,
        } = self;
        let length = 11 + usize::from(marks.is_some());
        let mut fields = serializer.serialize_struct("EntryFields", length)?;
        fields.serialize_field("v", &version(marks.is_some()))?;
        fields.serialize_field("kind", kind)?;
        fields.serialize_field("author", &author.name)?;
        fields.serialize_field("author_kind", &author.kind)?;
        fields.serialize_field("occurred_at", &occurred_at.micros())?;
        fields.serialize_field("recorded_at", &recorded_at.micros())?;
        fields.serialize_field("status_from", status_from)?;
        fields.serialize_field("status_to", status_to)?;
        fields.serialize_field("audience", audience)?;
        fields.serialize_field("corrects", corrects)?;
        fields.serialize_field("texts", commitments)?;
        if let Some(marks) = marks {
            fields.serialize_field("state", marks)?;
        }
        fields.end()
    }
}

/// Returns the version of an entry with marks, or without.
const fn version(has_marks: bool) -> u8 {
    if has_marks { 2 } else { 1 }
}

impl EntryFields {
    pub(super) fn of(draft: &EntryDraft, commitments: BTreeMap<TextName, Hash>) -> Self {
        Self {
            kind: draft.kind,
            author: draft.author.clone(),
            occurred_at: draft.occurred_at,
            recorded_at: draft.recorded_at,
            status_from: draft.status_from,
            status_to: draft.status_to,
            audience: draft.comms_sent.as_ref().map(|sent| sent.audience),
            corrects: draft.corrects,
            commitments,
            marks: draft.marks,
        }
    }

    /// Returns the bytes to hash and to store.
    ///
    /// # Errors
    /// Never fails for a value made by this crate; the signature is the serialiser's.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        serde_json::to_vec(self).map_err(CanonicalError)
    }

    /// Parses stored canonical bytes.
    ///
    /// # Errors
    /// Fails unless the bytes are canonical bytes of version 1 or 2.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CanonicalError> {
        use serde::de::Error as _;
        let canonical: CanonicalTimelineEntry =
            serde_json::from_slice(bytes).map_err(CanonicalError)?;
        let time = |us| {
            Timestamp::from_micros(us)
                .map_err(|error| CanonicalError(serde_json::Error::custom(error)))
        };
        if canonical.v != version(canonical.state.is_some()) {
            return Err(CanonicalError(serde_json::Error::custom(
                "the format version is neither 1 nor 2",
            )));
        }
        Ok(Self {
            kind: canonical.kind,
            author: Actor {
                kind: canonical.author_kind,
                name: canonical.author,
            },
            occurred_at: time(canonical.occurred_at)?,
            recorded_at: time(canonical.recorded_at)?,
            status_from: canonical.status_from,
            status_to: canonical.status_to,
            audience: canonical.audience,
            corrects: canonical.corrects,
            commitments: canonical.texts,
            marks: canonical.state,
        })
    }
}
