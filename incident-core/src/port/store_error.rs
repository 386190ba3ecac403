//! Why a store did not do what it was asked.

use std::error::Error as StdError;

use crate::timeline::CanonicalError;
use crate::{CreditId, IncidentId, MessageId, SuggestionId};

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The incident was written since it was loaded. Nothing was written.
    /// **Handling:** load again and decide again.
    #[error("the incident changed meanwhile")]
    Conflict,
    /// Another live incident stands for the same alert, or was declared for it and not
    /// seen by the commit. Nothing was written. **Handling:** look at the live incidents of
    /// the alert again and decide again.
    #[error("another live incident has this alert key")]
    AlertKeyTaken(IncidentId),
    /// A suggestion for the same pair is open. Nothing was written.
    /// **Handling:** that suggestion is the answer.
    #[error("a suggestion for this pair is open")]
    SuggestionOpen(SuggestionId),
    /// The suggestion was used already. Nothing was written.
    /// **Handling:** refuse.
    #[error("the suggestion was used already")]
    SuggestionUsed,
    /// The idempotency key was used meanwhile. Nothing was written.
    /// **Handling:** recall it and answer with that.
    #[error("the idempotency key was used meanwhile")]
    IdempotencyKeyInUse,
    /// The lease is held by somebody else, or the message is settled. Nothing
    /// was written. **Handling:** drop the work; somebody else does it.
    #[error("the lease is no longer held")]
    LeaseLost,
    /// The message to replay is not given up (any more). Nothing was written.
    /// **Handling:** look again at what is given up.
    #[error("the message is not given up")]
    NotGivenUp(MessageId),
    /// The credit is not in the state that was seen. Nothing was written.
    /// **Handling:** look at it again.
    #[error("the credit was decided or replaced meanwhile")]
    CreditMoved(CreditId),
    /// The commit contradicts itself or the store: a fault of the caller.
    /// Nothing was written. **Handling:** report it; do not repeat.
    #[error("the store refuses the commit: {0}")]
    Refused(&'static str),
    /// What stands in the store is not what this library writes: somebody else
    /// wrote there, or a newer version did. Nothing was written.
    /// **Handling:** verify the chains; a repetition does not help. HTTP: 500.
    #[error("what is stored cannot be read")]
    Corrupt(#[source] Box<dyn StdError + Send + Sync>),
    /// The store takes no writes: it is a copy of another one, or was set so. Certainly
    /// nothing was written. **Handling:** as [`Unavailable`](Self::Unavailable), and tell
    /// whoever runs it. HTTP: 503.
    #[error("the store is read-only")]
    ReadOnly(#[source] Box<dyn StdError + Send + Sync>),
    /// The store cannot be reached. Certainly nothing was written.
    /// **Handling:** try again later.
    #[error("the store is not available")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// Nobody can know whether it was written. **Handling:** load and look, or
    /// repeat under the same idempotency key.
    #[error("it is not known whether the store wrote it")]
    Unknown(#[source] Box<dyn StdError + Send + Sync>),
}

impl From<CanonicalError> for StoreError {
    /// Nothing was sent.
    fn from(error: CanonicalError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}
