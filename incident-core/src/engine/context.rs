//! The context of a request, and the outcome of a command.

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

/// The caller of a request, and its conditions.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestContext {
    /// The caller.
    pub caller: Caller,
    /// The idempotency key: the request takes effect once, however often it is sent.
    pub key: Option<IdempotencyKey>,
    /// The versions that the incident may be at; any version if absent.
    pub if_version: Option<Vec<Version>>,
    /// The time for which the key is remembered; 24 h by default.
    pub remembered_for: Duration,
    /// The time that the caller waits for the answer; the engine's command deadline if absent.
    pub timeout: Option<Duration>,
    /// The action that the caller was authorized for, and the role that it had then.
    pub(super) authorized: Option<(Role, Action)>,
}

/// The default time for which a key is remembered.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl RequestContext {
    /// Creates a context without an idempotency key and without a version condition.
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

    /// Sets the idempotency key: the request takes effect once, however often it is sent.
    #[must_use]
    pub fn with_key(mut self, key: IdempotencyKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Sets the time for which the key is remembered.
    #[must_use]
    pub const fn remembered_for(mut self, duration: Duration) -> Self {
        self.remembered_for = duration;
        self
    }

    /// Sets the timeout of the command, from its call on, in place of the builder's
    /// [`command_deadline`](super::IncidentsBuilder::command_deadline).
    ///
    /// For callers that are themselves waited for, such as a webhook.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the versions that the incident may be at; at any other one the command fails.
    #[must_use]
    pub fn if_version(mut self, versions: Vec<Version>) -> Self {
        self.if_version = Some(versions);
        self
    }

    /// Checks that the incident is at a version that the caller accepts.
    ///
    /// # Errors
    /// Returns [`Error::VersionMismatch`] if it is not.
    pub(super) fn check_version(&self, version: Version) -> Result<(), Error> {
        match &self.if_version {
            Some(known) if !known.contains(&version) => Err(Error::VersionMismatch),
            _ => Ok(()),
        }
    }

    /// Returns the audit entry of an action that the caller was allowed to take.
    pub(super) fn allowed(
        &self,
        at: Timestamp,
        incident_id: Option<IncidentId>,
        action: &str,
        detail: BTreeMap<String, String>,
    ) -> AuditDraft {
        AuditDraft::allowed(self.caller.actor.clone(), at, incident_id, action, detail)
    }

    /// Returns the record of a response under the idempotency key, if there is a key.
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

/// The outcome of a command.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CommandOutcome {
    /// The incident after the command.
    pub incident: Arc<Incident>,
    /// The timeline entries that the command added.
    pub entries: Vec<SysIncidentUpdateEntry>,
    /// `true` if an alert key matched a live incident, so that none was created.
    pub deduplicated: bool,
    /// `true` if this is the response of an earlier request with the same key.
    pub replayed: bool,
}
