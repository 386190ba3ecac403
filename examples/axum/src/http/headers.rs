//! Reading of headers.

use axum::http::HeaderMap;

/// The error of a header that must occur once but occurs several times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Repeated;

/// Returns the only value of a header; an empty text if it is not visible ASCII.
///
/// # Errors
/// Returns [`Repeated`] if there is more than one.
pub(crate) fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Repeated> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    match values.next() {
        Some(_) => Err(Repeated),
        None => Ok(first.map(|value| value.to_str().unwrap_or_default())),
    }
}
