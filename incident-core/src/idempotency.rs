//! Idempotency keys: a command that is sent again is applied once.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::billing::CappedCredit;
use crate::incident::Incident;
use crate::paging::PagerTest;
use crate::redaction::Redaction;
use crate::suggestion::Suggestion;
use crate::{PersonName, Timestamp, ValidationError};

/// A key under which a command is applied once, however often it is sent.
///
/// Two keys are equal if their actor and key are, whatever the request: that is how a different
/// request under a used key is detected.
///
/// ```
/// use incident_core::engine::IdempotencyKey;
/// // The key that a client sent, and the bytes of its request.
/// let request: [&[u8]; 3] = [b"POST", b"/incidents", b"{}"];
/// let key = IdempotencyKey::new("anna".parse()?, "9b2c", &request)?;
/// # Ok::<(), incident_core::ValidationError>(())
/// ```
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    /// The scope of the key: the caller, or one shared name for all who act through an integration,
    /// such as the people that a vendor names.
    pub actor: PersonName,
    /// The key.
    pub key: String,
    /// The hash of the request: the same key with another fingerprint is refused.
    pub fingerprint: [u8; 32],
}

impl IdempotencyKey {
    /// Maximum length of a key, in bytes.
    pub const MAX_LEN: usize = 255;

    /// Creates a key for a request, whose parts are hashed (SHA-256, each ended by a zero byte):
    /// the same key with another request is refused.
    ///
    /// # Errors
    /// Fails unless the key is 1 to 255 visible ASCII characters.
    pub fn new(actor: PersonName, key: &str, request: &[&[u8]]) -> Result<Self, ValidationError> {
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
            actor,
            key: key.to_owned(),
            fingerprint: hasher.finalize().into(),
        })
    }
}

impl PartialEq for IdempotencyKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for IdempotencyKey {}

impl PartialOrd for IdempotencyKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for IdempotencyKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let actor = self.actor.cmp(&other.actor);
        actor.then_with(|| self.key.cmp(&other.key))
    }
}

impl Hash for IdempotencyKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.actor.hash(state);
        self.key.hash(state);
    }
}

/// The response of a command, stored to be returned again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredResponse {
    /// An incident, and the numbers of the entries that were appended.
    Incident {
        /// The incident as it was returned.
        incident: Arc<Incident>,
        /// The numbers of the appended entries.
        seqs: Vec<u64>,
        /// `true` if an alert found a live incident instead of creating one.
        deduplicated: bool,
    },
    /// A suggestion.
    Suggestion {
        /// The suggestion.
        suggestion: Suggestion,
        /// `true` if the request changed nothing: the suggestion stood before.
        repeated: bool,
    },
    /// The number of accepted usage events.
    Accepted(u64),
    /// The result of a test page.
    Tested(PagerTest),
    /// A credit that was decided.
    Credit(Box<CappedCredit>),
}

impl StoredResponse {
    /// Erases redacted text of an incident that the response repeats.
    ///
    /// A response about the incident returns the incident as it is now; one about its suggestion
    /// loses the suggestion's text.
    pub fn redact(&mut self, redaction: &Redaction, now: &Arc<Incident>) {
        match self {
            Self::Incident { incident, .. } if incident.id == redaction.incident_id => {
                *incident = Arc::clone(now);
            }
            Self::Suggestion { suggestion, .. } if redaction.suggestion == Some(suggestion.id) => {
                suggestion.redact();
            }
            Self::Incident { .. } | Self::Suggestion { .. } => {}
            // Names and figures; the text of a test page is the library's own.
            Self::Accepted(_) | Self::Tested(_) | Self::Credit(_) => {}
        }
    }
}

/// A response to store under a key.
#[derive(Clone, Debug)]
pub struct IdempotencyRecord {
    /// The key.
    pub key: IdempotencyKey,
    /// Time of the response: an older record that had expired by then is replaced.
    pub made_at: Timestamp,
    /// Time from which the record has expired: until then a repeat gets the same response.
    pub expires_at: Timestamp,
    /// The response.
    pub reply: StoredResponse,
}
