//! Who asks, under which key, and what came of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Error;
use crate::actor::{Action, Caller, Role};
use crate::audit::AuditDraft;
use crate::idempotency::{IdempotencyKey, IdempotencyRecord, StoredResponse};
use crate::incident::Incident;
use crate::timeline::SysIncidentUpdateEntry;
use crate::{IncidentId, Timestamp, Version};

/// Who asks, and on which conditions.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestContext {
    /// Who.
    pub caller: Caller,
    /// Once, however often it is sent.
    pub key: Option<IdempotencyKey>,
    /// Only if the incident is at one of these versions.
    pub if_version: Option<Vec<Version>>,
    /// For how long the key is remembered; 24 h if not said.
    pub remembered_for: Duration,
    /// The time that the caller waits for the answer; the engine's if absent.
    pub timeout: Option<Duration>,
    /// What the caller was authorized for, by this role.
    pub(super) authorized: Option<(Role, Action)>,
}

/// How long a key is remembered.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl RequestContext {
    /// Without a key and without a condition.
    #[must_use]
    pub const fn new(caller: Caller) -> Self {
        Self {
            caller,
            key: None,
            if_version: None,
            remembered_for: DAY,
            timeout: None,
            authorized: None,
        }
    }

    /// Once, however often it is sent.
    #[must_use]
    pub fn with_key(mut self, key: IdempotencyKey) -> Self {
        self.key = Some(key);
        self
    }

    /// For how long the key is remembered.
    #[must_use]
    pub const fn remembered_for(mut self, duration: Duration) -> Self {
        self.remembered_for = duration;
        self
    }

    /// The command is answered within `timeout` from its call, instead of within that of the
    /// builder ([`command_deadline`](super::IncidentsBuilder::command_deadline)). For callers that
    /// are themselves waited for, such as a webhook.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Only if the incident is at one of these versions.
    #[must_use]
    pub fn if_version(mut self, versions: Vec<Version>) -> Self {
        self.if_version = Some(versions);
        self
    }

    /// # Errors
    /// The incident is at none of the versions that the caller knows.
    pub(super) fn check_version(&self, version: Version) -> Result<(), Error> {
        match &self.if_version {
            Some(known) if !known.contains(&version) => Err(Error::VersionMismatch),
            _ => Ok(()),
        }
    }

    /// Returns the audit entry of something that the caller did.
    pub(super) fn allowed(
        &self,
        at: Timestamp,
        incident_id: Option<IncidentId>,
        action: &str,
        detail: BTreeMap<String, String>,
    ) -> AuditDraft {
        AuditDraft::allowed(self.caller.actor.clone(), at, incident_id, action, detail)
    }

    /// Returns the record of an answer under the key, if there is one.
    pub(super) fn record(
        &self,
        reply: StoredResponse,
        now: Timestamp,
    ) -> Option<IdempotencyRecord> {
        Some(IdempotencyRecord {
            key: self.key.clone()?,
            made_at: now,
            expires_at: now.saturating_add(self.remembered_for),
            reply,
        })
    }
}

/// What came of a command.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CommandOutcome {
    /// The incident afterwards.
    pub incident: Arc<Incident>,
    /// The entries that were made.
    pub entries: Vec<SysIncidentUpdateEntry>,
    /// Whether an alert key found a live incident instead of making one.
    pub deduplicated: bool,
    /// Whether this answer was given before, under the same key.
    pub replayed: bool,
}
