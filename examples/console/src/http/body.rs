//! Bodies: size, type, JSON, and errors that name the field.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::problem::Problem;

/// The limit of a body, but for usage events.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// Reads a body up to a limit.
///
/// # Errors
/// 413 where it is longer, 400 where the client broke off.
pub async fn read(body: Body, limit: usize) -> Result<Bytes, Problem> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => Err(too_large()),
        Err(_) => Err(Problem::unreadable("the body could not be read to its end")),
    }
}

/// 413.
#[must_use]
pub fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        "the body is larger than this route takes",
    )
}

/// The media type of a body, without parameters, in lower case.
#[must_use]
pub fn media_type(headers: &HeaderMap) -> Option<String> {
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

/// 415 unless a body is JSON.
///
/// # Errors
/// Its type is another one, or missing.
pub fn must_be_json(headers: &HeaderMap) -> Result<(), Problem> {
    match media_type(headers).as_deref() {
        Some("application/json") => Ok(()),
        _ => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "send application/json",
        )),
    }
}

/// Reads JSON into a type.
///
/// # Errors
/// 400 where it is not JSON, 422 with the field where it is but does not fit.
pub fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // Where the place of an error is kept track of, reading takes half as long again: what
    // does not fit is read twice instead.
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

/// Reads a JSON object into a type: an array would be taken for the type's fields
/// in their order, which nobody means.
///
/// # Errors
/// Those of [`json`]; 422 where it is JSON but no object.
pub fn json_object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first.is_some_and(|byte| *byte != b'{') {
        json::<serde::de::IgnoredAny>(bytes)?;
        return Err(Problem::field("", "expected a JSON object"));
    }
    json(bytes)
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::unreadable(format!(
        "the body is not JSON: line {}, column {}",
        error.line(),
        error.column()
    ))
}

fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let inner = error.inner();
    let message = inner.to_string();
    // The grammar of JSON allows an escaped lone surrogate (RFC 8259, 8.2), but
    // it stands for no text.
    let surrogate =
        message.contains("surrogate") || message.contains("unexpected end of hex escape");
    if !inner.is_data() && !surrogate {
        return not_json(inner);
    }
    let mut pointer = pointer_of(error.path());
    // The place of a missing or unknown field is that of its object.
    if let Some(field) = between_backticks(&message, &["missing field `", "unknown field `"]) {
        let member = format!("/{}", escape(&field));
        if !pointer.ends_with(&member) {
            pointer.push_str(&member);
        }
    }
    let detail = if surrogate {
        "a lone surrogate is no text".to_owned()
    } else {
        without_place(&message)
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

/// RFC 6901: `~` and `/` are escaped.
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn between_backticks(message: &str, starts: &[&str]) -> Option<String> {
    let rest = starts
        .iter()
        .find_map(|start| message.strip_prefix(start))?;
    rest.split('`').next().map(str::to_owned)
}

/// Drops serde's " at line 1 column 2".
fn without_place(message: &str) -> String {
    message
        .split(" at line ")
        .next()
        .unwrap_or(message)
        .to_owned()
}

/// For fields of a `PATCH`: tells an absent field (`None`) from `null` (`Some(None)`).
///
/// # Errors
/// Those of the value.
pub fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use incident_core::Title;

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
