//! Errors of a store.

use std::error::Error as StdError;

use crate::timeline::CanonicalError;
use crate::{CreditId, IncidentId, MessageId, SuggestionId};

/// An error of a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The incident was written after it was loaded. Nothing was written.
    /// **Handling:** load it and decide again.
    #[error("the incident was changed concurrently")]
    Conflict,
    /// Another live incident stands for the same alert, or was declared for it and not seen by
    /// the commit. Nothing was written. **Handling:** load the live incidents of the alert and
    /// decide again.
    #[error("another active incident holds this alert key")]
    AlertKeyTaken(IncidentId),
    /// A suggestion stands for the same pair
    /// ([`Suggestion::stands_for_its_pair`](crate::suggestion::Suggestion::stands_for_its_pair)). Nothing
    /// was written.
    /// **Handling:** return that suggestion.
    #[error(
        "a suggestion for this service and tenant is open, or was dismissed within the last hour"
    )]
    SuggestionOpen(SuggestionId),
    /// The suggestion was used or dismissed already. Nothing was written.
    /// **Handling:** refuse the command.
    #[error("the suggestion is already used or dismissed")]
    SuggestionClosed,
    /// The idempotency key was used meanwhile. Nothing was written.
    /// **Handling:** find its response and return that.
    #[error("another request with this idempotency key was committed first")]
    IdempotencyKeyInUse,
    /// Another owner holds the lease, or the message is completed. Nothing was written.
    /// **Handling:** drop the work; its owner does it.
    #[error("the lease is no longer held")]
    LeaseLost,
    /// The message to replay is not a dead letter (any more). Nothing was written.
    /// **Handling:** list the dead letters again.
    #[error("the message is not dead-lettered")]
    NotGivenUp(MessageId),
    /// The credit is no longer in the expected state. Nothing was written.
    /// **Handling:** load it again.
    #[error("the credit was approved, waived or replaced by another request")]
    CreditMoved(CreditId),
    /// The commit contradicts itself or the store: a bug of the caller. Nothing was written.
    /// **Handling:** report it; do not repeat.
    #[error("the store rejected the commit: {0}")]
    Refused(&'static str),
    /// Stored data is not in a form that this library writes: another program or a newer
    /// version wrote it. Nothing was written.
    /// **Handling:** verify the chains; a repetition does not help. HTTP: 500.
    #[error("stored data is corrupt")]
    Corrupt(#[source] Box<dyn StdError + Send + Sync>),
    /// The store takes no writes: it is a replica, or was set read-only. Certainly nothing was
    /// written. **Handling:** as for [`Unavailable`](Self::Unavailable), and alert the
    /// operator. HTTP: 503.
    #[error("the store is read-only")]
    ReadOnly(#[source] Box<dyn StdError + Send + Sync>),
    /// The store cannot be reached. Certainly nothing was written.
    /// **Handling:** try again later.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// It is not known if the commit was written. **Handling:** load and compare, or repeat
    /// under the same idempotency key.
    #[error("it is unknown whether the commit was stored")]
    Unknown(#[source] Box<dyn StdError + Send + Sync>),
}

impl From<CanonicalError> for StoreError {
    /// Converts to [`Unavailable`](Self::Unavailable): the commit was not sent.
    fn from(error: CanonicalError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}
