//! A rendered page as the bytes of its responses.

use std::io::Write;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::edition_request::EditionRequest;
use crate::http::cache_control::PUBLIC;
use crate::http::conditions::is_listed;
use crate::http::content_hash::{TAG_DIGITS, content_hash};
use crate::http::escape::Html;
use crate::http::problem::NOSNIFF;

/// The place of the sentence about an old copy. Texts cannot have it, as their markup is escaped.
pub(super) const PLACE: &str = "<!--copy-->";

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");
/// An old copy is soon replaced, and one response is enough for many readers meanwhile.
const SHORT: HeaderValue = HeaderValue::from_static("public, max-age=10");
/// The style sheet comes from this host, the icon is in the page, and nothing else is loaded or run.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
);
const VARY: HeaderValue = HeaderValue::from_static("accept-encoding, accept-language");

/// A page that was rendered.
#[derive(Debug)]
pub(super) struct ReadyPage {
    plain: ReadyBytes,
    gzip: ReadyBytes,
    /// The position of [`PLACE`] in the plain bytes.
    place: usize,
}

/// The bytes of a page in one coding, with the headers of its responses.
#[derive(Debug)]
struct ReadyBytes {
    bytes: Bytes,
    headers: HeaderMap,
    unchanged: HeaderMap,
    etag: HeaderValue,
}

impl ReadyPage {
    /// Prepares the responses of a rendered page.
    pub(super) fn new(html: &str) -> Self {
        let (before, after) = html.split_once(PLACE).unwrap_or((html, ""));
        let plain = [before, after].concat();
        let gzip = compressed(plain.as_bytes());
        Self {
            plain: ReadyBytes::new(plain.into(), None),
            gzip: ReadyBytes::new(gzip.into(), Some(GZIP)),
            place: before.len(),
        }
    }

    /// Responds with the page, or with 304 if the reader has it.
    pub(super) fn respond(&self, request: &EditionRequest) -> Response {
        let ready = if request.is_gzip {
            &self.gzip
        } else {
            &self.plain
        };
        let known = request.if_none_match.as_ref();
        if known.is_some_and(|tags| is_listed(tags, ready.etag.to_str().unwrap_or_default())) {
            let mut response = StatusCode::NOT_MODIFIED.into_response();
            response.headers_mut().clone_from(&ready.unchanged);
            return response;
        }
        let mut response = Response::new(Body::from(ready.bytes.clone()));
        // Cloning a prepared map is much cheaper than inserting the headers one by one.
        response.headers_mut().clone_from(&ready.headers);
        response
    }

    /// Responds with the page as an old copy, on which a sentence says how old it is.
    pub(super) fn respond_old(&self, sentence: &Html) -> Response {
        let (before, after) = self.plain.bytes.split_at(self.place);
        let note = format!("<p class=\"note\" role=\"status\">{}</p>", sentence.0);
        let page = [before, note.as_bytes(), after].concat();
        let mut response = Response::new(Body::from(page));
        *response.headers_mut() = common_headers(SHORT);
        response
    }
}

impl ReadyBytes {
    fn new(bytes: Bytes, coding: Option<HeaderValue>) -> Self {
        let tag = format!("\"{}\"", content_hash(&bytes, TAG_DIGITS));
        let etag = HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""));
        let mut headers = common_headers(PUBLIC);
        headers.insert(header::ETAG, etag.clone());
        let kept: [HeaderName; 3] = [header::ETAG, header::CACHE_CONTROL, header::VARY];
        let unchanged = kept.into_iter().filter_map(|name| {
            let value = headers.get(&name)?.clone();
            Some((name, value))
        });
        let unchanged = unchanged.collect();
        headers.insert(header::CONTENT_LENGTH, bytes.len().into());
        if let Some(coding) = coding {
            headers.insert(header::CONTENT_ENCODING, coding);
        }
        Self {
            bytes,
            headers,
            unchanged,
            etag,
        }
    }
}

/// Returns the headers that every page has.
pub(super) fn common_headers(cache: HeaderValue) -> HeaderMap {
    HeaderMap::from_iter([
        (header::CONTENT_TYPE, HTML),
        (header::CACHE_CONTROL, cache),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::VARY, VARY),
        (header::X_CONTENT_TYPE_OPTIONS, NOSNIFF),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("same-origin"),
        ),
    ])
}

/// Compresses bytes. The result depends on nothing else, such as a time.
fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to a vector does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}
