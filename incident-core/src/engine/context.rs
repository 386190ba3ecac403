//! Who asks, under which key, and what came of it.

use std::sync::Arc;
use std::time::Duration;

use crate::actor::Caller;
use crate::commit::IdempotencyScope;
use crate::incident::Incident;
use crate::timeline::SysIncidentUpdateEntry;
use crate::{PersonName, Version};

/// A key that makes a command happen once, however often it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The key; its scope is the caller.
    pub key: String,
    /// What it is used for: the same key with another fingerprint is refused.
    pub fingerprint: [u8; 32],
}

/// Who asks, and on which conditions.
#[derive(Clone, Debug)]
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

    /// Only if the incident is at one of these versions.
    #[must_use]
    pub fn if_version(mut self, versions: Vec<Version>) -> Self {
        self.if_version = Some(versions);
        self
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
