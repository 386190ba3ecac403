//! Request bodies: size, type, JSON, and errors that name the field.

use std::error::Error;
use std::time::Duration;

use axum::body::Body;
use axum::body::HttpBody as _;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::body_broken::BodyBroken;
use super::body_memory::Reservation;
use super::problem::Problem;
use crate::document::operation::Operation;

/// Maximum size of a body, in bytes, except for usage events.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;

/// The media type of newline-delimited JSON that most senders write.
pub(crate) const NDJSON: &str = "application/x-ndjson";

/// Media types of newline-delimited JSON; none is registered, and all are in use.
const LINES: [&str; 5] = [
    NDJSON,
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonlines",
    "application/jsonlines",
];

/// Maximum length of a field name in a response, in characters; longer names are truncated.
const LONGEST_NAME: usize = 100;

/// The body of a command.
pub(crate) trait CommandBody: DeserializeOwned + JsonSchema + Send {
    /// If `true`, an empty body stands for an object without members.
    const MAY_BE_EMPTY: bool = false;
}

/// Maximum time without a byte of a body. A server may have a deadline of its own.
pub(crate) const SILENCE: Duration = Duration::from_secs(30);

/// Waits for the next bytes of a body; `None` at its end.
///
/// # Errors
/// Returns 400 if the client broke off, and 408 if it sent nothing for too long.
pub(crate) async fn next_data(body: &mut Body) -> Option<Result<Bytes, Problem>> {
    loop {
        let frame = match timeout(SILENCE, body.frame()).await {
            Ok(frame) => frame?,
            Err(_) => return Some(Err(not_read(&BodyBroken::Late))),
        };
        match frame.map(|frame| frame.into_data()) {
            Ok(Ok(data)) => return Some(Ok(data)),
            // Trailers.
            Ok(Err(_)) => {}
            Err(error) => return Some(Err(not_read(&error))),
        }
    }
}

/// Reads a body up to a limit, if there is memory for it.
///
/// # Errors
/// Returns 413 if the body is longer, 503 without memory, 400 if the client broke off, and 408 if
/// it sent nothing for too long.
pub(crate) async fn read(
    mut body: Body,
    limit: usize,
    reservation: &Reservation,
) -> Result<Bytes, Problem> {
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    while let Some(data) = next_data(&mut body).await {
        let data = data?;
        let length = first.len().max(whole.len()) + data.len();
        if length > limit {
            return Err(too_large());
        }
        reservation.reserve(data.len())?;
        // Small bodies arrive as a single frame, which needs no copy.
        if length == data.len() {
            first = data;
            continue;
        }
        if whole.is_empty() {
            whole.extend_from_slice(&first);
        }
        whole.extend_from_slice(&data);
    }
    if whole.is_empty() {
        return Ok(first);
    }
    Ok(whole.freeze())
}

/// Describes the problems of a body that is read and parsed.
pub(crate) fn describe(operation: &mut Operation) {
    describe_read(operation);
    operation.problem(
        StatusCode::BAD_REQUEST,
        "the body is incomplete, or no JSON",
    );
    operation.problem(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "the media type or the coding of the body is not supported",
    );
    operation.problem(
        StatusCode::UNPROCESSABLE_ENTITY,
        "a member is unknown, missing or invalid",
    );
}

/// Describes the problems of [`read`].
pub(crate) fn describe_read(operation: &mut Operation) {
    operation.problem(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large");
    operation.problem(
        StatusCode::REQUEST_TIMEOUT,
        "the body did not arrive in time",
    );
    operation.problem(
        StatusCode::SERVICE_UNAVAILABLE,
        "too many bodies are in memory",
    );
}

/// Returns the problem of a body that could not be read to its end.
#[must_use]
pub(crate) fn not_read(error: &(dyn Error + 'static)) -> Problem {
    let mut cause = Some(error);
    while let Some(error) = cause {
        match error.downcast_ref::<BodyBroken>() {
            Some(BodyBroken::Late) => {
                return Problem::new(
                    StatusCode::REQUEST_TIMEOUT,
                    "request_timeout",
                    "timed out waiting for the request body",
                );
            }
            Some(BodyBroken::Stopping) => {
                return Problem::unavailable("the server is shutting down; retry");
            }
            None => cause = error.source(),
        }
    }
    Problem::unreadable("the request body is incomplete")
}

/// Returns the problem of a body that is too large (413).
#[must_use]
pub(crate) fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        "the request body is too large for this route",
    )
}

/// Returns the media type of a body, without parameters, in lower case.
#[must_use]
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(
        value
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase(),
    )
}

/// Returns `true` if the media type is newline-delimited JSON.
#[must_use]
pub(crate) fn is_lines(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|kind| LINES.contains(&kind.as_str()))
}

/// Returns a text without a byte order mark, which a receiver may ignore (RFC 8259, 8.1).
#[must_use]
pub(crate) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Checks that a body has the media type of JSON.
///
/// # Errors
/// Returns 415 if its type is another one, or missing.
pub(crate) fn must_be_json(headers: &HeaderMap) -> Result<(), Problem> {
    must_be(headers, "expected Content-Type: application/json")
}

/// Checks that a body has the media type of JSON; `send` names the types that the route accepts.
///
/// # Errors
/// Returns 415 if its type is another one, or missing.
pub(crate) fn must_be(headers: &HeaderMap, send: &'static str) -> Result<(), Problem> {
    match media_type(headers).as_deref() {
        Some("application/json") => Ok(()),
        _ => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            send,
        )),
    }
}

/// Parses JSON into a type, after an optional byte order mark.
///
/// # Errors
/// Returns 400 if it is not JSON, and 422 with the field if it does not fit the type.
pub(crate) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    fitting(without_mark(bytes))
}

/// Parses a JSON object into a type. An array is refused: serde would read it as the fields in
/// order.
///
/// # Errors
/// Fails like [`json`], and with 422 if it is JSON but not an object.
pub(crate) fn json_object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    line(without_mark(bytes))
}

/// Parses a line of a stream: an object, without a byte order mark.
///
/// # Errors
/// Fails like [`json_object`].
pub(crate) fn line<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first.is_some_and(|byte| *byte != b'{') {
        fitting::<serde::de::IgnoredAny>(bytes)?;
        return Err(Problem::field("", "expected a JSON object"));
    }
    fitting(bytes)
}

fn fitting<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // Tracking the path of an error makes parsing half as slow again, so only input that does not
    // fit is parsed a second time, with tracking.
    if let Ok(value) = serde_json::from_slice(bytes) {
        return Ok(value);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = match serde_path_to_error::deserialize(&mut deserializer) {
        Ok(value) => value,
        Err(error) => return Err(explain(&error)),
    };
    deserializer.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::unreadable(format!(
        "invalid JSON at line {}, column {}",
        error.line(),
        error.column()
    ))
}

fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let inner = error.inner();
    let message = inner.to_string();
    // The grammar of JSON allows an escaped lone surrogate (RFC 8259, 8.2), but it encodes no
    // character.
    let surrogate =
        message.contains("surrogate") || message.contains("unexpected end of hex escape");
    if !inner.is_data() && !surrogate {
        return not_json(inner);
    }
    let mut pointer = pointer_of(error.path());
    // A missing or unknown field is reported at its object, not at the field.
    if let Some(field) = between_backticks(&message, &["missing field `", "unknown field `"]) {
        let member = format!("/{}", escape(&field));
        if !pointer.ends_with(&member) {
            pointer.push_str(&member);
        }
    }
    let detail = if surrogate {
        "contains an unpaired UTF-16 surrogate".to_owned()
    } else {
        without_value(without_place(&message))
    };
    Problem::field(pointer, detail)
}

fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } => Some(format!("/{}", escape(key))),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

/// Escapes `~` and `/` (RFC 6901), and truncates long names.
fn escape(key: &str) -> String {
    let cut = key.char_indices().nth(LONGEST_NAME);
    let key = cut.and_then(|(at, _)| key.get(..at)).unwrap_or(key);
    key.replace('~', "~0").replace('/', "~1")
}

fn between_backticks(message: &str, starts: &[&str]) -> Option<String> {
    let rest = starts
        .iter()
        .find_map(|start| message.strip_prefix(start))?;
    rest.split('`').next().map(str::to_owned)
}

/// Removes serde's " at line 1 column 2".
fn without_place(message: &str) -> &str {
    message
        .rsplit_once(" at line ")
        .map_or(message, |(message, _)| message)
}

/// Removes the value that serde repeats: it may be a secret in the wrong place. The pointer names
/// the field.
fn without_value(message: &str) -> String {
    let repeats = [
        "invalid type: ",
        "invalid value: ",
        "invalid length ",
        "unknown variant ",
        "unknown field ",
    ];
    let Some(kind) = repeats.iter().find(|kind| message.starts_with(*kind)) else {
        return message.to_owned();
    };
    let expected = message.rsplit_once(", expected ");
    match expected {
        Some((_, expected)) if *kind == "unknown field " => {
            format!("unknown field; expected {expected}")
        }
        Some((_, expected)) => format!("expected {expected}"),
        None if *kind == "unknown field " => "unknown field".to_owned(),
        None => "the value is not valid here".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use incident_core::Title;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the reading is tested")]
    struct Sample {
        title: Title,
        #[serde(default)]
        list: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the reading is tested")]
    struct Inner {
        count: u8,
    }

    fn refused(body: &str) -> (u16, Option<String>) {
        let problem = json_object::<Sample>(body.as_bytes()).unwrap_err();
        (
            problem.status().as_u16(),
            problem.errors().first().map(|error| error.pointer.clone()),
        )
    }

    /// S16: neither the value nor the text after it is repeated.
    #[test]
    fn a_value_is_not_repeated() {
        for body in [
            r#"{"title":"x","list":"canary, expected canary"}"#,
            r#"{"title":"x","list":[{"count":"canary at line 1"}]}"#,
            r#"{"title":{"canary":1}}"#,
            r#"{"title":"x","list":[{"count":6666}]}"#,
            r#"{"title":"x","list":[{"count":66.66}]}"#,
        ] {
            let problem = json_object::<Sample>(body.as_bytes()).unwrap_err();
            let shown = String::from_utf8(problem.body()).unwrap();
            assert!(
                !shown.contains("canary") && !shown.contains("66"),
                "{shown}"
            );
            assert!(shown.contains("expected "), "{shown}");
        }
        let long = format!(r#"{{"title":"x","{}":1}}"#, "n".repeat(9_000));
        let problem = json_object::<Sample>(long.as_bytes()).unwrap_err();
        assert!(problem.body().len() < 500);
    }

    /// L6: a byte order mark is ignored before JSON, and only there.
    #[test]
    fn a_byte_order_mark_is_ignored() {
        let with = |text: &str| format!("\u{feff}{text}").into_bytes();
        assert!(json_object::<Sample>(&with(r#"{"title":"x"}"#)).is_ok());
        assert!(json::<Vec<u8>>(&with("[1]")).is_ok());
        assert!(json::<Vec<u8>>(&with("\u{feff}[1]")).is_err());
        assert!(json::<Vec<u8>>("[\u{feff}1]".as_bytes()).is_err());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, status, pointer) in [
            (r#"{"title":""}"#, 422, Some("/title")),
            (r#"{"title":"a\u0000b"}"#, 422, Some("/title")),
            (r#"{"title":"\ud800"}"#, 422, Some("/title")),
            (r#"{"title":7}"#, 422, Some("/title")),
            ("{}", 422, Some("/title")),
            (r#"{"title":"x","more":1}"#, 422, Some("/more")),
            (
                r#"{"title":"x","list":[{"count":1},{"count":-1}]}"#,
                422,
                Some("/list/1/count"),
            ),
            (
                r#"{"title":"x","list":[{"count":1,"a/b":2}]}"#,
                422,
                Some("/list/0/a~1b"),
            ),
            (r#"{"title":"x""#, 400, None),
            (r#"{"title":"x"} x"#, 400, None),
            ("", 400, None),
            ("[1", 400, None),
            (r#"["x", []]"#, 422, Some("")),
            ("null", 422, Some("")),
        ] {
            assert_eq!(
                refused(body),
                (status, pointer.map(str::to_owned)),
                "{body}"
            );
        }
        assert_eq!(
            json::<Sample>(b"{\"title\":\"\xff\"}")
                .unwrap_err()
                .status()
                .as_u16(),
            400
        );
    }
}
