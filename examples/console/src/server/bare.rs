//! Responses to malformed requests, as problems like all others.

use std::time::SystemTime;

use axum::http::StatusCode;
use bytes::Bytes;

use incident_axum::Problem;

use super::client::Seen;

/// Returns the status of hyper's own response, from its first bytes.
///
/// hyper distinguishes 414 from 431 by a limit of its own, which is above the limit set here for
/// the whole head: if the request line has no end, the URI is too long.
pub(super) fn status_of(answer: &[u8], seen: Seen) -> StatusCode {
    let code = answer.strip_prefix(b"HTTP/1.1 ");
    let code = code.or_else(|| answer.strip_prefix(b"HTTP/1.0 "));
    let code = code.and_then(|rest| rest.get(..3));
    let status = code.and_then(|code| StatusCode::from_bytes(code).ok());
    match status.unwrap_or(StatusCode::BAD_REQUEST) {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE if seen.has_long_line() => {
            StatusCode::URI_TOO_LONG
        }
        status => status,
    }
}

fn problem(status: StatusCode) -> Problem {
    let (code, detail) = match status {
        StatusCode::REQUEST_TIMEOUT => (
            "request_timeout",
            "timed out waiting for the request headers",
        ),
        StatusCode::URI_TOO_LONG => ("uri_too_long", "the request URL is longer than 32 KiB"),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => (
            "head_too_large",
            "the request headers are larger than 32 KiB, or more than 100",
        ),
        _ => (
            "unreadable",
            "invalid request: expected HTTP/1.1 without TLS",
        ),
    };
    Problem::new(status, code, detail)
}

/// Returns a response as raw bytes. It closes the connection.
pub(super) fn answer(status: StatusCode, seen: Seen) -> Bytes {
    let body = problem(status).body();
    let head = format!(
        "HTTP/1.1 {} {}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nx-content-type-options: nosniff\r\n\
         access-control-allow-origin: *\r\nconnection: close\r\ndate: {}\r\n\r\n",
        status.as_str(),
        status.canonical_reason().unwrap_or("Error"),
        body.len(),
        httpdate::fmt_http_date(SystemTime::now()),
    );
    let mut bytes = head.into_bytes();
    if !seen.is_head {
        bytes.extend(body);
    }
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_line_without_an_end_is_an_address_too_long() {
        let seen = |bytes: &[u8]| {
            let mut seen = Seen::default();
            seen.see(bytes);
            seen
        };
        let (line, none) = (seen(b"GET / HTTP/1.1\r\n"), seen(b"GET /x"));
        for (answer, seen, status) in [
            (&b"HTTP/1.1 431 Request"[..], line, 431),
            (b"HTTP/1.1 431 Request", none, 414),
            // The beginning of the request was not seen.
            (b"HTTP/1.1 431 Request", Seen::default(), 431),
            (b"HTTP/1.1 431 Request", seen(b"xxxx"), 431),
            (b"HTTP/1.1 414 URI", line, 414),
            (b"HTTP/1.0 400 Bad", none, 400),
            (b"HTTP/1.1 ", line, 400),
            (b"", none, 400),
        ] {
            assert_eq!(status_of(answer, seen).as_u16(), status);
        }
    }
}
