//! Idempotency keys: a command happens once, however often it is sent.

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

/// A key that makes a command happen once, however often it is sent.
///
/// Two keys are equal where their actor and key are, whatever the request: that is how a second
/// request under the key of another one is found.
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
    /// In whose scope the key is: the caller, or one name for all who act for somebody, such as
    /// the people that a vendor names.
    pub actor: PersonName,
    /// The key.
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

/// What a command answered, to be given again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredResponse {
    /// An incident, and the numbers of the entries that were made.
    Incident {
        /// The incident as it was answered.
        incident: Arc<Incident>,
        /// The entries that were made.
        seqs: Vec<u64>,
        /// Whether an alert found a live incident instead of making one.
        deduplicated: bool,
    },
    /// A suggestion, and whether it was open before.
    Suggestion {
        /// The suggestion.
        suggestion: Suggestion,
        /// Whether it was open before.
        repeated: bool,
    },
    /// So many usage events.
    Accepted(u64),
    /// What became of a test page.
    Tested(PagerTest),
    /// A credit that was decided.
    Credit(Box<CappedCredit>),
}

impl StoredResponse {
    /// Erases words of an incident that were redacted, where the reply repeats them: it
    /// tells the incident as it is now, and its suggestion without words.
    pub fn redact(&mut self, redaction: &Redaction, now: &Arc<Incident>) {
        match self {
            Self::Incident { incident, .. } if incident.id == redaction.incident_id => {
                *incident = Arc::clone(now);
            }
            Self::Suggestion { suggestion, .. } if redaction.suggestion == Some(suggestion.id) => {
                suggestion.redact();
            }
            Self::Incident { .. } | Self::Suggestion { .. } => {}
            // Names and figures; the words of a test page are ours.
            Self::Accepted(_) | Self::Tested(_) | Self::Credit(_) => {}
        }
    }
}

/// A reply to be remembered under a key.
#[derive(Clone, Debug)]
pub struct IdempotencyRecord {
    /// The key.
    pub key: IdempotencyKey,
    /// When the reply was made: an older record that had expired by then gives way.
    pub made_at: Timestamp,
    /// Until when a repeat gets the same reply.
    pub expires_at: Timestamp,
    /// The reply.
    pub reply: StoredResponse,
}
