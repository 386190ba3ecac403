//! The parts of a request that a page of the public depends on.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};

use super::edition::Edition;
use crate::document::describe::Describe;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;
use crate::http::html::wants_html;
use crate::web::language::Language;

/// A request for a page of the public.
#[derive(Debug)]
pub(crate) struct EditionRequest {
    pub(super) edition: Edition,
    /// `true` if the reader takes gzip.
    pub(super) is_gzip: bool,
    pub(super) if_none_match: Option<HeaderValue>,
    /// `true` if the reader is a person with a browser, to whom errors are pages.
    pub(super) wants_html: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for EditionRequest {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let chosen = parts.uri.query().and_then(language_of_query);
        let headers = &parts.headers;
        Ok(Self {
            edition: Edition {
                language: chosen.unwrap_or_else(|| Language::preferred(headers)),
                is_chosen: chosen.is_some(),
            },
            is_gzip: accepts_gzip(headers),
            if_none_match: headers.get(header::IF_NONE_MATCH).cloned(),
            wants_html: wants_html(headers),
        })
    }
}

impl Describe for EditionRequest {
    fn describe(_: &mut Operation, _: &mut Schemas) {}
}

/// Returns the language that a query names. An unknown one is ignored: a page in another language
/// is better than none.
fn language_of_query(query: &str) -> Option<Language> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, tag) = pairs.find(|(name, _)| *name == "lang")?;
    Language::of_tag(tag)
}

/// Returns `true` if `Accept-Encoding` allows gzip (RFC 9110, 12.5.3).
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    let codings = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let mut any = false;
    for coding in codings {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let allowed = !is_zero(quality);
        match name.trim() {
            "*" => any = allowed,
            name if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => {
                return allowed;
            }
            _ => {}
        }
    }
    any
}

/// Returns `true` for the parameter `q=0`, whatever its decimals.
fn is_zero(parameter: &str) -> bool {
    let quality = parameter.trim().strip_prefix("q=").unwrap_or("1");
    quality.trim_matches(['0', '.']).is_empty() && quality.starts_with('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        for (accepted, expected) in [
            ("", false),
            ("identity", false),
            ("br", false),
            ("gzip", true),
            ("GZIP;q=0.5, br", true),
            ("br;q=1.0, gzip;q=0", false),
            ("*, gzip; q=0.000", false),
            ("*", true),
            ("*;q=0", false),
            ("deflate, x-gzip", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, accepted.parse().unwrap());
            assert_eq!(accepts_gzip(&headers), expected, "{accepted}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn a_query_names_the_language() {
        for (query, expected) in [
            ("lang=fr", Some(Language::French)),
            ("a=b&lang=de-AT&c", Some(Language::German)),
            ("lang=", None),
            ("lang=xx", None),
            ("language=fr", None),
            ("", None),
        ] {
            assert_eq!(language_of_query(query), expected, "{query}");
        }
    }
}
