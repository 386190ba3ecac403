//! Who asks, under which key, and what came of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::Error;
use crate::actor::{Action, Caller, Role};
use crate::audit::{AuditDraft, AuditOutcome};
use crate::commit::{IdempotencyRecord, IdempotencyScope, StoredResponse};
use crate::incident::Incident;
use crate::timeline::SysIncidentUpdateEntry;
use crate::{IncidentId, PersonName, Timestamp, ValidationError, Version};

/// A key that makes a command happen once, however often it is sent.
///
/// ```
/// use incident_core::engine::IdempotencyKey;
/// // The key that a client sent, and the bytes of its request.
/// let key = IdempotencyKey::new("9b2c", &[b"POST", b"/incidents", b"{}"])?;
/// # Ok::<(), incident_core::ValidationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The key; its scope is the caller.
    pub key: String,
    /// What it is used for: the same key with another fingerprint is refused.
    pub fingerprint: [u8; 32],
}

impl IdempotencyKey {
    /// Longest key, in bytes.
    pub const MAX_LEN: usize = 255;

    /// Makes a key for a request, whose parts are hashed (SHA-256, each ended by a zero byte):
    /// the same key with another request is refused.
    ///
    /// # Errors
    /// The key is not 1 to 255 visible ASCII characters.
    pub fn new(key: &str, request: &[&[u8]]) -> Result<Self, ValidationError> {
        let is_valid = (1..=Self::MAX_LEN).contains(&key.len())
            && key.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_valid {
            let expected = "1 to 255 visible ASCII characters";
            return Err(ValidationError::new("idempotency_key", expected));
        }
        let mut hasher = Sha256::new();
        for part in request {
            hasher.update(part);
            hasher.update([0]);
        }
        Ok(Self {
            key: key.to_owned(),
            fingerprint: hasher.finalize().into(),
        })
    }
}

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
    /// The name in whose scope the key is; the caller's if absent.
    pub key_of: Option<PersonName>,
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
            key_of: None,
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

    /// The key is one and the same for all who act for somebody, such as the people that a
    /// vendor names.
    #[must_use]
    pub fn with_key_of(mut self, name: PersonName) -> Self {
        self.key_of = Some(name);
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
        AuditDraft {
            incident_id,
            at,
            actor: self.caller.actor.clone(),
            action: action.to_owned(),
            outcome: AuditOutcome::Allowed,
            detail,
        }
    }

    /// Returns the record of an answer under the key, if there is one.
    pub(super) fn record(
        &self,
        reply: StoredResponse,
        now: Timestamp,
    ) -> Option<IdempotencyRecord> {
        let (scope, key) = (self.scope()?, self.key.as_ref()?);
        Some(IdempotencyRecord {
            scope,
            fingerprint: key.fingerprint,
            made_at: now,
            expires_at: now.saturating_add(self.remembered_for),
            reply,
        })
    }

    pub(crate) fn scope(&self) -> Option<IdempotencyScope> {
        let key = self.key.as_ref()?;
        Some(IdempotencyScope {
            actor: self
                .key_of
                .as_ref()
                .unwrap_or(&self.caller.actor.name)
                .clone(),
            key: key.key.clone(),
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
