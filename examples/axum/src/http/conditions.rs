//! The headers `If-Match`, `If-None-Match` and `Idempotency-Key`.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{FromRequest, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use incident_core::actor::Caller;
use incident_core::engine::{IdempotencyKey, RequestContext};
use incident_core::{ValidationError, Version};
use serde_json::json;
use tokio::sync::OwnedMutexGuard;

use super::problem::Problem;
use crate::document::describe::Describe;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Maximum time that a request waits for another one with the same key.
const MAX_KEY_WAIT: Duration = Duration::from_secs(2);

/// Reads the versions that `If-Match` allows; `None` allows any version.
///
/// # Errors
/// Returns 400 if the header cannot be parsed.
fn if_match(headers: &HeaderMap) -> Result<Option<Vec<Version>>, Problem> {
    let wrong = || Problem::unreadable("If-Match: expected `*` or quoted ETags");
    let Some(value) = headers.get(header::IF_MATCH) else {
        return Ok(None);
    };
    let text = value.to_str().ok().ok_or_else(wrong)?.trim();
    if text == "*" {
        return Ok(None);
    }
    let mut versions = Vec::new();
    // Empty elements of a list are ignored (RFC 9110, 5.6.1).
    let tags = text.split(',').map(str::trim);
    for tag in tags.filter(|tag| !tag.is_empty()) {
        // A weak tag never matches strongly (RFC 9110, 13.1.1), nor does a tag that is not a
        // version.
        let quoted = tag.strip_prefix("W/").unwrap_or(tag);
        let inside = quoted
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .ok_or_else(wrong)?;
        if !tag.starts_with("W/") {
            versions.extend(inside.parse::<u64>().ok().map(Version));
        }
    }
    Ok(Some(versions))
}

/// Returns whether `If-None-Match` contains this tag, by weak comparison (RFC 9110, 13.1.2).
#[must_use]
pub(crate) fn none_match(headers: &HeaderMap, etag: &str) -> bool {
    let tags = headers.get(header::IF_NONE_MATCH);
    tags.is_some_and(|tags| is_listed(tags, etag))
}

/// Returns whether a list of tags contains this one, by weak comparison.
#[must_use]
pub(crate) fn is_listed(tags: &HeaderValue, etag: &str) -> bool {
    let mut tags = tags.to_str().unwrap_or_default().split(',').map(str::trim);
    tags.any(|tag| tag == "*" || opaque(tag) == opaque(etag))
}

fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// A request to which 304 is a response.
#[derive(Debug)]
pub(crate) struct Conditional(pub(crate) Request);

impl<S: Send + Sync> FromRequest<S> for Conditional {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
        Ok(Self(request))
    }
}

impl Describe for Conditional {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.header(
            "If-None-Match",
            "ETags of stored responses, or `*`.",
            json!({ "type": "string" }),
        );
        operation.answer_header("ETag", "The tag of this representation.");
    }
}

/// Describes the conditions of a command; `is_versioned` if it accepts `If-Match`.
pub(crate) fn describe(operation: &mut Operation, is_versioned: bool) {
    let bad = StatusCode::BAD_REQUEST;
    operation.header(
        "Idempotency-Key",
        "A repeat with the same key and body within 24 hours gets the response of the first.",
        json!({ "type": "string", "minLength": 1, "maxLength": IdempotencyKey::MAX_LEN, "pattern": "^[!-~]+$" }),
    );
    operation.problem(bad, "the idempotency key is unreadable");
    operation.problem(
        StatusCode::CONFLICT,
        "a request with this idempotency key is in progress",
    );
    operation.problem(
        StatusCode::UNPROCESSABLE_ENTITY,
        "the idempotency key was used for another request",
    );
    operation.answer_header(
        "Idempotent-Replayed",
        "`true` if this is the response of an earlier request with the same key.",
    );
    if is_versioned {
        operation.header(
            "If-Match",
            "ETags of the incident, or `*`.",
            json!({
                "type": "string",
                "minLength": 1,
                "pattern": "^(?:[*]|\"[0-9]{1,19}\"(?:, \"[0-9]{1,19}\")*)$",
                "example": "\"3\"",
            }),
        );
        operation.problem(bad, "`If-Match` is unreadable");
        operation.problem(
            StatusCode::PRECONDITION_FAILED,
            "the incident was changed; reload and retry",
        );
    }
}

/// Reads the conditions of a request: `If-Match` and `Idempotency-Key`.
///
/// # Errors
/// Returns 400 if one of them cannot be parsed.
pub(crate) fn read(
    context: &mut RequestContext,
    parts: &Parts,
    body: &[u8],
) -> Result<(), Problem> {
    context.if_version = if_match(&parts.headers)?;
    context.key = idempotency(&context.caller, parts, body)?;
    Ok(())
}

/// Reads the idempotency key of a request, with its scope.
///
/// # Errors
/// Returns 400 if the header cannot be parsed.
fn idempotency(
    caller: &Caller,
    parts: &Parts,
    body: &[u8],
) -> Result<Option<IdempotencyKey>, Problem> {
    let wrong = || {
        Problem::unreadable(
            "Idempotency-Key: expected one value of 1 to 255 visible ASCII characters",
        )
    };
    let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let key = value.to_str().ok().ok_or_else(wrong)?;
    if values.next().is_some() {
        return Err(wrong());
    }
    key_of_request(caller, parts, key, body)
        .map(Some)
        .map_err(|_| wrong())
}

/// Creates the idempotency key of a request: another method, path or body is another request.
///
/// # Errors
/// Fails if the key is empty, too long, or has other characters than visible ASCII.
pub(crate) fn key_of_request(
    caller: &Caller,
    parts: &Parts,
    key: &str,
    body: &[u8],
) -> Result<IdempotencyKey, ValidationError> {
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    let request = [method.as_bytes(), path.as_bytes(), body];
    IdempotencyKey::new(caller.actor.name.clone(), key, &request)
}

type Locks = Mutex<HashMap<IdempotencyKey, Arc<tokio::sync::Mutex<()>>>>;

/// Locks of idempotency keys: a second request with a key waits for the first.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyLocks(Arc<Locks>);

impl KeyLocks {
    /// Waits until no other request with this key is running.
    ///
    /// # Errors
    /// Returns 409 if the other request takes longer than two seconds.
    pub(crate) async fn lock(&self, key: &IdempotencyKey) -> Result<OwnedMutexGuard<()>, Problem> {
        let lock = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // A strong count of 1 means that no request uses the key.
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(locks.entry(key.clone()).or_default())
        };
        tokio::time::timeout(MAX_KEY_WAIT, lock.lock_owned())
            .await
            .map_err(|_| {
                Problem::new(
                    StatusCode::CONFLICT,
                    "key_in_flight",
                    "a request with this idempotency key is still in progress; retry later",
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn tags_are_read() {
        let read = |text: &str| {
            if_match(&with(header::IF_MATCH, text)).map_err(|problem| problem.status().as_u16())
        };
        assert_eq!(read("\"3\", \"4\""), Ok(Some(vec![Version(3), Version(4)])));
        assert_eq!(read("*"), Ok(None));
        assert_eq!(read("W/\"3\""), Ok(Some(vec![])));
        assert_eq!(read("\"other\""), Ok(Some(vec![])));
        assert_eq!(read("3"), Err(400));
        assert_eq!(read(", \"3\","), Ok(Some(vec![Version(3)])));
        assert_eq!(read(""), Ok(Some(vec![])));
    }
}
