//! What an error of the driver means: certainly not written, or unknown.

use std::error::Error;
use std::fmt;
use std::io::ErrorKind;

use incident_core::port::StoreError;
use sqlx::postgres::{PgDatabaseError, PgSeverity};

type BoxedSource = Box<dyn Error + Send + Sync>;

/// A call that did not answer in time.
#[derive(Debug)]
pub(crate) struct Late;

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgreSQL did not answer in time")
    }
}

impl Error for Late {}

/// The error code of a batch whose days would be too many.
pub(crate) const TOO_MANY_DAYS: &str = "INC20";

/// A call that failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Before anything was sent.
    Before(BoxedSource),
    /// The connection was closed before all of the statement was sent. What a server got
    /// of it ends with the connection: it commits at the last message of a statement.
    NotSent(BoxedSource),
    /// While the server may have been at it.
    During(BoxedSource),
    /// The server answered with something that this version does not write.
    Unreadable(BoxedSource),
    /// The server refused, with an error code.
    Server(sqlx::Error),
}

impl Failure {
    /// An error of a statement that was sent.
    pub(crate) fn of(error: sqlx::Error) -> Self {
        if error.as_database_error().is_some() {
            if ends_session(&error) {
                Self::During(Box::new(error))
            } else {
                Self::Server(error)
            }
        } else if matches!(&error, sqlx::Error::Io(io) if io.kind() == ErrorKind::BrokenPipe) {
            // Only writing fails so.
            Self::NotSent(Box::new(error))
        } else if matches!(error, sqlx::Error::Encode(_)) {
            // Nothing was sent yet.
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

    /// A failure of a call that writes nothing.
    pub(crate) fn of_read(self) -> StoreError {
        match self {
            Self::Unreadable(source) => StoreError::Corrupt(source),
            Self::Before(source) | Self::NotSent(source) | Self::During(source) => {
                StoreError::Unavailable(source)
            }
            Self::Server(error) => refusal(error),
        }
    }

    /// A failure of a call that writes.
    pub(crate) fn of_write(self) -> StoreError {
        match self {
            Self::Before(source) | Self::NotSent(source) => StoreError::Unavailable(source),
            Self::Unreadable(source) | Self::During(source) => StoreError::Unknown(source),
            Self::Server(error) => refusal(error),
        }
    }

    /// Whether the time was over: here, or by the server's `statement_timeout`.
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

    /// The same, where it came of something that was sent before what counts.
    pub(crate) fn before(self) -> Self {
        Self::Before(match self {
            Self::Before(source)
            | Self::NotSent(source)
            | Self::During(source)
            | Self::Unreadable(source) => source,
            Self::Server(error) => Box::new(error),
        })
    }

    /// Whether the server refused the statement, and not for taking too long.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self, Self::Server(_)) && !self.is_late()
    }

    /// Whether a statement that must be alone in its transaction found another one open:
    /// `invalid_transaction_termination`, `in_failed_sql_transaction`.
    pub(crate) fn is_in_transaction(error: &sqlx::Error) -> bool {
        matches!(code(error).as_deref(), Some("2D000" | "25P02"))
    }

    /// Whether a row found no partition: a check violation of no constraint.
    pub(crate) fn is_without_partition(&self) -> bool {
        let Self::Server(error) = self else {
            return false;
        };
        code(error).as_deref() == Some("23514")
            && detail_of(error).is_some_and(|error| error.constraint().is_none())
    }

    /// The number of days that usage events would lie on, where that is too many.
    pub(crate) fn too_many_days(&self) -> Option<u64> {
        let Self::Server(error) = self else {
            return None;
        };
        let is_this = code(error).as_deref() == Some(TOO_MANY_DAYS);
        is_this.then(|| detail_of(error)?.detail()?.parse().ok())?
    }

    /// Whether the same call may succeed when it is made again: two
    /// transactions stood in each other's way, and this one was undone whole.
    pub(crate) fn is_collision(&self) -> bool {
        let Self::Server(error) = self else {
            return false;
        };
        let code = code(error);
        // serialization_failure, deadlock_detected; unique_violation of the
        // index on alert keys, whose holder a second look finds.
        matches!(code.as_deref(), Some("40001" | "40P01"))
            || (code.as_deref() == Some("23505")
                && detail_of(error)
                    .is_some_and(|error| error.constraint() == Some("incidents_alert")))
    }
}

/// Whether the server, or a proxy before it, ended the session with its error. What it was
/// doing may have been done: a server that stops after a commit, and a proxy that lost it,
/// say so too. Anything else is an error of the statement, which was then undone.
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

/// What the server's refusal means; certainly nothing was written.
fn refusal(error: sqlx::Error) -> StoreError {
    if let Some(known) = refused(&error) {
        return known;
    }
    match code(&error).as_deref() {
        // read_only_sql_transaction
        Some("25006") => StoreError::ReadOnly(Box::new(error)),
        // Data exceptions: no repetition helps, and the server is well.
        Some(code) if code.starts_with("22") => {
            tracing::error!(
                error = &error as &dyn Error,
                "the server takes no such value"
            );
            StoreError::Refused("it holds a value that the server cannot take")
        }
        _ => StoreError::Unavailable(Box::new(error)),
    }
}

/// The refusals of `incident.apply_commit`, by their error codes.
fn refused(error: &sqlx::Error) -> Option<StoreError> {
    let about = detail_of(error).and_then(PgDatabaseError::detail);
    let id = || about.and_then(|text| text.parse::<uuid::Uuid>().ok());
    Some(match code(error)?.as_str() {
        "INC01" => StoreError::Conflict,
        "INC02" => StoreError::AlertKeyTaken(incident_core::IncidentId::from_uuid(id()?)),
        "INC03" => StoreError::SuggestionOpen(incident_core::SuggestionId::from_uuid(id()?)),
        "INC04" => StoreError::SuggestionUsed,
        "INC05" => StoreError::IdempotencyKeyInUse,
        "INC06" => StoreError::LeaseLost,
        "INC07" => StoreError::NotGivenUp(incident_core::MessageId::from_uuid(id()?)),
        "INC09" => StoreError::CreditMoved(incident_core::CreditId::from_uuid(id()?)),
        "INC08" => StoreError::Refused("the commit contradicts what is stored"),
        _ => return None,
    })
}
