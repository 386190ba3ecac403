//! Why the engine did not do what it was asked.

use std::time::Duration;

use crate::ValidationError;
use crate::actor::Action;
use crate::incident::Refusal;
use crate::port::{AnchorError, StoreError, UsageError};

/// Why the engine did not do what it was asked. Unless the source is
/// [`StoreError::Unknown`], nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such thing. **Handling:** 404.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The caller's role does not allow it; the refusal was audited.
    /// **Handling:** 403.
    #[error("the role does not allow to {}", .0.name())]
    Forbidden(Action),
    /// The command does not fit the incident. **Handling:** show the refusal.
    #[error("refused")]
    Refused(#[from] Refusal),
    /// The incident is not at the version the caller knows. **Handling:** load
    /// again. HTTP: 412.
    #[error("the incident has another version")]
    VersionMismatch,
    /// The idempotency key was used for something else. **Handling:** use
    /// another key. HTTP: 422.
    #[error("the idempotency key was used for another request")]
    IdempotencyKeyMismatch,
    /// The store did not do it. **Handling:** see the source; HTTP: 503.
    #[error("the store did not do it")]
    Store(#[from] StoreError),
    /// The anchors did not answer. **Handling:** as with the store; HTTP: 503.
    #[error("the anchors did not answer")]
    Anchors(#[from] AnchorError),
    /// The usage source did not answer. **Handling:** see the source.
    #[error("the usage source did not answer")]
    Usage(#[from] UsageError),
    /// A test page is open, and there is one at a time. **Handling:** ask again when
    /// it is over. HTTP: 429, with `Retry-After`.
    #[error("a test page is open")]
    TestPageOpen {
        /// When it is over.
        ends_in: Duration,
    },
    /// Something that the host did not configure is needed. **Handling:**
    /// configure it; the sentence says what.
    #[error("{0}")]
    NotConfigured(&'static str),
}

impl From<ValidationError> for Error {
    fn from(invalid: ValidationError) -> Self {
        Self::Refused(Refusal::Invalid(invalid))
    }
}
