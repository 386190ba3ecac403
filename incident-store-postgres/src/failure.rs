//! Classification of driver errors: certainly not written, or unknown.

use std::error::Error;
use std::fmt;
use std::io::ErrorKind;

use incident_core::port::StoreError;
use sqlx::postgres::{PgDatabaseError, PgSeverity};

type BoxedSource = Box<dyn Error + Send + Sync>;

/// The error of a call that did not end before its deadline.
#[derive(Debug)]
pub(crate) struct Late;

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgreSQL timed out")
    }
}

impl Error for Late {}

/// SQLSTATE of a batch of usage events that would exceed the limit on days.
pub(crate) const TOO_MANY_DAYS: &str = "INC20";

/// A failed call.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The call failed before anything was sent.
    Before(BoxedSource),
    /// The connection was closed before the whole statement was sent. The server discards a
    /// partial statement with the connection: it commits at the last message of a statement.
    NotSent(BoxedSource),
    /// The call failed while the server may have been executing it.
    During(BoxedSource),
    /// The server's reply is in a form that this version does not write.
    Unreadable(BoxedSource),
    /// The server refused the statement with an SQLSTATE.
    Server(sqlx::Error),
}

impl Failure {
    /// Classifies an error of a statement that was sent.
    pub(crate) fn of(error: sqlx::Error) -> Self {
        if error.as_database_error().is_some() {
            if ends_session(&error) {
                Self::During(Box::new(error))
            } else {
                Self::Server(error)
            }
        } else if matches!(&error, sqlx::Error::Io(io) if io.kind() == ErrorKind::BrokenPipe) {
            // Only a write fails with this error.
            Self::NotSent(Box::new(error))
        } else if matches!(error, sqlx::Error::Encode(_)) {
            // Encoding fails before anything is sent.
            Self::Before(Box::new(error))
        } else if matches!(
            error,
            sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. }
        ) {
            Self::Unreadable(Box::new(error))
        } else {
            Self::During(Box::new(error))
        }
    }

    /// Converts the failure of a call that writes nothing.
    pub(crate) fn of_read(self) -> StoreError {
        match self {
            Self::Unreadable(source) => StoreError::Corrupt(source),
            Self::Before(source) | Self::NotSent(source) | Self::During(source) => {
                StoreError::Unavailable(source)
            }
            Self::Server(error) => refusal(error),
        }
    }

    /// Converts the failure of a call that writes.
    pub(crate) fn of_write(self) -> StoreError {
        match self {
            Self::Before(source) | Self::NotSent(source) => StoreError::Unavailable(source),
            Self::Unreadable(source) | Self::During(source) => StoreError::Unknown(source),
            Self::Server(error) => refusal(error),
        }
    }

    /// Returns `true` if the time was up: the caller's deadline or the server's
    /// `statement_timeout`.
    pub(crate) fn is_late(&self) -> bool {
        match self {
            Self::Before(source) | Self::During(source) => source.is::<Late>(),
            Self::NotSent(_) | Self::Unreadable(_) => false,
            Self::Server(error) => code(error).as_deref() == Some("57014"),
        }
    }

    pub(crate) const fn is_not_sent(&self) -> bool {
        matches!(self, Self::NotSent(_))
    }

    /// Converts the failure of a preparatory statement: the statement proper was not sent.
    pub(crate) fn before(self) -> Self {
        Self::Before(match self {
            Self::Before(source)
            | Self::NotSent(source)
            | Self::During(source)
            | Self::Unreadable(source) => source,
            Self::Server(error) => Box::new(error),
        })
    }

    /// Returns `true` if the server refused the statement for another reason than its time
    /// limit.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self, Self::Server(_)) && !self.is_late()
    }

    /// Returns `true` if a statement that must be alone in its transaction found one open:
    /// `invalid_transaction_termination`, `in_failed_sql_transaction`.
    pub(crate) fn is_in_transaction(error: &sqlx::Error) -> bool {
        matches!(code(error).as_deref(), Some("2D000" | "25P02"))
    }

    /// Returns `true` if no partition takes a row: a check violation without a constraint.
    pub(crate) fn is_without_partition(&self) -> bool {
        let Self::Server(error) = self else {
            return false;
        };
        code(error).as_deref() == Some("23514")
            && detail_of(error).is_some_and(|error| error.constraint().is_none())
    }

    /// Returns the number of days that usage events would lie on if that exceeds the limit.
    pub(crate) fn too_many_days(&self) -> Option<u64> {
        let Self::Server(error) = self else {
            return None;
        };
        let is_this = code(error).as_deref() == Some(TOO_MANY_DAYS);
        is_this.then(|| detail_of(error)?.detail()?.parse().ok())?
    }

    /// Returns `true` if the same call may succeed when repeated: two transactions collided,
    /// and this one was rolled back completely.
    pub(crate) fn is_collision(&self) -> bool {
        let Self::Server(error) = self else {
            return false;
        };
        let code = code(error);
        // serialization_failure, deadlock_detected; unique_violation of the index on alert
        // keys: the next attempt finds the incident that has the key.
        matches!(code.as_deref(), Some("40001" | "40P01"))
            || (code.as_deref() == Some("23505")
                && detail_of(error)
                    .is_some_and(|error| error.constraint() == Some("incidents_alert")))
    }
}

/// Returns `true` if the server, or a proxy before it, ended the session with its error. The
/// statement may have been executed: a server that stops after a commit reports the same, as
/// does a proxy that lost its server. Any other error is one of the statement, which was rolled
/// back.
fn ends_session(error: &sqlx::Error) -> bool {
    let fatal = detail_of(error)
        .is_some_and(|error| matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic));
    // Connection exceptions, the operator's interventions, statement_completion_unknown.
    let ends = |code: String| code.starts_with("08") || code.starts_with("57P") || code == "40003";
    fatal || code(error).is_some_and(ends)
}

fn code(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

fn detail_of(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

/// Converts a refusal by the server; nothing was written.
fn refusal(error: sqlx::Error) -> StoreError {
    if let Some(known) = refused(&error) {
        return known;
    }
    match code(&error).as_deref() {
        // read_only_sql_transaction
        Some("25006") => StoreError::ReadOnly(Box::new(error)),
        // Data exceptions: a repetition does not help, and the server is healthy.
        Some(code) if code.starts_with("22") => {
            tracing::error!(error = &error as &dyn Error, "the server rejected a value");
            StoreError::Refused("the commit contains a value that the server cannot store")
        }
        _ => StoreError::Unavailable(Box::new(error)),
    }
}

/// Converts a refusal by `incident.apply_commit`, by its SQLSTATE; `None` for other errors.
fn refused(error: &sqlx::Error) -> Option<StoreError> {
    let about = detail_of(error).and_then(PgDatabaseError::detail);
    let id = || about.and_then(|text| text.parse::<uuid::Uuid>().ok());
    Some(match code(error)?.as_str() {
        "INC01" => StoreError::Conflict,
        "INC02" => StoreError::AlertKeyTaken(incident_core::IncidentId::from_uuid(id()?)),
        "INC03" => StoreError::SuggestionOpen(incident_core::SuggestionId::from_uuid(id()?)),
        "INC04" => StoreError::SuggestionClosed,
        "INC05" => StoreError::IdempotencyKeyInUse,
        "INC06" => StoreError::LeaseLost,
        "INC07" => StoreError::NotGivenUp(incident_core::MessageId::from_uuid(id()?)),
        "INC09" => StoreError::CreditMoved(incident_core::CreditId::from_uuid(id()?)),
        "INC08" => StoreError::Refused("the commit conflicts with stored data"),
        _ => return None,
    })
}
