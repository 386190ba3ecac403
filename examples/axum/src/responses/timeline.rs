//! Responses with the timeline of an incident.

use incident_core::actor::ActorKind;
use incident_core::chain::{Hash, Verdict};
use incident_core::incident::{Audience, CommsSent, FieldDelta, OUTLINE_TENANTS, Status};
use incident_core::timeline::{EntryKind, SysIncidentUpdateEntry, TextName};
use incident_core::{IncidentId, Name, PersonName, Text, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::http::response::response_bodies;

response_bodies! { TimelineVerificationResponse ; TimelineEntryResponse }

/// An entry of a timeline.
#[derive(JsonSchema, Serialize)]
pub(crate) struct TimelineEntryResponse<'a> {
    author: &'a PersonName,
    author_kind: ActorKind,
    changes: Vec<ChangeResponse>,
    comms_sent: Option<CommsSentResponse>,
    corrects: Option<u64>,
    hash: &'a Hash,
    incident_id: IncidentId,
    kind: EntryKind,
    message: Option<&'a str>,
    occurred_at: Timestamp,
    prev_hash: &'a Hash,
    public_message: Option<&'a str>,
    recorded_at: Timestamp,
    redacted: bool,
    seq: u64,
    status_from: Option<Status>,
    status_to: Option<Status>,
}

impl<'a> From<&'a SysIncidentUpdateEntry> for TimelineEntryResponse<'a> {
    fn from(entry: &'a SysIncidentUpdateEntry) -> Self {
        let fields = &entry.fields;
        Self {
            author: &fields.author.name,
            author_kind: fields.author.kind,
            changes: entry.changes().into_iter().map(Into::into).collect(),
            comms_sent: entry.comms_sent().map(Into::into),
            corrects: fields.corrects,
            hash: &entry.hash,
            incident_id: entry.incident_id,
            kind: fields.kind,
            message: entry.text(TextName::Message),
            occurred_at: fields.occurred_at,
            prev_hash: &entry.prev_hash,
            public_message: entry.text(TextName::PublicMessage),
            recorded_at: fields.recorded_at,
            redacted: entry.is_redacted(),
            seq: entry.seq,
            status_from: fields.status_from,
            status_to: fields.status_to,
        }
    }
}

/// A message that was sent.
#[derive(JsonSchema, Serialize)]
struct CommsSentResponse {
    audience: Audience,
    channel: Name,
    summary: Text,
}

impl From<CommsSent> for CommsSentResponse {
    fn from(sent: CommsSent) -> Self {
        let CommsSent {
            channel,
            audience,
            summary,
        } = sent;
        Self {
            audience,
            channel,
            summary,
        }
    }
}

/// A change of a field.
///
/// A list of ten thousand tenants is not repeated in each entry, but truncated, with its length.
#[derive(JsonSchema, Serialize)]
struct ChangeResponse {
    #[serde(skip_serializing_if = "Option::is_none")]
    added: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    added_total: Option<usize>,
    field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_total: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed_total: Option<usize>,
    to: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_total: Option<usize>,
}

impl From<FieldDelta> for ChangeResponse {
    fn from(delta: FieldDelta) -> Self {
        let FieldDelta {
            field,
            mut from,
            mut to,
            added,
            removed,
        } = delta;
        let list = |items: Vec<Value>| (!items.is_empty()).then_some(Value::Array(items));
        let (mut added, mut removed) = (list(added), list(removed));
        let is_long = field == "affected_tenants";
        let total = |value: Option<&mut Value>| value.filter(|_| is_long).and_then(shorten);
        Self {
            added_total: total(added.as_mut()),
            added,
            field,
            from_total: total(from.as_mut()),
            from,
            removed_total: total(removed.as_mut()),
            removed,
            to_total: total(Some(&mut to)),
            to,
        }
    }
}

/// Truncates a list that is too long; returns its length then.
fn shorten(value: &mut Value) -> Option<usize> {
    let list = value.as_array_mut()?;
    let total = list.len();
    list.truncate(OUTLINE_TENANTS);
    (total > OUTLINE_TENANTS).then_some(total)
}

/// The result of verifying a timeline.
#[derive(JsonSchema, Serialize)]
#[serde(untagged)]
pub(crate) enum TimelineVerificationResponse {
    /// Everything is intact.
    Valid {
        anchored: u64,
        entries: u64,
        head: Hash,
        valid: bool,
    },
    /// An entry was changed, removed or reordered.
    Broken {
        reason: &'static str,
        seq: u64,
        valid: bool,
    },
}

impl From<Verdict> for TimelineVerificationResponse {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Valid { head, anchored } => Self::Valid {
                anchored,
                entries: head.seq,
                head: head.hash,
                valid: true,
            },
            Verdict::Broken { seq, reason } => Self::Broken {
                reason,
                seq,
                valid: false,
            },
        }
    }
}
