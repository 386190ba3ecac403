//! Responses of the audit trail.

use std::collections::BTreeMap;

use incident_core::actor::ActorKind;
use incident_core::audit::{AuditEntry, AuditOutcome};
use incident_core::chain::Hash;
use incident_core::engine::AuditVerdict;
use incident_core::{IncidentId, PersonName, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::response::response_bodies;

response_bodies! { AuditVerificationResponse ; AuditEntryResponse }

/// An audit entry.
#[derive(JsonSchema, Serialize)]
pub(crate) struct AuditEntryResponse<'a> {
    action: &'a str,
    actor: &'a PersonName,
    actor_kind: ActorKind,
    at: Timestamp,
    chain: String,
    detail: &'a BTreeMap<String, String>,
    hash: &'a Hash,
    incident_id: Option<IncidentId>,
    outcome: AuditOutcome,
    prev_hash: &'a Hash,
    seq: u64,
}

impl<'a> From<&'a AuditEntry> for AuditEntryResponse<'a> {
    fn from(entry: &'a AuditEntry) -> Self {
        let payload = &entry.payload;
        Self {
            action: &payload.action,
            actor: &payload.actor.name,
            actor_kind: payload.actor.kind,
            at: payload.at,
            chain: entry.chain.to_string(),
            detail: &payload.detail,
            hash: &entry.hash,
            incident_id: payload.incident_id,
            outcome: payload.outcome,
            prev_hash: &entry.prev_hash,
            seq: entry.seq,
        }
    }
}

/// The result of verifying the audit trail and every timeline.
#[derive(JsonSchema, Serialize)]
#[serde(untagged)]
pub(crate) enum AuditVerificationResponse {
    /// Everything is intact.
    Valid {
        anchored: u64,
        chains: u64,
        entries: u64,
        valid: bool,
    },
    /// An entry was changed, removed or reordered.
    Broken {
        chain: String,
        reason: &'static str,
        seq: u64,
        valid: bool,
    },
}

impl From<AuditVerdict> for AuditVerificationResponse {
    fn from(verdict: AuditVerdict) -> Self {
        match verdict {
            AuditVerdict::Valid {
                chains,
                entries,
                anchored,
            } => Self::Valid {
                anchored,
                chains,
                entries,
                valid: true,
            },
            AuditVerdict::Broken { chain, seq, reason } => Self::Broken {
                chain: chain.to_string(),
                reason,
                seq,
                valid: false,
            },
        }
    }
}
