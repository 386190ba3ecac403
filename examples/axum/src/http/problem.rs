//! Error responses as `application/problem+json` (RFC 9457).

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use incident_core::ValidationError;
use incident_core::actor::Action;
use incident_core::engine::Error;
use incident_core::incident::Refusal;
use incident_core::port::{StoreError, UsageError};
use schemars::JsonSchema;
use serde::Serialize;

/// Value of `X-Content-Type-Options` that disables content sniffing.
pub const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// An error in one value of the input.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct FieldError {
    /// JSON pointer to the value (RFC 6901); `/name` for a query parameter.
    pub pointer: String,
    /// The expected value.
    pub detail: String,
}

/// A problem to respond with. It never repeats a path or an id.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    /// For a stream that ended early: the line, and the number of events accepted before it.
    stream: Option<(u64, u64)>,
    /// Value of `Retry-After`, in seconds, if known.
    retry_after: Option<u32>,
    /// Accepted content codings, if the body had another one.
    codings: Option<&'static str>,
}

/// A problem (RFC 9457).
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "Problem")]
pub(crate) struct ProblemBody<'a> {
    /// A URN with the code.
    r#type: String,
    /// The status in words.
    title: &'a str,
    /// The status of the response.
    #[schemars(range(min = 400, max = 599))]
    status: u16,
    /// A sentence for people.
    detail: &'a str,
    /// A word for programs.
    code: &'a str,
    /// Errors in values of the input.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    /// The line at which a stream ended early.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    /// Number of events accepted before that line.
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<u64>,
}

impl Problem {
    /// Creates a problem with a status, a code for programs and a sentence for people.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            stream: None,
            retry_after: None,
            codings: None,
        }
    }

    /// Creates a problem of 400, for input that cannot be parsed at all.
    #[must_use]
    pub fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "unreadable", detail)
    }

    /// Creates a problem of 404.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("{what} not found"),
        )
    }

    /// Creates a problem of 500, for a fault of the server.
    pub(crate) fn internal(detail: &str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// Creates a problem of 503, which clients may retry.
    #[must_use]
    pub fn unavailable(detail: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
    }

    /// Creates a problem of 422 about one value.
    #[must_use]
    pub fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "validation failed; see `errors`",
        )
        .at(pointer, detail)
    }

    /// Adds an error about a value.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.errors.push(FieldError {
            pointer: pointer.into(),
            detail: detail.into(),
        });
        self
    }

    /// Adds the errors of another problem about values that this one does not name.
    #[must_use]
    pub(crate) fn with_errors_of(mut self, other: &Self) -> Self {
        for error in &other.errors {
            if self.errors.iter().all(|one| one.pointer != error.pointer) {
                self.errors.push(error.clone());
            }
        }
        self
    }

    /// Sets the line at which a stream ended early, and the number of events accepted before it.
    #[must_use]
    pub const fn after(mut self, line: u64, accepted: u64) -> Self {
        self.stream = Some((line, accepted));
        self
    }

    /// Sets the time after which a retry is worthwhile.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        // Rounded up, so that a client that waits this long is not too early.
        let more = u64::from(wait.subsec_nanos() > 0);
        let seconds = u32::try_from(wait.as_secs().saturating_add(more));
        self.retry_after = Some(seconds.unwrap_or(u32::MAX));
        self
    }

    /// Sets the accepted content codings (RFC 9110, 12.5.3).
    #[must_use]
    pub const fn accepting(mut self, codings: &'static str) -> Self {
        self.codings = Some(codings);
        self
    }

    /// Returns the errors by value.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// Returns the code for programs.
    #[must_use]
    pub(crate) const fn code(&self) -> &'static str {
        self.code
    }

    /// Sets the pointer of each error to that of the field of a form which holds the value.
    #[must_use]
    pub(crate) fn at_fields(mut self, field: impl Fn(&str) -> Option<&'static str>) -> Self {
        for error in &mut self.errors {
            if let Some(name) = field(&error.pointer) {
                error.pointer = format!("/{name}");
            }
        }
        self
    }

    /// Returns the sentence for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Returns the status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }
}

impl Problem {
    /// Returns the JSON of the problem.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let body = ProblemBody {
            r#type: format!("urn:incident:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            errors: &self.errors,
            line: self.stream.map(|(line, _)| line),
            accepted: self.stream.map(|(_, accepted)| accepted),
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

/// Passes problems of the server on, so that only those are left that the client can mend.
///
/// # Errors
/// Returns the problem if it is one of the server (5xx).
pub(crate) fn client_problems<T>(
    outcome: Result<T, Problem>,
) -> Result<Result<T, Problem>, Problem> {
    match outcome {
        Err(problem) if problem.status().is_server_error() => Err(problem),
        outcome => Ok(outcome),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body()).into_response();
        // Pages for people are made from it.
        response.extensions_mut().insert(self.clone());
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        if let Some(codings) = self.codings {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(codings));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let unavailable = self.status == StatusCode::SERVICE_UNAVAILABLE;
        if let Some(seconds) = self.retry_after.or_else(|| unavailable.then_some(2)) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<ValidationError> for Problem {
    fn from(invalid: ValidationError) -> Self {
        Self::field(
            format!("/{}", invalid.field()),
            format!("expected {}", invalid.expected()),
        )
    }
}

impl From<Error> for Problem {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "whatever else goes wrong is not the client's doing"
    )]
    fn from(error: Error) -> Self {
        let status = error.http_status();
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        match error {
            Error::NotFound(what) => Self::not_found(what),
            Error::Forbidden(Action::OverrideRole) => Self::new(
                status,
                "forbidden",
                "only the person who holds a role, the incident commander or a caller with the permission `override_role` may take the role from its holder",
            ),
            Error::Forbidden(action) => Self::new(
                status,
                "forbidden",
                format!("your role lacks the permission `{}`", action.name()),
            ),
            Error::Refused(Refusal::Invalid(invalid)) => invalid.into(),
            Error::Refused(Refusal::WrongState { code, detail }) => Self::new(status, code, detail),
            Error::VersionMismatch => Self::new(
                status,
                "version_mismatch",
                "the incident was changed; reload it and retry",
            ),
            Error::IdempotencyKeyMismatch => Self::new(
                status,
                "idempotency_key_reused",
                "the idempotency key was already used for a different request",
            ),
            Error::TestPageOpen { ends_in } => Self::new(
                status,
                "test_page_open",
                "a test page is already in progress; retry when it has ended",
            )
            .retry_after(ends_in),
            Error::NotConfigured(what) => Self::new(status, "not_configured", what),
            Error::Store(error) => of_store(status, error),
            Error::Usage(error) => of_usage(status, error),
            other => away(&other),
        }
    }
}

/// Returns the problem of an error of the store.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else goes wrong is not the client's doing"
)]
fn of_store(status: StatusCode, error: StoreError) -> Problem {
    match error {
        StoreError::Corrupt(source) => {
            tracing::error!(
                error = source.as_ref() as &dyn std::error::Error,
                "stored data is corrupt; run `incident-console verify`"
            );
            Problem::new(status, "corrupt", "stored data is corrupt")
        }
        // A retry cannot help: a check on our side let invalid data through.
        error @ StoreError::Refused(_) => {
            log_failure(&Error::Store(error));
            Problem::new(status, "internal", "internal error; see the server log")
        }
        StoreError::ReadOnly(source) => {
            tracing::error!(
                error = source.as_ref() as &dyn std::error::Error,
                "the database is read-only"
            );
            let detail = format!("the database is read-only: {source}");
            Problem::new(status, "read_only", detail)
        }
        _ if status == StatusCode::CONFLICT => Problem::new(
            status,
            "conflict",
            "the incident was changed concurrently; retry",
        ),
        error @ StoreError::Unknown(_) => {
            log_failure(&Error::Store(error));
            Problem::unavailable(
                "it is unknown whether the request took effect; retry it with the same Idempotency-Key, or read the incident",
            )
        }
        other => away(&Error::Store(other)),
    }
}

/// Returns the problem of an error of the usage source.
fn of_usage(status: StatusCode, error: UsageError) -> Problem {
    match error {
        UsageError::Full { .. } => Problem::new(status, "usage_full", error.to_string()),
        UsageError::TooManyDays { .. } => Problem::new(
            status,
            "too_many_days",
            format!("{error}; delete days of usage events that are no longer needed"),
        )
        .at(
            "/occurred_at",
            "expected events of fewer days, or of days that are already stored",
        ),
        UsageError::Unavailable(source) => {
            tracing::error!(
                error = source.as_ref() as &dyn std::error::Error,
                "the usage source is unavailable"
            );
            Problem::unavailable("the usage source is unavailable; retry")
        }
        UsageError::QueryTimedOut { .. } => Problem::new(
            status,
            "usage_timeout",
            format!("{error}; request an estimate, fewer tenants or a shorter period"),
        ),
        // Of a batch or a list of tenants, which a client repeats as it was.
        UsageError::TimedOut => Problem::unavailable("the usage source timed out; retry"),
        UsageError::Refused(why) => Problem::new(status, "usage_refused", why),
        other => away(&Error::Usage(other)),
    }
}

fn away(error: &Error) -> Problem {
    log_failure(error);
    Problem::unavailable("the database is unavailable; retry")
}

fn log_failure(error: &Error) {
    tracing::error!(error = error as &dyn std::error::Error, "a request failed");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inner() -> Box<dyn std::error::Error + Send + Sync> {
        "c4n4ry".into()
    }

    /// L14: each failure of a store or of a source says what to do, and nothing of the inside.
    #[test]
    fn failures_say_what_to_do() {
        for (error, status, code, detail) in [
            (
                StoreError::Unknown(inner()).into(),
                503,
                "unavailable",
                "same Idempotency-Key",
            ),
            (
                StoreError::Unavailable(inner()).into(),
                503,
                "unavailable",
                "retry",
            ),
            (
                StoreError::Corrupt(inner()).into(),
                500,
                "corrupt",
                "stored data is corrupt",
            ),
            (
                StoreError::Refused("c4n4ry").into(),
                500,
                "internal",
                "internal error",
            ),
            (StoreError::Conflict.into(), 409, "conflict", "retry"),
            (
                UsageError::TimedOut.into(),
                503,
                "unavailable",
                "timed out; retry",
            ),
            (
                UsageError::Unavailable(inner()).into(),
                503,
                "unavailable",
                "retry",
            ),
        ] {
            let error: Error = error;
            let shown = format!("{error:?}");
            let problem = Problem::from(error);
            assert_eq!(
                (problem.status.as_u16(), problem.code),
                (status, code),
                "{shown}"
            );
            assert!(
                problem.detail.contains(detail),
                "{shown}: {}",
                problem.detail
            );
            assert!(!problem.detail.contains("c4n4ry"), "{shown}");
        }
    }
}
