//! The query of a list: known parameters only, each at most once.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use incident_core::port::IncidentFilter;
use incident_core::{Name, Timestamp};
use sha2::{Digest, Sha256};

use super::problem::Problem;

/// Number of items of a page unless the query says otherwise.
pub(crate) const LIMIT: usize = 50;
/// Maximum number of items of a page.
pub(crate) const MAX_LIMIT: usize = 200;
/// Maximum length of a name in a response; longer names are truncated.
const LONGEST_NAME: usize = 100;

/// Maximum length of a query string, in bytes.
pub(crate) const QUERY_BYTES: usize = 4 * 1024;

/// Maximum length of a cursor, in bytes; ours are shorter.
pub(crate) const CURSOR_BYTES: usize = 1024;

/// The query parameters of a request.
#[derive(Debug)]
pub struct Query(BTreeMap<String, String>);

impl Query {
    /// Parses a query string that may contain the `allowed` parameters, `limit` and `cursor`.
    ///
    /// # Errors
    /// Returns 400 if it cannot be decoded, 414 if it is too long, and 422 for an unknown or
    /// repeated parameter.
    pub fn parse(raw: Option<&str>, allowed: &[&str]) -> Result<Self, Problem> {
        Self::parse_known(raw, allowed.iter().copied().chain(["limit", "cursor"]))
    }

    /// Parses a query string that may contain the `known` parameters and no other.
    ///
    /// # Errors
    /// Fails like [`parse`](Self::parse).
    pub(crate) fn parse_known<'a>(
        raw: Option<&str>,
        known: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<Self, Problem> {
        let raw = raw.unwrap_or_default();
        check_length(raw)?;
        let mut found = BTreeMap::new();
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if !known.clone().any(|known| known == name) {
                return Err(unknown(&name, &known.collect::<Vec<_>>()));
            }
            if found.insert(name.clone(), value).is_some() {
                return Err(Problem::field(format!("/{name}"), "given more than once"));
            }
        }
        Ok(Self(found))
    }

    /// Returns the raw value of a parameter; an empty one counts as absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Parses a parameter into a type.
    ///
    /// # Errors
    /// Returns 422 if it is invalid.
    pub fn read<T: std::str::FromStr<Err = incident_core::ValidationError>>(
        &self,
        name: &'static str,
    ) -> Result<Option<T>, Problem> {
        self.get(name)
            .map(|value| {
                value
                    .parse()
                    .map_err(|error: incident_core::ValidationError| error.at(name).into())
            })
            .transpose()
    }

    /// Parses a time.
    ///
    /// # Errors
    /// Returns 422 if it is invalid.
    pub fn time(&self, name: &'static str) -> Result<Option<Timestamp>, Problem> {
        self.read(name)
    }

    /// Reads a name as it may be stored, even one that is no longer accepted for new data.
    ///
    /// # Errors
    /// Returns 422 if no stored name can look like it.
    pub fn name(&self, name: &'static str) -> Result<Option<String>, Problem> {
        let stored = |value: &str| {
            Name::stored(value).map_err(|error| Problem::from(error.at(name)))?;
            Ok(value.to_owned())
        };
        self.get(name).map(stored).transpose()
    }

    /// Reads a search text.
    ///
    /// # Errors
    /// Returns 422 if it is too long or has characters that no stored text can contain.
    pub fn text(&self, name: &'static str) -> Result<Option<String>, Problem> {
        let filter = IncidentFilter {
            text: self.get(name).map(str::to_owned),
            ..IncidentFilter::default()
        };
        filter
            .check()
            .map_err(|error| Problem::from(error.at(name)))?;
        Ok(filter.text)
    }

    /// Parses a number.
    ///
    /// # Errors
    /// Returns 400 if it is not a number.
    pub fn number(&self, name: &str) -> Result<Option<u64>, Problem> {
        let wrong = || {
            Problem::unreadable("the query string contains an invalid number")
                .at(format!("/{name}"), "expected a number")
        };
        self.get(name)
            .map(|value| value.parse().ok().ok_or_else(wrong))
            .transpose()
    }

    /// Parses one of the given words.
    ///
    /// # Errors
    /// Returns 422, with the expected words, if it is none of them.
    pub(crate) fn word<T: Copy>(
        &self,
        name: &str,
        words: &[(&str, T)],
        expected: &str,
    ) -> Result<Option<T>, Problem> {
        let wrong = || Problem::field(format!("/{name}"), expected);
        let read = |value: &str| {
            let known = words.iter().find(|(word, _)| *word == value);
            known.map(|(_, meaning)| *meaning).ok_or_else(wrong)
        };
        self.get(name).map(read).transpose()
    }

    /// Parses `true` or `false`; returns `false` if absent.
    ///
    /// # Errors
    /// Returns 422 if it is neither.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        let known = [("true", true), ("false", false)];
        let flag = self.word(name, &known, "expected true or false")?;
        Ok(flag.unwrap_or(false))
    }

    /// Parses the limit of a list: 1 to 200, 50 if absent.
    ///
    /// # Errors
    /// Returns 400 if it is not an integer, and 422 if it is out of range.
    pub fn limit(&self) -> Result<usize, Problem> {
        let Some(text) = self.get("limit") else {
            return Ok(LIMIT);
        };
        let number: i64 = text.parse().map_err(|_| {
            Problem::unreadable("`limit`: expected a number")
                .at("/limit", "expected a number from 1 to 200")
        })?;
        match usize::try_from(number) {
            Ok(limit @ 1..=MAX_LIMIT) => Ok(limit),
            _ => Err(Problem::field("/limit", "expected a number from 1 to 200")),
        }
    }

    /// Returns the position that the cursor encodes.
    ///
    /// # Errors
    /// Returns 422 if the cursor is not one of ours or was created with other filters.
    pub fn cursor(&self) -> Result<Option<String>, Problem> {
        let Some(text) = self.get("cursor") else {
            return Ok(None);
        };
        if text.len() > CURSOR_BYTES {
            return Err(wrong_cursor());
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().ok_or_else(wrong_cursor)?;
        let (mark, place) = bytes.split_at_checked(8).ok_or_else(wrong_cursor)?;
        if mark != self.cursor_key().mark(place) {
            return Err(wrong_cursor());
        }
        String::from_utf8(place.to_vec())
            .map(Some)
            .ok()
            .ok_or_else(wrong_cursor)
    }

    /// Returns a cursor for a position under these filters.
    #[must_use]
    pub fn cursor_at(&self, place: &str) -> String {
        self.cursor_key().cursor(place)
    }

    /// Returns the key that binds cursors to the filters; `limit` may differ between pages.
    pub(crate) fn cursor_key(&self) -> CursorKey {
        let mut hasher = Sha256::new();
        for (name, value) in self
            .0
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "cursor" | "limit"))
        {
            hasher.update(name.as_bytes());
            hasher.update([0]);
            hasher.update(value.as_bytes());
            hasher.update([0]);
        }
        CursorKey(hasher)
    }
}

/// The key that binds cursors to the filters of a list.
#[derive(Clone, Debug)]
pub(crate) struct CursorKey(Sha256);

impl CursorKey {
    /// Returns a cursor for a position.
    pub(crate) fn cursor(&self, place: &str) -> String {
        let mut bytes = self.mark(place.as_bytes()).to_vec();
        bytes.extend(place.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn mark(&self, place: &[u8]) -> [u8; 8] {
        let mut mark = [0; 8];
        for (to, from) in mark
            .iter_mut()
            .zip(self.0.clone().chain_update(place).finalize())
        {
            *to = from;
        }
        mark
    }
}

/// Returns the problem of a parameter that is not `known`.
fn unknown(name: &str, known: &[&str]) -> Problem {
    let expected = if known.is_empty() {
        "unknown parameter; expected none".to_owned()
    } else {
        format!("unknown parameter; expected one of {}", known.join(", "))
    };
    let name: String = name.chars().take(LONGEST_NAME).collect();
    Problem::field(format!("/{name}"), expected)
}

/// Checks the length of a query string.
///
/// # Errors
/// Returns 414 if it is too long.
pub(crate) fn check_length(raw: &str) -> Result<(), Problem> {
    if raw.len() <= QUERY_BYTES {
        return Ok(());
    }
    let detail = format!("the query string is longer than {QUERY_BYTES} bytes");
    Err(Problem::new(
        StatusCode::URI_TOO_LONG,
        "uri_too_long",
        detail,
    ))
}

/// Returns the problem of a cursor that is not one of ours or was created with other filters.
pub(crate) fn wrong_cursor() -> Problem {
    Problem::field(
        "/cursor",
        "expected a cursor from a response to a request with the same filters",
    )
}

/// Decodes `application/x-www-form-urlencoded`: `+` is a space, `%XX` a byte.
fn decode(text: &str) -> Result<String, Problem> {
    let wrong = || Problem::unreadable("the query string is not valid percent-encoded UTF-8");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || {
                    rest.next()
                        .and_then(|b| char::from(b).to_digit(16))
                        .and_then(|d| u8::try_from(d).ok())
                };
                let (high, low) = (digit().ok_or_else(wrong)?, digit().ok_or_else(wrong)?);
                high * 16 + low
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok().ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(query: Result<impl std::fmt::Debug, Problem>) -> u16 {
        query.unwrap_err().status().as_u16()
    }

    #[test]
    fn parameters_are_known_and_single() {
        let query = Query::parse(Some("tenant=a%2Fb+c&limit=7"), &["tenant"]).unwrap();
        assert_eq!(
            (query.get("tenant"), query.limit().unwrap()),
            (Some("a/b c"), 7)
        );
        assert_eq!(status(Query::parse(Some("other=1"), &["tenant"])), 422);
        assert_eq!(
            status(Query::parse(Some("tenant=1&tenant=2"), &["tenant"])),
            422
        );
        for bad in ["tenant=%", "tenant=%zz", "tenant=%ff"] {
            assert_eq!(status(Query::parse(Some(bad), &["tenant"])), 400);
        }
        for (limit, expected) in [("x", 400), ("0", 422), ("201", 422), ("-1", 422)] {
            assert_eq!(
                status(
                    Query::parse(Some(&format!("limit={limit}")), &[])
                        .unwrap()
                        .limit()
                ),
                expected
            );
        }
    }

    #[test]
    fn a_cursor_belongs_to_its_filters() {
        let query = Query::parse(Some("tenant=a&limit=5"), &["tenant"]).unwrap();
        let cursor = query.cursor_at("place");
        let with = |filters: &str| {
            Query::parse(Some(&format!("{filters}&cursor={cursor}")), &["tenant"])
                .unwrap()
                .cursor()
        };
        assert_eq!(with("tenant=a&limit=9").unwrap().as_deref(), Some("place"));
        assert_eq!(status(with("tenant=b")), 422);
        for bad in ["x", "AAAA", "%25", "AAAAAAAAAAAAAAAA"] {
            assert_eq!(
                status(
                    Query::parse(Some(&format!("cursor={bad}")), &[])
                        .unwrap()
                        .cursor()
                ),
                422
            );
        }
    }
}
