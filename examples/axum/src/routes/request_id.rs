//! The id of a request: in each of its log lines and in its response.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use tracing::field::Empty;
use uuid::Uuid;

use crate::http::headers::single;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Maximum length of an id that a client sends; longer ones would fill the log.
const MAX_BYTES: usize = 128;

/// Runs a request in a span with its id, and with the trace that it belongs to, if a `traceparent`
/// (W3C Trace Context) says so.
///
/// The id is that of the header `x-request-id` if it is fit for a log, and random otherwise. The
/// response has it too, so that a person who reports an error can name its log lines.
pub(super) async fn with_request_id(request: Request, next: Next) -> Response {
    let id = sent_id(request.headers()).unwrap_or_else(random_id);
    let shown = id.to_str().unwrap_or_default();
    let span =
        tracing::info_span!("request", id = shown, method = %request.method(), trace_id = Empty);
    if let Some(trace) = trace_id(request.headers()) {
        span.record("trace_id", trace);
    }
    let mut response = next.run(request).instrument(span).await;
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

fn sent_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let id = single(headers, REQUEST_ID.as_str()).ok()??;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte);
    let is_fit = (1..=MAX_BYTES).contains(&id.len()) && id.bytes().all(fits);
    is_fit.then(|| HeaderValue::from_str(id).ok())?
}

fn random_id() -> HeaderValue {
    let id = Uuid::new_v4().to_string();
    HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("-"))
}

/// Returns the trace id of a `traceparent`: `VERSION-TRACE-PARENT-FLAGS` in lower-case hex, where a
/// trace of zeros is none.
fn trace_id(headers: &HeaderMap) -> Option<&str> {
    let parent = single(headers, "traceparent").ok()??;
    let mut parts = parent.split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let (parent, flags) = (parts.next()?, parts.next()?);
    let is_hex = |text: &str, length: usize| {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        text.len() == length && text.bytes().all(digit)
    };
    let is_valid = is_hex(version, 2) && version != "ff" && is_hex(parent, 16) && is_hex(flags, 2);
    let is_trace = is_hex(trace, 32) && trace.bytes().any(|byte| byte != b'0');
    (is_valid && is_trace).then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, values: &[&str]) -> HeaderMap {
        let values = values.iter().map(|value| {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            (HeaderName::from_static(name), value)
        });
        HeaderMap::from_iter(values)
    }

    #[test]
    fn ids_that_are_fit_for_a_log_are_taken_over() {
        let long = "a".repeat(MAX_BYTES + 1);
        for (values, taken) in [
            (&[][..], false),
            (&["7b0e1f"], true),
            (&["Root=1-67891233-abcdef012345678912345678"], true),
            (&[""], false),
            (&["two words"], false),
            (&["é"], false),
            (&["\u{9b}2J"], false),
            (&[long.as_str()], false),
            (&[&long[1..]], true),
            (&["one", "two"], false),
        ] {
            let found = sent_id(&headers("x-request-id", values));
            let expected = values.first().filter(|_| taken);
            assert_eq!(
                found.as_ref().map(|id| id.to_str().unwrap()),
                expected.copied(),
                "{values:?}"
            );
        }
        assert_ne!(random_id(), random_id());
    }

    /// The examples of W3C Trace Context, 3.2.2, and what it calls invalid.
    #[test]
    fn a_trace_is_read_from_a_valid_traceparent_only() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        for (value, expected) in [
            (format!("00-{trace}-b7ad6b7169203331-01"), true),
            (format!("01-{trace}-b7ad6b7169203331-01-more"), true),
            (format!("ff-{trace}-b7ad6b7169203331-01"), false),
            (
                format!("00-{}-b7ad6b7169203331-01", trace.to_uppercase()),
                false,
            ),
            (format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)), false),
            (format!("00-{trace}-b7ad6b7169203331"), false),
            (format!("00-{trace}-b7ad-01"), false),
            (trace.to_owned(), false),
        ] {
            let headers = headers("traceparent", &[&value]);
            assert_eq!(trace_id(&headers), expected.then_some(trace), "{value}");
        }
    }
}
