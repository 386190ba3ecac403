//! The errors of the engine.

use std::time::Duration;

use crate::ValidationError;
use crate::actor::Action;
use crate::incident::Refusal;
use crate::port::{AnchorError, StoreError, UsageError};

/// An error of the engine. Unless the source is [`StoreError::Unknown`], nothing was written.
///
/// `Display` only names the kind of error: answer the caller with
/// [`client_message`](Self::client_message) and [`http_status`](Self::http_status), and log the
/// error with its [`source`](std::error::Error::source)s.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such object. **Handling:** answer 404.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The caller's role does not allow the action; the refusal was audited. **Handling:** answer
    /// 403.
    #[error("the role lacks the permission `{}`", .0.name())]
    Forbidden(Action),
    /// The command does not fit the incident. **Handling:** show the refusal. HTTP: 422 for an
    /// invalid value, 409 for the state of the incident.
    #[error("command rejected")]
    Refused(#[from] Refusal),
    /// The incident is not at a version that the caller accepts. **Handling:** load it again. HTTP:
    /// 412.
    #[error("the incident was changed; reload it and retry")]
    VersionMismatch,
    /// The idempotency key was used for another request. **Handling:** use another key. HTTP: 422.
    #[error("the idempotency key was already used for a different request")]
    IdempotencyKeyMismatch,
    /// The store did not do it. **Handling:** see the source. HTTP: 503 if the store is away, takes
    /// no writes or the outcome is unknown; 500 if the commit was refused or stored data is
    /// corrupt; else 409.
    #[error("store error")]
    Store(#[from] StoreError),
    /// The anchors did not answer. **Handling:** as with a store that is away. HTTP: 503.
    #[error("anchor error")]
    Anchors(#[from] AnchorError),
    /// The usage source did not answer, or refused. **Handling:** see the source. HTTP: 422 for a
    /// refusal or too many days, else 503.
    #[error("usage source error")]
    Usage(#[from] UsageError),
    /// A test page is open; only one is open at a time. **Handling:** try again when it has ended.
    /// HTTP: 429, with `Retry-After`.
    #[error("a test page is already in progress")]
    TestPageOpen {
        /// The time until it ends.
        ends_in: Duration,
    },
    /// A part that the host did not configure is needed. **Handling:** configure it; the text names
    /// it. HTTP: 409.
    #[error("{0}")]
    NotConfigured(&'static str),
}

impl Error {
    /// Returns the HTTP status of the error, for a host that serves over HTTP.
    ///
    /// 4xx is for the caller to mend, 500 is a fault of the store or of this library, and 503 is
    /// worth a retry.
    ///
    /// ```
    /// use incident_core::engine::Error;
    ///
    /// assert_eq!(Error::NotFound("incident").http_status(), 404);
    /// ```
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::NotFound(_) => 404,
            Self::Forbidden(_) => 403,
            Self::Refused(Refusal::Invalid(_))
            | Self::IdempotencyKeyMismatch
            | Self::Usage(UsageError::TooManyDays { .. } | UsageError::Refused(_)) => 422,
            Self::Refused(Refusal::WrongState { .. })
            | Self::NotConfigured(_)
            | Self::Store(
                StoreError::Conflict
                | StoreError::AlertKeyTaken(_)
                | StoreError::SuggestionOpen(_)
                | StoreError::SuggestionClosed
                | StoreError::IdempotencyKeyInUse
                | StoreError::LeaseLost
                | StoreError::NotGivenUp(_)
                | StoreError::CreditMoved(_),
            ) => 409,
            Self::VersionMismatch => 412,
            Self::TestPageOpen { .. } => 429,
            Self::Store(StoreError::Refused(_) | StoreError::Corrupt(_)) => 500,
            Self::Store(
                StoreError::ReadOnly(_) | StoreError::Unavailable(_) | StoreError::Unknown(_),
            )
            | Self::Anchors(_)
            | Self::Usage(
                UsageError::Full { .. }
                | UsageError::Unavailable(_)
                | UsageError::QueryTimedOut { .. }
                | UsageError::TimedOut,
            ) => 503,
        }
    }
}

impl Error {
    /// Returns the message for the caller: the value that does not fit, or the reason of the
    /// refusal. It contains nothing from the inside of the store or of a source.
    ///
    /// ```
    /// use incident_core::engine::Error;
    /// use incident_core::incident::Severity;
    ///
    /// let error: Error = "SEV9".parse::<Severity>().unwrap_err().into();
    /// assert_eq!((error.http_status(), error.to_string().as_str()), (422, "command rejected"));
    /// assert!(error.client_message().starts_with("severity"));
    /// ```
    #[must_use]
    pub fn client_message(&self) -> String {
        match self {
            Self::Refused(Refusal::Invalid(invalid)) => invalid.to_string(),
            Self::Refused(Refusal::WrongState { detail, .. }) => detail.clone(),
            Self::Usage(
                error @ (UsageError::TooManyDays { .. }
                | UsageError::Refused(_)
                | UsageError::QueryTimedOut { .. }),
            ) => error.to_string(),
            Self::NotFound(_)
            | Self::Forbidden(_)
            | Self::VersionMismatch
            | Self::IdempotencyKeyMismatch
            | Self::Store(_)
            | Self::Anchors(_)
            | Self::Usage(
                UsageError::Full { .. } | UsageError::Unavailable(_) | UsageError::TimedOut,
            )
            | Self::TestPageOpen { .. }
            | Self::NotConfigured(_) => self.to_string(),
        }
    }
}

impl From<ValidationError> for Error {
    fn from(invalid: ValidationError) -> Self {
        Self::Refused(Refusal::Invalid(invalid))
    }
}
